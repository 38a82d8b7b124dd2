"""Video files -> clips -> batches."""

from keras_seattn.data import motions, parts, records
from keras_seattn.data.catalogs import Catalog
from keras_seattn.data.datasets import (
    find_videos,
    load_directory,
    load_hmdb51,
    load_kinetics,
    load_list,
    load_ucf101,
)
from keras_seattn.data.decoding import VideoError, read_video
from keras_seattn.data.groups import video_group
from keras_seattn.data.holding_out import hold_out
from keras_seattn.data.pipeline import test_clips, train_clips
from keras_seattn.raised import as_raised

__all__ = [
    "Catalog",
    "VideoError",
    "as_raised",
    "find_videos",
    "hold_out",
    "load_directory",
    "load_hmdb51",
    "load_kinetics",
    "load_list",
    "load_ucf101",
    "motions",
    "parts",
    "read_video",
    "records",
    "test_clips",
    "train_clips",
    "video_group",
]
