"""Video files -> TFRecord shards of JPEG frames."""

import concurrent.futures
import math
import os
import threading
import warnings

import numpy as np
import tensorflow as tf

from keras_seattn import arguments
from keras_seattn.data import storage
from keras_seattn.data.catalogs import Catalog, video_name
from keras_seattn.data.decoding import VideoError, read_present
from keras_seattn.data.groups import video_group
from keras_seattn.data.records import index
from keras_seattn.data.records.manifest import MANIFEST, VERSION, checksum
from keras_seattn.data.scanning import video_status
from keras_seattn.data.unreadable import DamageLog, scan_catalog
from keras_seattn.errors import InputError
from keras_seattn.files import read_json, replacing, write_json
from keras_seattn.folder_lock import FolderLock
from keras_seattn.progress import progress_bar

VIDEOS_PER_SHARD = 100
# Frames decoded at once, so that a long video never lies in memory whole.
_FRAMES_AT_ONCE = 256


def write_records(
    catalog: Catalog,
    output_dir: str | os.PathLike,
    *,
    shards: int | None = None,
    short_side: int = 128,
    quality: int = 60,
    workers: int | None = None,
    unreadable: str = "stop",
    seed: int = 0,
) -> str:
    """Writes the videos of a catalog as TFRecord shards with JPEG frames.

    A record is a `tf.train.SequenceExample` with the keys that TensorFlow's
    Model Garden reads: the list of frames `image/encoded`, and the context
    `clip/label/index`, `clip/label/string`, `clip/data_path`, `image/format`,
    `image/height`, `image/width`, `image/frame_rate` (all frames are kept).
    Videos are dealt to the shards at random, so that a few of these are a
    sample of all.

    A shard appears only when it is whole. Interrupted and called again with
    the same arguments, it goes on with the shards that are missing, and writes
    those anew that hold videos whose size or time changed since; at the end it
    writes `manifest.json`, with class names, counts and checksums. The
    folder `notes` is what it goes on by; readers do not need it.

    Args:
        catalog: `Catalog`.
        output_dir: str, a folder on a local disk; made where missing.
        shards: int, how many files; None for about 100 videos in each.
        short_side: int, the shorter side of the frames, in pixels; smaller
            videos are kept as they are.
        quality: int, 1 to 100, of the JPEG frames.
        workers: int, how many shards are written at once; None for as many as
            there are processor cores.
        unreadable: `"stop"` or `"skip"`; see `data.train_clips`.
        seed: int, of the dealing.

    Returns:
        str, the path of the manifest.

    Raises:
        ValueError: An argument outside of what is said above, or a folder that
            holds other records, or is being written to.
        VideoError: Videos cannot be read; the message lists them.
        OSError: The disk is full, or the folder cannot be written to.

    Source:
        The keys: `official/vision/dataloaders/video_input.py` of
        github.com/tensorflow/models, and MediaPipe's media sequence.

    Example:

    >>> manifest = keras_seattn.data.records.write_records(catalog, "records/train")
    >>> clips = keras_seattn.data.train_clips(
    ...     "records/train", batch_size=8, preprocessing=model.preprocessing
    ... )
    """
    if storage.is_remote(output_dir):
        raise InputError(
            f"`output_dir` must be a folder on a local disk: {output_dir}. Write there, then copy."
        )
    seed = arguments.seed(seed)
    short_side = arguments.positive_integer(short_side, "short_side")
    workers = arguments.positive_integer(workers or os.cpu_count(), "workers")
    if arguments.positive_integer(quality, "quality") > 100:
        raise InputError(f"`quality` must be at most 100. Received: quality={quality}")
    videos = scan_catalog(catalog, unreadable)
    readable = np.flatnonzero([video is not None for video in videos])
    shards = shards or math.ceil(len(readable) / VIDEOS_PER_SHARD)
    shards = min(arguments.positive_integer(shards, "shards"), len(readable))
    order = np.random.default_rng(seed).permutation(readable)
    plan = {
        "version": VERSION,
        "class_names": list(catalog.class_names),
        "short_side": short_side,
        "quality": quality,
        "shards": shards,
        "seed": seed,
        "catalog": list(_planned(catalog)),
    }
    damage, stopped = DamageLog(catalog), threading.Event()
    with (
        FolderLock(output_dir, "writing records"),
        progress_bar(total=len(order), desc="Writing", unit=" videos") as bar,
    ):
        folder = _claim(output_dir, plan)
        parts = [order[number::shards] for number in range(shards)]
        notes = [os.path.join(folder, f"{number}.json") for number in range(shards)]
        sources = _sources(catalog, parts)
        changed = _changed(notes, sources)

        def write(number):
            part, note = parts[number], notes[number]
            path = os.path.join(output_dir, f"shard-{number:05d}-of-{shards:05d}.tfrecord")
            if number in changed or not _is_written(note, path):
                shard = _write_shard(
                    path, part, videos, catalog, plan, damage, unreadable, bar, stopped
                )
                write_json(note, {**shard, "sources": sources[number]})
            else:
                bar.update(len(part))
            shard = read_json(note)
            shard.pop("sources", None)
            return shard

        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            futures = [pool.submit(write, number) for number in range(shards)]
            try:
                written = [future.result() for future in futures]
            except BaseException:
                stopped.set()
                pool.shutdown(cancel_futures=True)
                raise
        manifest = os.path.join(output_dir, MANIFEST)
        content = {name: plan[name] for name in plan if name not in ("shards", "catalog")}
        write_json(manifest, {**content, "shards": written})
    return manifest


