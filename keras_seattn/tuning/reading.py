"""The files that a search goes on by, read so that a damaged one is named."""

import json
import os
import typing
from collections.abc import Callable

from keras_seattn.errors import UserError


class SearchError(UserError, RuntimeError):
    """The search cannot go on; the message says why and what to do."""


def read_part(path: str | os.PathLike, parse: Callable, advice: str) -> typing.Any:
    """What `parse` makes of a JSON file's content.

    Args:
        path: str, the file.
        parse: function of the content that raises whatever it likes if that
            is not what it should be.
        advice: str, what to do about a file that is damaged.

    Raises:
        SearchError: The file is not there, or not what it should be.
    """
    try:
        with open(path, encoding="utf-8") as file:
            return parse(json.load(file))
    except SearchError:  # of another file
        raise
    except FileNotFoundError as error:
        raise SearchError(f"{path} is not there. {advice}") from error
    except OSError:
        raise
    except Exception as error:
        raise SearchError(f"{path} is damaged: {error!r}. {advice}") from error
