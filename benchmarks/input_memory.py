"""Whether the input pipeline's memory stays flat: the resident set while it delivers many clips.

    python benchmarks/input_memory.py --clips 50000

Random training clips of 16 frames, 112 x 112, of videos of 10 s, 320 x 240 MPEG-4, in epochs of
256, and of their records, each in a process of its own. All is compared with what it holds after
1,000 clips.
"""

import argparse
import multiprocessing
import os
import tempfile

from input_pipeline import BATCH, FRAMES, KINDS, SIZE, encode

from keras_seattn.data import Catalog, train_clips
from keras_seattn.data.records import write_records
from keras_seattn.preprocessing import HARA_2018

FIRST = 1000


def resident():
    """The memory that this process holds, in MiB."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def follow(source, clips):
    """Reads clips and prints what the process holds at every tenth of them."""
    counted, first, highest, printed = 0, None, 0, 0
    for batch, _ in train_clips(
        source, FRAMES, SIZE, BATCH, seed=0, preprocessing=HARA_2018
    ).repeat():
        counted += len(batch)
        held = resident()
        if counted >= FIRST:
            first = first or held
            highest = max(highest, held)
        if counted >= printed + clips // 10:
            printed = counted
            print(f"  {counted:6,} clips: {held:,.0f} MiB", flush=True)
        if counted >= clips:
            break
    print(
        f"  after {FIRST:,} clips {first:,.0f} MiB, at most {highest:,.0f} MiB "
        f"({highest / first - 1:+.1%}), at the end {held:,.0f} MiB ({held / first - 1:+.1%})"
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=int, default=50_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        codec, suffix, *rest = KINDS["MPEG-4, 320 x 240"]
        paths = [os.path.join(folder, f"{i}.{suffix}") for i in range(16)]
        for seed, path in enumerate(paths):
            encode(path, codec, *rest, seed)
        catalog = Catalog(paths * 16, [0] * 256, ["any"])
        records = os.path.join(folder, "records")
        write_records(catalog, records, shards=8)
        for name, source in (("files", catalog), ("records", records)):
            print(name, flush=True)
            process = multiprocessing.get_context("spawn").Process(
                target=follow, args=(source, options.clips)
            )
            process.start()
            process.join()


if __name__ == "__main__":
    main()
