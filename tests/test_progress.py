import io
import sys

import pytest

from keras_seattn import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """A list that holds the seconds that each look at the clock takes."""
    seconds, now = [0.0], [0.0]

    def look():
        now[0] += seconds[0]
        return now[0]

    monkeypatch.setattr(progress.time, "monotonic", look)
    return seconds


def test_a_log_gets_a_line_a_minute(clock, capsys):
    clock[0] = 25.0
    assert list(progress.progress_bar(range(1200), desc="Scoring videos", total=9537))[-1] == 1199
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1200 // 3
    assert lines[0] == "Scoring videos: 3 of 9,537"
    assert lines[-1] == "Scoring videos: 1,200 of 9,537"


def test_a_log_gets_nothing_of_what_is_quick_or_hidden(clock, capsys):
    clock[0] = 0.01
    with progress.progress_bar(desc="Writing", total=3) as bar:
        bar.update(2)
        assert bar.n == 2
    clock[0] = 100.0
    list(progress.progress_bar(iter("abc"), desc="live", disable=True))
    assert capsys.readouterr() == ("", "")


def test_a_terminal_gets_a_bar(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress.progress_bar(desc="Writing", total=3, unit=" videos") as bar:
        bar.update(3)
    assert "3/3" in sys.stderr.getvalue() and "\r" in sys.stderr.getvalue()


def test_no_stream_at_all(clock, monkeypatch):
    clock[0] = 100.0
    monkeypatch.setattr(sys, "stderr", None)
    assert list(progress.progress_bar("abc", desc="Checking")) == ["a", "b", "c"]
