"""Requests to stop, within each other and outside of the main thread."""

import os
import signal
import threading
import time

import pytest

from keras_seattn import stopping
from keras_seattn.stopping import Stopped, StopRequest


def test_a_request_within_another_is_that_one():
    stopping.check()  # nothing, without a request
    with StopRequest() as outer:
        with StopRequest() as inner:
            os.kill(os.getpid(), signal.SIGINT)
            while not outer.made:
                time.sleep(0.01)
        assert inner is outer and stopping.requested()
        with pytest.raises(Stopped) as raised:
            stopping.check()
    assert raised.value.status == 130 and isinstance(raised.value, KeyboardInterrupt)
    assert not stopping.requested()


def test_another_thread_hears_of_none():
    found = []

    def ask():
        with StopRequest() as stop:
            found.append((stop.made, stopping.requested()))

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert found == [(False, False)]
