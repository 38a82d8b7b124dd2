"""`keras-seattn doctor`: what is right is said to be, what is wrong is found."""

import os

import keras
import pytest

from keras_seattn.doctor import checkup as doctor


def test_all_is_right_here(capsys):
    assert doctor.check_backend(keras.backend.backend()) == 0
    assert doctor.check_decoding() == 0
    output = capsys.readouterr().out
    assert output.count("right") == 9 and "WRONG" not in output


@pytest.mark.parametrize("wrong", [lambda x, axis: x, lambda x, axis: x * float("nan"), None])
def test_a_wrong_operation_is_found(monkeypatch, capsys, wrong):
    monkeypatch.setattr(keras.ops, "softmax", wrong)
    assert doctor.check_backend(keras.backend.backend()) == 1
    lines = capsys.readouterr().out.splitlines()
    (line,) = [line for line in lines if line.startswith("  FrameSelfAttention")]
    assert "WRONG" in line
    (line,) = [line for line in lines if line.startswith("  GroupedConv3D")]
    assert "right" in line


@pytest.mark.skipif(os.name == "nt", reason="needs a shell")
def test_a_process_that_ends_is_wrong(monkeypatch, tmp_path):
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho '  FrameSelfAttention'\nkill -s SEGV $$\n")
    program.chmod(0o755)
    monkeypatch.setattr(doctor.sys, "executable", str(program))
    right, lines = doctor.run_part("tensorflow", [])
    assert not right
    assert "FrameSelfAttention\nWRONG    the process was ended by SIGSEGV" in lines
