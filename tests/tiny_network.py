"""A network of one convolution a stage, which takes a fraction of a ResNet's time to build."""

import keras

from keras_seattn.applications import resnet3d


def TinyNetwork(
    input_shape=(8, 16, 16, 3),
    classes=2,
    classifier_activation="softmax",
    se_stages=resnet3d.STAGES,
    sa_stages=resnet3d.STAGES,
    channel_reduction=16,
    sequence_reduction=2,
    attention_reduction=8,
    width=0.05,
    data_format=None,
    weights=None,
):
    """The trunk, the modules and the head of the networks, as their builders; no `weights`."""

    def block(x, filters, stride, data_format, name):
        x = resnet3d.conv_norm(x, filters, 3, stride, data_format, f"{name}_1")
        return keras.layers.ReLU(name=f"{name}_relu")(x)

    return resnet3d.build_network(
        block,
        (1, 1, 1, 1),
        (64, 128, 256, 512),
        include_top=True,
        checkpoint=None,
        preprocessing=None,
        input_tensor=None,
        input_shape=input_shape,
        pooling=None,
        classes=classes,
        classifier_activation=classifier_activation,
        se_stages=se_stages,
        sa_stages=sa_stages,
        channel_reduction=channel_reduction,
        sequence_reduction=sequence_reduction,
        attention_reduction=attention_reduction,
        width=width,
        data_format=data_format,
        name="tiny_network",
    )
