"""Small stand-ins for what documentation speaks of: data sets, videos, models.

Examples run as they are written, in a folder that holds small files of the same names. There a
ResNet-18 has half of its blocks and a twentieth of its width, and a training takes one epoch.
"""

import atexit
import functools
import pathlib
import re
import shutil
import tempfile
import zlib

import keras
import numpy as np
from video_files import moving_pattern, write_video

import keras_seattn
from keras_seattn.applications import SEAResNet18_3D, builders
from keras_seattn.applications.convert import convert
from keras_seattn.data import made_files, motions, parts

CLASSES = ("Archery", "Diving")
GROUPS = 4  # of videos; the last one is for testing
WIDTH, HALF = 0.05, (1, 1, 1, 1)


def make_small(monkeypatch):
    """Has networks, trainings and the demo's data set be as small as examples need."""
    fit = keras.Model.fit

    def one_epoch(*arguments, epochs=1, **options):
        return fit(*arguments, epochs=1, **options)

    build = builders.build_network

    def small(design, *published, width, **options):
        width = WIDTH if width == 1 and design.groups == 1 else width
        if design.blocks == (2, 2, 2, 2) and width <= WIDTH:
            design = design._replace(blocks=HALF)
        return build(design, *published, width=width, **options)

    half = SEAResNet18_3D.design._replace(blocks=HALF)
    monkeypatch.setattr(SEAResNet18_3D, "design", half)  # by which files are known
    monkeypatch.setattr(keras.Model, "fit", one_epoch)
    monkeypatch.setattr(builders, "build_network", small)
    monkeypatch.setattr(made_files, "GROUPS", GROUPS)
    monkeypatch.setattr(made_files, "TEST_GROUPS", {1: [1], 2: [2], 3: [3]})
    for made in (motions, parts):
        monkeypatch.setattr(made, "make", functools.partial(made.make, videos_per_group=1))


def files_for(text, folder):
    """Makes the files that a text names, unless they are there."""
    for name, make in _FILES.items():
        path = pathlib.Path(folder, name)
        if re.search(rf"(?<![\w/.-]){re.escape(name)}(?![\w-])", text) and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            make(path)


def model(classes=CLASSES, **options):
    """A network for clips of 16 frames of 112 x 112 pixels, with the same weights each time.

    It is small after `make_small`.
    """
    keras.utils.set_random_seed(0)
    network = SEAResNet18_3D(classes=len(classes), **options)
    network.class_names = list(classes)
    return network


def catalog(subset, folder="."):
    """A few videos of each class."""
    path = pathlib.Path(folder, "UCF-101")
    files_for("UCF-101, ucfTrainTestlist", folder)
    return keras_seattn.data.load_ucf101(path, path.parent / "ucfTrainTestlist", subset=subset)


def frames(number=16, size=112):
    return moving_pattern(number, size, size)


def clip():
    """A clip as models take it."""
    return keras_seattn.applications.preprocess_input(frames())


def _video(path):
    name = "/".join(path.parts[-3:])  # of which each has content of its own
    write_video(path, moving_pattern(36, seed=zlib.crc32(name.encode())))


def _videos(names):
    def make(path):
        for name in names:
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            _video(path / name)

    return make


def _lists_of_ucf101(path):
    path.mkdir()
    lines = [f"{number} {name}\n" for number, name in enumerate(CLASSES, start=1)]
    (path / "classInd.txt").write_text("".join(lines))
    for subset, groups in (("train", range(1, GROUPS)), ("test", [GROUPS])):
        lines = [f"{_ucf101_file(name, group)}\n" for name in CLASSES for group in groups]
        (path / f"{subset}list01.txt").write_text("".join(lines))


def _ucf101_file(name, group):
    return f"{name}/v_{name}_g{group:02d}_c01.avi"


def _lists_of_hmdb51(path):
    path.mkdir()
    for name in CLASSES:
        (path / f"{name}_test_split1.txt").write_text("1.avi 1\n2.avi 2\n")


def _kinetics(path):
    _videos([f"train/{name}/{'ab'[i]}_000000_000010.mp4" for i, name in enumerate(CLASSES)])(path)
    rows = [f"{name},{'ab'[i]},0,10,train\n" for i, name in enumerate(CLASSES)]
    (path / "train.csv").write_text("label,youtube_id,time_start,time_end,split\n" + "".join(rows))


def _list(subset, numbers):
    def make(path):
        files_for(f"videos/{subset}", path.parent)
        rows = [f"videos/{subset}/{name}/{i}.mp4,{name}\n" for name in CLASSES for i in numbers]
        path.write_text("path,label\n" + "".join(rows))

    return make


def _records(subset):
    def make(path):
        videos = catalog(subset, path.parents[1])
        keras_seattn.data.records.write_records(videos, str(path), workers=1)

    return make


def _export(path):
    for file in _exported().iterdir():
        shutil.copy(file, path.with_suffix(file.suffix))


@functools.cache
def _exported():
    folder = pathlib.Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    keras_seattn.export.export_model(model(), str(folder / "model.xml"), "openvino")
    return folder


def _checkpoint(path):
    with tempfile.TemporaryDirectory() as folder:
        saved = pathlib.Path(folder, "model.keras")
        names = [f"class {number}" for number in range(400)]
        model(names, se_stages=(), sa_stages=()).save(saved)
        convert(saved, path)


def _saved(path):
    model().save(path)


def _report(top1):
    """The folder of a result of eight videos in two groups, this share of them right."""

    def make(path):
        labels = np.arange(8) % 2
        right = np.arange(8) < 8 * top1
        result = keras_seattn.evaluation.EvaluationResult(
            np.eye(2)[np.where(right, labels, 1 - labels)],
            labels,
            CLASSES,
            paths=[_ucf101_file(CLASSES[label], 1 + i) for i, label in enumerate(labels)],
            groups=["g01"] * 4 + ["g02"] * 4,
        )
        keras_seattn.evaluation.write_report(result, path)

    return make


_FILES = {
    "UCF-101": _videos([_ucf101_file(name, 1 + i) for name in CLASSES for i in range(GROUPS)]),
    "ucfTrainTestlist": _lists_of_ucf101,
    "hmdb51": _videos([f"{name}/{number}.avi" for name in CLASSES for number in (1, 2)]),
    "testTrainMulti_7030_splits": _lists_of_hmdb51,
    "kinetics400": _kinetics,
    "my_videos": _videos([f"{name}/1.mp4" for name in ("falling", "running", "sitting")]),
    "videos/train": _videos([f"{name}/{i}.mp4" for name in CLASSES for i in range(3)]),
    "videos/test": _videos([f"{name}/4.mp4" for name in CLASSES]),
    "train.csv": _list("train", range(3)),
    "test.csv": _list("test", [4]),
    "records/train": _records("train"),
    "records/test": _records("test"),
    "video.mp4": _video,
    "a.mp4": _video,
    "v_Archery_g01_c01.avi": _video,
    "model.keras": _saved,
    "runs/demo/motions": lambda path: motions.make(str(path)),
    "runs/demo/model.keras": _saved,
    "runs/ucf101/model.keras": _saved,
    "runs/fine-tuned/model.keras": _saved,
    "runs/base": _report(0.5),
    "runs/attention": _report(0.75),
    "resnet18.keras": _saved,
    "resnet-18-kinetics.pth": _checkpoint,
    "model.xml": _export,
    "runs/ucf101/model.xml": _export,
    "runs/demo/model.xml": _export,
}
