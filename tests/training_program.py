"""A small training in a process of its own, for tests that end it, and for other backends.

Usage: training_program.py VIDEOS SPLITS OUTPUT [--going-on]: trains in OUTPUT; or asserts there
that one that ends in the middle of an epoch and in a validation goes on to what another comes to.
"""

import pathlib
import sys

import keras_seattn  # noqa: F401  (before Keras, as its users should)

# isort: split
import keras
import numpy as np
from tiny_network import TinyNetwork

from keras_seattn.data import load_ucf101
from keras_seattn.errors import in_one_line
from keras_seattn.training import VideoValidation, fit, paper_recipe, quick_recipe, train


def a_model():
    keras.utils.set_random_seed(0)
    return TinyNetwork(se_stages=(), sa_stages=())


class EndedError(Exception):
    pass


class EndAt(VideoValidation):
    """Ends the training behind a step, or in the validation of its epoch."""

    def __init__(self, step, validating):
        keras.callbacks.Callback.__init__(self)
        self.step, self.validating, self.seen = step, validating, 0

    def on_train_batch_end(self, batch, logs):
        self.seen += 1
        if self.seen == self.step and not self.validating:
            raise EndedError

    def on_epoch_end(self, epoch, logs):
        if self.seen >= self.step:
            raise EndedError


def assert_goes_on(catalogs, folder):
    def fitted(name, *callbacks):
        model = a_model()
        history = fit(
            model, quick_recipe(5), *catalogs, epochs=3, batch_size=4, seed=0, save_every=0.001,
            callbacks=callbacks, verbose=0, state_file=folder / name,
        )  # fmt: skip
        return history.history, model.get_weights()

    history, weights = fitted("unbroken.npz")
    for end in (EndAt(2, False), EndAt(1, True), EndAt(2, False)):
        try:
            fitted("state.npz", end)
        except EndedError:
            continue
        raise AssertionError("It did not end.")
    again, same = fitted("state.npz")
    assert again == history, (again, history)
    for ours, theirs in zip(same, weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


if __name__ == "__main__":
    *folders, output = sys.argv[1:4]
    catalogs = [load_ucf101(*folders, subset=subset) for subset in ("train", "test")]
    if "--going-on" in sys.argv:
        assert_goes_on(catalogs, pathlib.Path(output))
    else:
        with in_one_line():
            train(
                a_model(), paper_recipe(8, 4), *catalogs, output,
                epochs=6, batch_size=4, seed=0, save_every=0.01,
            )  # fmt: skip
