"""The benchmarks run and count as they say; what they time is not tested."""

import numpy as np
import pytest
from side_by_side import markdown, measure, ratio, spread

TINY = {
    "network": "resnet18",
    "width": 0.125,
    "mode": "training",
    "batch": 2,
    "frames": 4,
    "size": 32,
    "precision": "float32",
}


def test_systems_in_turns():
    pytest.importorskip("torch")
    systems = measure(
        {
            "PyTorch": {**TINY, "system": "pytorch", "backend": "torch"},
            "ours": {**TINY, "system": "package", "se_stages": [4], "backend": "tensorflow"},
            "broken": {**TINY, "system": "pytorch", "network": "vgg"},
        },
        rounds=3,
        steps=2,
    )
    for name in ("PyTorch", "ours"):
        assert len(systems[name].rounds) == 3 and min(systems[name].rounds) > 0
        assert systems[name].peak_mib > 50 and systems[name].ready["first_step_s"] > 0
    assert "torch" in systems["PyTorch"].ready["versions"]
    assert systems["broken"].error == "KeyError: 'vgg'"
    middle, low, high = ratio(systems["ours"], systems["PyTorch"])
    ratios = np.array(systems["ours"].rounds) / systems["PyTorch"].rounds
    assert (middle, low, high) == (np.median(ratios), ratios.min(), ratios.max())
    assert ratio(systems["broken"], systems["ours"]) is None


def test_tables():
    assert spread((1, 0.5, 2)) == "1.00 (0.50-2.00)" and spread(None) == "does not run here"
    assert markdown(["a", "b"], [[1, 2]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"
