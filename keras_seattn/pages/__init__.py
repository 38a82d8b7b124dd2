"""One HTML page that needs nothing beside it: cards, sections, pictures, tables to sort."""

import base64
import html
import importlib.resources
import io
import json
import os
import string
import typing
from collections.abc import Iterable, Sequence

import numpy as np
from PIL import Image

from keras_seattn.files import write_text

_TEMPLATE = importlib.resources.files(__package__) / "page.html"


def write_page(
    path: str | os.PathLike,
    *,
    title: str,
    subtitle: str,
    cards: Iterable[tuple[str, str, str]],
    note: str,
    sections: Iterable[str],
) -> None:
    """Writes a page.

    Args:
        path: str, the HTML file to write.
        title, subtitle: str, plain text.
        cards: list of `(name, value, below)`, plain texts, for the figures on
            top.
        note: str, plain text, below the cards.
        sections: list of str, HTML; see `section`.
    """
    template = string.Template(_TEMPLATE.read_text(encoding="utf-8"))
    page = template.substitute(
        title=html.escape(title),
        subtitle=html.escape(subtitle),
        cards="".join(
            '<div class="card"><span>{}</span><b>{}</b><span>{}</span></div>'.format(
                *map(html.escape, card)
            )
            for card in cards
        ),
        note=html.escape(note),
        sections="\n".join(sections),
    )
    write_text(path, page)


def section(title: str, content: str) -> str:
    """HTML of a section: a title over HTML."""
    return f"<section><h2>{title}</h2>{content}</section>"


def how_it_was_made(
    config: dict | None = None, command: str | None = None, note: str | None = None
) -> str:
    """HTML of the section with a command, a note and a configuration, a dict; of those given."""
    texts = [text for text in (command, note) if text]
    if config:
        texts.append(json.dumps(config, indent=1, ensure_ascii=False))
    if not texts:
        return ""
    return section("How it was made", "".join(f"<pre>{html.escape(text)}</pre>" for text in texts))


def picture(path: str | os.PathLike, text: str, *, shrink: float = 0.8) -> str:
    """HTML of a picture that shrinks with the page, down to a share of its size, then scrolls."""
    with open(path, "rb") as file:
        data = base64.b64encode(file.read()).decode("ascii")
    with Image.open(path) as image:
        full = image.width
    return (
        f'<div class="wide"><img alt="{text}" style="--full: {full}px; --least: '
        f'{round(shrink * full)}px" src="data:image/png;base64,{data}"></div>'
    )


def gallery(pictures: Iterable[tuple[np.ndarray, str]]) -> str:
    """HTML of small pictures side by side.

    Args:
        pictures: list of `(pixels, text)`: uint8 array, `(height, width, 3)`,
            RGB, and what to write below, plain text.
    """
    cards = []
    for pixels, text in pictures:
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "jpeg", quality=85)
        data = base64.b64encode(file.getvalue()).decode("ascii")
        name = html.escape(text)
        cards.append(
            f'<div class="card"><img alt="{name}" width="100%" src="data:image/jpeg;base64,{data}">'
            f"<span>{name}</span></div>"
        )
    return f'<div class="cards">{"".join(cards)}</div>'


def table(heads: Iterable[str], rows: Iterable[Sequence[tuple[typing.Any, str]]]) -> str:
    """HTML of a table that sorts by a column when its head is clicked.

    Args:
        heads: list of str, plain texts.
        rows: list of rows, each a list of `(value, text)`: what to sort by (a
            number, NaN for none; in the first column a text) and what to show.
    """
    head = "".join(f"<th><button>{html.escape(name)}</button></th>" for name in heads)
    body = "".join(f"<tr>{''.join(_cell(*cell) for cell in row)}</tr>" for row in rows)
    return (
        f'<div class="wide tall"><table class="sortable"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _cell(value, text):
    value = "" if value != value else html.escape(str(value))
    return f'<td data-value="{value}">{html.escape(text)}</td>'
