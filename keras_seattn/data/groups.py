"""Which videos show the same people and scene, or come from the same film."""

import os
import re
import typing
from collections.abc import Sequence

import numpy as np

from keras_seattn.data.suffixes import stem

# The part of `<class>/<name>` that the videos of a group share: their people and scene (UCF-101),
# or the film that they were cut from (HMDB51: <film>_<class>_visible_camera_people_view_..., where
# films and classes hold underscores too).
_GROUP_PATTERNS = (
    re.compile(r"_(g\d+)_c\d+(?:\.\w+)?$"),
    re.compile(
        r"([^/]+)/(.+)_\1_[fulh]_[cn]m_np\d+_(?:fr|ba|le|ri)_(?:bad|med|goo)_\d+(?:\.\w+)?$"
    ),
)


def video_group(path: str) -> str:
    """The group of a video by its file's name.

    Args:
        path: str, a video file.

    Returns:
        str: `g01` to `g25` for UCF-101's names, the film's name for HMDB51's,
        and the path for others, which then are groups of their own.

    Example:

    >>> video_group("UCF-101/Archery/v_Archery_g08_c01.avi")
    'g08'
    """
    name = stem(path).replace(os.sep, "/")
    for pattern in _GROUP_PATTERNS:
        match = pattern.search(name)
        if match:
            return match.groups()[-1]
    return name


def group_name(group: str, class_name: typing.Any, name: str) -> str:
    """What a group is called over all classes.

    The names of UCF-101 begin their numbers anew in each class: `g08` of Archery
    and `g08` of Biking show other people. Other groups, such as HMDB51's films
    and those that a list gives, are the same in all classes.

    Args:
        group, class_name: str, of a video.
        name: str, that of the video, see `Catalog.names`.
    """
    numbered = re.search(rf"_{re.escape(group)}_c\d+\b", name)
    return f"{class_name}: {group}" if numbered else group


def group_numbers(
    groups: Sequence[str], labels: np.ndarray, names: Sequence[str]
) -> np.ndarray | None:
    """Numbers the groups of videos over all classes, where some have several; see `group_name`.

    Args:
        groups: list of str, the group of each video, see `video_group`; empty
            if nobody knows.
        labels: int array, likewise: the classes.
        names: list of str, likewise: what the videos are called; empty if nobody
            knows.

    Returns:
        int array, `(videos,)`: from 0, the same for videos of one group; None
        if no group has several videos.
    """
    if not len(groups):
        return None
    named = [
        group_name(group, label, name)
        for group, label, name in zip(groups, labels, names or groups, strict=True)
    ]
    different, numbers = np.unique(named, return_inverse=True)
    return numbers if len(different) < len(named) else None
