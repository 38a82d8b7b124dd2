"""Files of weights by name: from a server and from Google Drive, which go wrong in many ways."""

import dataclasses
import hashlib
import io
import os
import pickle
import subprocess
import sys
import threading
import time
import types
from unittest import mock

import keras
import numpy as np
import pytest
from image_packages import import_or_skip
from storage_limits import file_size_limit
from tiny_network import TinyNetwork
from weight_server import WeightServer

from keras_seattn import stopping
from keras_seattn.applications import SEAMC3_18, SEAResNet18_3D
from keras_seattn.checkpoints import WEIGHTS, Published, downloading, hashes, read
from keras_seattn.errors import InputError, MissingFileError, MissingPackageError, StorageError
from keras_seattn.folder_lock import FolderLock
from keras_seattn.preprocessing import HARA_2018, TORCHVISION

CONTENT = bytes(range(256)) * 1000
KNOWN = Published(
    "kinetics400",
    "SEAResNet18_3D",
    "network.pth",
    parameters=1000,
    gmac=1.0,
    source="http://127.0.0.1",
    page="https://example.org/page",
    licence="MIT",
    data="Kinetics-400",
    classes=400,
    preprocessing=HARA_2018,
)


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.delenv(downloading.MIRROR, raising=False)
    monkeypatch.setattr(downloading, "PAUSE", 0.01)
    monkeypatch.setattr(downloading, "WAIT", 0.01)
    monkeypatch.setattr(downloading, "SILENCE", 0.3)


def known_at(server, file="network.pth"):
    return dataclasses.replace(KNOWN, source=server.address, file=file)


def fetch(known, folder, check=lambda path: None):
    path = downloading.fetch(known, str(folder), check)
    assert path == str(folder / known.file)
    return path


def in_one_line(caught):
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("plan, requests", [
    (["whole"], 1),
    (["cut", "whole"], 2),
    (["dawdle", "whole"], 2),
    (["cut", "cut", "cut", "cut", "whole"], 5),
    (["cut", "no ranges"], 2),
    (["cut", "wrong range", "whole"], 3),
    (["bare"], 1),
    ([503, 429, "cut", "whole"], 4),
])  # fmt: skip
def test_a_file_comes_whole(plan, requests, tmp_path):
    with WeightServer({"network.pth": CONTENT}, *plan) as server:
        path = fetch(known_at(server), tmp_path)
        assert open(path, "rb").read() == CONTENT
        fetch(known_at(server), tmp_path)
        assert len(server.requests) == requests
    digest = hashlib.sha256(CONTENT).hexdigest()
    assert (tmp_path / "network.pth.sha256").read_text() == f"{digest}  network.pth\n"
    assert not list((tmp_path / "fetching/network.pth").glob("[!.]*"))


def test_what_broke_off_is_gone_on_with_where_it_was(tmp_path):
    with WeightServer({"network.pth": CONTENT}, "cut") as server:
        with pytest.raises(MissingFileError) as caught:
            fetch(known_at(server), tmp_path)
        message = in_one_line(caught)
        assert f"could not be fetched from {server.address}/network.pth: the connection" in message
        assert " of 256,000 bytes. What has come is kept" in message
        assert f"put it into {tmp_path}. Or set KERAS_SEATTN_WEIGHTS to" in message
        assert "https://example.org/page" in message
        assert len(server.requests) == downloading.TRIES
        server.plan = ["whole"]
        path = fetch(known_at(server), tmp_path)
        last = server.requests[-1]
    half = len(CONTENT)
    for _ in range(downloading.TRIES):
        half -= half // 2
    assert last["Range"] == f"bytes={len(CONTENT) - half}-" and last["If-Range"] == '"1"'
    assert open(path, "rb").read() == CONTENT


def test_a_file_that_was_changed_meanwhile_is_fetched_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(downloading, "TRIES", 1)
    with WeightServer({"network.pth": CONTENT}, "cut", "whole") as server:
        with pytest.raises(MissingFileError):
            fetch(known_at(server), tmp_path)
        server.files, server.etag = {"network.pth": CONTENT[::-1]}, '"2"'
        path = fetch(known_at(server), tmp_path)
    assert open(path, "rb").read() == CONTENT[::-1]


