"""Lines and dots with smooth edges, drawn three times as large and then made small, by Pillow.

Coordinates and widths are in pixels of the finished picture, y down. There is no transparency: a
faint line is one in a colour near the background's.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

Colour = tuple[int, int, int]
Point = Sequence[float] | np.ndarray[Any, Any]
_LARGER = 3


class Canvas:
    """A picture to draw on.

    Args:
        background: a finished drawing of that size to begin with, as `copy` gives it; else white.
    """

    def __init__(self, width: int, height: int, *, background: "Picture | None" = None) -> None:
        self.size = (width, height)
        self._picture = (
            Image.new("RGB", (width * _LARGER, height * _LARGER), "white")
            if background is None
            else background.copy()
        )
        self._draw = ImageDraw.Draw(self._picture)

    def line(self, a: Point, b: Point, *, colour: Colour, width: float) -> None:
        """A line with round ends."""
        wide = max(1, round(width * _LARGER))
        ends = [(float(x) * _LARGER, float(y) * _LARGER) for x, y in (a, b)]
        self._draw.line(ends, fill=colour, width=wide)
        if wide > _LARGER:
            for end in (a, b):
                self.dot(end, width / 2, colour=colour)

    def dot(self, at: Point, radius: float, *, colour: Colour) -> None:
        """A filled circle."""
        self._draw.ellipse(_box(at, radius), fill=colour)

    def ring(self, at: Point, radius: float, *, colour: Colour) -> None:
        """A white circle with a rim."""
        self._draw.ellipse(_box(at, radius), fill="white", outline=colour, width=_LARGER)

    def text(self, at: Point, words: str, *, colour: Colour, size: float, anchor: str) -> None:
        """Words; the anchor says where of them `at` is, in Pillow's letters."""
        font = ImageFont.load_default(size * _LARGER)
        place = (float(at[0]) * _LARGER, float(at[1]) * _LARGER)
        self._draw.text(place, words, fill=colour, font=font, anchor=anchor)

    def copy(self) -> "Picture":
        """What is drawn so far, as a background for others."""
        return self._picture.copy()

    def finished(self) -> "Picture":
        """The picture in its own size."""
        return self._picture.reduce(_LARGER)


def faded(colour: Colour, strength: float) -> Colour:
    """A colour mixed with white: 1 is the colour itself, 0 is white."""
    strength = min(max(strength, 0.0), 1.0)
    red, green, blue = (round(255 + strength * (each - 255)) for each in colour)
    return red, green, blue


def _box(at: Point, radius: float) -> tuple[float, float, float, float]:
    x, y, r = float(at[0]) * _LARGER, float(at[1]) * _LARGER, radius * _LARGER
    return x - r, y - r, x + r, y + r
