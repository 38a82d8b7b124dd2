"""Programs that keep an iterator of clips end, with their own exit code."""

import pytest
from iterator_programs import run
from video_files import moving_pattern, write_video

from keras_seattn.data import Catalog
from keras_seattn.data.records import write_records


@pytest.fixture
def files(tmp_path):
    """Writes a video, and the folder of its records."""

    def write(name):
        path = write_video(tmp_path / f"{name}.avi", moving_pattern(100, 120, 160), gop=600)
        return path, tmp_path / "records"

    path, records = write("recorded")
    write_records(Catalog([path] * 20, [0] * 20, ["any"]), str(records), shards=1, short_side=40)
    return write


def test_programs_that_keep_an_iterator_end(files):
    kinds = {
        "training": 0,
        "derived": 3,
        "testing": "raise",
        "records": 5,
        "stream": 0,
    }
    codes = run([(kind, *files(kind), end) for kind, end in kinds.items()])
    assert codes == [0, 3, 1, 5, 0]


def test_programs_end_that_fail_in_a_data_set(files):
    kinds = ["training", "derived", "testing"]
    codes = run([(kind, *files(kind), "failure in the data set") for kind in kinds])
    assert codes == [1, 1, 1]
