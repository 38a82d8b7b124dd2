"""`python -m keras_seattn.doctor`; with a part's name, what runs in a process of its own."""

import sys

from keras_seattn.doctor import checkup

sys.exit(checkup.check_part(sys.argv[1]) if len(sys.argv) > 1 else checkup.check_all())
