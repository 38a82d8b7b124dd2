"""SEAResNeXt101_3D: the trunk with grouped bottleneck blocks."""

from keras_seattn.applications.blocks import bottleneck
from keras_seattn.applications.builders import builder
from keras_seattn.applications.trunk import Design


@builder
def SEAResNeXt101_3D() -> Design:
    """A 3D ResNeXt-101 (32x4d) with squeeze-and-excitation and self-attention.

    Without modules, `se_stages=()` and `sa_stages=()`, it is the network of
    Hara et al. 2018, with 47,728,165 trainable parameters for 101 classes.
    Every block width times `width` must be divisible by the 32 groups.
    {arguments}
    Source:
        Anvarov, Kim, Song 2020, Figure 1 and Tables 1, 2, 4; Hara et al. 2018;
        Xie et al. 2017 (ResNeXt).

    Example:

    >>> model = SEAResNeXt101_3D(input_shape=(16, 112, 112, 3), classes=101)
    >>> model.output_shape
    (None, 101)
    """
    return Design(
        "resnext-101", bottleneck, (3, 4, 23, 3), (128, 256, 512, 1024), expansion=2, groups=32
    )
