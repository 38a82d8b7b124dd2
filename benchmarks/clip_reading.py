"""How fast clips are read from video files: one thread, and through the tf.data pipeline.

    python benchmarks/clip_reading.py [VIDEO ...]

Without arguments it encodes two 10 s files of 320 x 240, 25 frames a second, as MPEG-4 in AVI:
one with a keyframe every 12 frames (FFmpeg's default), one with a single keyframe, as UCF-101's
files have. Each row compares, in the same run, with a plain sequential PyAV decode.
"""

import argparse
import os
import platform
import tempfile
import time

import av
import numpy as np

import keras_seattn
from keras_seattn.data.decoding import read_frames, scan_video
from keras_seattn.data.sampling import random_clip, random_crop

FRAMES, SIZE = 16, 112


def encode(path, keyframe_distance):
    """250 frames of moving blotches with noise: about the bytes of a real video of that size."""
    generator = np.random.default_rng(0)
    scene = generator.uniform(0, 255, (40, 50, 3))
    scene = np.kron(scene, np.ones((8, 8, 1)))
    with av.open(path, "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.height, stream.width, stream.pix_fmt = 240, 320, "yuv420p"
        stream.bit_rate, stream.gop_size = 400_000, keyframe_distance
        for t in range(250):
            y, x = int(30 + 25 * np.sin(t / 20)), int(35 + 30 * np.cos(t / 15))
            image = scene[y : y + 240, x : x + 320] + generator.normal(0, 3, (240, 320, 1))
            frame = av.VideoFrame.from_ndarray(np.clip(image, 0, 255).astype("uint8"), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def per_second(function, seconds=3.0):
    """How often a second `function` returns, counted over about `seconds`."""
    function()
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        count += function() or 1
    return count / (time.perf_counter() - start)


def measure(path):
    video = scan_video(path)
    generator = np.random.default_rng(0)

    def decode_all():
        with av.open(path) as container:
            container.streams.video[0].codec_context.thread_count = 1
            return sum(1 for _ in container.decode(video=0))

    def read_clip():
        crop = random_crop(generator)
        size, window = crop.geometry(video.height, video.width, SIZE)
        read_frames(video, random_clip(video.frames, FRAMES, generator), *size, window)

    catalog = keras_seattn.data.Catalog([path] * 512, [0] * 512, ["any"])
    dataset = keras_seattn.data.train_clips(catalog, FRAMES, SIZE, batch_size=16, seed=0)

    def one_epoch():
        return sum(len(labels) for _, labels in dataset)

    return per_second(decode_all), per_second(read_clip), per_second(one_epoch, seconds=6.0)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", nargs="*")
    paths = parser.parse_args().videos
    print(f"{platform.machine()}, {os.cpu_count()} cores, PyAV {av.__version__}")
    print("| file | frames | plain decode, frames/s | clips/s, 1 thread | clips/s, pipeline |")
    print("| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        if not paths:
            for name, distance in (("keyframe every 12", 12), ("one keyframe", 600)):
                paths.append(os.path.join(folder, f"{name}.avi"))
                encode(paths[-1], distance)
        for path in paths:
            decoded, single, pipeline = measure(path)
            print(
                f"| {os.path.basename(path)} | {scan_video(path).frames} | {decoded:,.0f} | "
                f"{single:,.0f} | {pipeline:,.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
