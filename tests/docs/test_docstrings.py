"""The examples in docstrings run, on small stand-ins for the data and the models they speak of."""

import ast
import doctest
import functools
import importlib
import os
import pkgutil
import re

import keras
import keras_tuner
import numpy as np
import pytest
import stand_ins

import keras_seattn

# What a user is warned of, such as a new head, is part of an example.
pytestmark = pytest.mark.filterwarnings("default")

# What these print is true of the real data sets, or of a trained model: on the stand-ins only its
# kind is compared, two whole numbers with two whole numbers.
OF_REAL_DATA = {
    "ExportedModel", "Index", "evaluate", "fit", "load_hmdb51", "load_kinetics", "load_ucf101",
    "make", "open_records", "predict", "read_video", "search_reductions",
}  # fmt: skip
# Found in an example: the package that it needs and that need not be installed.
PACKAGES = {".pth": "torch", ".xml": "openvino"}

NAMES = {
    "model": stand_ins.model,
    "catalog": functools.partial(stand_ins.catalog, "train"),
    "train_catalog": functools.partial(stand_ins.catalog, "train"),
    "test_catalog": functools.partial(stand_ins.catalog, "test"),
    "clip": stand_ins.clip,
    "frames": stand_ins.frames,
    "images": stand_ins.frames,
    "heat": lambda: np.random.default_rng(0).uniform(size=(16, 112, 112)).astype("float32"),
    "clips": lambda: _clips("train"),
    "training_clips": lambda: _clips("train"),
    "validation_clips": lambda: _clips("test"),
    "recipe": lambda: keras_seattn.training.paper_recipe(batch_size=4),
    "score": lambda: lambda clip: None,
}


def _clips(subset):
    return keras_seattn.data.train_clips(
        stand_ins.catalog(subset), batch_size=4, preprocessing=keras_seattn.preprocessing.HARA_2018
    )


def examples():
    """All docstrings of the package that hold an example."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    for module in pkgutil.walk_packages(keras_seattn.__path__, "keras_seattn."):
        if not module.name.endswith("__main__"):
            tests = finder.find(importlib.import_module(module.name), module.name)
            yield from (test for test in tests if test.examples)


class Checker(doctest.OutputChecker):
    """Compares what examples print with what docstrings show, if they show anything.

    Args:
        real: bool, whether the values shown are those of real data.
    """

    def __init__(self, real):
        self._real = real

    def check_output(self, want, got, optionflags):
        if not want:
            return True
        if self._real:
            return _kind(ast.literal_eval(want)) == _kind(ast.literal_eval(got))
        return super().check_output(want, got, optionflags)


def _kind(value):
    return tuple(map(_kind, value)) if isinstance(value, (tuple, list)) else type(value)


@pytest.mark.parametrize("example", list(examples()), ids=lambda example: example.name)
def test_example(example, tmp_path, monkeypatch, eagerly):
    for sign, package in PACKAGES.items():
        if sign in example.docstring.partition(">>>")[2]:
            pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    stand_ins.make_small(monkeypatch)
    source = "".join(line.source for line in example.examples)
    stand_ins.files_for(source, tmp_path)
    made = {name for line in example.examples for name in _assigned(line.source)}
    for name, make in NAMES.items():
        if re.search(rf"(?<![\w.]){name}\b(?!=)", source) and name not in made:
            example.globs[name] = make()
    if "compile" not in source and re.search(r"model\.fit|VideoValidation", source):
        example.globs["model"].compile("sgd", "sparse_categorical_crossentropy")
    example.globs.update(
        keras=keras, keras_seattn=keras_seattn, keras_tuner=keras_tuner, np=np, os=os,
        functools=functools,
    )  # fmt: skip
    lines = []
    runner = doctest.DocTestRunner(Checker(example.name.rpartition(".")[2] in OF_REAL_DATA))
    result = runner.run(example, out=lines.append, clear_globs=False)
    assert not result.failed, "".join(lines)


def _assigned(source):
    nodes = ast.walk(ast.parse(source))
    return {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
