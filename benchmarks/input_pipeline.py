"""How many clips a second the input pipeline gives, against what decoding alone would allow.

    python benchmarks/input_pipeline.py
    python benchmarks/input_pipeline.py --videos FOLDER --training-speed 400

Random training clips of 16 frames, 112 x 112. It encodes videos of 10 s: as UCF-101's, 320 x 240
MPEG-4, and as those of Kinetics, 340 x 256 H.264; or takes a folder of yours. All systems take
turns in one process; a ratio is the median over the rounds, with the lowest and the highest.
"""

import argparse
import concurrent.futures
import math
import os
import statistics
import tempfile
import time

import av
import numpy as np
import tensorflow as tf
from side_by_side import markdown

import keras_seattn
from keras_seattn.data import Catalog, find_videos, train_clips
from keras_seattn.data.decoding import read_frames, scan_video
from keras_seattn.data.records import open_records, write_records
from keras_seattn.data.sampling import Crop, random_clip

FRAMES, SIZE, BATCH = 16, 112, 16
VIDEOS = 256
KINDS = {
    "MPEG-4, 320 x 240": ("mpeg4", "avi", 240, 320, 25, {"b": "400k"}, 12),
    "MPEG-4, one keyframe": ("mpeg4", "avi", 240, 320, 25, {"b": "400k"}, 600),
    "H.264, 340 x 256": ("libx264", "mp4", 256, 340, 30, {"crf": "23"}, 250),
}


def encode(path, codec, height, width, rate, options, gop, seed):
    """Ten seconds of a textured scene that moves, with noise: about the bytes of real videos."""
    generator = np.random.default_rng(seed)
    scene = np.kron(generator.uniform(30, 220, (50, 60, 3)), np.ones((8, 8, 1)))
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=rate, options=options)
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        stream.gop_size = gop
        for t in range(10 * rate):
            y, x = int(40 + 35 * np.sin(t / 20)), int(45 + 40 * np.cos(t / 15))
            image = scene[y : y + height, x : x + width] + generator.normal(
                0, 2, (height, width, 1)
            )
            frame = av.VideoFrame.from_ndarray(np.clip(image, 0, 255).astype("uint8"), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def plain_decoding(paths, clips, cores):
    """Clips a second when threads decode and scale the same clips, and nothing else is done."""
    videos = [scan_video(path) for path in paths]
    generator = np.random.default_rng(0)
    work = [(videos[i % len(videos)], i) for i in range(clips)]
    numbers = [random_clip(video.frames, FRAMES, generator) for video, _ in work]

    def decode(video, i):
        size, window = Crop().geometry(video.height, video.width, SIZE)
        read_frames(video, numbers[i], *size, window)

    with concurrent.futures.ThreadPoolExecutor(cores) as pool:
        start = time.perf_counter()
        list(pool.map(lambda item: decode(*item), work))
        return clips / (time.perf_counter() - start)


def jpeg_clips(records, clips):
    """The JPEG frames of clips, in memory."""
    found = []
    for record in tf.data.TFRecordDataset(records.files).repeat().as_numpy_iterator():
        example = tf.train.SequenceExample.FromString(record)
        images = example.feature_lists.feature_list["image/encoded"].feature[:FRAMES]
        found.append([image.bytes_list.value[0] for image in images])
        if len(found) == clips:
            return tf.constant(found)


def bare_jpeg_decoding(images, cores):
    """Clips a second when TensorFlow decodes JPEG frames in memory, and nothing else is done."""
    dataset = tf.data.Dataset.from_tensor_slices(images).map(
        lambda clip: tf.stack([tf.io.decode_jpeg(image, channels=3) for image in tf.unstack(clip)]),
        num_parallel_calls=cores,
    )
    return drain(dataset.batch(BATCH).prefetch(2), cores)


def pipeline(source, cores, clips):
    return drain(train_clips(source, FRAMES, SIZE, BATCH, seed=0).repeat(), cores, clips)


def drain(dataset, cores, clips=None):
    options = tf.data.Options()
    options.threading.private_threadpool_size = cores
    options.autotune.cpu_budget = cores
    iterator, counted = iter(dataset.with_options(options)), 0
    next(iterator)
    start = time.perf_counter()
    for batch in iterator:
        counted += len(batch[0] if isinstance(batch, tuple) else batch)
        if clips is not None and counted >= clips:
            break
    return counted / (time.perf_counter() - start)


def measure(paths, folder, rounds, clips):
    """Clips a second of every system: dict of `(system, cores)` to a list, one for each round."""
    # Epochs of a few videos would measure how an epoch begins.
    videos = paths * math.ceil(VIDEOS / len(paths))
    catalog = Catalog(videos, [0] * len(videos), ["any"])
    write_records(catalog, folder, shards=8)
    records = open_records(folder)
    images = jpeg_clips(records, clips)
    speeds = {}
    for _ in range(rounds):
        for cores in sorted({1, os.cpu_count()}):
            for name, run in (
                ("plain PyAV decoding", lambda c: plain_decoding(paths, clips, c)),
                ("files", lambda c: pipeline(catalog, c, clips)),
                ("bare JPEG decoding", lambda c: bare_jpeg_decoding(images, c)),
                ("records", lambda c: pipeline(folder, c, 4 * clips)),
            ):
                speeds.setdefault((name, cores), []).append(run(cores))
    disk = sum(map(os.path.getsize, records.files)) / sum(map(os.path.getsize, videos))
    return speeds, disk


def ratio(speeds, system, other, cores):
    """The median ratio of two systems over the rounds, with the lowest and the highest, as text."""
    ratios = [a / b for a, b in zip(speeds[system, cores], speeds[other, cores], strict=True)]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--videos", help="a folder of videos to measure instead")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clips", type=int, default=384, help="clips of a round (384)")
    parser.add_argument(
        "--training-speed", type=float, default=400, help="clips a second of your GPU (400)"
    )
    options = parser.parse_args()
    cores = os.cpu_count()
    print(f"{cores} cores, TensorFlow {tf.__version__}, PyAV {av.__version__}, keras_seattn "
          f"{keras_seattn.__version__}\n")  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        kinds = {}
        if options.videos:
            kinds[options.videos] = find_videos(options.videos)
        else:
            for name, (codec, suffix, *rest) in KINDS.items():
                kinds[name] = [
                    os.path.join(folder, f"{len(kinds)}-{i}.{suffix}") for i in range(16)
                ]
                for seed, path in enumerate(kinds[name]):
                    encode(path, codec, *rest, seed)
        for number, (name, paths) in enumerate(kinds.items()):
            speeds, disk = measure(
                paths, os.path.join(folder, f"records{number}"), options.rounds, options.clips
            )
            median = {key: statistics.median(values) for key, values in speeds.items()}
            rows = []
            for system in ("plain PyAV decoding", "files", "bare JPEG decoding", "records"):
                speed = [f"{median[system, c]:,.0f}" for c in sorted({1, cores})]
                rows.append([system, *speed, f"{options.training_speed / median[system, 1]:.1f}"])
            heads = [f"{name}: clips a second", *(f"{c} cores" for c in sorted({1, cores}))]
            print(markdown([*heads, f"cores for {options.training_speed:g} a second"], rows))
            print(
                f"\nfiles / plain decoding {ratio(speeds, 'files', 'plain PyAV decoding', cores)}; "
                f"records / bare JPEG {ratio(speeds, 'records', 'bare JPEG decoding', cores)}; "
                f"records / files {ratio(speeds, 'records', 'files', cores)}; "
                f"disk of records / videos {disk:.2f}\n",
                flush=True,
            )


if __name__ == "__main__":
    main()
