"""Videos in folders: one folder per class, or anywhere below one."""

import os
import warnings

from keras_seattn.data import storage
from keras_seattn.data.catalogs import Catalog
from keras_seattn.data.datasets.lists import check_folder
from keras_seattn.data.frame_folders import frames_among
from keras_seattn.data.suffixes import VIDEO_SUFFIXES, is_video
from keras_seattn.errors import InputError

_NAMED = 3  # examples of what is left out


def load_directory(root: str | os.PathLike) -> Catalog:
    """Lists the videos of a folder that holds one folder per class.

    Args:
        root: str. Each folder in it is a class, by its name; the video files
            in it (.mp4, .avi, .mkv, .mov, .webm and so on) and the folders of
            frames (numbered JPEG or PNG pictures) are its videos. Hidden files
            and folders are left out. One warning counts what else is left out:
            files of other kinds, and other folders in a class's folder.

    Returns:
        A `Catalog`; classes and files in alphabetical order.

    Raises:
        FileNotFoundError: There is no such folder.
        ValueError: It holds no folders, or one of them no videos; the message
            names it.

    Example:

    >>> catalog = load_directory("my_videos")
    >>> catalog.class_names
    ['falling', 'running', 'sitting']
    """
    catalog, left_out = list_classes(root)
    for label, name in enumerate(catalog.class_names):
        if label not in catalog.labels:
            raise InputError(
                f"{os.path.join(root, name)} holds no video files ({', '.join(VIDEO_SUFFIXES)}) "
                "and no folders of frames. Put the videos of that class there, or remove the "
                "folder."
            )
    _warn_of_left_out(root, left_out)
    return catalog


def list_classes(root: str | os.PathLike) -> tuple[Catalog, list[str]]:
    """The videos of a folder that holds one folder per class, and what is left out.

    Returns:
        `(catalog, left_out)`: a `Catalog`, some of whose classes may have no
        videos; and list of str, paths. For the rest see `load_directory`.
    """
    check_folder(root, "root", "a folder per class")
    entries = shown(root)
    class_names = [name for name in entries if storage.is_folder(os.path.join(root, name))]
    if not class_names:
        raise InputError(f"`root` holds no folders: {root}. Put the videos of each class in one.")
    left_out = [os.path.join(root, name) for name in entries if name not in set(class_names)]
    paths, labels = [], []
    for label, name in enumerate(class_names):
        folder = os.path.join(root, name)
        videos = []
        for inside in shown(folder):
            path = os.path.join(folder, inside)
            (videos if is_video(inside) or _holds_frames(path) else left_out).append(path)
        paths += videos
        labels += [label] * len(videos)
    return Catalog(paths, labels, class_names), left_out


def find_videos(root: str | os.PathLike) -> list[str]:
    """Lists the videos in a folder and in the folders in it: files, and folders of frames.

    Args:
        root: str.

    Returns:
        list of str, in alphabetical order; hidden files and folders are left
        out. One warning counts the files of other kinds.

    Raises:
        FileNotFoundError: There is no such folder.
        ValueError: It holds no videos.

    Example:

    >>> find_videos("my_videos")
    ['my_videos/falling/1.mp4', 'my_videos/running/1.mp4', 'my_videos/sitting/1.mp4']
    """
    root = os.fspath(root)
    check_folder(root, "root", "video files")
    paths, left_out = [], []
    for folder, _, files in storage.walk(root):
        below = folder[len(root) :].replace(os.sep, "/").split("/")
        if not any(part.startswith(".") for part in below):
            files = sorted(name for name in files if name[0] != ".")
            if frames_among(files) and not any(map(is_video, files)):
                paths.append(folder)
                continue
            for name in files:
                (paths if is_video(name) else left_out).append(os.path.join(folder, name))
    if not paths:
        raise InputError(f"`root` holds no video files ({', '.join(VIDEO_SUFFIXES)}): {root}")
    _warn_of_left_out(root, left_out)
    return sorted(paths)


def _holds_frames(path):
    return storage.is_folder(path) and bool(frames_among(storage.list_folder(path)))


def shown(folder: str | os.PathLike) -> list[str]:
    """The names in a folder that are not hidden, in alphabetical order."""
    return [name for name in storage.list_folder(folder) if name[0] != "."]


def _warn_of_left_out(root, left_out):
    """Warns of files and folders that are no videos, or not where videos are looked for."""
    if left_out:
        warnings.warn(
            f"{len(left_out)} files and folders in {root} are left out, such as "
            f"{', '.join(left_out[:_NAMED])}. Videos are files that end in "
            f"{', '.join(VIDEO_SUFFIXES)}, and folders of frames, where this data set has its "
            "videos.",
            stacklevel=3,
        )
