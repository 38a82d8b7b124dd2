"""Which videos show the same people and scene, or come from the same film."""

import os
import re

# The part of `<class>/<name>` that the videos of a group share: their people and scene (UCF-101),
# or the film that they were cut from (HMDB51: <film>_<class>_visible_camera_people_view_..., where
# films and classes hold underscores too).
_GROUP_PATTERNS = (
    re.compile(r"_(g\d+)_c\d+$"),
    re.compile(r"([^/]+)/(.+)_\1_[fulh]_[cn]m_np\d+_(?:fr|ba|le|ri)_(?:bad|med|goo)_\d+$"),
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
    name = os.path.splitext(path)[0].replace(os.sep, "/")
    for pattern in _GROUP_PATTERNS:
        match = pattern.search(name)
        if match:
            return match.groups()[-1]
    return name
