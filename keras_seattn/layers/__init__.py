"""The layers that the paper adds to a 3D CNN, and those that the networks are built of."""

from keras_seattn.layers.batch_norm import FusedBatchNormalization
from keras_seattn.layers.clip_description import ClipDescription
from keras_seattn.layers.frame_attention import FrameSelfAttention
from keras_seattn.layers.grouped_conv import GroupedConv3D
from keras_seattn.layers.padded_conv import PaddedConv3D
from keras_seattn.layers.padded_pooling import PaddedMaxPooling3D
from keras_seattn.layers.scaled_residual import ScaledResidual
from keras_seattn.layers.squeeze_excite import SqueezeExcite3D
from keras_seattn.layers.zero_padded_shortcut import ZeroPaddedShortcut

__all__ = [
    "ClipDescription",
    "FrameSelfAttention",
    "FusedBatchNormalization",
    "GroupedConv3D",
    "PaddedConv3D",
    "PaddedMaxPooling3D",
    "ScaledResidual",
    "SqueezeExcite3D",
    "ZeroPaddedShortcut",
]
