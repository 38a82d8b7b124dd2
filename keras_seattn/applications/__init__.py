"""The networks, laid out as keras.applications is: a family of them per file."""

from keras_seattn.applications.resnet3d import (
    SEAResNet18_3D,
    SEAResNet34_3D,
    SEAResNet50_3D,
    SEAResNet101_3D,
)
from keras_seattn.applications.resnext3d import SEAResNeXt101_3D
from keras_seattn.applications.video_resnet import SEAMC3_18, SEAR3D_18, SEAR2Plus1D_18
from keras_seattn.applications.weights import weights_table
from keras_seattn.labels import class_list, decode_predictions
from keras_seattn.preprocessing import preprocess_input

__all__ = [
    "SEAMC3_18",
    "SEAR3D_18",
    "SEAR2Plus1D_18",
    "SEAResNeXt101_3D",
    "SEAResNet18_3D",
    "SEAResNet34_3D",
    "SEAResNet50_3D",
    "SEAResNet101_3D",
    "class_list",
    "decode_predictions",
    "preprocess_input",
    "weights_table",
]
