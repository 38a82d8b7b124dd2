"""What tests of several folders share."""

import signal

import pytest
from video_files import moving_pattern, write_video

import keras_seattn  # noqa: F401  (before Keras, as its users should)

# isort: split
import keras
import tensorflow as tf

from keras_seattn.applications import SEAResNet18_3D
from keras_seattn.commands import main


@pytest.fixture(autouse=True)
def same_start():
    """Every test has the same random weights and precision in every run, alone or among others."""
    keras.utils.set_random_seed(0)
    yield
    keras.config.set_dtype_policy("float32")  # the commands that a test runs set their own


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    """Tests leave nothing in the user's folders, nor find anything there, nor fetch from others."""
    cache = str(tmp_path_factory.mktemp("cache"))
    monkeypatch.setenv("KERAS_SEATTN_CACHE", cache)
    monkeypatch.setenv("KERAS_SEATTN_WEIGHTS", cache)


@pytest.fixture
def eagerly():
    """Models run without being traced and compiled, which would take most of a short test's time.

    For tests of what is around models; those of layers and networks run as users do.
    """
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def tiny_ucf101(tmp_path):
    """Two classes of six videos in UCF-101's layout, half of each in the training list."""
    video_dir, splits_dir = tmp_path / "UCF-101", tmp_path / "ucfTrainTestlist"
    splits_dir.mkdir()
    lists = {"train": [], "test": []}
    for label, name in enumerate(["Jump", "Walk"], start=1):
        (video_dir / name).mkdir(parents=True)
        for i in range(6):
            file = f"{name}/v_{name}_g{i + 1:02d}_c01.avi"
            write_video(video_dir / file, moving_pattern(20 + i, seed=10 * label + i))
            lists["train" if i < 3 else "test"].append(file if i >= 3 else f"{file} {label}")
    (splits_dir / "classInd.txt").write_text("1 Jump\n2 Walk\n")
    for subset, lines in lists.items():
        (splits_dir / f"{subset}list01.txt").write_text("\n".join(lines) + "\n")
    return str(video_dir), str(splits_dir)


@pytest.fixture
def model_path(tmp_path):
    """The file of a small network with all modules and random weights."""
    model = SEAResNet18_3D(input_shape=(8, 24, 24, 3), classes=3, width=0.1)
    model.class_names = ["Jump", "Walk", "Run"]
    model.save(tmp_path / "model.keras")
    return tmp_path / "model.keras"


@pytest.fixture
def ctrl_c():
    """Ctrl-C is heard, here and in processes started here: background jobs of shells ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def run_command(capsys):
    """Runs `keras-seattn NAME OPTIONS` in this process, which is faster than in one of its own.

    It returns `(what it ended with, output, error output)`: None or 0 where it went well.
    """

    def run(name, *options):
        try:
            code = main([name, *options])
        except SystemExit as ended:
            code = ended.code
        return code, *capsys.readouterr()

    return run