def _planned(catalog):
    """What is written of each video: its name, its label, and its group if the name tells another.

    Such are the groups of lists that name them, and of spans.
    """
    for name, path, label, group in zip(
        catalog.names, catalog.paths, catalog.labels, catalog.groups, strict=True
    ):
        # What comes of a path says where it lies here.
        group = video_group(video_name(path)) if group == video_group(path) else group
        yield [name, int(label), None if group == video_group(name) else group]


def _write_shard(path, part, videos, catalog, plan, damage, unreadable, bar, stopped):
    """Writes one shard, and returns what the manifest says of it."""
    written, rows, start = [], [np.empty(0, index.ROW)], 0
    with replacing(path) as partial:  # and its index
        with tf.io.TFRecordWriter(partial) as writer:
            for position in map(int, part):
                if stopped.is_set():
                    raise concurrent.futures.CancelledError
                name, label, group = plan["catalog"][position]
                try:
                    example, frames, *times = _example(
                        videos[position],
                        name,
                        label,
                        catalog.class_names[label],
                        plan["short_side"],
                        plan["quality"],
                    )
                    if frames < videos[position].frames:
                        damage.note_clips(catalog.titles[position], 0)
                except VideoError as error:
                    if unreadable == "stop":
                        raise
                    damage.note_video(catalog.titles[position], error)
                else:
                    record = example.SerializeToString()
                    writer.write(record)
                    rows.append(index.rows_of_record(record, start))
                    start += index.record_size(len(record))
                    written.append([name, label, frames, *times, group])
                bar.update()
        size = os.path.getsize(partial)
        digest = checksum(partial)
        index.save(index.path_of(partial), np.concatenate(rows))
    return {
        "file": os.path.basename(path),
        "bytes": size,
        "sha256": digest,
        "frames": sum(frames for _, _, frames, *_ in written),
        "videos": written,
    }


def _example(video, name, label, class_name, short_side, quality):
    """The `tf.train.SequenceExample` of a video, its number of frames, their rate, and times.

    The times only where frames do not last equally long, in seconds.
    """
    factor = min(1, short_side / min(video.shape))
    height, width = (max(1, round(side * factor)) for side in video.shape)
    images, kept = [], []
    for first in range(0, video.frames, _FRAMES_AT_ONCE):
        numbers = range(first, min(first + _FRAMES_AT_ONCE, video.frames))
        pixels, there = read_present(video, numbers, size=(height, width))
        images += [
            tf.io.encode_jpeg(image, quality=quality, optimize_size=True).numpy()
            for image in pixels[there]
        ]
        kept += np.asarray(numbers)[there].tolist()
    if not images:
        raise VideoError(f"{video.path}: no frame can be decoded. Leave it out.")
    context = {
        "clip/label/index": _integer(label),
        "clip/label/string": _bytes(class_name.encode()),
        "clip/data_path": _bytes(name.encode("utf-8", "surrogateescape")),
        "image/format": _bytes(b"JPEG"),
        "image/height": _integer(height),
        "image/width": _integer(width),
        "image/frame_rate": tf.train.Feature(float_list=tf.train.FloatList(value=[video.rate])),
    }
    frames = tf.train.FeatureList(feature=[_bytes(image) for image in images])
    return (
        tf.train.SequenceExample(
            context=tf.train.Features(feature=context),
            feature_lists=tf.train.FeatureLists(feature_list={"image/encoded": frames}),
        ),
        len(images),
        *_times(video, kept),
    )


def _times(video, kept):
    """The rate of the frames of a video that are kept; and their times, None if rate tells them."""
    if video.rate and len(kept) > 1 and (video.times or len(kept) < video.frames):
        times = np.array(video.times)[kept] if video.times else np.array(kept) / video.rate
        times -= times[0]
        return (len(kept) - 1) / times[-1], np.round(times, 6).tolist()
    return video.rate, None


def _integer(value):
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))


def _bytes(value):
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def _claim(output_dir, plan):
    """The folder of notes on each shard, made or found with the same plan in it."""
    folder = os.path.join(output_dir, "notes")
    path = os.path.join(folder, "plan.json")
    if os.path.exists(path):
        before = read_json(path)
        changed = [name for name in plan if before.get(name) != plan[name]]
        if changed:
            raise InputError(
                f"`output_dir` holds other records: {output_dir} was begun with other "
                f"{', '.join(changed)}. To go on with it, give the same arguments as then; to "
                "write others, name another folder or remove that one."
            )
    else:
        os.makedirs(folder, exist_ok=True)
        write_json(path, plan)
    return folder


def _sources(catalog, parts):
    """The name, the size and the time of each video of each shard."""
    names = catalog.names

    def source(position):
        status = video_status(catalog.paths[position])
        return [names[position], status.st_size, status.st_mtime_ns]

    with concurrent.futures.ThreadPoolExecutor() as pool:
        return [list(pool.map(source, map(int, part))) for part in parts]


def _changed(notes, sources):
    """The numbers of the shards with videos that changed since, by what the notes say of these."""
    names = {}
    for number, (note, now) in enumerate(zip(notes, sources, strict=True)):
        if os.path.exists(note):
            before = read_json(note).get("sources", now)
            differences = {*map(tuple, before)} ^ {*map(tuple, now)}
            if differences:
                names[number] = {name for name, *_ in differences}
    if names:
        videos = sorted(set().union(*names.values()))
        warnings.warn(
            f"Videos changed since they were written ({len(videos)}, such as {videos[0]}). Shards "
            f"that are written anew: {len(names)}.",
            stacklevel=3,
        )
    return names.keys()


def _is_written(note, path):
    """Whether a shard is there as its note says; one that was damaged since is written again."""
    if not os.path.exists(note) or not os.path.exists(path):
        return False
    shard = read_json(note)
    return os.path.getsize(path) == shard["bytes"] and checksum(path) == shard["sha256"]
