"""`keras-seattn train` as a user calls it."""

import dataclasses
import json
import pathlib
import re

import keras
import pytest

from keras_seattn.applications import SEAResNet18_3D, building
from keras_seattn.commands import flags, parser_of
from keras_seattn.data import datasets
from keras_seattn.preprocessing import HARA_2018, HARA_2020, Sampling
from keras_seattn.settings import CROP_SCALES, NetworkSettings, RunSettings
from keras_seattn.training import make_recipe

pytestmark = pytest.mark.usefixtures("eagerly")

TINY = ["--size", "16", "--frames", "8", "--width", "0.05", "--epochs", "1", "--batch-size", "4"]


SETTINGS = dataclasses.asdict(NetworkSettings()) | dataclasses.asdict(RunSettings())


def test_training_on_ucf101s_layout(tiny_ucf101, tmp_path, run_command, monkeypatch):
    monkeypatch.chdir(tmp_path)
    video_dir, splits_dir = tiny_ucf101
    data = ("--data-dir", video_dir, "--splits-dir", splits_dir)
    code, text, _ = run_command(
        "train", *data, "--output", "out", *TINY, "--sa-stages", "3", "4", "--se-stages"
    )
    assert code is None
    assert "ucf101, split 1: 6 training and 6 test videos of 2 classes" in text
    assert "SGD, learning rate 0.0003125" in text
    assert "Result: video top-1" in text and "clip top-1" in text
    assert "keras-seattn predict VIDEO --model out/model.keras" in text.splitlines()[-1]
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert (config["se_stages"], config["sa_stages"]) == ([], [3, 4])
    assert (config["class_names"], config["seed"]) == (["Jump", "Walk"], 0)
    for name in ("model.keras", "metrics.json", "history.csv", "training_curves.png"):
        assert (tmp_path / "out" / name).stat().st_size > 0

    message, *_ = run_command("train", *data, "--output", "out", *TINY)
    assert message.startswith("error: out/state.npz is of another training.")
    assert "\nse_stages: [] then, [1, 2, 3, 4] now\n" in message

    # The run's configuration repeats it, into a folder of its own.
    code, *_ = run_command("train", "--config", "out/config.json", "--output", "again")
    assert code is None
    for name in ("history.csv", "metrics.json"):
        assert (tmp_path / "again" / name).read_text() == (tmp_path / "out" / name).read_text()
    again = json.loads((tmp_path / "again" / "config.json").read_text())
    assert {name for name in config if config[name] != again[name]} == {"command", "output"}


def test_a_share_of_the_training_videos_is_held_out(tiny_ucf101, tmp_path, run_command):
    video_dir, splits_dir = tiny_ucf101
    words = ("--data-dir", video_dir, "--splits-dir", splits_dir, *TINY, "--se-stages")
    output = tmp_path / "out"
    held = ("--hold-out", "0.3")
    code, text, _ = run_command("train", *words, *held, "--output", output)
    assert code is None
    assert "4 training and 6 test videos of 2 classes" in text
    assert "; validated on 2 videos held apart from the test videos\n" in text
    code, said, _ = run_command("verify", output)
    assert code == 0 and said.splitlines()[-1].startswith("equal: ")
    again = tmp_path / "again"
    code, *_ = run_command("train", "--config", output / "config.json", "--output", again)
    assert code is None
    assert (again / "history.csv").read_text() == (output / "history.csv").read_text()
    message, *_ = run_command("train", *words, "--output", output)
    assert "\nhold_out: 0.3 then, None now\n" in message
    for group in ("02", "03"):
        path = pathlib.Path(splits_dir, "trainlist01.txt")
        path.write_text(path.read_text().replace(f"Walk/v_Walk_g{group}_c01.avi 2\n", ""))
    message, *_ = run_command("train", *words, *held)
    assert message.startswith("error: --hold-out 0.3: The videos of class 'Walk' are all of one")