def test_a_part_is_not_gone_on_with_from_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setattr(downloading, "TRIES", 1)
    with WeightServer({"network.pth": CONTENT}, "cut") as first:
        with pytest.raises(MissingFileError):
            fetch(known_at(first), tmp_path)
        with WeightServer({"network.pth": CONTENT[::-1]}) as second:
            monkeypatch.setenv(downloading.MIRROR, second.address)
            assert open(fetch(known_at(first), tmp_path), "rb").read() == CONTENT[::-1]
            assert "Range" not in second.requests[0]


@pytest.mark.parametrize("origin", ['{"size": 3}', "[]", "{", "whole"])
def test_a_part_that_cannot_be_is_begun_anew(origin, tmp_path):
    """Longer than the file, or with a note that is damaged."""
    with WeightServer({"network.pth": CONTENT}, "cut", "whole") as server:
        known = known_at(server)
        with mock.patch.object(downloading, "TRIES", 1), pytest.raises(MissingFileError):
            fetch(known, tmp_path)
        part = tmp_path / "fetching" / "network.pth" / "network.pth"
        if origin == "whole":
            part.write_bytes(CONTENT + b"more")
        else:
            part.with_name("network.pth.origin").write_text(origin)
        assert open(fetch(known, tmp_path), "rb").read() == CONTENT
        assert "Range" not in server.requests[-1]


def test_a_version_that_stands_for_files_that_are_only_alike_is_not_gone_on_with(tmp_path):
    with WeightServer({"network.pth": CONTENT}, "cut", "whole") as server:
        server.etag = 'W/"1"'
        fetch(known_at(server), tmp_path)
        assert "Range" not in server.requests[1]


def test_a_whole_file_that_was_not_looked_at_yet_is_not_fetched_again(tmp_path):
    def interrupted(path):
        raise KeyboardInterrupt

    with WeightServer({"network.pth": CONTENT}) as server:
        with pytest.raises(KeyboardInterrupt):
            fetch(known_at(server), tmp_path, interrupted)
        assert not (tmp_path / "network.pth").exists()
        fetch(known_at(server), tmp_path)
        assert len(server.requests) == 1


def test_a_server_that_dawdles_for_good(tmp_path, monkeypatch):
    monkeypatch.setattr(downloading, "TRIES", 1)
    with WeightServer({"network.pth": CONTENT}, "dawdle") as server:
        with pytest.raises(MissingFileError, match=r"nothing came for 0\.3 seconds"):
            fetch(known_at(server), tmp_path)


@pytest.mark.parametrize("status, requests", [(403, 1), (404, 1), (503, 5)])
def test_a_server_that_refuses(status, requests, tmp_path):
    with WeightServer({"network.pth": CONTENT}, status) as server:
        with pytest.raises(MissingFileError, match=f": the server answers {status} ") as caught:
            fetch(known_at(server), tmp_path)
        assert len(server.requests) == requests
    assert "What has come" not in in_one_line(caught)


@pytest.mark.parametrize("source", ["http://127.0.0.1:9", "http://nowhere.invalid", "http://"])
def test_no_connection(source, tmp_path):
    with pytest.raises(MissingFileError, match="there is no connection") as caught:
        fetch(dataclasses.replace(KNOWN, source=source), tmp_path)
    in_one_line(caught)


def refuse(path):
    raise InputError(f"{path} holds other weights.")


@pytest.mark.parametrize("content, file, check, message", [
    (b"<!DOCTYPE html><html>Sign in</html>", "network.pth", None, "it is a web page, not a file"),
    (CONTENT, "network-0123abcd.pth", None, r"it has the SHA-256 \w{64}, not 0123abcd"),
    (CONTENT, "network.pth", refuse, "it holds other weights"),
])  # fmt: skip
def test_what_is_not_the_file_is_refused_and_removed(content, file, check, message, tmp_path):
    with WeightServer({file: content}) as server:
        with pytest.raises(InputError, match=message) as caught:
            fetch(known_at(server, file), tmp_path, check or (lambda path: None))
        assert len(server.requests) == 1
    assert "It was removed." in in_one_line(caught)
    assert not list(tmp_path.rglob("[!.]*.pth*/[!.]*.pth*")) and not list(tmp_path.glob("*.pth*"))


