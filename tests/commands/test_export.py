"""`keras-seattn export`, and `keras-seattn predict` with what it has written."""

import pytest
from video_files import moving_pattern, write_video


@pytest.mark.parametrize("format, ending", [("openvino", ".xml"), ("savedmodel", ".savedmodel")])
def test_an_export_predicts_as_the_model(format, ending, model_path, tmp_path, run_command):
    if format == "openvino":
        pytest.importorskip("openvino")
    code, text, _ = run_command("export", "--model", model_path, "--format", format)
    exported = model_path.with_suffix(ending)
    assert code is None and f"Wrote {exported}" in text and "Scores differ by" in text
    video = write_video(tmp_path / "b.avi", moving_pattern(9))
    predictions = []
    for path in (model_path, exported):
        code, text, _ = run_command("predict", video, "--model", path)
        assert code == 0
        predictions.append(sorted(text.splitlines()))
    assert predictions[0] == predictions[1] and "Jump" in "".join(predictions[0])
    message, *_ = run_command("explain", video, "--model", exported, "--output", tmp_path / "x")
    assert message.startswith("error: `model` must be a Keras model, for an exported one")


def test_bad_input_is_one_clear_line(model_path, tmp_path, run_command, monkeypatch):
    (tmp_path / "file").touch()
    for options, message in (
        (("--model", "none.keras", "--format", "onnx"), "The model does not exist: none.keras"),
        (("--model", model_path, "--format", "litert", "--output", "m.xml"), "must end in .tflite"),
        (
            ("--model", model_path, "--format", "savedmodel", "--output", tmp_path / "file" / "m"),
            "The folder of `path` does not exist",
        ),
    ):
        text, *_ = run_command("export", *options)
        assert text.startswith("error: ") and message in text and "\n" not in text


def test_an_export_that_scores_otherwise_fails(model_path, run_command, monkeypatch):
    from keras_seattn.export import verification

    monkeypatch.setitem(verification._TOLERANCE, "float32", -1)
    code, text, _ = run_command("export", "--model", model_path, "--format", "savedmodel")
    assert "Scores differ" in text and "does not score as" in code
