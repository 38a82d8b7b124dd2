"""The command as a whole: quick to start, and the same by every name."""

import os
import pathlib
import runpy
import subprocess
import sys

import pytest

from keras_seattn import applications, commands, export, preprocessing, settings, tuning
from keras_seattn.commands import main
from keras_seattn.data import datasets
from keras_seattn.tuning import oracles

ROOT = pathlib.Path(__file__).parents[2]


def test_help_loads_neither_keras_nor_tensorflow():
    for words in (["--help"], *([name, "--help"] for name in commands.COMMANDS)):
        done = subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "keras_seattn", *words],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert done.returncode == 0 and done.stdout.startswith("usage: keras-seattn"), words
        loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
        assert "keras_seattn.commands.flags" in loaded
        assert not loaded & {"keras", "tensorflow", "numpy", "matplotlib", "keras_seattn.layers"}


@pytest.mark.parametrize(
    "script, name",
    [
        ("examples/train_ucf101.py", "train"),
        ("examples/evaluate.py", "evaluate"),
        ("examples/predict.py", "predict"),
        ("examples/explain.py", "explain"),
        ("examples/export.py", "export"),
        ("tuning/search_reductions.py", "search"),
    ],
)
def test_scripts_are_the_commands(script, name, monkeypatch):
    called = []
    monkeypatch.setattr(commands, "main", called.append)
    monkeypatch.setattr(sys, "argv", [script, "--flag", "value"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / script), run_name="__main__")
    assert called == [[name, "--flag", "value"]] and ended.value.code is None


@pytest.mark.parametrize("module", ["applications.convert", "data.records"])
def test_the_names_that_commands_had(module, monkeypatch):
    name, called = f"keras_seattn.{module}", []
    monkeypatch.setattr(commands, "main", lambda: called.append(sys.argv[1:]))
    monkeypatch.setattr(sys, "argv", [name, "--flag"])
    monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(SystemExit):
        runpy.run_module(name, run_name="__main__")
    assert called == [[module.split(".")[1], "--flag"]]


def test_what_flags_offer_is_what_there_is():
    assert set(settings.PREPROCESSINGS) == set(preprocessing.PREPROCESSINGS)
    assert set(settings.TUNERS) == set(oracles.ORACLES)
    assert set(settings.DATASETS) == set(datasets._KINDS)
    assert tuple(tuning.TUNERS) == settings.TUNERS
    assert {hasattr(applications, name) for name in settings.MODELS.values()} == {True}
    formats = commands.parser_of("export")._option_string_actions["--format"].choices
    assert list(formats) == list(export.formats.FORMATS)


def test_a_command_that_is_none(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["fly"])
    assert "invalid choice: 'fly'" in capsys.readouterr().err
