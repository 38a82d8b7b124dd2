"""Fetches the libraries of FFmpeg 4, which tensorflow-io's video decoder needs, into a folder.

    export LD_LIBRARY_PATH=$(python -m keras_seattn.data.tfio.ffmpeg4)

For Debian, whose later releases ship later ones of FFmpeg. The packages are those of Debian 11,
from the mirror that this machine's apt uses; they are unpacked into the folder, 100 MB, and nothing
is installed: no root is needed. It prints the value to export.
"""

import argparse
import os
import pathlib
import platform
import subprocess
import sys
import tempfile

from keras_seattn.files import cache_folder, replacing

RELEASE = "bullseye"  # Debian 11
PACKAGES = ("libavformat58", "libavcodec58", "libavutil56", "libswscale5", "libswresample3")
WANTED = "libavformat.so.58"
_ELSEWHERE = (
    f"install FFmpeg 4 ({WANTED}) as your system does, and put its folder into LD_LIBRARY_PATH."
)
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def fetch(folder: pathlib.Path) -> str:
    """Fetches the packages and unpacks them, unless that was done before.

    Args:
        folder: `pathlib.Path`, made where missing; empty, or one that this
            function has filled.

    Returns:
        str, what `LD_LIBRARY_PATH` must hold.

    Raises:
        RuntimeError: The folder holds other files; or this machine has no apt,
            or it failed: the message says what it said.
    """
    root = folder / "root"
    if not root.exists():
        if folder.exists() and any(folder.iterdir()):
            raise RuntimeError(f"{folder} holds other files. Name an empty folder, or a new one.")
        folder.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(prefix=f"{folder.name}-", dir=folder.parent) as work,
            replacing(root) as partial,
        ):
            _unpack(pathlib.Path(work)).rename(partial)
    libraries = [*root.glob("lib/**/lib*.so.*"), *root.glob("usr/lib/**/lib*.so.*")]
    folders = sorted({str(path.parent) for path in libraries})
    if not any(os.path.exists(os.path.join(path, WANTED)) for path in folders):
        raise RuntimeError(f"{folder} does not hold {WANTED}. Remove the folder and try again.")
    return os.pathsep.join(folders)


def _unpack(work):
    """Fetches and unpacks the packages within a folder, and returns where they are then."""
    for name in ("lists", "archives"):
        (work / name / "partial").mkdir(parents=True)
    sources = work / "sources.list"
    sources.write_text(f"deb [signed-by={KEYRING}] {_mirror()} {RELEASE} main\n")
    apt = [
        "apt-get", "--quiet", "--yes",
        "--option", f"Dir::Etc::SourceList={sources}",
        "--option", "Dir::Etc::SourceParts=-",
        "--option", f"Dir::State::Lists={work / 'lists'}",
        "--option", f"Dir::Cache={work}",
        "--option", "Debug::NoLocking=true",
    ]  # fmt: skip
    _run(*apt, "update")
    _run(*apt, "--no-install-recommends", "--download-only", "install", *PACKAGES)
    root = work / "root"
    for package in sorted((work / "archives").glob("*.deb")):
        _run("dpkg", "--extract", package, root)
    return root


def _mirror():
    """The address of the Debian mirror that this machine's apt uses."""
    system = platform.freedesktop_os_release()
    targets = _run("apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)")
    for line in targets.splitlines():
        address, _, release = line.partition(" ")
        if system["ID"] == "debian" and release == system.get("VERSION_CODENAME"):
            return address
    raise RuntimeError(
        f"apt's sources name no mirror of Debian: this works on Debian. Elsewhere, {_ELSEWHERE}"
    )


def _run(*command):
    try:
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise RuntimeError(
            f"There is no {command[0]} here: this works on Debian. Elsewhere, {_ELSEWHERE}"
        ) from error
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def main() -> None:
    """Fetches them as the command line says, and prints the value to export."""
    parser = argparse.ArgumentParser(
        prog="python -m keras_seattn.data.tfio.ffmpeg4",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    default = pathlib.Path(cache_folder(), f"ffmpeg4-{platform.machine()}")
    parser.add_argument(
        "folder", nargs="?", type=pathlib.Path, default=default, help=f"({default})"
    )
    try:
        path = fetch(parser.parse_args().folder.absolute())
    except (RuntimeError, OSError) as error:
        sys.exit(f"error: {error}")
    print(":".join(filter(None, [path, os.environ.get("LD_LIBRARY_PATH")])))


if __name__ == "__main__":
    main()