def test_another_file_than_the_first_time_is_refused(tmp_path):
    with WeightServer({"network.pth": CONTENT}) as server:
        path = fetch(known_at(server), tmp_path)
        hashes.verify(path, KNOWN, str(tmp_path), lambda path: None)
        os.remove(path)
        server.files["network.pth"] = CONTENT[1:]
        with pytest.raises(InputError, match=r"network\.pth\.sha256 says since it was seen first"):
            fetch(known_at(server), tmp_path)
        os.remove(f"{path}.sha256")
        fetch(known_at(server), tmp_path)
    with open(path, "ab") as file:
        file.write(b"more")
    with pytest.raises(InputError, match=rf"remove that note\. Remove {path} to have it"):
        hashes.verify(path, KNOWN, str(tmp_path), lambda path: None)


def test_a_file_that_was_put_there_by_hand_is_noted_when_it_is_read(tmp_path):
    path = tmp_path / "network.pth"

    def check(name):
        if open(name, "rb").read() != CONTENT:
            raise InputError("It is another file.")

    def verify():
        hashes.verify(str(path), KNOWN, str(tmp_path), check)

    path.write_bytes(CONTENT[1:])  # What is not the file is not noted as if it were.
    with pytest.raises(InputError, match="another file"):
        verify()
    (tmp_path / "network.pth.sha256").write_text("")  # as a full disk leaves it
    path.write_bytes(CONTENT)
    verify()
    path.write_bytes(CONTENT[1:])
    with pytest.raises(InputError, match="seen first"):
        verify()


FETCH = """
import dataclasses, sys
from keras_seattn.checkpoints import downloading
from test_downloading import KNOWN
downloading.fetch(dataclasses.replace(KNOWN, source=sys.argv[1]), sys.argv[2], lambda path: None)
"""


def test_one_process_fetches_and_another_waits_and_goes_on_where_that_is_killed(tmp_path):
    part = tmp_path / "fetching/network.pth/network.pth"
    paths = [os.path.dirname(__file__), *sys.path]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    with WeightServer({"network.pth": CONTENT}, "dawdle", "whole") as server:
        command = [sys.executable, "-c", FETCH, server.address, str(tmp_path)]
        with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as first:
            while not (part.exists() and part.stat().st_size):
                assert first.poll() is None
                time.sleep(0.02)
            second = threading.Thread(target=fetch, args=(known_at(server), tmp_path))
            second.start()
            time.sleep(0.2)
            assert second.is_alive() and len(server.requests) == 1
            first.kill()
        second.join(30)
        assert len(server.requests) == 2
        assert server.requests[1]["Range"] == f"bytes={len(CONTENT) // 2}-"
    assert (tmp_path / "network.pth").read_bytes() == CONTENT


def test_who_waited_asks_for_nothing(tmp_path):
    with WeightServer({"network.pth": CONTENT}) as server:
        several = [
            threading.Thread(target=fetch, args=(known_at(server), tmp_path)) for _ in range(4)
        ]
        for thread in several:
            thread.start()
        for thread in several:
            thread.join(30)
        assert (tmp_path / "network.pth").exists() and len(server.requests) == 1


def test_who_waits_says_for_whom(tmp_path, capfd):
    work = tmp_path / "fetching/network.pth"
    with WeightServer({"network.pth": CONTENT}) as server:
        waiting = threading.Thread(target=fetch, args=(known_at(server), tmp_path))
        with FolderLock(work, "fetching"):
            waiting.start()
            time.sleep(0.2)
            assert waiting.is_alive() and not server.requests
        waiting.join(30)
    assert (
        f"Waiting: {work} is in use for fetching by process {os.getpid()}" in capfd.readouterr().err
    )


def test_a_stop_is_heard(tmp_path, monkeypatch):
    with WeightServer({"network.pth": CONTENT}) as server:
        monkeypatch.setattr(stopping, "_in_force", types.SimpleNamespace(status=130))
        with pytest.raises(stopping.Stopped):
            fetch(known_at(server), tmp_path)
    assert not (tmp_path / "network.pth").exists()


def test_a_folder_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"cannot be written.*by KERAS_SEATTN_CACHE, or cache_"):
        fetch(KNOWN, tmp_path / "file")


def test_a_full_disk_keeps_what_came(tmp_path):
    with WeightServer({"network.pth": CONTENT}) as server:
        message = r"network\.pth could not be written: File too large, after 100,000 bytes"
        with file_size_limit(100_000), pytest.raises(StorageError, match=message):
            fetch(known_at(server), tmp_path)
        assert open(fetch(known_at(server), tmp_path), "rb").read() == CONTENT
        assert server.requests[-1]["Range"] == "bytes=100000-"


# Google Drive. gdown's functions are replaced by some that do what those of gdown 6.5 do.

