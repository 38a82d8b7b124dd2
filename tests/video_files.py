"""Videos that the tests encode themselves, and a plain decode to hold the package's against."""

import fractions

import av
import numpy as np


def moving_pattern(frames, height=48, width=64, seed=0):
    """Frames that all differ, smooth enough to survive encoding, uint8."""
    generator = np.random.default_rng(seed)
    wave = generator.uniform(0.05, 0.2, (3, 2))
    y, x = np.mgrid[:height, :width]
    t = np.arange(frames)[:, None, None, None]
    phase = y[..., None] * wave[:, 0] + x[..., None] * wave[:, 1]
    return (127 + 100 * np.sin(phase + 0.4 * t)).astype("uint8")


def write_video(path, images, codec="mpeg4", times=None, options=None, gop=12, pixels="yuv420p"):
    """Encodes frames; `times` are presentation times in 1/25 s, for a variable frame rate."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options or {})
        stream.height, stream.width = images.shape[1:3]
        stream.pix_fmt = pixels
        stream.gop_size = gop
        stream.codec_context.time_base = fractions.Fraction(1, 25)
        for i, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts = i if times is None else int(times[i])
            frame.time_base = fractions.Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return str(path)


def decode_all(path):
    """A plain sequential decode with PyAV."""
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
