"""What small charts as SVG text are made of: no library, no script, no other file."""

from collections.abc import Sequence
from html import escape

import numpy as np
from jaxtyping import Float

from motionlift.skeletons import H36M17

# Okabe and Ito's colours, told apart by nearly everyone.
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
_SIDES, _MIDDLE = {"left": "#0072b2", "right": "#d55e00"}, "#333333"


def drawing(width: float, height: float, parts: Sequence[str]) -> str:
    """The parts as one picture of so many pixels."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="sans-serif">{"".join(parts)}</svg>'
    )


def text(
    x: float,
    y: float,
    words: str,
    *,
    anchor: str = "start",
    size: int = 11,
    weight: str = "400",
    colour: str = "#222",
) -> str:
    """Words at a place of the picture."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
        f'font-weight="{weight}" fill="{colour}">{escape(words)}</text>'
    )


def bones(
    points: Float[np.ndarray, "17 2"], *, width: float, colour: str | None = None
) -> list[str]:
    """Lines between the joints of `H36M17` that are there, in pixels; NaN where missing.

    Left is blue, right orange and the middle grey where no colour is given.
    """
    lines = []
    for parent, joint in H36M17.bones:
        ends = points[[parent, joint]]
        if not np.isfinite(ends).all():
            continue
        (x1, y1), (x2, y2) = ends.tolist()
        side = _SIDES.get(H36M17.joints[joint].split("_")[0], _MIDDLE)
        lines.append(
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
            f'stroke="{colour or side}" stroke-width="{width:g}" stroke-linecap="round"/>'
        )
    return lines


def legend(names: Sequence[str], *, colours: Sequence[str] = COLOURS) -> str:
    """Which colour is which, as HTML."""
    return " ".join(
        f'<span class="key"><i style="background:{colours[number % len(colours)]}"></i>'
        f"{escape(name)}</span>"
        for number, name in enumerate(names)
    )
