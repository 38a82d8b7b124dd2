"""The 3D ResNets of Hara et al.: of 18, 34, 50 and 101 layers."""

from keras_seattn.applications.blocks import basic, bottleneck
from keras_seattn.applications.builders import builder
from keras_seattn.applications.trunk import Design


@builder
def SEAResNet18_3D() -> Design:
    """A 3D ResNet-18 with squeeze-and-excitation and self-attention.

    Without modules, `se_stages=()` and `sa_stages=()`, it is the network of
    Hara et al. 2018, with 33,255,717 trainable parameters for 101 classes
    (33,081,893 with shortcut A).
    {arguments}
    Source:
        Anvarov, Kim, Song 2020, Figure 1 and Table 3; Hara et al. 2018.

    Example:

    >>> model = SEAResNet18_3D(input_shape=(8, 64, 64, 3), classes=8, width=0.25)
    >>> model.predict(np.zeros((1, 8, 64, 64, 3)), verbose=0).shape
    (1, 8)
    """
    return Design("resnet-18", basic, (2, 2, 2, 2), shortcuts=("B", "A"))


@builder
def SEAResNet34_3D() -> Design:
    """A 3D ResNet-34 with squeeze-and-excitation and self-attention.

    Without modules it is the network of Hara et al. 2018.
    {arguments}
    Source:
        Anvarov, Kim, Song 2020, Figure 1; Hara et al. 2018.

    Example:

    >>> model = SEAResNet34_3D(input_shape=(8, 64, 64, 3), classes=8, width=0.25)
    >>> model.output_shape
    (None, 8)
    """
    return Design("resnet-34", basic, (3, 4, 6, 3), shortcuts=("B", "A"))


@builder
def SEAResNet50_3D() -> Design:
    """A 3D ResNet-50 with squeeze-and-excitation and self-attention.

    Without modules it is the network of Hara et al. 2018.
    {arguments}
    Source:
        Anvarov, Kim, Song 2020, Figure 1; Hara et al. 2018.

    Example:

    >>> model = SEAResNet50_3D(input_shape=(8, 64, 64, 3), classes=8, width=0.25)
    >>> model.output_shape
    (None, 8)
    """
    return Design("resnet-50", bottleneck, (3, 4, 6, 3), expansion=4)


@builder
def SEAResNet101_3D() -> Design:
    """A 3D ResNet-101 with squeeze-and-excitation and self-attention.

    Without modules it is the network of Hara et al. 2018.
    {arguments}
    Source:
        Anvarov, Kim, Song 2020, Figure 1; Hara et al. 2018.

    Example:

    >>> model = SEAResNet101_3D(input_shape=(8, 64, 64, 3), classes=8, width=0.25)
    >>> model.output_shape
    (None, 8)
    """
    return Design("resnet-101", bottleneck, (3, 4, 23, 3), expansion=4)
