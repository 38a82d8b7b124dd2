"""What a network's input looks like: the one agreement between data and models."""

import typing
from collections.abc import Sequence

import keras
import numpy as np

from keras_seattn import arguments
from keras_seattn.description import description_of
from keras_seattn.errors import InputError


class Sampling(typing.NamedTuple):
    """Which frames of a video make a clip; not both a stride and a rate.

    Attributes:
        frames: `"consecutive"`: some that follow each other. `"spread"`: one of
            each of as many equal parts of the whole video, a random one in
            training, the middle one in testing, so that a video is one clip
            (Wang et al. 2016, Temporal Segment Networks, Section 3.1).
        frame_stride: int, every which frame is taken of consecutive ones.
        frame_rate: float, how many consecutive frames a second are taken, by
            the times at which they are shown; None takes them as they are.

    Example:

    >>> Sampling(frame_rate=15)
    Sampling(frames='consecutive', frame_stride=1, frame_rate=15)
    """

    frames: str = "consecutive"
    frame_stride: int = 1
    frame_rate: float | None = None

    @classmethod
    def checked(cls, values: typing.Any) -> "Sampling":
        """The sampling that a caller or a file gives, if it is one.

        Args:
            values: `Sampling`, or what JSON makes of it.

        Raises:
            ValueError: It is none, or its parts do not go together.
        """
        try:
            frames, stride, rate = values
            right = frames in ("consecutive", "spread")
            right = right and isinstance(stride, int) and stride >= 1
            right = right and (rate is None or (_are_numbers([rate], 1) and rate > 0))
            right = right and (frames == "consecutive") + (stride == 1) + (rate is None) >= 2
        except (TypeError, ValueError):
            right = False
        if not right:
            raise InputError(
                '`sampling` must be Sampling(frames="consecutive"), Sampling(frames="spread"), '
                "Sampling(frame_stride=) with a whole number of 1 or more, or "
                f"Sampling(frame_rate=) with a number above 0. Received: {values!r:.200}"
            )
        return cls(frames, stride, None if rate is None else float(rate))

    def __str__(self):
        if self.frames == "spread":
            return "spread over the video"
        if self.frame_rate is not None:
            return f"{self.frame_rate:g} a second"
        return "in a row" if self.frame_stride == 1 else f"{self.frame_stride} apart"


CONSECUTIVE = Sampling()


class Preprocessing(typing.NamedTuple):
    """What becomes of a video on its way to a network.

    Some of its frames make a clip. They are scaled, their middle is cut out,
    and RGB values become (x - mean) / deviation.

    Attributes:
        mean: 3 floats, of R, G and B, from 0 to 255.
        deviation: 3 floats, likewise.
        frame: 2 floats, the height and the width that a whole frame is scaled
            to, whatever its own ratio is, in sides of the clip, 1 or more:
            bilinear, without a filter against aliasing. None: the shorter side
            becomes that of the clip and the ratio is kept, with a filter.
        sampling: `Sampling`, which frames make a clip.
    """

    mean: tuple[float, ...]
    deviation: tuple[float, ...] = (1.0, 1.0, 1.0)
    frame: tuple[float, ...] | None = None
    sampling: Sampling = CONSECUTIVE

    @classmethod
    def checked(cls, values: typing.Any) -> "Preprocessing":
        """The preprocessing that a caller or a file gives, if it is one.

        Args:
            values: list or tuple of lists or tuples: the mean, the deviation
                and, where there are such, the frame and the sampling, such as
                a `Preprocessing` or what JSON makes of it.

        Returns:
            `Preprocessing`.

        Raises:
            ValueError: They are not three finite numbers each, and two for the
                frame; a deviation is not above 0, or a frame is below 1.
        """
        try:
            given: list[typing.Any] = list(values)
            mean, deviation, frame, sampling = given + [None, CONSECUTIVE][len(given) - 2 :]
            right = _are_numbers(mean, 3) and _are_numbers(deviation, 3)
            right = right and np.float32(deviation).min() > 0
            right = right and (frame is None or (_are_numbers(frame, 2) and min(frame) >= 1))
        except (TypeError, ValueError):
            right = False
        if not right:
            raise InputError(
                "`preprocessing` must be a mean and a deviation, three finite numbers each, the "
                "deviation above 0, and for some networks the height and width of the frame in "
                f"sides of the clip, 1 or more. Received: preprocessing={values!r:.200}"
            )
        frame = None if frame is None else tuple(map(float, frame))
        mean, deviation = tuple(map(float, mean)), tuple(map(float, deviation))
        return cls(mean, deviation, frame, Sampling.checked(sampling))


