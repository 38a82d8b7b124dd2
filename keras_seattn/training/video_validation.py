"""The callback that measures video accuracy after each epoch."""

import sys

import keras

from keras_seattn.data.catalogs import Catalog
from keras_seattn.data.records.manifest import Records
from keras_seattn.evaluation.video_accuracy import evaluate


class VideoValidation(keras.callbacks.Callback):
    """Scores a catalog after each epoch, as `evaluation.evaluate` does.

    Adds to the epoch's logs, for the callbacks behind it in the list:
    `val_loss` and `val_clip_top1`, over single clips, and `val_top1`, over
    videos.

    Args:
        catalog: `data.Catalog`.
        batch_size: int, the number of clips scored at once.
        unreadable: `"stop"` or `"skip"`, as for `evaluation.evaluate`.

    Example:

    >>> model.fit(clips, callbacks=[VideoValidation(test_catalog)])
    """

    def __init__(self, catalog: Catalog | Records, batch_size: int = 32, unreadable: str = "stop"):
        super().__init__()
        self.catalog = catalog
        self.batch_size = batch_size
        self.unreadable = unreadable

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        result = evaluate(
            self.model,
            self.catalog,
            self.batch_size,
            unreadable=self.unreadable,
            # A bar would be drawn into that of the training.
            progress=not (sys.stderr and sys.stderr.isatty()),
        )
        if logs is not None:
            logs["val_loss"] = result.loss
            logs["val_clip_top1"] = result.clip_top1
            logs["val_top1"] = result.top1
