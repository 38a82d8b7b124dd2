"""What all builders take and return, said once."""

import typing

from keras_seattn.checkpoints import Published

SHARED_ARGUMENTS = """
    Args:
        include_top: bool, whether to end in the dense layer over the classes.
        weights: None (random initialization); {names}; or the path of a
            `.weights.h5` or `.keras` file of such a network, or of a `.pth`
            file of kenshohara/3D-ResNets-PyTorch, which needs PyTorch. The
            file may lack modules, which then start as the identity, and have
            another number of classes or of frames; see "Start from a
            Kinetics checkpoint" in the documentation.
        input_tensor: A Keras tensor to build on, `keras.Input(...)` or another
            model's output; None makes an input named `"{name}_clip"`.
        input_shape: tuple of 4, a clip without its batch axis:
            `(frames, height, width, 3)` for `channels_last`, `(3, frames,
            height, width)` for `channels_first`; None means 16 frames of 112 x
            112 pixels. Height and width may be None.
            The frames may be None only with `se_stages=()`. Not used with
            `input_tensor`.
        pooling: For `include_top=False`: None returns the features of stage 4,
            `"avg"` and `"max"` pool them globally.
        classes: int, the number of classes.
        classifier_activation: `"softmax"`, None for logits, or any activation.
        se_stages: the stages, of 1 to 4, that end in squeeze-and-excitation.
        sa_stages: the stages, of 1 to 4, that end in self-attention;
            `(3, 4)` is the paper's "SA **" (Table 6).
        channel_reduction: int, the paper's r.
        sequence_reduction: int, the paper's d.
        attention_reduction: int, how many times fewer channels the queries,
            keys and values of the self-attention have than its input.
        width: float, a factor on every number of filters.
        data_format: `"channels_last"` or `"channels_first"`; None means
            `keras.config.image_data_format()`.{more}
        cache_dir: str, the folder where `weights` given by name are found;
            None means `$KERAS_SEATTN_CACHE`, or without it
            `~/.cache/keras_seattn`.
        name: str, the model's name.
        preprocessing: `preprocessing.Preprocessing`, what its clips are; None
            means that of `weights`, or `HARA_2018`.

    Returns:
        A `keras.Model` from preprocessed float clips (see `preprocess_input`)
        of shape `(batch, *input_shape)` to `(batch, classes)` scores, float32
        under every mixed-precision policy.

    Raises:
        ValueError: An argument outside of what is said above, by name; or a
            file of `weights` that is damaged, or that holds other weights.
        FileNotFoundError: `weights` names a file that is not there.
        ImportError: `weights` needs PyTorch, which is not installed.
"""


def document(builder: typing.Any, published: dict[str, Published], more: str = "") -> typing.Any:
    """Finishes a builder: its docstring's `{arguments}`, and the weights it knows by name."""
    builder.published = published
    shared = SHARED_ARGUMENTS.replace("{more}", more)
    names = ", ".join(f'`"{name}"`' for name in published)
    shared = shared.replace("{names}; ", f"{names}; " if names else "")
    if builder.__doc__:  # python -OO removes it
        builder.__doc__ = builder.__doc__.replace("\n    {arguments}\n", f"\n{shared}\n")
    return builder
