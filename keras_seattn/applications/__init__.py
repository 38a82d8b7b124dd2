"""The networks, laid out as keras.applications is: one builder per file."""

from keras_seattn.applications.resnet3d import SEAResNet18_3D
from keras_seattn.applications.resnext3d import SEAResNeXt101_3D
from keras_seattn.labels import class_list, decode_predictions
from keras_seattn.preprocessing import preprocess_input

__all__ = [
    "SEAResNeXt101_3D",
    "SEAResNet18_3D",
    "class_list",
    "decode_predictions",
    "preprocess_input",
]