DRIVE = dataclasses.replace(KNOWN, source="1zvl89AgFAApbH0At-gMuZSeQB_LpNP-M")


@pytest.fixture
def gdown():
    return pytest.importorskip("gdown")


def put_on_drive(monkeypatch, gdown, download, names=("network.pth",)):
    def download_folder(*, id, skip_download, quiet, use_cookies, timeout):
        assert id == DRIVE.source and skip_download and quiet and not use_cookies and timeout
        return [types.SimpleNamespace(id=f"id of {name}", path=f"models/{name}") for name in names]

    for function in (download_folder, download):
        name = function.__name__
        own = mock.create_autospec(getattr(gdown, name), side_effect=function)
        monkeypatch.setattr(gdown, name, own)


def test_a_file_comes_from_drive(tmp_path, monkeypatch, gdown, capsys):
    def download(*, id, output, quiet, resume, retries, progress, use_cookies, timeout):
        assert id == "id of network.pth" and quiet and resume and retries and not use_cookies
        with open(output, "wb") as file:
            for end in (100_000, len(CONTENT)):
                file.write(CONTENT[file.tell() : end])
                progress(end, len(CONTENT))
        return output

    put_on_drive(monkeypatch, gdown, download, names=("README", "network.pth", "network-2.pth"))
    assert open(fetch(DRIVE, tmp_path), "rb").read() == CONTENT
    said = capsys.readouterr()
    assert said.out == "" and said.err == (
        f"Fetching network.pth from https://drive.google.com/drive/folders/{DRIVE.source} into "
        f"{tmp_path}\n"
    )


def test_quota_of_drive(tmp_path, monkeypatch, gdown):
    def download(**_):
        raise gdown.exceptions.FileURLRetrievalError(
            "Failed to retrieve file url:\n\n\tToo many users have viewed or downloaded this file "
            "recently.\n\nbut Gdown can't."
        )

    put_on_drive(monkeypatch, gdown, download)
    with pytest.raises(MissingFileError, match=r"url: Too many users have viewed") as caught:
        fetch(DRIVE, tmp_path)
    message = in_one_line(caught)
    assert f"take network.pth from https://drive.google.com/drive/folders/{DRIVE.source}" in message


def test_a_folder_of_drive_without_the_file(tmp_path, monkeypatch, gdown):
    put_on_drive(monkeypatch, gdown, gdown.download, names=("other.pth",))
    with pytest.raises(MissingFileError, match=r": the folder holds no network\.pth\. By hand"):
        fetch(DRIVE, tmp_path)


def test_a_part_from_drive_is_taken_up_by_gdown_and_left_where_it_is_of_another_file(
    tmp_path, monkeypatch, gdown
):
    part = tmp_path / "fetching/network.pth/network.pthabcdefgh.part"
    calls = []

    def download(*, output, progress, **_):
        calls.append(part.exists())
        if len(calls) == 1:
            part.write_bytes(CONTENT[:1000])
            raise gdown.exceptions.DownloadError("Download failed after 4 retries")
        if part.exists():
            raise gdown.exceptions.DownloadError("Server did not honor the requested byte range;")
        with open(output, "wb") as file:
            file.write(CONTENT)

    put_on_drive(monkeypatch, gdown, download)
    with pytest.raises(MissingFileError, match=r"after 4 retries\. What has come is kept"):
        fetch(DRIVE, tmp_path)
    assert open(fetch(DRIVE, tmp_path), "rb").read() == CONTENT
    assert calls == [False, True, False]


