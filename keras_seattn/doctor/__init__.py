"""Whether the package computes what it should on this machine: `keras-seattn doctor`.

Each layer is held against the same in NumPy's float64 (`references.py`), on every backend that is
installed, each in a process of its own (`backend_checks.py`): a faulty library may end it.
"""