def _are_numbers(values, count):
    """Whether they are so many finite numbers, as float32 too, as `preprocess_input` takes them."""
    numbers = np.asarray(values)
    right = numbers.shape == (count,) and numbers.dtype.kind in "iuf"
    return right and np.isfinite(numbers.astype("float32")).all()


# How the checkpoints of Hara et al. (kenshohara/3D-ResNets-PyTorch) were trained. Those of 2018
# take the mean of ActivityNet off and keep the scale of 0 to 255. Those of 2020 divide by 255,
# and then take off the mean and divide by the deviation of Kinetics.
HARA_2018 = Preprocessing(mean=(114.7748, 107.7354, 99.4750))
HARA_2020 = Preprocessing(
    mean=(0.4345 * 255, 0.4051 * 255, 0.3775 * 255),
    deviation=(0.2768 * 255, 0.2713 * 255, 0.2737 * 255),
)
# How torchvision's video networks were trained, on frames of 128 x 171 for clips of 112 x 112, 15 a
# second; and networks of pictures on ImageNet.
TORCHVISION = Preprocessing(
    mean=(0.43216 * 255, 0.394666 * 255, 0.37645 * 255),
    deviation=(0.22803 * 255, 0.22145 * 255, 0.216989 * 255),
    frame=(128 / 112, 171 / 112),
    sampling=Sampling(frame_rate=15.0),
)
IMAGENET = Preprocessing(
    mean=(0.485 * 255, 0.456 * 255, 0.406 * 255),
    deviation=(0.229 * 255, 0.224 * 255, 0.225 * 255),
)
PREPROCESSINGS = {
    "hara2018": HARA_2018,
    "hara2020": HARA_2020,
    "torchvision": TORCHVISION,
    "imagenet": IMAGENET,
}


def description_as_json(
    class_names: Sequence[str] | None, preprocessing: Preprocessing | None
) -> dict:
    """What `checked_description` reads back, as files hold it."""
    parts = None
    if preprocessing is not None:
        preprocessing = Preprocessing.checked(preprocessing)
        parts = [part and list(part) for part in preprocessing]
        # As earlier versions read it, where there is nothing that they do not know.
        if preprocessing.sampling == CONSECUTIVE:
            parts = [part for part in parts[:3] if part is not None]
    return {"class_names": class_names and list(class_names), "preprocessing": parts}


def checked_description(description: dict) -> tuple[list[str] | None, Preprocessing | None]:
    """What a file says of a model, if it is of the right kind.

    Args:
        description: dict of what JSON holds: `"class_names"`, a list of str,
            and `"preprocessing"`, a mean, a deviation and, where there are
            such, a frame and a sampling; None where they are not known.

    Returns:
        `(class_names, preprocessing)`: list of str and `Preprocessing`, or
        None.

    Raises:
        ValueError: They are anything else.
    """
    names, preprocessing = description.get("class_names"), description.get("preprocessing")
    if names is not None and not (
        isinstance(names, list) and all(isinstance(name, str) for name in names)
    ):
        raise InputError(f"`class_names` must be a list of text. Received: {names!r:.200}")
    return names, None if preprocessing is None else Preprocessing.checked(preprocessing)