def test_gdown_itself_on_pages_like_those_of_drive(tmp_path, monkeypatch, gdown, capfd):
    requests = pytest.importorskip("requests")
    get, file_id = requests.Session.get, "0123456789_abcdefghijklmno"
    drive, usercontent = "https://drive.google.com", "https://drive.usercontent.google.com/download"
    pages = {
        f"{drive}/embeddedfolderview?id={DRIVE.source}": "<title>models</title>"
        f'<a href="{drive}/file/d/{file_id}/view">network.pth</a>',
        f"{drive}/uc?id={file_id}": f'<form id="download-form" action="{usercontent}">'
        f'<input type="hidden" name="id" value="{file_id}"></form>',
    }

    def answer(session, url, **options):
        if url in pages:
            response = requests.Response()
            response.status_code, response.url, response._content = 200, url, pages[url].encode()
            response.headers["Content-Type"] = "text/html"
            return response
        assert url == f"{usercontent}?id={file_id}"
        response = get(session, f"{server.address}/network.pth", **options)
        response.headers["Content-Disposition"] = 'attachment; filename="network.pth"'
        response.headers.setdefault("Content-Type", "application/octet-stream")
        return response

    monkeypatch.setattr(requests.Session, "get", answer)
    monkeypatch.setattr(downloading, "TRIES", 1)
    content = 10 * CONTENT  # more than one of gdown's blocks, of 2**19 bytes
    with WeightServer({"network.pth": content}, "cut", "whole") as server:
        with pytest.raises(MissingFileError, match=r"gdown says: Download is incomplete.* is kept"):
            fetch(DRIVE, tmp_path)
        assert open(fetch(DRIVE, tmp_path), "rb").read() == content
        assert server.requests[-1]["Range"] == f"bytes={2 * 2**19}-"
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 2 and all(line.startswith("Fetching network.pth from") for line in lines)
    assert not list((tmp_path / "fetching/network.pth").glob("network*"))


@pytest.mark.parametrize("error, message", [
    (OSError(28, "No space left on device"), "could not be written: No space left"),
    (KeyError("content-type"), "could not be fetched from https.*: gdown says: 'content-type'"),
])  # fmt: skip
def test_what_else_gdown_raises(error, message, tmp_path, monkeypatch, gdown):
    def download(**_):
        raise error

    put_on_drive(monkeypatch, gdown, download)
    with pytest.raises((StorageError, MissingFileError), match=message):
        fetch(DRIVE, tmp_path)


def test_no_connection_to_drive(tmp_path, monkeypatch, gdown):
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with pytest.raises(MissingFileError, match=r": there is no connection \([^()]*refused\)\. By"):
        fetch(DRIVE, tmp_path)


def test_without_gdown(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "gdown", None)
    with pytest.raises(MissingPackageError, match=r'pip install "keras_seattn\[download\]"\. By'):
        fetch(DRIVE, tmp_path)


# Builders and commands.


@pytest.fixture
def published(tmp_path):
    """A small network's file as Hara's code saves it, and its row of the list."""
    torch = pytest.importorskip("torch")
    from pytorch_network import random_network

    network = random_network("A", classes=400, factor=0.1)
    (tmp_path / "mirror").mkdir()
    path = tmp_path / "mirror/resnet-18-kinetics.pth"
    torch.save({"arch": "resnet-18", "state_dict": network.state_dict()}, path)
    parameters = sum(weight.numel() for weight in network.parameters())
    first = WEIGHTS[0]
    return path, {"kinetics400": dataclasses.replace(first, parameters=parameters)}


def test_a_mirror_is_asked_in_place_of_the_source(published, tmp_path, monkeypatch):
    path, known = published
    with WeightServer({path.name: path.read_bytes()}) as server:
        monkeypatch.setenv(downloading.MIRROR, f"{server.address}/")
        checkpoint = read("kinetics400", known, tmp_path / "cache")
        assert checkpoint.class_names[-1] == "zumba" and checkpoint.preprocessing == HARA_2018
        assert read("kinetics400", known, tmp_path / "cache").path == checkpoint.path
        assert len(server.requests) == 1
        server.files.clear()
        with pytest.raises(MissingFileError, match=rf"from {server.address}/resnet-18-kinetics"):
            read("kinetics400", known, tmp_path / "other")


def test_a_whole_file_of_hara(tmp_path, monkeypatch):
    """As his code saves it, by its row as it is; the head alone is new."""
    torch = pytest.importorskip("torch")
    from pytorch_network import random_network

    state = {f"module.{k}": v for k, v in random_network("A", classes=400).state_dict().items()}
    content = io.BytesIO()
    torch.save({"arch": "resnet-18", "epoch": 1, "state_dict": state, "optimizer": {}}, content)
    with WeightServer({"resnet-18-kinetics.pth": content.getvalue()}, "cut", "whole") as server:
        monkeypatch.setenv(downloading.MIRROR, server.address)
        with pytest.warns(UserWarning, match="the head, of 101 classes, is new and untrained"):
            model = SEAResNet18_3D(weights="kinetics400", classes=101, cache_dir=tmp_path)
    assert model.preprocessing == HARA_2018
    kernel = keras.ops.convert_to_numpy(model.get_layer("stage4_block2_2_conv").kernel)
    expected = np.moveaxis(state["module.layer4.1.conv2.weight"].numpy(), (0, 1), (4, 3))
    np.testing.assert_array_equal(kernel, expected)


