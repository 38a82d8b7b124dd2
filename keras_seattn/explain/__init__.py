"""What a network looks at: activation maps, attention, gates, and pictures of them."""

from keras_seattn.explain.attention import AttentionMap, attention_map
from keras_seattn.explain.class_activation import class_activation_map, class_activations
from keras_seattn.explain.excitation import Excitations, excitations
from keras_seattn.explain.figures import (
    overlay,
    plot_attention,
    plot_contact_sheet,
    plot_sequence_gates,
)
from keras_seattn.explain.grad_cam import grad_cam
from keras_seattn.explain.video import explain_video

__all__ = [
    "AttentionMap",
    "Excitations",
    "attention_map",
    "class_activation_map",
    "class_activations",
    "excitations",
    "explain_video",
    "grad_cam",
    "overlay",
    "plot_attention",
    "plot_contact_sheet",
    "plot_sequence_gates",
]
