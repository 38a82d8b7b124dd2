"""The command `keras-seattn`: flags -> settings -> calls. Each of its commands is a file here.

A file has `add_flags(parser)` and `run(options)`, and its docstring is the command's help. Keras is
loaded in `run`, so that flags are read, and help is given, at once.
"""

import argparse
import importlib
import os
import shlex
import sys

from keras_seattn import errors, version

COMMANDS = (
    "train", "evaluate", "predict", "explain", "export", "records", "convert", "search", "check",
    "verify", "doctor",
)  # fmt: skip


def main(words=None):
    """Runs `keras-seattn` with some words; None means those of the command line.

    Returns:
        int, the status to exit with, or None for 0.
    """
    words = list(map(str, sys.argv[1:] if words is None else words))
    parser, _ = _parsers()
    options = parser.parse_args(words)
    options.command_line = shlex.join(["keras-seattn", *words])
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed
            setattr(sys, name, open(os.devnull, "w"))
        stream = getattr(sys, name)
        if hasattr(stream, "reconfigure"):  # A notebook's has not.
            # What the terminal cannot show, such as names that are not UTF-8, is escaped.
            stream.reconfigure(errors="backslashreplace")
    with errors.in_one_line():
        return options.run(options)


def parser_of(name):
    """The `argparse.ArgumentParser` of one command."""
    return _parsers()[1][name]


def _parsers():
    parser = argparse.ArgumentParser(
        prog="keras-seattn",
        description="Video action recognition in Keras 3. Each command has a --help.",
    )
    parser.add_argument("--version", action="version", version=version.__version__)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    parsers = {}
    for name in COMMANDS:
        command = importlib.import_module(f"keras_seattn.commands.{name}")
        summary = (command.__doc__ or "").partition("\n")[0]  # python -OO removes it
        parsers[name] = commands.add_parser(
            name,
            help=summary,
            description=command.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_flags(parsers[name])
        parsers[name].set_defaults(run=command.run, parser=parsers[name])
    return parser, parsers
