"""The demo data set: eight synthetic motions as video files, laid out like UCF-101.

The classes come in pairs that are each other played backwards, and every
motion repeats without end, so a frame, or all frames of a clip in no order,
says at best which pair a clip belongs to. Only the order of the frames tells
the two apart. All motions are the same seen in a mirror, and each shows in
any 16 frames.
"""

import os

import numpy as np

from keras_seattn.data import made_files

PAIRS = (
    ("Rising", "Sinking"),
    ("Growing", "Shrinking"),
    ("QuickLiftSlowDrop", "SlowLiftQuickDrop"),
    ("Meeting", "Parting"),
)
CLASS_NAMES = sorted(name for pair in PAIRS for name in pair)
HEIGHT, WIDTH = 72, 96  # pixels
MARGIN = 6  # pixels that the scene extends beyond the frame, for the camera's jitter
FRAMES = (32, 40)  # a video has one of these numbers of frames


def make(root: str | os.PathLike, videos_per_group: int = 6, *, seed: int = 0) -> tuple[str, str]:
    """Writes the data set: video files and split lists.

    Args:
        root: str, the folder to write to; it is made where missing, and left
            as it is if it holds the same data set already. Videos go
            to `root/videos/<Class>/v_<Class>_gXX_cYY.avi` (MPEG-4 in AVI,
            96 x 72, 25 frames a second), lists to `root/splits`.
        videos_per_group: int, the number of videos of each class in each of
            the 25 groups. 18 groups are for training, 7 for testing.
        seed: int; the same seed gives the same files.

    Returns:
        `(video_dir, splits_dir)`, for `load_ucf101`.

    Raises:
        ValueError: `videos_per_group` is not a whole number from 1 to 99, or
            `seed` none that seeds.
        OSError: `root` cannot be written to.

    Example:

    >>> video_dir, splits_dir = keras_seattn.data.motions.make("motions")
    >>> train = keras_seattn.data.load_ucf101(video_dir, splits_dir, subset="train")
    >>> len(train), len(train.class_names)
    (864, 8)
    """
    return made_files.make(root, CLASS_NAMES, render, videos_per_group, seed=seed)


def render(name: str, group: int, clip: int, *, seed: int = 0) -> np.ndarray:
    """Draws the frames of one video.

    Args:
        name: str, one of `CLASS_NAMES`.
        group: int, 1 to 25; videos of a group share the scene behind the object.
        clip: int, the number of the video in its group.
        seed: int.

    Returns:
        uint8 array, `(frames, 72, 96, 3)`, RGB.
    """
    return draw(name, group, clip, seed=seed)[0]


