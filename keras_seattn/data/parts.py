"""A made data set on which networks can be told apart: classes built of four yes/no parts.

Each video shows two discs left and right, a square between them, and a warm or cool scene:

    direction   the discs rise, or sink
    relation    in each frame the discs have one hue, or two that are far apart
    event       for two frames on end the light is red, or blue; it is so in two other frames for
                the other of the two, but in each alone
    meaning     in a warm scene whether the square grows or shrinks, in a cool one whether it climbs
                or falls; the other of the two may be anything

A frame may tell the relation, but none of the others: played backwards, a video shows the opposite
of these three, with the same frames. All is the same seen in a mirror.
"""

import csv
import itertools
import os
import typing
from collections.abc import Sequence

import numpy as np

from keras_seattn import arguments
from keras_seattn.data import made_files
from keras_seattn.errors import InputError, MissingFileError
from keras_seattn.files import write_csv

if typing.TYPE_CHECKING:
    from keras_seattn.data.catalogs import Catalog
    from keras_seattn.data.records.manifest import Records

# The words of a class's name for each part, no and yes.
PARTS = {
    "direction": ("Sinking", "Rising"),
    "relation": ("Unlike", "Alike"),
    "event": ("Blue", "Red"),
    "meaning": ("Less", "More"),
}
_SHOWN = {
    "".join(words[i] for words, i in zip(PARTS.values(), shown, strict=True)): shown
    for shown in itertools.product((0, 1), repeat=len(PARTS))
}
CLASS_NAMES = sorted(_SHOWN)
FRAMES, SIDE = 16, 80  # a clip of the demo is a whole video, each side halved
EVENT_FRAMES, HUE_FRAMES = 2, 2  # that an event lasts, and each hue of the discs
_EVENT_COLUMNS = ("first_event_frame", "last_event_frame")
_X = ((np.arange(SIDE) + 0.5) / SIDE).astype("float32")  # of pixels, in shares of the side
_Y = _X[:, None]


def make(root: str | os.PathLike, videos_per_group: int = 12, *, seed: int = 0) -> tuple[str, str]:
    """Writes the data set: video files, split lists and the parts of each video.

    Args:
        root: str, the folder to write to; it is made where missing, and left
            as it is if it holds the same data set already. Videos go
            to `root/videos/<Class>/v_<Class>_gXX_cYY.avi` (MPEG-4 in AVI,
            80 x 80, 16 frames, 25 frames a second), lists to `root/splits`,
            the parts to `root/parts.csv`; see `load_parts`.
        videos_per_group: int, the number of videos of each of 16 classes in
            each of the 25 groups. 18 groups are for training, 7 for testing.
        seed: int; the same seed gives the same files.

    Returns:
        `(video_dir, splits_dir)`, for `load_ucf101`.

    Raises:
        ValueError: `videos_per_group` is not a whole number from 1 to 99, or
            `seed` none that seeds.
        OSError: `root` cannot be written to.

    Example:

    >>> video_dir, splits_dir = keras_seattn.data.parts.make("parts")
    >>> train = keras_seattn.data.load_ucf101(video_dir, splits_dir, subset="train")
    >>> len(train), len(train.class_names)
    (3456, 16)
    """
    folders = made_files.make(root, CLASS_NAMES, render, videos_per_group, seed=seed)
    rows = []
    for video in made_files.videos(CLASS_NAMES, videos_per_group):
        first, last = event_frames(*video, seed=seed)
        shown = dict(zip(PARTS, _shown(video[0]), strict=True))
        events = dict(zip(_EVENT_COLUMNS, (first, last), strict=True))
        rows.append({"path": made_files.video_file(*video), **shown, **events})
    write_csv(os.path.join(root, "parts.csv"), list(rows[0]), rows)
    return folders


def load_parts(root: str | os.PathLike, catalog: "Catalog | Records") -> dict[str, np.ndarray]:
    """The parts that the videos of a catalog show.

    Args:
        root: str, the folder that `make` wrote to.
        catalog: `Catalog`, or `data.records.Records`.

    Returns:
        dict of int arrays, `(videos,)`: `direction`, `relation`, `event` and
        `meaning` are 1 or 0, `first_event_frame` and `last_event_frame`
        count from 0.

    Raises:
        FileNotFoundError: `root` holds no `parts.csv`.
        ValueError: A video is not in it.

    Example:

    >>> video_dir, splits_dir = keras_seattn.data.parts.make("parts")
    >>> test = keras_seattn.data.load_ucf101(video_dir, splits_dir, subset="test")
    >>> float(keras_seattn.data.parts.load_parts("parts", test)["direction"].mean())
    0.5
    """
    path = os.path.join(root, "parts.csv")
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = {row["path"]: row for row in csv.DictReader(file)}
    except FileNotFoundError as error:
        raise MissingFileError(f"There is no {path}: `data.parts.make` writes it.") from error
    unknown = [name for name in catalog.names if name not in rows]
    if unknown:
        raise InputError(f"{path} has no line for these videos: {', '.join(unknown[:5])}")
    return {
        column: np.array([int(rows[name][column]) for name in catalog.names])
        for column in (*PARTS, *_EVENT_COLUMNS)
    }


