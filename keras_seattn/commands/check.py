"""Says what a data set holds and what is wrong with it, before a day is spent on it.

keras-seattn check videos/train videos/test --output checked
keras-seattn check --data-dir UCF-101 --splits-dir ucfTrainTestlist

It ends with 1 where something is wrong: videos that cannot be read, that are in training and test
at once or have two labels, groups that are split, classes without videos; else with 0.
"""

from keras_seattn.commands import flags


def add_flags(parser):
    parser.add_argument(
        "paths",
        nargs="*",
        metavar="DATA",
        help="a folder with a folder per class, or of records, or a list; or two, for training and "
        "for testing; or one folder that holds train and test",
    )
    parser.add_argument(
        "--output",
        metavar="DIR",
        help="folder for check.html, with pictures, and check.json",
    )
    flags.add_data_flags(parser)


def run(options):
    given = vars(options).keys() & {"demo", *flags.DATA}
    if len(options.paths) > 2 or bool(options.paths) == bool(given):
        options.parser.error("name one or two folders or lists, or the data by its flags")
    data = None if options.paths else flags.data_settings(options)
    if data and data.dataset in flags.DEMOS and not options.output:
        options.parser.error("--demo needs --output, where its videos are made")

    from keras_seattn import checking

    if data:
        check = checking.check_settings(data, options.output)
    else:
        check = checking.check_paths(*options.paths)
    print(check)
    if options.output:
        print(f"\nPage: {checking.write_check(check, options.output)}")
    return 0 if check.passed else 1