def draw(name: str, group: int, clip: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draws one video, as `render`, and tells where the object is.

    Returns:
        `(frames, mask)`: the frames, and a float32 array, `(frames, 72, 96)`,
        1 where the object is and 0 elsewhere.
    """
    generator = np.random.default_rng([seed, CLASS_NAMES.index(name), group, clip])
    scene = _scene(np.random.default_rng([seed, group]))
    frames = int(generator.choice(FRAMES))
    pair = next(i for i, names in enumerate(PAIRS) if name in names)

    # The background and its camera jitter, a walk that is drawn back to the middle.
    # It starts with the spread that it keeps, so that it looks the same backwards.
    jitter = generator.normal(0, 0.4, (frames, 2))
    jitter[0] /= 0.6
    for t in range(1, frames):
        jitter[t] += 0.8 * jitter[t - 1]
    jitter = np.clip(np.rint(jitter), -MARGIN, MARGIN).astype(int)
    background = np.stack([scene[MARGIN - y :, MARGIN - x :][:HEIGHT, :WIDTH] for y, x in jitter])

    # The object: where its centre is and how large, in heights of the frame, from the top left;
    # for the pair that meets, also how far each of two is from that centre.
    y, x, radius, apart = (
        np.broadcast_to(value, frames)[:, None] for value in _MOTIONS[pair](generator, frames)
    )
    dy = (np.arange(HEIGHT) + 0.5 - jitter[:, :1]) / HEIGHT - y
    dx = (np.arange(WIDTH) + 0.5 - jitter[:, 1:]) / HEIGHT - x
    dx = np.where(apart > 0, np.abs(dx) - apart, dx)
    mask, colours = _object(
        generator,
        dy[:, :, None].astype("float32"),
        dx[:, None, :].astype("float32"),
        radius[:, None].astype("float32"),
    )

    video = background + mask[..., None] * (colours - background)
    video += 3 * generator.standard_normal((frames, HEIGHT, WIDTH, 1), "float32")
    if name == PAIRS[pair][1]:
        video, mask = video[::-1], mask[::-1]
    return np.clip(video, 0, 255).astype("uint8"), mask


def _phase(generator, frames, period):
    """Where a repeated motion is at each frame, from 0 to 1, starting anywhere."""
    return (generator.uniform() + np.arange(frames) / period) % 1


def _rising(generator, frames):
    phase = _phase(generator, frames, generator.uniform(14, 24))
    radius = generator.uniform(0.16, 0.26)
    y = 1 + radius - phase * (1 + 2 * radius)
    return y, generator.uniform(0.45, 0.88), radius, 0


def _growing(generator, frames):
    phase = _phase(generator, frames, generator.uniform(14, 22))
    smallest, largest = generator.uniform(0.07, 0.1), generator.uniform(0.4, 0.5)
    y, x = generator.uniform(0.4, 0.6), generator.uniform(0.56, 0.77)
    return y, x, smallest + (largest - smallest) * phase, 0


def _quick_lift_slow_drop(generator, frames):
    phase = _phase(generator, frames, generator.uniform(9, 13))
    lift = generator.uniform(0.2, 0.3)  # the share of the time that goes up
    height = np.where(phase < lift, phase / lift, (1 - phase) / (1 - lift))
    y = generator.uniform(0.7, 0.8) - generator.uniform(0.35, 0.5) * height
    return y, generator.uniform(0.45, 0.88), generator.uniform(0.13, 0.2), 0


def _meeting(generator, frames):
    phase = _phase(generator, frames, generator.uniform(12, 18))
    radius = generator.uniform(0.12, 0.17)
    y, x = generator.uniform(0.3, 0.7), generator.uniform(0.62, 0.71)
    return y, x, radius, radius + 0.35 * (1 - phase)


_MOTIONS = (_rising, _growing, _quick_lift_slow_drop, _meeting)


def _object(generator, dy, dx, radius):
    """The object's mask, 0 to 1, and its colours, 0 to 255, around its centre.

    It is a circle or a polygon at a random angle, plain, striped or chequered.
    """
    corners = int(generator.choice([0, 3, 4, 5]))
    turn = generator.uniform(0, 2 * np.pi)
    if corners:
        normals = turn + 2 * np.pi * np.arange(corners) / corners
        sides = [dx * np.float32(np.cos(a)) + dy * np.float32(np.sin(a)) for a in normals]
        distance = np.maximum.reduce(sides) / np.float32(np.cos(np.pi / corners))
    else:
        distance = np.hypot(dy, dx)
    # The edge is one pixel wide.
    mask = np.clip((radius - distance) * HEIGHT + 0.5, 0, 1)

    stripes = np.float32(generator.uniform(3, 6)) / radius
    cos, sin = stripes * np.float32(np.cos(turn)), stripes * np.float32(np.sin(turn))
    surface = generator.integers(3)
    pattern = np.zeros(mask.shape, bool)
    if surface > 0:
        pattern ^= np.sin(dx * cos + dy * sin) > 0
    if surface > 1:
        pattern ^= np.sin(dy * cos - dx * sin) > 0
    # Brighter than any background, but for one channel that may have any value.
    colour, second = generator.uniform([[200], [160]], [[255], [200]], (2, 3))
    colour[generator.integers(3)] = generator.uniform(0, 255)
    change = (second - colour).astype("float32")
    return mask, colour.astype("float32") + pattern[..., None] * change


def _scene(generator):
    """A background, a margin larger than the frame: soft blotches of two colours."""
    shape = (HEIGHT + 2 * MARGIN, WIDTH + 2 * MARGIN)
    cells = int(generator.integers(4, 12))
    coarse = generator.uniform(0, 1, (cells + 1, cells + 1))
    row, column = (np.linspace(0, cells, size, endpoint=False) for size in shape)
    r, c = row.astype(int)[:, None], column.astype(int)[None, :]
    fy, fx = (row % 1)[:, None], (column % 1)[None, :]
    blotches = (coarse[r, c] * (1 - fx) + coarse[r, c + 1] * fx) * (1 - fy) + (
        coarse[r + 1, c] * (1 - fx) + coarse[r + 1, c + 1] * fx
    ) * fy
    colours = generator.uniform(20, 130, (2, 3))
    scene = colours[0] + blotches[..., None] * (colours[1] - colours[0])
    return scene.astype("float32")