def test_the_same_command_finds_its_run(tiny_ucf101, tmp_path, run_command, monkeypatch):
    monkeypatch.chdir(tmp_path)
    video_dir, splits_dir = tiny_ucf101
    words = ("--data-dir", video_dir, "--splits-dir", splits_dir, *TINY, "--se-stages")
    code, first, _ = run_command("train", *words)
    (name,) = (tmp_path / "runs").iterdir()
    assert code is None and re.fullmatch("ucf101-resnet18-[0-9a-f]{6}", name.name)
    # Neither the number of epochs nor how often the state is written makes it another run.
    code, again, _ = run_command("train", *words, "--save-every", "5")
    assert code is None and f"\nThis run is finished: runs/{name.name}/report.html\n" in again
    assert again.splitlines()[-3:] == first.splitlines()[-3:]
    code, more, _ = run_command("train", *words, "--epochs", "2")
    assert code is None and "\nGoing on at the end of epoch 1, step 2, saved " in more
    assert json.loads((name / "config.json").read_text())["epochs"] == 2
    assert len((name / "history.csv").read_text().splitlines()) == 3

    (name / "UNFINISHED.txt").write_text("")
    video = str(next(pathlib.Path(video_dir).glob("*/*.avi")))
    code, _, told = run_command("predict", video, "--model", f"runs/{name.name}/model.keras")
    note = f"runs/{name.name}/UNFINISHED.txt"
    assert f"model.keras is not finished; see {note}.\n" in told


def test_flags_win_over_a_configuration():
    options = parser_of("train").parse_args(["--demo", "--width", "0.5", "--epochs", "3"])
    network, run = flags.settings(options)
    assert (run.dataset, run.recipe, run.epochs, run.batch_size) == ("motions", "quick", 3, 16)
    assert (network.size, network.width) == (40, 0.5)


UCF101 = ["--data-dir", "videos", "--splits-dir", "lists"]


def settings_of(*words):
    return flags.settings(parser_of("train").parse_args(list(map(str, words))))


@pytest.mark.parametrize(
    "words, rate, decay",
    [
        (UCF101, 0.01 * 32 / 128, 1e-2),
        ([*UCF101, "--weights", "x.pth"], 0.01 * 32 / 128, 1e-4),
        ([*UCF101, "--weights", "x.pth", "--train-from-stage", "4"], 0.0001 * 32 / 128, 1e-4),
        ([*UCF101, "--frames", "64", "--batch-size", "128"], 0.001, 1e-2),
        ([*UCF101, "--learning-rate", "0.5"], 0.5, 1e-2),
    ],
)
def test_the_recipe_of_a_run(words, rate, decay):
    network, run = settings_of(*words)
    optimizer = make_recipe(run, network, 100).optimizer
    assert float(optimizer.learning_rate) == pytest.approx(rate)
    assert optimizer.weight_decay == pytest.approx(decay)
    assert run.crop_scales == CROP_SCALES


def test_the_demos_recipe_is_quick_whatever_is_trained():
    for words in (["--demo"], ["--demo", "--weights", "x.pth", "--train-from-stage", "4"]):
        network, run = settings_of(*words)
        assert isinstance(make_recipe(run, network, 32).optimizer, keras.optimizers.Adam)
        assert run.crop_scales == (1.0, 0.84) and network.size == 40


def test_demos_by_name():
    assert settings_of("--demo") == settings_of("--demo", "motions") == settings_of()
    network, run = settings_of("--demo", "parts")
    assert (run.dataset, run.recipe, run.crop_scales) == ("parts", "quick", (1.0,))
    assert network == settings_of("--demo")[0]


def test_the_demo_has_splits(tmp_path, monkeypatch):
    taken = []
    monkeypatch.setattr(datasets, "load_ucf101", lambda *words: taken.append(words[2:]))
    monkeypatch.setattr(datasets.motions, "make", lambda folder, seed: ("videos", "lists"))
    datasets.load(settings_of("--demo", "--split", 3)[1], str(tmp_path))
    assert taken == [(3, "train"), (3, "test")]


def test_flags_win_over_a_configuration_and_what_depends_on_them_follows(tmp_path):
    path = tmp_path / "config.json"
    demo = dataclasses.replace(flags.DEMO, epochs=3)
    stages = {"se_stages": (1, 4), "sa_stages": (2,)}
    network = dataclasses.replace(flags.demo_network(), preprocessing="hara2020", **stages)
    path.write_text(json.dumps(dataclasses.asdict(network) | dataclasses.asdict(demo)))
    assert settings_of("--config", path) == (network, demo)
    other = settings_of("--config", path, "--weights", "y.pth", "--seed", 5)
    left_open = dict.fromkeys(("width", "preprocessing", "se_stages", "sa_stages"))
    assert other[0] == dataclasses.replace(network, weights="y.pth", **left_open)
    assert other[1] == dataclasses.replace(demo, seed=5)
    for words in (("--model", "r3d_18"), ("--train-from-stage", 4)):
        changed, _ = settings_of("--config", path, *words)
        assert (changed.se_stages, changed.sa_stages) == (None, None)
    assert settings_of("--config", path, "--model", "r3d_18", "--sa-stages", 1)[0].sa_stages == (1,)
    _, run = settings_of("--config", path, *UCF101)
    assert (run.dataset, run.recipe, run.crop_scales, run.epochs) == (
        "ucf101",
        None,
        CROP_SCALES,
        3,
    )


