"""What is known of a video, by which any of its frames can be read by number."""

import bisect
import dataclasses
import math
import typing

from keras_seattn.data.opening import VideoError

# Half a millisecond, by which the times in lists differ from those in files, in seconds.
_ROUNDING = 0.0005


class Keyframe(typing.NamedTuple):
    """A place where decoding can start.

    Attributes:
        number: int, that of the frame.
        pts: int, when it is shown, in units of the stream; None where the file
            does not tell.
        dts: int, when it is decoded, likewise.
    """

    number: int
    pts: int | None
    dts: int | None


@dataclasses.dataclass(frozen=True)
class Video:
    """What must be known of a video file to read any of its frames.

    Attributes:
        path: str.
        frames: int, the number of frames; see `scan_video`.
        height: int, in pixels, as the video is shown: turned upright where
            the file says so, as those of phones do.
        width: int, likewise.
        pixel_aspect: float, the width of a pixel as shown, in heights of one;
            1 for most videos.
        rate: float, the mean number of frames per second; 0 if the file does
            not tell.
        plain: bool, whether frames are shown as they are stored, not turned,
            and in the usual colours: ITU-R BT.601, of limited range.
        timed: bool, whether the times of the file's packets tell the numbers
            of their frames; else frames are counted.
        keyframes: tuple of `Keyframe` in rising order; the first is frame 0.
            A folder of frames has none.
        times: tuple of float, when each frame is shown, in seconds from the
            first; None where all last equally long, or nobody tells.
        first: int, for a part of a file the number that its first frame has in
            the file; None for a whole one.
    """

    path: str
    frames: int
    height: int
    width: int
    pixel_aspect: float
    rate: float
    plain: bool
    timed: bool
    keyframes: tuple[Keyframe, ...]
    times: tuple[float, ...] | None = None
    first: int | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """`(height, width)` of the picture in square pixels."""
        return self.height, max(1, round(self.width * self.pixel_aspect))

    def frames_before(self, time: float) -> int:
        """How many frames are shown before a time, in seconds from the first.

        Lists round their times to milliseconds: half a one before `time` is not before it.
        """
        time -= _ROUNDING
        if self.times is not None:
            return bisect.bisect_left(self.times, time)
        return max(0, math.ceil(min(self.frames, time * self.rate)))

    def part(self, start: float, end: float) -> "Video":
        """The frames that are shown from `start` on and before `end`, as a video of their own.

        Args:
            start, end: float, in seconds from the first frame.

        Returns:
            A `Video` of the same file.

        Raises:
            VideoError: There are none, or the file does not tell its rate. The
                message names it.
        """
        what = f"{self.path}: of {start:.10g} to {end:.10g} seconds"
        if not self.rate:
            raise VideoError(
                f"{what}: nobody knows how many frames a second it has, so that a span in seconds "
                "has no meaning. Use whole videos, or video files that have a rate."
            )
        first, behind = self.frames_before(start), self.frames_before(end)
        if first == behind:
            raise VideoError(
                f"{what} there is no frame: it has {self.frames} frames, {self.rate:.4g} a second, "
                f"and ends after {self.frames / self.rate:.2f} seconds. Correct the span."
            )
        part = dataclasses.replace(self, frames=behind - first, first=first)
        if self.times is None or part.frames == 1:
            return dataclasses.replace(part, times=None)
        times = tuple(time - self.times[first] for time in self.times[first:behind])
        return dataclasses.replace(part, times=times, rate=(part.frames - 1) / times[-1])
