"""Imports tensorflow-io on first use, or says in one sentence what is missing."""

import importlib.util
import warnings
from collections.abc import Callable

import tensorflow as tf

from keras_seattn.errors import MissingPackageError

# Its last release and the only TensorFlow that this works with: elsewhere its kernels fail to load
# with undefined symbols.
RELEASE, TENSORFLOW = "0.37.1", "2.16"
_INSTALL = 'pip install "keras-seattn[tfio]" (Python 3.10 to 3.12)'


def load(purpose: str) -> None:
    """Imports tensorflow-io, which makes its file systems known to TensorFlow.

    Args:
        purpose: str, what needs it, the beginning of the error's sentence.

    Raises:
        ImportError: It is not installed, or TensorFlow is another.
    """
    if ".".join(tf.__version__.split(".")[:2]) != TENSORFLOW:
        raise MissingPackageError(
            f"{purpose} needs tensorflow-io {RELEASE}, which works beside TensorFlow {TENSORFLOW} "
            f"only, and this is TensorFlow {tf.__version__}: make another environment with "
            f"{_INSTALL}."
        )
    if importlib.util.find_spec("tensorflow_io") is None:
        raise MissingPackageError(f"{purpose} needs tensorflow-io {RELEASE}: {_INSTALL}.")
    import tensorflow_io  # noqa: F401


def load_video_decoder() -> Callable[..., tf.Tensor]:
    """The operation that decodes a video: `(bytes of the file, index) -> frames`.

    Raises:
        ImportError: tensorflow-io cannot be used, or FFmpeg 4 is missing.
    """
    load('decoder="tfio"')
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # One for each version of FFmpeg that is not there.
            from tensorflow_io.python.ops import ffmpeg_ops
    except NotImplementedError as error:
        raise MissingPackageError(
            'decoder="tfio" needs the libraries of FFmpeg 4 (libavformat.so.58, libswscale.so.5), '
            "which are not among those of this machine: on Debian, run "
            "`export LD_LIBRARY_PATH=$(python -m keras_seattn.data.tfio.ffmpeg4)` and start again."
        ) from error
    return ffmpeg_ops.io_ffmpeg_decode_video
