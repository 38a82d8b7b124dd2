"""A whole training run on a tiny data set: what it writes, and that it is what it says."""

import csv
import json
import os
import re

import keras
import numpy as np
import pytest
from tiny_network import TinyNetwork

from keras_seattn.data import Catalog, VideoError, hold_out, load_ucf101, train_clips
from keras_seattn.evaluation import DivergedError, evaluate
from keras_seattn.evaluation.figures import plot_clips
from keras_seattn.preprocessing import TORCHVISION, preprocess_input
from keras_seattn.training import fit, paper_recipe, quick_recipe, run, train
from keras_seattn.training.fitting import compile_model

pytestmark = pytest.mark.usefixtures("eagerly")

PLAIN = {"se_stages": (), "sa_stages": ()}


def test_a_run(tiny_ucf101, tmp_path):
    keras.utils.set_random_seed(0)
    train_catalog, test_catalog = (load_ucf101(*tiny_ucf101, subset=s) for s in ("train", "test"))
    output = str(tmp_path / "run")
    recipe = paper_recipe(frames=8, batch_size=6)
    model = TinyNetwork()
    result = train(
        model, recipe, train_catalog, test_catalog, output, epochs=2, batch_size=6, seed=0
    )
    files = {name for name in os.listdir(output) if not name.startswith(("confused_", "."))}
    assert files == {
        "report.html",
        "precision_recall.png",
        "per_class.csv",
        "model.keras",
        "best.keras",
        "history.csv",
        "clips.png",
        "state.npz",
        "steps.csv",
        "resumptions.csv",
        "training_curves.png",
        "tensorboard",
        "metrics.json",
        "videos.csv",
        "scores.npz",
        "confusion_matrix.png",
        "videos.png",
    }
    with open(os.path.join(output, "history.csv"), encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    assert {"loss", "clip_top1", "val_loss", "val_clip_top1", "val_top1"} <= set(rows[0])
    with open(os.path.join(output, "metrics.json"), encoding="utf-8") as file:
        metrics = json.load(file)
    assert metrics["video_top1"] == result.top1 == float(rows[1]["val_top1"])
    assert metrics["clip_top1"] == pytest.approx(float(rows[1]["val_clip_top1"]))
    assert metrics["clip_loss"] == pytest.approx(float(rows[1]["val_loss"]), rel=1e-5)
    reloaded = keras.models.load_model(os.path.join(output, "model.keras"))
    assert reloaded.class_names == ("Jump", "Walk")
    np.testing.assert_allclose(
        evaluate(reloaded, test_catalog, progress=False).scores, result.scores, atol=1e-6
    )
    best = min(range(2), key=lambda i: float(rows[i]["val_loss"]))
    reloaded = keras.models.load_model(os.path.join(output, "best.keras"))
    loss = evaluate(reloaded, test_catalog, progress=False).loss
    assert loss == pytest.approx(float(rows[best]["val_loss"]), rel=1e-5)

    os.remove(os.path.join(output, "state.npz"))
    with pytest.raises(FileExistsError, match=r"holds a trained model, and no state\.npz"):
        train(model, recipe, train_catalog, test_catalog, output, epochs=1)


@pytest.mark.parametrize("batch_size, clips_per_open, count", [(4, 1, 6), (6, 3, 15)])
def test_what_the_network_is_fed_is_drawn_and_changes_nothing(
    batch_size, clips_per_open, count, tiny_ucf101, tmp_path, monkeypatch
):
    catalogs = [load_ucf101(*tiny_ucf101, subset=subset) for subset in ("train", "test")]
    drawn = []
    monkeypatch.setattr(run, "plot_clips", lambda *words: drawn.append(words) or plot_clips(*words))
    settings = {"batch_size": batch_size, "seed": 0, "clips_per_open": clips_per_open}

    def model():
        keras.utils.set_random_seed(0)
        model = TinyNetwork(**PLAIN)
        model.preprocessing = TORCHVISION
        return model

    for epochs in (1, 2):  # and gone on with
        train(model(), paper_recipe(8, 4), *catalogs, tmp_path, epochs=epochs, **settings)
    frames, names, path = drawn.pop()
    assert not drawn and path == str(tmp_path / "clips.png")
    assert "What the network was fed" in (tmp_path / "report.html").read_text()
    # Over several steps, or part of a batch: whole openings, up to 16 or as many as there are.
    clips = train_clips(
        catalogs[0], 8, 16, count, seed=0, preprocessing=TORCHVISION, clips_per_open=clips_per_open
    )
    expected, labels = next(iter(clips))
    np.testing.assert_allclose(preprocess_input(frames, preprocessing=TORCHVISION), expected)
    assert names == [catalogs[0].class_names[label] for label in labels]
    rows = list(csv.DictReader((tmp_path / "history.csv").read_text().splitlines()))
    history = fit(model(), paper_recipe(8, 4), *catalogs, epochs=2, verbose=0, **settings).history
    assert [float(row["loss"]) for row in rows] == history["loss"]


def test_validated_on_videos_that_are_not_tested_on(tiny_ucf101, tmp_path):
    training, validation = hold_out(load_ucf101(*tiny_ucf101), 0.3)
    test = load_ucf101(*tiny_ucf101, subset="test")
    arguments = paper_recipe(8, 4), training, test, tmp_path
    settings = {"epochs": 2, "batch_size": 4, "seed": 0}
    result = train(TinyNetwork(), *arguments, validation_catalog=validation, **settings)
    rows = list(csv.DictReader((tmp_path / "history.csv").read_text().splitlines()))
    assert len(validation) == 2 and result.videos == 6
    losses = [float(row["val_loss"]) for row in rows]
    for name, loss in (("model.keras", losses[-1]), ("best.keras", min(losses))):
        model = keras.models.load_model(tmp_path / name)
        assert evaluate(model, validation, progress=False).loss == pytest.approx(loss, rel=1e-5)
    model = keras.models.load_model(tmp_path / "model.keras")
    assert evaluate(model, test, progress=False).loss == pytest.approx(result.loss, rel=1e-5)
    told = "2 videos held apart from the test videos"
    assert json.loads((tmp_path / "metrics.json").read_text())["validated_on"] == told
    assert f"Validated on {told}." in (tmp_path / "report.html").read_text()
    with pytest.raises(ValueError, match=r"\nvalidation videos: Catalog of 2, .*, None now"):
        train(TinyNetwork(), *arguments, **settings)


@pytest.mark.parametrize("broken", ["test", "validation"])
def test_every_video_is_opened_before_the_first_epoch(broken, tiny_ucf101, tmp_path):
    training, validation = hold_out(load_ucf101(*tiny_ucf101), 0.3)
    test = load_ucf101(*tiny_ucf101, subset="test")
    path = {"test": test, "validation": validation}[broken].paths[0]
    with open(path, "r+b") as file:
        file.truncate(2000)
    arguments = TinyNetwork(**PLAIN), paper_recipe(8, 4), training, test, tmp_path / "run"
    with pytest.raises(VideoError, match=re.escape(path)):
        train(*arguments, epochs=1, validation_catalog=validation)
    assert not (tmp_path / "run" / "history.csv").exists()


def test_classes_to_validate_on_are_matched_by_name(tiny_ucf101):
    train_catalog, test_catalog = (load_ucf101(*tiny_ucf101, subset=s) for s in ("train", "test"))
    turned = Catalog(test_catalog.paths, 1 - test_catalog.labels, ["Walk", "Jump"])
    only = Catalog(test_catalog.paths[:3], [0, 0, 0], ["Jump"])
    losses = []
    for catalog in (test_catalog, turned, only):
        keras.utils.set_random_seed(0)
        model = TinyNetwork(**PLAIN)
        history = fit(
            model,
            paper_recipe(8, 6),
            train_catalog,
            catalog,
            epochs=1,
            batch_size=6,
            seed=0,
            verbose=0,
        )
        losses.append(history.history["val_loss"][0])
    assert losses[0] == losses[1] != losses[2]


def test_what_does_not_fit_is_refused_before_anything_is_written(tiny_ucf101, tmp_path):
    catalog = load_ucf101(*tiny_ucf101)
    other = Catalog(catalog.paths, catalog.labels, ["Jump", "Run"])
    output = str(tmp_path / "run")
    recipe = paper_recipe(frames=8)
    with pytest.raises(ValueError, match="are none of the training data: "):
        train(TinyNetwork(**PLAIN), recipe, catalog, other, output, epochs=1)
    with pytest.raises(ValueError, match="`model` has 3 outputs, but the catalogs have 2 classes"):
        model = TinyNetwork(classes=3, **PLAIN)
        train(model, recipe, catalog, catalog, output, epochs=1)
    with pytest.raises(ValueError, match="`epochs` must be a whole number"):
        train(TinyNetwork(**PLAIN), recipe, catalog, catalog, output, epochs=0)
    assert not os.path.exists(output)


@pytest.mark.parametrize(
    "options, names, message",
    [
        ({"classifier_activation": None}, ["a", "b"], "must give probabilities"),
        ({"classifier_activation": "sigmoid"}, ["a", "b"], "must give probabilities"),
        ({"classes": 1}, ["a"], "has one class, a: there is nothing to tell apart"),
    ],
)
def test_what_cannot_be_scored_is_refused_before_it_is_trained(options, names, message, tmp_path):
    model = TinyNetwork(**{**PLAIN, **options})
    catalog = Catalog(["no video"] * len(names), range(len(names)), names)
    with pytest.raises(ValueError, match=message):
        train(model, quick_recipe(1), catalog, catalog, tmp_path / "run", epochs=1)
    assert not (tmp_path / "run").exists()


def test_a_recipe_serves_many_models_and_keeps_nothing_of_them(tiny_ucf101):
    catalogs = [load_ucf101(*tiny_ucf101, subset=subset) for subset in ("train", "test")]
    recipe, histories = paper_recipe(8, 6), []
    for _ in range(2):
        keras.utils.set_random_seed(0)
        model = TinyNetwork(**PLAIN)
        history = fit(model, recipe, *catalogs, epochs=2, batch_size=6, seed=0, verbose=0)
        histories.append(history.history)
        assert model.optimizer is not recipe.optimizer and not recipe.optimizer.built
        assert model.optimizer.not_decayed == recipe.optimizer.not_decayed
    assert histories[0] == histories[1]
    with pytest.raises(ValueError, match="`recipe` has an optimizer that has trained a model"):
        compile_model(model, recipe._replace(optimizer=model.optimizer))


def test_a_run_that_diverges_says_so(tiny_ucf101):
    catalogs = [load_ucf101(*tiny_ucf101, subset=subset) for subset in ("train", "test")]
    model = TinyNetwork(**PLAIN)
    recipe = paper_recipe(8, 6, learning_rate=1e30)
    with pytest.raises(DivergedError, match="diverged"):
        fit(model, recipe, *catalogs, epochs=3, batch_size=6, seed=0, verbose=0)