def test_a_whole_file_of_torchvision(tmp_path, monkeypatch):
    """Whose name has the beginning of its hash."""
    network = import_or_skip("torchvision").models.video.mc3_18()
    import torch

    content = io.BytesIO()
    torch.save(network.state_dict(), content)
    file = f"mc3_18-{hashlib.sha256(content.getvalue()).hexdigest()[:8]}.pth"
    published = SEAMC3_18.published["kinetics400"]
    with WeightServer({file: content.getvalue()}) as server:
        row = dataclasses.replace(published, source=server.address, file=file)
        monkeypatch.setitem(SEAMC3_18.published, "kinetics400", row)
        model = SEAMC3_18(weights="kinetics400", cache_dir=tmp_path)
    assert model.preprocessing == TORCHVISION and model.class_names[-1] == "zumba"


def test_a_folder_as_mirror_is_used_in_place(published, tmp_path, monkeypatch):
    path, known = published
    monkeypatch.setenv(downloading.MIRROR, str(path.parent))
    assert read("kinetics400", known).path == str(path)
    assert sorted(path.parent.iterdir()) == [path]
    path.unlink()
    with pytest.raises(MissingFileError, match=f"which is not in {path.parent}, the mirror"):
        read("kinetics400", known)


def test_a_mirror_of_another_kind(published, monkeypatch):
    for address in ("ftp://example.org", "http://example.org/für"):
        monkeypatch.setenv(downloading.MIRROR, address)
        with pytest.raises(
            InputError, match=f"KERAS_SEATTN_WEIGHTS must be .* Received: {address}"
        ):
            read("kinetics400", published[1])
    monkeypatch.setenv(downloading.MIRROR, "HTTPS://example.org")
    assert downloading.mirror() == "https://example.org"


@pytest.mark.parametrize("change, message", [
    ({"classes": 700}, r"for 400 classes in place of 316,162 for 700\."),
    ({"parameters": 5}, "parameters for 400 classes in place of 5 for 400"),
    (None, "and unknown weights: head.weight"),
])  # fmt: skip
def test_other_weights_are_refused(change, message, published, tmp_path, monkeypatch):
    torch = pytest.importorskip("torch")
    path, known = published
    known = {"kinetics400": dataclasses.replace(known["kinetics400"], **(change or {}))}
    if not change:
        content = torch.load(path)
        content["state_dict"]["head.weight"] = torch.ones(2, 2)
        torch.save(content, path)
    with WeightServer({path.name: path.read_bytes()}) as server:
        monkeypatch.setenv(downloading.MIRROR, server.address)
        with pytest.raises(InputError, match=message):
            read("kinetics400", known, tmp_path / "cache")
    assert not (tmp_path / "cache" / path.name).exists()


def test_without_pytorch_nothing_is_fetched(published, tmp_path, monkeypatch):
    path, known = published
    monkeypatch.setitem(sys.modules, "torch", None)
    with WeightServer({path.name: path.read_bytes()}) as server:
        monkeypatch.setenv(downloading.MIRROR, server.address)
        with pytest.raises(MissingPackageError, match="PyTorch is needed for resnet-18-kinetics"):
            read("kinetics400", known, tmp_path / "cache")
        assert not server.requests


def test_nothing_is_fetched_that_weights_do_not_name(tmp_path, monkeypatch, run_command):
    def fail(*_):
        raise AssertionError("fetched")

    monkeypatch.setattr(downloading, "fetch", fail)
    model = TinyNetwork()
    model.save(tmp_path / "model.keras")
    keras.models.load_model(tmp_path / "model.keras")
    pickle.loads(pickle.dumps(model))
    TinyNetwork(weights=tmp_path / "model.keras")
    assert run_command("train", "--help")[0] == 0
    with pytest.raises(AssertionError, match="fetched"):
        SEAResNet18_3D(weights="kinetics400")


def test_a_command_fetches_before_it_looks_at_data(tmp_path, monkeypatch, run_command):
    with WeightServer({}) as server:
        monkeypatch.setenv(downloading.MIRROR, server.address)
        code, _, _ = run_command(
            "train", "--data-dir", "nowhere", "--splits-dir", "nowhere", "--weights", "kinetics400"
        )
        assert "weights='kinetics400' needs resnet-18-kinetics.pth" in code
        assert len(server.requests) == 1
