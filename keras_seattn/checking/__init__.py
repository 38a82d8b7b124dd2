"""What a data set holds and what is wrong with it, before a day is spent on it."""

from keras_seattn.checking.checks import DataCheck, Finding, check_data
from keras_seattn.checking.opening import check_paths, check_settings
from keras_seattn.checking.page import write_check

__all__ = ["DataCheck", "Finding", "check_data", "check_paths", "check_settings", "write_check"]
