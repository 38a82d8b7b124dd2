"""What video files are called."""

import os

VIDEO_SUFFIXES = (
    ".3g2", ".3gp", ".asf", ".avi", ".divx", ".f4v", ".flv", ".gif", ".m2ts", ".m2v", ".m4v",
    ".mkv", ".mov", ".mp4", ".mpe", ".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".ts", ".vob", ".webm",
    ".wmv", ".y4m",
)  # fmt: skip


def is_video(name: str) -> bool:
    """Whether a file is called as videos are."""
    return name.lower().endswith(VIDEO_SUFFIXES)


def stem(name: str) -> str:
    """The name of a video's file without suffix, or of a folder of frames as it is."""
    return os.path.splitext(name)[0] if is_video(name) else name
