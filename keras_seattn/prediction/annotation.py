"""What a model takes a video for, written on its frames."""

import functools
from collections.abc import Sequence

import matplotlib.font_manager
import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

# Smaller frames are enlarged, for the text to be read, but not beyond what encoders take; what is
# missing of very long ones is black.
_LEAST_SIDE, _MOST_SIDE = 240, 4096


def draw_scores(image: np.ndarray, scores: Sequence[tuple[str, float]]) -> np.ndarray:
    """Writes classes and scores into the lower left corner of a frame.

    Args:
        image: uint8 array, `(height, width, 3)`, RGB.
        scores: list of `(class name, score)`.

    Returns:
        uint8 array, RGB; larger than `image` where its shorter side has less
        than 240 pixels.
    """
    height, width = image.shape[:2]
    factor = max(1, min(_LEAST_SIDE / min(height, width), _MOST_SIDE / max(height, width)))
    picture = Image.fromarray(image)
    if factor > 1:
        picture = picture.resize((round(width * factor), round(height * factor)))
    if min(picture.size) < _LEAST_SIDE:
        canvas = max(picture.width, _LEAST_SIDE), max(picture.height, _LEAST_SIDE)
        picture = ImageOps.pad(picture, canvas)
    text = escaped("\n".join(f"{score:4.0%}  {name}" for name, score in scores))
    pen = ImageDraw.Draw(picture, "RGBA")
    font = _font(max(12, picture.height // 20))
    box = pen.multiline_textbbox((0, 0), text, font)
    if box[2] > 0.95 * picture.width:
        font = _font(max(6, int(font.size * 0.95 * picture.width / box[2])))
        box = pen.multiline_textbbox((0, 0), text, font)
    margin = font.size // 2
    place = (margin, picture.height - margin - box[3])
    edges = pen.multiline_textbbox(place, text, font)
    backdrop = [*np.add(edges, (-margin, -margin, margin, margin))]
    pen.rectangle(backdrop, fill=(0, 0, 0, 150))
    pen.multiline_text(place, text, (255, 255, 255), font)
    return np.asarray(picture)


def escaped(text: str) -> str:
    """Text whose bytes that are no UTF-8, as names of files may hold, are escaped."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


@functools.cache
def _font(size):
    # matplotlib brings this font along, with Latin, Greek and Cyrillic letters.
    return ImageFont.truetype(matplotlib.font_manager.findfont("DejaVu Sans"), size)
