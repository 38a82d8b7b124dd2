"""A validation set held out of a training list, by group."""

import os
import re
import warnings
from collections.abc import Callable

import numpy as np
import sklearn.model_selection

from keras_seattn import arguments
from keras_seattn.data.catalogs import Catalog
from keras_seattn.errors import InputError

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


def hold_out(
    catalog: Catalog,
    share: float = 0.2,
    *,
    seed: int | None = 0,
    group: Callable[[str], str] = video_group,
) -> tuple[Catalog, Catalog]:
    """Splits a catalog into one to train and one to validate on, by group.

    Videos of a group share people and scene, or a film, so that a split at
    random would put nearly the same videos on both sides and promise too much.
    Groups are kept whole, over all classes, and classes keep their shares as
    nearly as that allows (scikit-learn's `StratifiedGroupKFold`).

    Args:
        catalog: `Catalog`.
        share: float, the share of videos to validate on, up to 0.5; the
            nearest of 1/2, 1/3, 1/4, ... is taken.
        seed: int; the same seed gives the same split. None for another one each
            time.
        group: function of a path to the name of its group.

    Returns:
        `(training, validation)`, two `Catalog`s in the order of `catalog`.

    Raises:
        ValueError: `catalog` is none (records are not), `share` is not above 0
            and at most 0.5, or there are too few
            groups for each class to be on both sides.

    Example:

    >>> training, validation = keras_seattn.data.hold_out(catalog)
    """
    if not isinstance(catalog, Catalog):
        raise InputError(
            "`catalog` must be a `Catalog` of video files, for records cannot be parted by group. "
            f"Received: {type(catalog).__name__}"
        )
    if not 0 < share <= 0.5:
        raise InputError(f"`share` must be above 0 and at most 0.5. Received: share={share}")
    seed = arguments.seed(seed)
    groups = np.array([group(path) for path in catalog.paths])
    for name, own in _by_class(catalog, groups):
        if len(set(own)) == 1:
            raise InputError(
                f"The videos of class {name!r} are all of one group ({own[0]}), which shares a "
                "scene, so none can be held out for validation. Add videos of other scenes, or "
                "leave the class out."
            )
    # With fewer folds, more of a rare class is held out, so that it is on both sides.
    for folds in range(max(2, round(1 / share)), 1, -1):
        for held in _folds(catalog.labels, groups, folds, seed):
            if all(0 < own.mean() < 1 for _, own in _by_class(catalog, held)):
                return _part(catalog, ~held), _part(catalog, held)
    raise InputError(
        f"The {len(set(groups))} groups of videos that share a scene cannot be split so that each "
        f"of the {len(catalog.class_names)} classes is trained on and validated on. Add videos of "
        "other scenes."
    )


def _by_class(catalog, values):
    """The name of each class that has videos, and the values of its videos."""
    for label in np.unique(catalog.labels):
        yield catalog.class_names[label], values[catalog.labels == label]


def _folds(labels, groups, folds, seed):
    """Masks of the videos of one fold after the other."""
    if folds > min(len(set(groups)), np.bincount(labels).max()):
        return
    splitter = sklearn.model_selection.StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # It warns of classes with fewer videos than folds; here they are looked after.
        warnings.simplefilter("ignore", UserWarning)
        for _, indices in splitter.split(groups, labels, groups):
            yield np.isin(np.arange(len(labels)), indices)


def _part(catalog, chosen):
    paths = [path for path, taken in zip(catalog.paths, chosen, strict=True) if taken]
    return Catalog(paths, catalog.labels[chosen], catalog.class_names)