def right_parts(
    class_names: Sequence[str], labels: np.ndarray, predicted: np.ndarray
) -> dict[str, np.ndarray]:
    """Of which videos each part is right; guessing gets half of them.

    Args:
        class_names: list of str.
        labels, predicted: int arrays, `(videos,)`: the true and the predicted
            classes.

    Returns:
        dict of bool arrays, `(videos,)`, by the names of `PARTS`.

    Example:

    >>> result = keras_seattn.evaluation.EvaluationResult(
    ...     scores=[[0.9, 0.1], [0.8, 0.2]], labels=[0, 1],
    ...     class_names=["RisingAlikeRedMore", "RisingAlikeBlueMore"],
    ... )
    >>> right_parts(result.class_names, result.labels, result.predicted)["event"].tolist()
    [True, False]
    """
    shown = np.array([_shown(name) for name in class_names])
    return dict(zip(PARTS, (shown[labels] == shown[predicted]).T, strict=True))


def render(name: str, group: int, clip: int, *, seed: int = 0) -> np.ndarray:
    """Draws the frames of one video.

    Args:
        name: str, one of `CLASS_NAMES`.
        group: int, 1 to 25; videos of a group share the scene. Scenes of odd
            groups are warm.
        clip: int, the number of the video in its group.
        seed: int.

    Returns:
        uint8 array, `(16, 80, 80, 3)`, RGB.
    """
    shown = _shown(name)
    return draw(_generator(seed, name, group, clip), _scene(seed, group), group % 2, *shown)


def event_frames(name: str, group: int, clip: int, *, seed: int = 0) -> tuple[int, int]:
    """The first and the last frame of a video's event, counted from 0."""
    _, _, event, _ = _shown(name)
    _, first = _light(_generator(seed, name, group, clip), event)
    return first, first + EVENT_FRAMES - 1


def draw(
    generator: np.random.Generator,
    scene: np.ndarray,
    warm: bool | int,
    direction: int,
    relation: int,
    event: int,
    meaning: int,
) -> np.ndarray:
    """Draws a video of any parts; arguments as of `render`, and the parts, 0 or 1."""
    change, _ = _light(generator, event)
    times = np.arange(FRAMES, dtype="float32")

    tint = np.array([40, 0, -40]) if warm else np.array([-40, 0, 40])
    red = np.array([130, -60, -60])
    light = generator.uniform(90, 110) + np.outer(change > 0, red) + np.outer(change < 0, red[::-1])
    video = light.astype("float32")[:, None, None] + (scene[..., None] + tint).astype("float32")

    # The discs, which leave the frame at one side and come back at the other.
    hue = generator.uniform(size=FRAMES // HUE_FRAMES)
    apart = generator.uniform(0.35, 0.65, len(hue))
    places = generator.uniform(0.13, 0.2), generator.uniform(0.8, 0.87)
    way = -1 if direction else 1
    for x, hues in zip(places, (hue, hue if relation else hue + apart), strict=True):
        colour = np.repeat(_colours(hues), HUE_FRAMES, axis=0)
        y = generator.uniform() + way * generator.uniform(0.03, 0.055) * times
        radius = np.float32(generator.uniform(0.11, 0.13))
        inside = radius - np.hypot(_below(y), _X - np.float32(x))
        video = _painted(video, inside, colour[:, None, None])

    # The square, of whose two motions one counts.
    motions = [2 * meaning - 1, int(generator.integers(-1, 2))]
    growth, climb = motions if warm else motions[::-1]
    phase = (generator.uniform() + growth * times / generator.uniform(8, 14)) % 1
    y = generator.uniform() - climb * generator.uniform(0.03, 0.05) * times
    x = np.float32(generator.uniform(0.45, 0.55))
    inside = _per_pixel(0.09 + 0.08 * phase) - np.maximum(np.abs(_below(y)), np.abs(_X - x))
    video = _painted(video, inside, np.float32(245))

    video += 6 * generator.standard_normal((FRAMES, SIDE, SIDE, 1), "float32")
    return np.clip(video, 0, 255).astype("uint8")


def _shown(name):
    """The parts that a class shows, 0 or 1 each."""
    return _SHOWN[arguments.one_of(name, tuple(CLASS_NAMES), "name")]


def _generator(seed, name, group, clip):
    return np.random.default_rng([seed, CLASS_NAMES.index(name), group, clip])


def _light(generator, event):
    """The light of each frame, red (1), blue (-1) or neither, and the first frame of the event."""
    light = 1 if event else -1
    pieces = [[light] * EVENT_FRAMES + [0], *[[-light, 0]] * EVENT_FRAMES]
    pieces += [[0]] * (FRAMES + 1 - sum(map(len, pieces)))
    order = generator.permutation(len(pieces))
    before = [pieces[i] for i in order[: list(order).index(0)]]
    return np.concatenate([pieces[i] for i in order])[:FRAMES], sum(map(len, before))


def _scene(seed, group):
    """Light and dark tiles."""
    generator = np.random.default_rng([seed, group])
    number = int(generator.integers(4, 10))
    tiles = generator.uniform(-25, 25, (number, number))
    place = np.arange(SIDE) * number // SIDE
    return tiles[place][:, place]


def _per_pixel(values):
    """Values of each frame, for all of its pixels."""
    return np.asarray(values, "float32")[:, None, None]


def _below(course):
    """How far each row is below heights that go round, in shares of the frame's side."""
    return (_Y - _per_pixel(course) + 0.5) % 1 - 0.5


def _colours(hues):
    """Full colours of hues that go round from 0 to 1, `(..., 3)`, 0 to 255."""
    around = (6 * np.asarray(hues)[..., None] + np.array([0, 4, 2])) % 6
    return (255 * np.clip(np.abs(around - 3) - 1, 0, 1)).astype("float32")


def _painted(video, inside, colour):
    """A video with a shape on it; `inside` is above 0 in the shape, whose edge is a pixel wide."""
    mask = np.clip(inside * SIDE + np.float32(0.5), 0, 1)[..., None]
    return video + mask * (colour - video)
