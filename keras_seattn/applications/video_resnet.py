"""The video ResNets of Tran et al. 2018, which torchvision has: R3D, MC3 and R(2+1)D, 18 layers."""

from keras_seattn.applications.blocks import Kernels, basic
from keras_seattn.applications.builders import builder
from keras_seattn.applications.trunk import FULL, Design

SPATIAL: Kernels = ((1, 3, 3),)
FACTORIZED: Kernels = ((1, 3, 3), (3, 1, 1))
STEM: Kernels = ((3, 7, 7),)
FACTORIZED_STEM: Kernels = ((1, 7, 7), (3, 1, 1))
BLOCKS = (2, 2, 2, 2)


@builder
def SEAR3D_18() -> Design:
    """R3D-18, all convolutions 3x3x3, with squeeze-and-excitation and self-attention.

    Without modules it is torchvision's `r3d_18`, with 33,371,472 trainable
    parameters for 400 classes. Its stem does not pool: features are twice as
    long, high and wide as those of `SEAResNet18_3D`.
    {arguments}
    Source:
        Tran et al. 2018, Section 3.1; Anvarov, Kim, Song 2020, for the modules.

    Example:

    >>> model = SEAR3D_18(input_shape=(8, 64, 64, 3), classes=8, width=0.25)
    >>> model.output_shape
    (None, 8)
    """
    return Design("r3d_18", basic, BLOCKS, stem=STEM, stem_pools=False)


@builder
def SEAMC3_18() -> Design:
    """MC3-18, 3D in stage 1 and 2D behind, with squeeze-and-excitation and self-attention.

    Without modules it is torchvision's `mc3_18`, with 11,695,440 trainable
    parameters for 400 classes. All stages have as many frames as the clip.
    {arguments}
    Source:
        Tran et al. 2018, Section 3.2; Anvarov, Kim, Song 2020, for the modules.

    Example:

    >>> model = SEAMC3_18(input_shape=(8, 64, 64, 3), classes=8, width=0.25)
    >>> model.output_shape
    (None, 8)
    """
    kernels = (FULL, SPATIAL, SPATIAL, SPATIAL)
    return Design("mc3_18", basic, BLOCKS, stem=STEM, stem_pools=False, kernels=kernels)


@builder
def SEAR2Plus1D_18() -> Design:
    """R(2+1)D-18, space before time, with squeeze-and-excitation and self-attention.

    Without modules it is torchvision's `r2plus1d_18`, with 31,505,325 trainable
    parameters for 400 classes. Each 3x3x3 convolution is one of 1x3x3,
    normalization, ReLU, and one of 3x1x1.
    {arguments}
    Source:
        Tran et al. 2018, Section 3.4; Anvarov, Kim, Song 2020, for the modules.

    Example:

    >>> model = SEAR2Plus1D_18(input_shape=(8, 64, 64, 3), classes=8, width=0.25)
    >>> model.output_shape
    (None, 8)
    """
    kernels = (FACTORIZED,) * 4
    return Design(
        "r2plus1d_18", basic, BLOCKS, stem=FACTORIZED_STEM, stem_pools=False, kernels=kernels
    )
