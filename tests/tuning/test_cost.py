"""What networks cost, against formulas and against the layers of PyTorch's networks."""

import pytest

from keras_seattn.applications import SEAResNet18_3D, SEAResNeXt101_3D
from keras_seattn.tuning import count_multiply_adds
from keras_seattn.tuning.cost import measure_cost


@pytest.mark.parametrize("builder, kind", [(SEAResNet18_3D, "B"), (SEAResNeXt101_3D, "resnext")])
def test_multiply_adds_are_those_of_the_layers_in_pytorch(builder, kind):
    torch = pytest.importorskip("torch")
    from pytorch_network import Network

    # Not by torch.utils.flop_counter: it loads triton, which ends a process with TensorFlow in it.
    multiply_adds = []
    network = Network(kind, classes=11).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.Conv3d | torch.nn.Linear):
            module.register_forward_hook(
                lambda module, inputs, output: multiply_adds.append(
                    output.numel() * module.weight[0].numel()
                )
            )
    with torch.no_grad():
        network(torch.zeros(1, 3, 16, 64, 64))
    ours = builder(input_shape=(16, 64, 64, 3), classes=11, se_stages=(), sa_stages=())
    assert count_multiply_adds(ours) == sum(multiply_adds)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_the_modules_add_what_their_equations_say(data_format):
    shape = (16, 32, 32, 3) if data_format == "channels_last" else (3, 16, 32, 32)
    options = {"input_shape": shape, "classes": 2, "data_format": data_format}
    base = count_multiply_adds(SEAResNet18_3D(se_stages=(), sa_stages=(), **options))
    gates = attention = added = 0
    for c, s, side in zip((64, 128, 256, 512), (8, 4, 2, 1), (8, 4, 2, 1), strict=True):
        r, d, a = c // 4, max(1, s // 2), c // 8
        gates += 2 * c * r + c + r + 2 * s * d + s + d
        attention += 4 * c * a + 1
        positions = side * side
        added += 2 * c * r + 2 * s * d + 2 * s * positions * c
        added += s * (positions * 4 * c * a + 2 * positions**2 * a)
    model = SEAResNet18_3D(channel_reduction=4, sequence_reduction=2, **options)
    cost = measure_cost(model)
    assert cost.gate_parameters == gates
    assert cost.attention_parameters == attention
    assert cost.added_parameters == gates + attention
    assert cost.multiply_adds - base == added
    assert cost.milliseconds > 0


def test_frozen_layers_count_too():
    model = SEAResNet18_3D(input_shape=(8, 16, 16, 3), classes=2, width=0.1)
    before = count_multiply_adds(model)
    model.trainable = False
    assert count_multiply_adds(model) == before
