"""Checks layers, training and decoding on this machine in half a minute; for bug reports too.

keras-seattn doctor
"""


def add_flags(parser):
    del parser  # There is nothing to say.


def run(options):
    from keras_seattn.doctor import checkup

    return checkup.check_all()
