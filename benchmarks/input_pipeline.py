"""How many clips a second the input pipeline gives, against what decoding alone would allow.

    python benchmarks/input_pipeline.py
    python benchmarks/input_pipeline.py --videos FOLDER --training-speed 400

Random training clips of 16 frames, 112 x 112: the same videos, frames and crops for all systems.
It encodes videos of 10 s as UCF-101's, 320 x 240 MPEG-4, and of 10 s and a minute as those of
Kinetics, 340 x 256 H.264 with B-frames; or takes a folder of yours. Plain PyAV uses nothing of the
package: it seeks to the time of a clip, decodes, and crops and scales with FFmpeg's filters. All
systems take turns in one process; a ratio is the median over the rounds, with the lowest and the
highest. OpenCV, decord and tensorflow-io are measured where they are installed.
"""

import argparse
import concurrent.futures
import importlib.util
import math
import os
import statistics
import tempfile
import time

import av
import av.filter
import numpy as np
import tensorflow as tf
from PIL import Image
from side_by_side import markdown

import keras_seattn
from keras_seattn.data import Catalog, find_videos, train_clips
from keras_seattn.data.decoding import scan_video
from keras_seattn.data.records import open_records, write_records
from keras_seattn.data.sampling import ClipRule, Timeline, random_crop
from keras_seattn.data.scaling import crop_and_scale
from keras_seattn.data.tfio import loading
from keras_seattn.preprocessing import HARA_2018

FRAMES, SIZE, BATCH = 16, 112, 16
VIDEOS = 256
# Codec, suffix, height, width, frames per second, frames from a keyframe to the next, seconds.
KINDS = {
    "MPEG-4, 320 x 240": ("mpeg4", "avi", 240, 320, 25, 12, 10),
    "MPEG-4, one keyframe": ("mpeg4", "avi", 240, 320, 25, 600, 10),
    "H.264, B-frames, 340 x 256, 10 s": ("libx264", "mp4", 256, 340, 30, 50, 10),
    "H.264, B-frames, 340 x 256, 60 s": ("libx264", "mp4", 256, 340, 30, 50, 60),
}
BIT_RATE = "400k"


