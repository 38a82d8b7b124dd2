"""`keras-seattn check` as a user calls it."""

import pathlib

import pytest


def test_the_data_by_flags_or_by_path(tiny_ucf101, tmp_path, run_command):
    video_dir, splits_dir = tiny_ucf101
    flags = ("--data-dir", video_dir, "--splits-dir", splits_dir)
    code, text, _ = run_command("check", *flags, "--output", tmp_path / "out")
    assert code == 0 and "training: 6 videos of 2 classes" in text and "test: 6 videos" in text
    assert text.endswith(f"Nothing is wrong.\n\nPage: {tmp_path / 'out' / 'check.html'}\n")
    code, text, _ = run_command("check", video_dir)
    assert code == 0 and text.startswith("training: 12 videos of 2 classes") and "test" not in text
    for words in (
        (video_dir, video_dir),
        ("--dataset", "folder", *flags[:2], "--test-dir", video_dir),
    ):
        code, text, _ = run_command("check", *words)
        assert code == 1 and "Videos in training and test at once: 12" in text


def test_lists(tiny_ucf101, tmp_path, run_command):
    video_dir, _ = tiny_ucf101
    rows = [f"{name}/v_{name}_g0{i + 1}_c01.avi,{name},{'train' if i < 3 else 'test'}"
            for name in ("Jump", "Walk") for i in range(6)]  # fmt: skip
    both = pathlib.Path(video_dir, "all.csv")
    both.write_text("\n".join(["path,label,split", *rows]) + "\n")
    parts = [both.with_name("train.csv"), both.with_name("test.csv")]
    for path in parts:
        chosen = [row.rpartition(",")[0] for row in rows if row.endswith(path.stem)]
        path.write_text("\n".join(["path,label", *chosen]) + "\n")
    texts = []
    for words in ((both,), parts, ("--list", both)):
        code, text, _ = run_command("check", *words)
        assert code == 0
        texts.append(text)
    assert texts[0] == texts[1] == texts[2]
    assert "training: 6 videos of 2 classes" in text and "test: 6 videos of 2 classes" in text


def test_what_loaders_warn_of_is_told(tiny_ucf101, tmp_path, run_command):
    video_dir, _ = tiny_ucf101
    lines = ["label,youtube_id,time_start,time_end,split", "Jump,gone,0,1,train"]
    lines += [f"Jump,{path.stem},0,1,train" for path in pathlib.Path(video_dir, "Jump").iterdir()]
    for name in ("train", "validate"):
        (tmp_path / f"{name}.csv").write_text("\n".join(lines) + "\n")
    flags = ("--dataset", "kinetics", "--data-dir", video_dir, "--splits-dir", tmp_path)
    code, text, errors = run_command("check", *flags)
    assert code == 1 and "1 of the 7 videos that" in text and not errors


@pytest.mark.parametrize(
    "words, message",
    [
        ([], "name one or two folders or lists, or the data by its flags"),
        (["a", "b", "c"], "name one or two folders"),
        (["a", "--data-dir", "b"], "name one or two folders"),
        (["--demo"], "--demo needs --output"),
        (["nowhere"], "error: nowhere does not exist."),
        (["empty"], "error: empty holds folders, and no videos in them."),
    ],
)
def test_bad_input_is_one_clear_line(words, message, tmp_path, monkeypatch, run_command):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty" / "Jump").mkdir(parents=True)
    code, _, errors = run_command("check", *words)
    text = code if isinstance(code, str) else errors
    assert message in text.splitlines()[-1]
