"""The parts of a network: what freezing, explaining and counting find in it."""

import keras
import pytest

from keras_seattn.applications import SEAResNet18_3D, SEAResNeXt101_3D
from keras_seattn.applications.parts import parts_of

SMALL = {"input_shape": (4, 16, 16, 3), "classes": 3}


@pytest.mark.parametrize(
    "builder, options, blocks",
    [
        (SEAResNet18_3D, {"width": 0.05}, [2, 2, 2, 2]),
        (SEAResNet18_3D, {"width": 0.05, "shortcut": "A"}, [2, 2, 2, 2]),
        (SEAResNeXt101_3D, {"width": 0.25}, [3, 4, 23, 3]),
    ],
)
def test_every_layer_has_its_part(builder, options, blocks):
    model = builder(se_stages=(2, 4), sa_stages=(1,), **options, **SMALL)
    parts = model.parts()
    stages = parts.stages
    assert [len(stage.blocks) for stage in stages.values()] == blocks
    assert [number for number, stage in stages.items() if stage.channel_gate] == [2, 4]
    assert [gate.axis for gate in parts.gates] == ["channel", "sequence"] * 2
    assert list(parts.attentions) == [1] and parts.head is model.get_layer("predictions")
    found = [layer.name for section in parts.sections for layer in section]
    others = [layer.name for layer in model.layers if layer.name not in found]
    assert len(set(found)) == len(found)
    assert others == [model.inputs[0].name, "clip_description", "average_pool"]
    # In the order of the graph, so that the last layer's output is the stage's.
    order = {layer.name: place for place, layer in enumerate(model.layers)}
    for stage in stages.values():
        places = [order[layer.name] for layer in stage.layers]
        assert places[-1] == max(places)
        assert stage.output is stage.layers[-1].output


def test_of_a_model_with_another_head():
    base = SEAResNet18_3D(include_top=False, pooling="avg", width=0.05, **SMALL)
    model = keras.Model(base.input, keras.layers.Dense(2, name="mine")(base.output))
    parts = parts_of(model)
    assert parts.head is None and parts.sections[5] == [] and len(parts.attentions) == 4
    with pytest.raises(ValueError, match=r"`model` must be a network of .*Received: other"):
        parts_of(keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)], name="other"))
