"""Writes a data set as TFRecord shards.

python -m keras_seattn.data.records --data-dir UCF-101 --splits-dir ucfTrainTestlist \\
    --output records

Both lists are written, to records/train and records/test. Interrupted, the same command goes on.
"""

import argparse
import os

from keras_seattn import command_line, errors
from keras_seattn.data.records.writing import write_records


def main():
    parser = argparse.ArgumentParser(
        prog="python -m keras_seattn.data.records",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command_line.add_data_flags(parser, records=False)
    flags = parser.add_argument_group("records")
    flags.add_argument("--output", required=True, help="folder for the shards")
    count = command_line.count
    flags.add_argument("--shards", type=count, metavar="N", help="files (one per 100 videos)")
    flags.add_argument(
        "--short-side", type=count, default=128, metavar="PIXELS", help="of the frames (128)"
    )
    flags.add_argument("--quality", type=count, default=60, help="of the JPEG frames (60)")
    flags.add_argument("--workers", type=count, help="shards written at once (one per core)")
    options = parser.parse_args()
    command_line.escape_output()
    command_line.check_data_flags(parser, options)
    with errors.in_one_line():
        catalogs = command_line.load_catalogs(options, options.output)
        for subset, catalog in zip(("train", "test"), catalogs, strict=True):
            manifest = write_records(
                catalog,
                os.path.join(options.output, subset),
                shards=options.shards,
                short_side=options.short_side,
                quality=options.quality,
                workers=options.workers,
                unreadable=options.unreadable,
            )
            print(f"{subset}: {manifest}")


if __name__ == "__main__":
    main()
