"""Writes a data set as TFRecord shards.

keras-seattn records --data-dir UCF-101 --splits-dir ucfTrainTestlist --output records

Both lists are written, to records/train and records/test. Interrupted, the same command goes on.
"""

import os

from keras_seattn.commands import flags


def add_flags(parser):
    flags.add_data_flags(parser, records=False)
    add = parser.add_argument_group("records").add_argument
    add("--output", required=True, help="folder for the shards")
    add("--shards", type=flags.count, metavar="N", help="files (one per 100 videos)")
    add("--short-side", type=flags.count, default=128, metavar="PIXELS", help="of the frames (128)")
    add("--quality", type=flags.count, default=60, help="of the JPEG frames (60)")
    add("--workers", type=flags.count, help="shards written at once (one per core)")


def run(options):
    data = flags.data_settings(options)

    from keras_seattn.data import datasets
    from keras_seattn.data.records import write_records

    catalogs = datasets.load(data, options.output)
    for subset, catalog in zip(("train", "test"), catalogs, strict=True):
        manifest = write_records(
            catalog,
            os.path.join(options.output, subset),
            shards=options.shards,
            short_side=options.short_side,
            quality=options.quality,
            workers=options.workers,
            unreadable=data.unreadable,
        )
        print(f"{subset}: {manifest}")