def test_data_of_another_kind_and_other_frames_replace_those_of_a_configuration(tmp_path):
    path = tmp_path / "config.json"
    run = RunSettings(dataset="folder", data_dir="a", test_dir="b", epochs=7, hold_out=0.1)
    network = NetworkSettings(frame_stride=2, size=48)
    path.write_text(json.dumps(dataclasses.asdict(network) | dataclasses.asdict(run)))
    _, other = settings_of("--config", path, "--list", "all.csv")
    assert (other.dataset, other.list, other.data_dir, other.test_dir) == (
        "list",
        "all.csv",
        None,
        None,
    )
    assert (other.epochs, other.hold_out) == (7, 0.1)
    assert settings_of("--config", path, "--test-dir", "c")[1] == dataclasses.replace(
        run, test_dir="c"
    )
    listed = RunSettings(dataset="list", list="a.csv", test_list="b.csv", class_list="c.txt")
    path.write_text(json.dumps(dataclasses.asdict(network) | dataclasses.asdict(listed)))
    _, other = settings_of("--config", path, "--list", "all.csv")
    assert (other.list, other.test_list, other.class_list) == ("all.csv", None, None)
    changed, _ = settings_of("--config", path, "--frame-rate", 15)
    assert changed == dataclasses.replace(network, frame_stride=None, frame_rate=15.0)


@pytest.mark.parametrize(
    "words",
    [
        ["--demo"],
        ["--demo", "--size", "112", "--width", "1"],
        ["--demo", "--model", "r2plus1d_18"],
        ["--demo", "--weights", "x.pth", "--width", "0.3333333333"],
        ["--demo", "--hold-out", "0.1"],
        ["--demo", "parts", "--epochs", "3"],
        [*UCF101, "--split", "2", "--se-stages", "--sa-stages", "3", "4", "--learning-rate", "0.1"],
        ["--dataset", "folder", "--data-dir", "a b", "--test-dir", "c", "--unreadable", "skip"],
        ["--demo", "--frame-rate", "12.5", "--clips-per-open", "4"],
        ["--demo", "--sampling", "spread"],
    ],
)
def test_settings_as_flags_and_back(words):
    network, run = settings_of(*words)
    assert settings_of(*flags.words(network, run)) == (network, run)


def test_which_frames_a_clip_has_is_said_by_flags_and_else_by_the_weights(tmp_path):
    weights = str(tmp_path / "w.weights.h5")
    own = HARA_2020._replace(sampling=Sampling(frame_rate=15.0))
    options = {"input_shape": (4, 16, 16, 3), "classes": 2, "width": 0.05}
    SEAResNet18_3D(**options, preprocessing=own).save_weights(weights)
    small = ("--demo", "--frames", 4, "--size", 16, "--width", 0.05, "--weights", weights)
    for words, expected in (
        ((), own),
        (("--frame-stride", 2), HARA_2020._replace(sampling=Sampling(frame_stride=2))),
        (("--sampling", "consecutive"), HARA_2020),
        (("--sampling", "spread"), HARA_2020._replace(sampling=Sampling("spread"))),
    ):
        assert building.build(settings_of(*small, *words)[0], 2).preprocessing == expected
    scratch = ("--demo", "--frames", 4, "--size", 16, "--width", 0.05, "--frame-rate", 12.5)
    model = building.build(settings_of(*scratch)[0], 2)
    assert model.preprocessing == HARA_2018._replace(sampling=Sampling(frame_rate=12.5))


@pytest.mark.parametrize("model, stages", [("resnet50", (1, 2, 3, 4)), ("mc3_18", (2, 3, 4))])
def test_stages_with_attention_are_those_of_the_network(model, stages):
    assert building.resolved(settings_of("--demo", "--model", model)[0]).sa_stages == stages
    given = settings_of("--model", model, *UCF101, "--sa-stages", 1)[0]
    assert building.resolved(given).sa_stages == (1,)