def encode(path, codec, height, width, rate, gop, seconds, seed):
    """A scene that moves, with noise; detail is as strong at every scale."""
    generator = np.random.default_rng(seed)
    size = (width + 80, height + 80)
    scene = np.full((size[1], size[0], 3), 128.0)
    for cells in (3, 6, 12, 24, 48, 96):
        grid = generator.integers(0, 256, (cells, cells, 3)).astype("uint8")
        scene += (np.asarray(Image.fromarray(grid).resize(size, Image.BICUBIC), float) - 128) / 3
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=rate, options={"b": BIT_RATE})
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        stream.gop_size = gop
        for t in range(seconds * rate):
            y, x = int(40 + 35 * np.sin(t / 20)), int(40 + 38 * np.cos(t / 15))
            image = scene[y : y + height, x : x + width] + generator.normal(
                0, 2, (height, width, 1)
            )
            frame = av.VideoFrame.from_ndarray(np.clip(image, 0, 255).astype("uint8"), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def with_pyav(video, numbers, crop):
    """What a careful user of PyAV writes, for videos of a constant rate."""
    top, left, side, _ = crop.window(video.height, video.width)
    with av.open(video.path) as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        start = (stream.start_time or 0) + round(
            int(numbers[0]) / stream.average_rate / stream.time_base
        )
        half = round(1 / stream.average_rate / stream.time_base / 2)
        container.seek(start, stream=stream)
        graph = av.filter.Graph()
        graph.threads = 1
        chain = [
            graph.add_buffer(template=stream),
            graph.add("crop", f"{side}:{side}:{left}:{top}"),
            *([graph.add("hflip")] if crop.flip else []),
            graph.add("scale", f"{SIZE}:{SIZE}:flags=bilinear"),
            graph.add("format", "rgb24"),
            graph.add("buffersink"),
        ]
        graph.link_nodes(*chain).configure()
        pixels = np.empty((len(numbers), SIZE, SIZE, 3), "uint8")
        found = 0
        for frame in container.decode(stream):
            if frame.pts < start - half:
                continue
            graph.push(frame)
            pixels[found] = graph.pull().to_ndarray()
            found += 1
            if found == len(numbers):
                break
    return pixels


def with_opencv(video, numbers, crop):
    import cv2

    top, left, side, _ = crop.window(video.height, video.width)
    capture = cv2.VideoCapture(video.path)
    capture.set(cv2.CAP_PROP_POS_FRAMES, int(numbers[0]))
    for _ in numbers:
        image = capture.read()[1][top : top + side, left : left + side, ::-1]
        cv2.resize(image, (SIZE, SIZE), interpolation=cv2.INTER_LINEAR)


def with_decord(video, numbers, crop):
    """It has no crop and no scaling of a crop: whole frames."""
    import decord

    decord.VideoReader(video.path, num_threads=1).get_batch(numbers).asnumpy()


# What decodes the same clips with no pipeline around it.
PLAIN = {"plain PyAV": with_pyav}
if importlib.util.find_spec("cv2"):
    PLAIN["plain OpenCV"] = with_opencv
if importlib.util.find_spec("decord"):
    PLAIN["plain decord (not cropped, not scaled)"] = with_decord


def plain_decoding(read, paths, clips, cores):
    """Clips a second when threads decode, crop and scale clips, and nothing else is done."""
    videos = [scan_video(path) for path in paths]
    generator = np.random.default_rng(0)
    work = []
    for i in range(clips):
        video = videos[i % len(videos)]
        numbers = ClipRule(FRAMES).random(Timeline.of(video), generator)
        work.append((video, numbers, random_crop(generator)))
    with concurrent.futures.ThreadPoolExecutor(cores) as pool:
        start = time.perf_counter()
        list(pool.map(lambda item: read(*item), work))
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


def decode_clip(images, window):
    """Decodes the JPEG frames of a clip, crops and scales them, to float32."""
    images, side = tf.unstack(images), window[2]

    def whole():
        pixels = tf.stack([tf.io.decode_jpeg(image, channels=3) for image in images])
        return crop_and_scale(pixels, window, SIZE, False)

    def part():
        pixels = tf.stack(
            [tf.image.decode_and_crop_jpeg(image, window, channels=3) for image in images]
        )
        return crop_and_scale(pixels, tf.stack([0, 0, side, side]), SIZE, False)

    # libjpeg crops slowly: decoding all and cutting out is faster, unless the part is small.
    shorter = tf.reduce_min(tf.image.extract_jpeg_shape(images[0])[:2])
    is_small = tf.cast(side, tf.float32) < 0.6 * tf.cast(shorter, tf.float32)
    return tf.cond(is_small, part, whole)


def scaled_jpeg_decoding(images, cores):
    """The same, with the crops and the scaling of training, but not their flips."""
    generator = np.random.default_rng(0)
    height, width = tf.io.decode_jpeg(images[0, 0]).shape[:2]
    windows = [random_crop(generator).window(height, width) for _ in range(len(images))]
    dataset = tf.data.Dataset.from_tensor_slices((images, np.array(windows, "int32"))).map(
        decode_clip, num_parallel_calls=cores
    )
    return drain(dataset.batch(BATCH).prefetch(2), cores)


def pipeline(source, cores, clips, **options):
    dataset = train_clips(source, FRAMES, SIZE, BATCH, seed=0, preprocessing=HARA_2018, **options)
    return drain(dataset.repeat(), cores, clips)


def drain(dataset, cores, clips=None):
    """Clips a second of a dataset of batches, to its end or to so many clips."""
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


def measure(paths, folder, rounds, clips, with_tfio):
    """Clips a second of every system: dict of `(system, cores)` to a list, one for each round."""
    # Epochs of a few videos would measure how an epoch begins.
    videos = paths * math.ceil(VIDEOS / len(paths))
    catalog = Catalog(videos, [0] * len(videos), ["any"])
    write_records(catalog, folder, shards=8)
    records = open_records(folder)
    images = jpeg_clips(records, clips)
    systems = {
        name: lambda cores, read=read: plain_decoding(read, paths, clips, cores)
        for name, read in PLAIN.items()
    }
    systems["files"] = lambda cores: pipeline(catalog, cores, clips)
    for several in (2, 4):
        systems[f"files, {several} clips of each opening"] = lambda cores, several=several: (
            pipeline(catalog, cores, clips, clips_per_open=several)
        )
    if with_tfio:
        # It decodes whole videos, so a few clips take as long as many of the others.
        systems["files, tensorflow-io"] = lambda cores: pipeline(
            catalog, cores, 2 * BATCH, decoder="tfio"
        )
    systems |= {
        "bare JPEG decoding": lambda cores: bare_jpeg_decoding(images, cores),
        "JPEG decoding and scaling": lambda cores: scaled_jpeg_decoding(images, cores),
        "records": lambda cores: pipeline(folder, cores, 4 * clips),
    }
    speeds = {}
    for _ in range(rounds):
        for cores in sorted({1, os.cpu_count()}):
            for name, run in systems.items():
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
    with_tfio = True
    try:
        loading.load_video_decoder()
    except ImportError as error:
        with_tfio = False
        print(f"Without tensorflow-io: {error}\n")
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
                paths,
                os.path.join(folder, f"records{number}"),
                options.rounds,
                options.clips,
                with_tfio,
            )
            median = {key: statistics.median(values) for key, values in speeds.items()}
            rows = []
            for system in dict.fromkeys(system for system, _ in speeds):
                speed = [f"{median[system, c]:,.0f}" for c in sorted({1, cores})]
                rows.append([system, *speed, f"{options.training_speed / median[system, 1]:.1f}"])
            heads = [f"{name}: clips a second", *(f"{c} cores" for c in sorted({1, cores}))]
            print(markdown([*heads, f"cores for {options.training_speed:g} a second"], rows))
            print(
                f"\nfiles / plain decoding {ratio(speeds, 'files', 'plain PyAV', cores)}; "
                f"2 clips of each opening / 1 "
                f"{ratio(speeds, 'files, 2 clips of each opening', 'files', cores)}; 4 / 1 "
                f"{ratio(speeds, 'files, 4 clips of each opening', 'files', cores)}; "
                f"records / bare JPEG {ratio(speeds, 'records', 'bare JPEG decoding', cores)}; "
                f"records / decoding and scaling "
                f"{ratio(speeds, 'records', 'JPEG decoding and scaling', cores)}; "
                f"records / files {ratio(speeds, 'records', 'files', cores)}; "
                f"disk of records / videos {disk:.2f}\n",
                flush=True,
            )


if __name__ == "__main__":
    main()