def preprocess_input(
    x: typing.Any, data_format: str | None = None, preprocessing: Preprocessing = HARA_2018
) -> typing.Any:
    """Turns RGB frames, cropped and scaled, into what the networks take.

    Without `preprocessing`, the mean is subtracted and values stay on the
    scale of 0 to 255, as in the training of the checkpoints of 2018. A network
    knows its own: `model.preprocessing`. `data.train_clips` and
    `data.test_clips` have done this already.

    Args:
        x: array or tensor of uint8 or float RGB values from 0 to 255, of shape
            `(..., 3)` for `channels_last`, or `(3, frames, height, width)`
            behind any number of leading axes for `channels_first`.
        data_format: `"channels_last"` or `"channels_first"`; None means
            `keras.config.image_data_format()`.
        preprocessing: `Preprocessing`, of which the mean and the deviation
            count here.

    Returns:
        float32, of the shape of `x`: a NumPy array for a NumPy array, else a
        tensor of the backend.

    Raises:
        ValueError: The channel axis does not have 3 elements, or
            `preprocessing` is none.

    Example:

    >>> clip = np.zeros((16, 112, 112, 3), "uint8")
    >>> preprocess_input(clip)[0, 0, 0]
    array([-114.7748, -107.7354,  -99.475 ], dtype=float32)
    """
    data_format = arguments.standard_data_format(data_format)
    axis = -1 if data_format == "channels_last" else -4
    if len(x.shape) < -axis or x.shape[axis] != 3:
        raise InputError(
            f"`x` must hold 3 channels, R, G and B, on axis {axis} for "
            f'data_format="{data_format}". Received: x.shape={tuple(x.shape)}'
        )
    preprocessing = Preprocessing.checked(preprocessing)
    channels = (3,) if axis == -1 else (3, 1, 1, 1)
    mean = np.reshape(preprocessing.mean, channels).astype("float32")
    deviation = np.reshape(preprocessing.deviation, channels).astype("float32")
    if isinstance(x, np.ndarray):
        return (x.astype("float32") - mean) / deviation
    return (keras.ops.cast(x, "float32") - mean) / deviation


def restored_pixels(x: np.ndarray, data_format: str, preprocessing: Preprocessing) -> np.ndarray:
    """The RGB frames, uint8 with channels last, of what `preprocess_input` returned."""
    if data_format == "channels_first":
        x = np.moveaxis(x, -4, -1)
    pixels = x * np.array(preprocessing.deviation) + np.array(preprocessing.mean)
    return np.rint(pixels).clip(0, 255).astype("uint8")


def preprocessing_of(model: typing.Any) -> Preprocessing:
    """How the clips are preprocessed that a model takes.

    Args:
        model: a `keras.Model` or an `export.ExportedModel`.

    Returns:
        `Preprocessing`.

    Raises:
        ValueError: The model does not say, or says what cannot be.
    """
    known = getattr(model, "preprocessing", None)
    if known is None:
        description = description_of(model)
        known = description.preprocessing if description else None
    if known is None:
        raise InputError(
            "`model` does not say how its clips are preprocessed, and a wrong guess would spoil "
            "its scores. Set model.preprocessing to what it was trained with: "
            "keras_seattn.preprocessing.HARA_2018, HARA_2020, TORCHVISION, IMAGENET, or another "
            "Preprocessing(mean, deviation, frame). Built behind "
            "keras_seattn.layers.ClipDescription(preprocessing), its files say it too."
        )
    return Preprocessing.checked(known)


def clip_shape(model: typing.Any) -> tuple[int, int, str]:
    """The clips that a model takes.

    Args:
        model: a `keras.Model` with one input.

    Returns:
        `(frames, size, data_format)`: the number of frames, the side in
        pixels, and where the channels are.

    Raises:
        ValueError: The input is not square RGB clips of a fixed size.
    """
    shape = model.input_shape
    if isinstance(shape, tuple) and len(shape) == 5:
        _, frames, height, width, channels = shape
        if channels == 3 and height == width and None not in (frames, height):
            return frames, height, "channels_last"
        _, channels, frames, height, width = shape
        if channels == 3 and height == width and None not in (frames, height):
            return frames, height, "channels_first"
    raise InputError(
        "`model` must take square RGB clips of a fixed size, (batch, frames, size, size, 3) or "
        f"(batch, 3, frames, size, size). Received: model.input_shape={shape}"
    )
