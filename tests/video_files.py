"""Videos that the tests encode themselves, and a plain decode to hold the package's against."""

import fractions

import av
import av.filter
import numpy as np

RATE = 25


def moving_pattern(frames, height=48, width=64, seed=0):
    """Frames that all differ, smooth enough to survive encoding, uint8."""
    generator = np.random.default_rng(seed)
    wave = generator.uniform(0.05, 0.2, (3, 2))
    y, x = np.mgrid[:height, :width]
    t = np.arange(frames)[:, None, None, None]
    phase = y[..., None] * wave[:, 0] + x[..., None] * wave[:, 1]
    return (127 + 100 * np.sin(phase + 0.4 * t)).astype("uint8")


def write_video(
    path,
    images,
    codec="mpeg4",
    times=None,
    options=None,
    gop=12,
    pixels="yuv420p",
    format=None,
    muxer=None,
    rate=RATE,
):
    """Encodes frames; `times` are presentation times in 1/rate s, for a variable frame rate."""
    with av.open(str(path), "w", format=format, options=muxer or {}) as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        stream.height, stream.width = images.shape[1:3]
        stream.pix_fmt = pixels
        stream.gop_size = gop
        stream.codec_context.time_base = 1 / fractions.Fraction(rate)
        for i, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts = i if times is None else int(times[i])
            frame.time_base = 1 / fractions.Fraction(rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return str(path)


def decode_all(path, index=0):
    """All frames that can be decoded, one after the other, in RGB as `ffmpeg` writes it.

    Args:
        path: str or path.
        index: int, which of the file's video streams.
    """
    frames = []
    with av.open(str(path)) as container:
        stream = container.streams.video[index]
        try:
            for packet in container.demux(stream):
                if packet.size:
                    frames += _decoded(stream, packet)
        except (av.FFmpegError, IndexError):
            pass  # What is behind it cannot be read.
        frames += _decoded(stream, None)
        return np.stack([in_rgb(frame) for frame in frames])


def _decoded(stream, packet):
    try:
        return stream.decode(packet)
    except av.FFmpegError:
        return []


def in_rgb(frame):
    """A decoded frame as the filters of `ffmpeg -pix_fmt rgb24` make it, neither turned nor cut."""
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=fractions.Fraction(1)
    )
    nodes = [graph.add("scale", "flags=bicubic"), graph.add("format", "rgb24")]
    graph.link_nodes(source, *nodes, graph.add("buffersink")).configure()
    graph.push(frame)
    return graph.pull().to_ndarray()


def cut_without_encoding(source, path, first, format=None):
    """Cuts a video as `ffmpeg -ss ... -c copy` does, at frame `first`.

    The frames from the keyframe before it on are kept, with times below 0, which containers hide.
    """
    with av.open(str(source)) as old, av.open(str(path), "w", format=format) as new:
        stream = old.streams.video[0]
        copy = new.add_stream_from_template(stream)
        start = round(first / RATE / stream.time_base) + (stream.start_time or 0)
        old.seek(start, stream=stream)
        for packet in old.demux(stream):
            if packet.dts is None:
                continue
            packet.pts -= start
            packet.dts -= start
            packet.stream = copy
            new.mux(packet)
    return str(path)


def repack(source, path, change, format=None):
    """Copies a video with `change(bytes of all packets)`, a list of bytes, as its packets."""
    with av.open(str(source)) as old, av.open(str(path), "w", format=format) as new:
        stream = old.streams.video[0]
        copy = new.add_stream_from_template(stream)
        packets = [packet for packet in old.demux(stream) if packet.size]
        for packet, content in zip(packets, change([bytes(p) for p in packets]), strict=True):
            changed = av.Packet(content)
            changed.pts, changed.dts, changed.time_base = packet.pts, packet.dts, packet.time_base
            changed.duration, changed.is_keyframe = packet.duration, packet.is_keyframe
            changed.stream = copy
            new.mux(changed)
    return str(path)


def damage_frames(path, numbers):
    """Overwrites the data of some packets of a file, by their place in it."""
    with av.open(str(path)) as container:
        places = [(p.pos, p.size) for p in container.demux(video=0) if p.size]
    with open(path, "r+b") as file:
        for number in numbers:
            position, size = places[number]
            file.seek(position)
            file.write(bytes(size))


def write_damaged(path, images, numbers):
    """A video of single JPEG pictures, as cameras write it, some of which cannot be decoded."""
    write_video(path, images, "mjpeg", pixels="yuvj420p")
    damage_frames(path, numbers)
    return str(path)
