"""A validation set held out of a training list, by group."""

import warnings

import numpy as np
import sklearn.model_selection

from keras_seattn import arguments
from keras_seattn.data.catalogs import Catalog
from keras_seattn.data.records.manifest import Records
from keras_seattn.errors import InputError


def hold_out(
    catalog: Catalog | Records,
    share: float = 0.2,
    *,
    seed: int | None = 0,
) -> tuple[Catalog | Records, Catalog | Records]:
    """Splits a catalog into one to train and one to validate on, by group.

    Videos of a group share people and scene, or a film, so that a split at
    random would put nearly the same videos on both sides and promise too much.
    Groups are kept whole, over all classes, and classes keep their shares as
    nearly as that allows (scikit-learn's `StratifiedGroupKFold`).

    Args:
        catalog: `Catalog` or `records.Records`, whose `groups` count.
        share: float, the share of videos to validate on, up to 0.5; the
            nearest of 1/2, 1/3, 1/4, ... is taken.
        seed: int; the same seed gives the same split. None for another one each
            time.

    Returns:
        `(training, validation)`, two like `catalog` and in its order.

    Raises:
        ValueError: `share` is not above 0 and at most 0.5, or there are too few
            groups for each class to be on both sides.

    Example:

    >>> training, validation = keras_seattn.data.hold_out(catalog)
    """
    arguments.half_at_most(share, "share")
    seed = arguments.seed(seed)
    groups = np.array(catalog.groups)
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
                return catalog.part(~held), catalog.part(held)
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
