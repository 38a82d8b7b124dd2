"""Models in the formats of other runtimes: written, run and checked."""

from keras_seattn.export.exported_model import ExportedModel, is_exported
from keras_seattn.export.verification import Verification, verify
from keras_seattn.export.writing import export_model

__all__ = ["ExportedModel", "Verification", "export_model", "is_exported", "verify"]
