"""What PyTorch's networks call the weights that ours have: Hara et al.'s, and torchvision's."""

from collections.abc import Iterable

# `layer/variable` of ours to the key of a state dict.
Names = dict[str, str]

_BATCH_NORMALIZATION = {
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
_CONVOLUTION = {"kernel": "weight"}
_DENSE = {"kernel": "weight", "bias": "bias"}
_MOST_BLOCKS = 36


def _hara():
    """Yields `(our layer, theirs, {our variable: theirs})`: also the names of 2D ResNets."""
    yield "stem_conv", "conv1", _CONVOLUTION
    yield "stem_bn", "bn1", _BATCH_NORMALIZATION
    for ours, theirs in _blocks():
        for n in (1, 2, 3):
            yield f"{ours}_{n}_conv", f"{theirs}.conv{n}", _CONVOLUTION
            yield f"{ours}_{n}_bn", f"{theirs}.bn{n}", _BATCH_NORMALIZATION


def _torchvision(factorized):
    """As `_hara`. A factorized convolution is the sequence 0, norm 1, ReLU, 3 within another."""
    stem = ("stem.0", "stem.1", "stem.3", "stem.4") if factorized else ("", "", "stem.0", "stem.1")
    yield from _convolution("stem", factorized, stem)
    for ours, theirs in _blocks():
        for n in (1, 2):
            conv = f"{theirs}.conv{n}"
            last = f"{conv}.0.3" if factorized else f"{conv}.0"
            places = (f"{conv}.0.0", f"{conv}.0.1", last, f"{conv}.1")
            yield from _convolution(f"{ours}_{n}", factorized, places)


def _convolution(ours, factorized, places):
    if factorized:
        yield f"{ours}_spatial_conv", places[0], _CONVOLUTION
        yield f"{ours}_spatial_bn", places[1], _BATCH_NORMALIZATION
    yield f"{ours}_conv", places[2], _CONVOLUTION
    yield f"{ours}_bn", places[3], _BATCH_NORMALIZATION


def _blocks():
    for stage in (1, 2, 3, 4):
        for i in range(_MOST_BLOCKS):
            yield f"stage{stage}_block{i + 1}", f"layer{stage}.{i}"


def _common():
    """What all have: shortcuts, the head, and our modules, whose names follow their style."""
    for ours, theirs in _blocks():
        yield f"{ours}_shortcut_conv", f"{theirs}.downsample.0", _CONVOLUTION
        yield f"{ours}_shortcut_bn", f"{theirs}.downsample.1", _BATCH_NORMALIZATION
    for stage in (1, 2, 3, 4):
        for gate in ("se_channel", "se_sequence"):
            for layer in ("reduce", "expand"):
                yield f"stage{stage}_{gate}/{layer}", f"{gate}{stage}.{layer}", _DENSE
        yield f"stage{stage}_se_residual", f"se_residual{stage}", {"beta": "beta"}
        yield f"stage{stage}_attention", f"attention{stage}", {"gamma": "gamma"}
        for layer in ("query", "key", "value", "output_projection"):
            yield f"stage{stage}_attention/{layer}", f"attention{stage}.{layer}", _CONVOLUTION
    yield "predictions", "fc", _DENSE


def _names(layers: Iterable[tuple[str, str, dict[str, str]]]) -> Names:
    return {
        f"{ours}/{variable}": f"{theirs}.{name}"
        for ours, theirs, variables in [*layers, *_common()]
        for variable, name in variables.items()
    }


HARA = _names(_hara())
TORCHVISION = _names(_torchvision(factorized=False))
TORCHVISION_FACTORIZED = _names(_torchvision(factorized=True))
# All weights that networks of `applications` have.
OURS = HARA.keys() | TORCHVISION_FACTORIZED.keys()


def names_in(keys: Iterable[str]) -> Names:
    """The names that a state dict with these keys has."""
    stem = {key for key in keys if key.startswith("stem.")}
    if not stem:
        return HARA
    return TORCHVISION_FACTORIZED if "stem.3.weight" in stem else TORCHVISION


def names_for(shapes: dict[str, tuple[int, ...]]) -> Names:
    """The names that the code a network comes from has, by the shapes of our weights.

    Hara et al.'s stem is over 7 frames, that of torchvision's networks over 3.
    """
    if any("_spatial_conv" in key for key in shapes):
        return TORCHVISION_FACTORIZED
    return TORCHVISION if shapes.get("stem_conv/kernel", ())[:1] == (3,) else HARA
