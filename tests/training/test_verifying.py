"""Trying steps of a run again: what is equal, and what differs first."""

import os

import keras
import pytest
from tiny_network import TinyNetwork

from keras_seattn.data import load_ucf101
from keras_seattn.settings import FitSettings
from keras_seattn.training import paper_recipe, train, verify

pytestmark = pytest.mark.usefixtures("eagerly")
SETTINGS = FitSettings(epochs=3, batch_size=4, seed=0)  # of six videos: steps 0 1, 2, 3 4


def arguments(tiny_ucf101):
    keras.utils.set_random_seed(0)
    catalogs = [load_ucf101(*tiny_ucf101, subset=subset) for subset in ("train", "test")]
    return TinyNetwork(se_stages=(), sa_stages=()), paper_recipe(8, 4), *catalogs


@pytest.fixture
def run(tiny_ucf101, tmp_path):
    train(*arguments(tiny_ucf101), tmp_path / "run", SETTINGS)
    return tmp_path / "run"


def tamper(run, step, **values):
    """Changes a step in what a run has recorded."""
    lines = (run / "steps.csv").read_text().splitlines()
    names = lines[0].split(",")
    line = dict(zip(names, lines[1 + step].split(","), strict=True)) | values
    lines[1 + step] = ",".join(line[name] for name in names)
    (run / "steps.csv").write_text("\n".join(lines) + "\n")


def test_what_is_equal(run, tiny_ucf101):
    found = verify(*arguments(tiny_ucf101), run, SETTINGS, steps=4)
    assert str(found) == (
        "equal: the clips of 4 random steps, and clips and losses of the first 4 steps"
    )
    found = verify(*arguments(tiny_ucf101), run, SETTINGS)
    assert (found.drawn, found.trained, found.step) == (5, 5, None)


def test_what_differs_first(run, tiny_ucf101):
    tamper(run, 4, clips="00000000")
    found = verify(*arguments(tiny_ucf101), run, SETTINGS, steps=5)
    assert str(found) == "differs first at step 4: in the clips"
    # Only the clips of it are drawn, not its loss trained.
    drawn = [verify(*arguments(tiny_ucf101), run, SETTINGS, steps=3).step for _ in range(8)]
    assert set(drawn) == {4, None}
    tamper(run, 2, loss="0.5")
    found = verify(*arguments(tiny_ucf101), run, SETTINGS)
    assert (found.step, found.then) == (2, 0.5)
    assert str(found).startswith(f"differs first at step 2: in the loss, by {found.now - 0.5:.3g} ")
    other = FitSettings(epochs=3, batch_size=4, seed=1)
    assert str(verify(*arguments(tiny_ucf101), run, other)).endswith("step 0: in the clips")


def test_what_cannot_be_checked(run, tiny_ucf101, tmp_path):
    model, *others = arguments(tiny_ucf101)
    with pytest.raises(FileNotFoundError, match=r"No steps are recorded in .*nowhere.steps\.csv"):
        verify(model, *others, tmp_path / "nowhere", SETTINGS)
    with pytest.raises(ValueError, match="`settings` must have the seed of the run"):
        verify(model, *others, run, FitSettings(epochs=3, batch_size=4))
    tamper(run, 1, loss="many")
    with pytest.raises(ValueError, match=r"steps.csv is damaged.*many"):
        verify(model, *others, run, SETTINGS)


def test_the_command(tiny_ucf101, tmp_path, run_command):
    run = tmp_path / "run"
    video_dir, splits_dir = tiny_ucf101
    network = ("--frames", "8", "--size", "16", "--width", "0.05", "--se-stages", "--sa-stages")
    data = ("--data-dir", video_dir, "--splits-dir", splits_dir)
    training = ("--epochs", "1", "--batch-size", "4", "--output", run)
    assert run_command("train", *data, *network, *training)[0] is None
    code, said, _ = run_command("verify", run, "--steps", "2")
    assert code == 0 and said.splitlines()[-1].startswith("equal: the clips of 2 random steps")
    os.rename(video_dir, tmp_path / "moved")
    code, said, _ = run_command("verify", run, "--data-dir", tmp_path / "moved")
    assert code == 0
    tamper(run, 0, loss="0.5")
    code, said, _ = run_command("verify", run, "--data-dir", tmp_path / "moved")
    assert code == 1 and "differs first at step 0: in the loss" in said
    code, *_ = run_command("verify", tmp_path / "nowhere")
    assert "There is no configuration of a run" in code
