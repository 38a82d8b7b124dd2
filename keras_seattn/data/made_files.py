"""Made data sets as video files, laid out like UCF-101."""

import concurrent.futures
import os
from collections.abc import Callable, Sequence

import av
import numpy as np

from keras_seattn import arguments
from keras_seattn.errors import InputError
from keras_seattn.files import replacing, write_text
from keras_seattn.version import __version__

FRAMES_PER_SECOND = 25
GROUPS = 25
# As in UCF-101, each split tests on 7 of 25 groups, which share a scene, and trains on the rest.
TEST_GROUPS = {1: range(1, 8), 2: range(8, 15), 3: range(15, 22)}


def make(
    root: str | os.PathLike,
    class_names: Sequence[str],
    render: Callable[..., np.ndarray],
    videos_per_group: int,
    *,
    seed: int,
) -> tuple[str, str]:
    """Writes a data set, unless `root` holds it already; see `motions.make`.

    Args:
        root: str, the folder.
        class_names: list of str, sorted.
        render: function of a class, a group, the number of a video in its
            group and `seed` that returns the frames, `(frames, height, width,
            3)`, uint8, RGB.
        videos_per_group: int, of each class.
        seed: int.

    Returns:
        `(video_dir, splits_dir)`.

    Raises:
        ValueError: See `motions.make`.
    """
    if arguments.positive_integer(videos_per_group, "videos_per_group") > 99:
        raise InputError(
            "`videos_per_group` must be at most 99, for names have two digits for it. "
            f"Received: videos_per_group={videos_per_group}"
        )
    seed = arguments.seed(seed)
    video_dir, splits_dir = os.path.join(root, "videos"), os.path.join(root, "splits")
    made, content = os.path.join(root, "made.txt"), f"{__version__} {videos_per_group} {seed}\n"
    if os.path.exists(made):
        with open(made, encoding="utf-8") as file:
            if file.read() == content:
                return video_dir, splits_dir
        os.remove(made)
    os.makedirs(splits_dir, exist_ok=True)
    for name in class_names:
        os.makedirs(os.path.join(video_dir, name), exist_ok=True)

    def write(name, group, clip):
        path = os.path.join(video_dir, *video_file(name, group, clip).split("/"))
        _encode(path, render(name, group, clip, seed=seed))

    listed = videos(class_names, videos_per_group)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(write, *zip(*listed, strict=True)))

    lists = {"classInd.txt": [f"{i} {name}" for i, name in enumerate(class_names, start=1)]}
    for split, test_groups in TEST_GROUPS.items():
        lists[f"trainlist{split:02d}.txt"] = [
            f"{video_file(*video)} {class_names.index(video[0]) + 1}"
            for video in listed
            if video[1] not in test_groups
        ]
        lists[f"testlist{split:02d}.txt"] = [
            video_file(*video) for video in listed if video[1] in test_groups
        ]
    for file, lines in lists.items():
        write_text(os.path.join(splits_dir, file), "".join(f"{line}\n" for line in lines))
    write_text(made, content)  # last, so that all of it is there
    return video_dir, splits_dir


def videos(class_names: Sequence[str], videos_per_group: int) -> list[tuple[str, int, int]]:
    """The class, the group and the number in its group of each video of a data set."""
    return [
        (name, group, clip)
        for name in class_names
        for group in range(1, GROUPS + 1)
        for clip in range(1, videos_per_group + 1)
    ]


def video_file(name: str, group: int, clip: int) -> str:
    """The path of a video as the split lists give it."""
    return f"{name}/v_{name}_g{group:02d}_c{clip:02d}.avi"


def _encode(path, video):
    """Writes frames as MPEG-4 in AVI, the form of UCF-101's files."""
    with replacing(path) as partial, av.open(partial, "w") as container:
        stream = container.add_stream("mpeg4", rate=FRAMES_PER_SECOND)
        stream.height, stream.width = video.shape[1:3]
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 250_000
        stream.codec_context.thread_count = 1  # the same bytes on any machine
        for image in video:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
