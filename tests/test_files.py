import errno
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import textwrap

import pytest
from storage_limits import file_size_limit

from keras_seattn import files
from keras_seattn.errors import InputError, MissingFileError, StorageError


def names(folder):
    return sorted(path.name for path in pathlib.Path(folder).iterdir())


def test_a_file_appears_whole_and_with_what_was_written_beside_it(tmp_path):
    path = tmp_path / "model.weights.h5"
    path.write_text("old")
    with files.replacing(path) as partial:
        assert os.path.basename(partial) == path.name
        pathlib.Path(partial).write_text("new")
        pathlib.Path(partial).with_suffix(".bin").write_text("beside")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert names(tmp_path) == ["model.weights.bin", "model.weights.h5"]


def test_a_folder_is_replaced(tmp_path):
    for text in ("old", "new"):
        with files.replacing(tmp_path / "saved") as partial:
            os.makedirs(os.path.join(partial, "in"))
            pathlib.Path(partial, "in", text).write_text(text)
    assert names(tmp_path) == ["saved"] and names(tmp_path / "saved" / "in") == ["new"]


@pytest.mark.parametrize("error", [OSError(errno.EIO, "broken"), KeyboardInterrupt()])
def test_a_folder_comes_back_that_cannot_be_replaced(error, tmp_path, monkeypatch):
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "old").touch()

    def fail(*_):
        raise error

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(type(error)), files.replacing(tmp_path / "saved") as partial:
        os.makedirs(partial)
    assert names(tmp_path) == ["saved"] and names(tmp_path / "saved") == ["old"]


def test_an_error_leaves_what_was_there(tmp_path):
    path = tmp_path / "a.json"
    files.write_json(path, [1])
    with pytest.raises(ZeroDivisionError), files.replacing(path) as partial:
        pathlib.Path(partial).write_text("half")
        raise ZeroDivisionError
    with pytest.raises(TypeError):
        files.write_json(path, {"no JSON": object()})
    assert json.loads(path.read_text()) == [1] and names(tmp_path) == ["a.json"]


def test_links_stay_and_what_is_no_file_is_refused(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "file")
    files.write_text(tmp_path / "link", "caf\xe9 \udc80")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text(encoding="utf-8") == "caf\xe9 \\udc80"
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(StorageError, match=r"fifo is no file and no folder"):
        files.write_text(tmp_path / "fifo", "text")
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError, match=r"folder could not be written: Is a directory"):
        files.write_text(tmp_path / "folder", "text")
    with pytest.raises(MissingFileError, match=r"The folder of .*none/file does not exist"):
        files.write_text(tmp_path / "none" / "file", "text")


def test_a_limit_is_one_clear_error(tmp_path):
    path = tmp_path / "a.bin"
    path.write_text("old")
    with file_size_limit(10_000):
        with pytest.raises(
            StorageError, match=r"a\.bin could not be written: File too large, after .* of 50,000 b"
        ):
            files.write_bytes(path, bytes(50_000))
        # A library that says it in its own way.
        with pytest.raises(StorageError, match=r"a\.bin could not be written: File too large"):
            with files.replacing(path) as partial:
                pathlib.Path(partial).write_bytes(bytes(10_000))
                raise RuntimeError("basic_ios::clear: iostream error")
    # What is no matter of the disk stays what it is.
    with pytest.raises(OSError, match="no matter") as raised, files.replacing(path):
        raise OSError(errno.EINVAL, "no matter of the disk")
    assert not isinstance(raised.value, StorageError)
    assert path.read_text() == "old" and names(tmp_path) == ["a.bin"]


def test_a_folder_that_is_read_only(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "mkdir", refuse)  # For root no folder is read-only.
    with pytest.raises(StorageError, match=r"a\.txt cannot be written: Permission denied"):
        files.write_text(tmp_path / "a.txt", "text")


def killed_while_writing(path, kind):
    """Kills a process while it writes a file, or while it replaces a folder."""
    program = f"""
        import os, signal
        from keras_seattn import files
        def die(*_): os.kill(os.getpid(), signal.SIGKILL)
        if {kind!r} == "folder":
            os.replace = die
        with files.replacing({str(path)!r}) as partial:
            if {kind!r} == "file":
                open(partial, "w").write("half")
                die()
            os.mkdir(partial)
    """
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(program)])
    assert ended.returncode == -signal.SIGKILL


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    killed_while_writing(path, "file")
    assert path.read_text() == "old" and len(names(tmp_path)) == 2
    files.write_text(tmp_path / "b.txt", "another")
    assert names(tmp_path) == ["a.txt", "b.txt"] and path.read_text() == "old"


def test_a_folder_whose_replacing_was_killed_comes_back(tmp_path):
    folder = tmp_path / "saved"
    folder.mkdir()
    (folder / "old").write_text("old")
    killed_while_writing(folder, "folder")
    assert not folder.exists()
    files.write_text(tmp_path / "b.txt", "another")
    assert names(tmp_path) == ["b.txt", "saved"] and (folder / "old").read_text() == "old"


def test_what_others_write_stays(tmp_path):
    elsewhere = tmp_path / ".0123.45-67-0-another-host.partial"
    elsewhere.mkdir()
    (tmp_path / ".mine.partial").mkdir()
    with files.replacing(tmp_path / "a.txt") as partial:
        files.write_text(tmp_path / "b.txt", "text")
        pathlib.Path(partial).write_text("text")
    assert elsewhere.name in names(tmp_path) and "a.txt" in names(tmp_path)
    os.utime(elsewhere, (0, 0))
    files.write_text(tmp_path / "b.txt", "text")
    assert names(tmp_path) == [".mine.partial", "a.txt", "b.txt"]


def test_lines_are_whole(tmp_path):
    path = tmp_path / "steps.csv"
    assert files.read_lines(path) == []
    files.append_lines(path, ["step,loss", "0,0.5"])
    with path.open("a") as file:
        file.write("1,0.")  # torn
    assert files.read_lines(path) == ["step,loss", "0,0.5"]
    files.append_lines(path, ["1,0.25"])
    assert path.read_text() == "step,loss\n0,0.5\n1,0.25\n"
    with file_size_limit(100), pytest.raises(StorageError, match=r"steps\.csv could not be writ"):
        files.append_lines(path, ["2,0.125"] * 100)
    assert files.read_lines(path) == ["step,loss", "0,0.5", "1,0.25"]


def test_a_line_torn_within_a_letter_is_dropped(tmp_path):
    (tmp_path / "log").write_bytes("eins\nzwölf".encode()[:-3])
    assert files.read_lines(tmp_path / "log") == ["eins"]


def test_damaged_json_is_named(tmp_path):
    (tmp_path / "a.json").write_text('{"half": ')
    with pytest.raises(InputError, match=re.escape(f"{tmp_path / 'a.json'} is damaged")):
        files.read_json(tmp_path / "a.json")
