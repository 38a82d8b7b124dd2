"""TFRecord shards of videos as JPEG frames: decoded once, read many times."""

from keras_seattn.data.records.manifest import Records, open_records
from keras_seattn.data.records.writing import write_records

__all__ = ["Records", "open_records", "write_records"]