def test_frozen_stages_get_no_new_modules(tmp_path):
    """They would stay the identity, and cost time; those that the weights have stay."""
    options = {"input_shape": (8, 16, 16, 3), "classes": 2, "width": 0.05}
    path = str(tmp_path / "own.weights.h5")
    SEAResNet18_3D(se_stages=(2, 4), sa_stages=(), **options).save_weights(path)
    network = NetworkSettings(weights=path)
    for first, se, sa in ((4, (2, 4), (4,)), (5, (2, 4), ()), (1, (1, 2, 3, 4), (1, 2, 3, 4))):
        known = building.resolved(network, first)
        assert (known.se_stages, known.sa_stages) == (se, sa)
        assert known.width == pytest.approx(0.05, abs=0.002)


def test_a_configuration_that_is_none(tmp_path, run_command):
    file = tmp_path / "config.json"
    for content, message in (
        ("{", "config.json is not valid JSON: "),
        ("[]", "it lacks model, frames"),
        ('{"model": "resnet18"}', "it lacks frames, size"),
        (json.dumps(SETTINGS | {"model": "vgg"}), "config.json: `model` must be one of 'resnet18'"),
        (json.dumps(SETTINGS | {"preprocessing": "foo"}), "`preprocessing` must be one of None"),
        (json.dumps(SETTINGS | {"width": "x"}), "`width` must be a number above 0"),
        (json.dumps(SETTINGS | {"seed": None}), "`seed` must be a whole number"),
        (json.dumps(SETTINGS | {"epochs": -1}), "config.json: `epochs` must be a whole number"),
        (json.dumps(SETTINGS | {"dataset": "folder"}), "needs `data_dir` and `test_dir`"),
    ):
        file.write_text(content)
        text, *_ = run_command("train", "--config", file)
        assert text.startswith("error: ") and message in text and "\n" not in text
    text, *_ = run_command("train", "--config", "none.json")
    assert text == "error: There is no configuration of a run: none.json"


@pytest.mark.parametrize(
    "options, message",
    [
        (["--demo", "--hold-out", "0.6"], "error: `hold_out` must be a number above 0 and at most"),
        (["--data-dir", "none", "--splits-dir", "none"], "error: `video_dir` is not a folder"),
        (["--data-dir", "none"], "needs --splits-dir"),
        (["--data-dir", "none", "--dataset", "folder"], "needs --test-dir"),
        (["--demo", "--weights", "none.keras"], "error: `weights` names a file that does not"),
        (["--demo", "--model", "vgg"], "invalid choice: 'vgg'"),
        (["--demo", "faces"], "argument --demo: invalid choice: 'faces'"),
        (["--demo", "--batch-size", "0"], "--batch-size: must be a whole number of 1 or more"),
        (["--demo", "--data-dir", "videos"], "--demo makes its own data set"),
        (
            ["--list", "a.csv", "--data-dir", "a", "--test-dir", "b"],
            "--dataset folder has nothing to do with --list",
        ),
        (
            ["--list", "a.csv", "--splits-dir", "b", "--split", "2"],
            "--dataset list has nothing to do with --splits-dir and --split",
        ),
    ],
)
def test_bad_input_is_one_clear_line(options, message, tmp_path, monkeypatch, run_command):
    monkeypatch.chdir(tmp_path)
    code, _, errors = run_command("train", *options)
    # Python prints a text that it is told to exit with; argparse prints its own.
    text = code if isinstance(code, str) else errors
    assert message in text.splitlines()[-1]
    assert not any(tmp_path.iterdir())


def test_unreadable_videos_are_listed_before_training(
    tiny_ucf101, tmp_path, monkeypatch, run_command
):
    monkeypatch.chdir(tmp_path)
    video_dir, splits_dir = tiny_ucf101
    broken = pathlib.Path(video_dir, "Walk", "v_Walk_g02_c01.avi")
    broken.write_bytes(broken.read_bytes()[:2000])
    options = ("--data-dir", video_dir, "--splits-dir", splits_dir, *TINY)
    text, output, _ = run_command("train", *options)
    assert "Epoch 1" not in output
    assert text.startswith("error: 1 of 6 videos cannot be read:")
    assert str(broken) in text
