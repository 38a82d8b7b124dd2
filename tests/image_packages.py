"""The packages of other networks, torchvision and timm, that tests hold this one against."""

import functools

import pytest


def import_or_skip(name):
    """Imports `torchvision` or `timm`; skips the test where one is not installed."""
    pytest.importorskip("torch")
    try:
        pytest.importorskip("torchvision")
    except RuntimeError:
        _define_operators()
    return pytest.importorskip(name)


@functools.cache
def _define_operators():
    """Tells PyTorch of the operators that torchvision asks for when it is imported.

    They are in its compiled part, which loads only beside the build of PyTorch that it was made
    with, such as that for CUDA. No video network uses them.
    """
    import torch

    library = torch.library.Library("torchvision", "DEF")
    for operator in ("nms", "qnms"):
        library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return library  # kept by the cache: they go with it


def randomize(network):
    """Gives a network random weights and statistics that keep the scale of features."""
    import torch

    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            torch.nn.init.uniform_(module.weight, 0.3, 0.6)
            torch.nn.init.normal_(module.bias, 0, 0.1)
            torch.nn.init.normal_(module.running_mean, 0, 0.1)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
        elif isinstance(module, torch.nn.Conv2d | torch.nn.Conv3d):
            torch.nn.init.kaiming_normal_(module.weight)
    return network.eval()
