"""`python -m keras_seattn.doctor`: what is right is said to be, what is wrong is found."""

import keras
import pytest

from keras_seattn.doctor import __main__ as doctor


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
    (line,) = [line for line in lines if "FrameSelfAttention" in line]
    assert "WRONG" in line
    (line,) = [line for line in lines if "GroupedConv3D" in line]
    assert "right" in line


def test_a_process_that_ends_is_wrong(capsys):
    assert not doctor.run_part("no such part")
    assert "WRONG    the process ended with 2" in capsys.readouterr().out
