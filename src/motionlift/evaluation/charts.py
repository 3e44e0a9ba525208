"""The charts of an evaluation's page: bars, a rose of views, and skeletons, as SVG text."""

import math
from collections.abc import Mapping
from html import escape

import numpy as np
from jaxtyping import Float

from motionlift.svg import bones, drawing, text

SERIES_COLOURS = ("#0072b2", "#e69f00", "#d55e00", "#009e73")
_TRUTH = "#b8b8b8"
_ROW, _BAR, _LABELS, _LENGTH = 8.0, 7.0, 220.0, 310.0
_LONGEST_LABEL = 34
_PANEL = 100.0


def bars(rows: Mapping[str, Mapping[str, float | None]], *, unit: str) -> str:
    """Horizontal bars, a group a row, a colour a series; nothing is drawn where a value is None."""
    series = list(next(iter(rows.values()))) if rows else []
    values = [value for row in rows.values() for value in row.values() if value is not None]
    longest = max(values, default=1.0) or 1.0
    group = _ROW * len(series) + 10
    parts, y = [], 4.0
    for label, row in rows.items():
        middle = y + _ROW * len(series) / 2 + 4
        parts.append(text(_LABELS - 8, middle, _shortened(label), anchor="end"))
        for number, (name, value) in enumerate(row.items()):
            if value is None:
                continue
            top, width = y + number * _ROW, _LENGTH * value / longest
            colour = SERIES_COLOURS[number % len(SERIES_COLOURS)]
            parts.append(
                f'<rect x="{_LABELS:.0f}" y="{top:.1f}" width="{width:.1f}" height="{_BAR:.0f}" '
                f'fill="{colour}"><title>{escape(label)}, {escape(name)}: {value:.1f} {unit}'
                "</title></rect>"
            )
            parts.append(text(_LABELS + width + 4, top + _BAR, f"{value:.0f}", size=9))
        y += group
    return drawing(_LABELS + _LENGTH + 50, y, parts)


def rose(values: Mapping[tuple[float, float], float | None]) -> str:
    """Errors by camera: rings from the lowest camera inside to the highest outside.

    Args:
        values: by (yaw, pitch) in radians; the camera in front of the world is at the bottom.
    """
    pitches = sorted({pitch for _, pitch in values})
    yaws = sorted({yaw for yaw, _ in values})
    known = [value for value in values.values() if value is not None]
    low, high = min(known, default=0.0), max(known, default=1.0)
    center, inner, width = 170.0, 40.0, 120.0 / len(pitches)
    half = math.pi / len(yaws)
    parts = []
    for (yaw, pitch), value in values.items():
        if value is None:
            continue
        near = inner + width * pitches.index(pitch)
        corners = [
            (near, yaw - half),
            (near + width, yaw - half),
            (near + width, yaw + half),
            (near, yaw + half),
        ]
        points = " ".join(
            f"{center + radius * math.sin(angle):.1f},{center + radius * math.cos(angle):.1f}"
            for radius, angle in corners
        )
        share = (value - low) / (high - low) if high > low else 0.0
        parts.append(
            f'<polygon points="{points}" fill="{_shade(share)}" stroke="white"><title>yaw '
            f"{math.degrees(yaw):.0f}, pitch {math.degrees(pitch):+.0f}: {value:.1f} mm"
            "</title></polygon>"
        )
        at = near + width / 2
        x, y = center + at * math.sin(yaw), center + at * math.cos(yaw) + 3
        colour = "white" if share > 0.6 else "black"
        parts.append(text(x, y, f"{value:.0f}", anchor="middle", size=10, colour=colour))
    return drawing(2 * center, 2 * center, parts)


def skeletons(
    truth: Float[np.ndarray, "17 3"],
    predicted: Float[np.ndarray, "17 3"],
    keypoints: Float[np.ndarray, "17 2"],
    *,
    reach: float,
) -> str:
    """Truth (grey) and prediction (left blue, right orange), as the camera sees them and from its
    right side; dots are the keypoints that the lifter was shown.

    Args:
        truth, predicted: root-relative, camera axes, in metres.
        keypoints: in the same place and unit; NaN where missing.
        reach: metres from the middle of a panel to its edge.
    """
    parts = []
    for panel, axes in enumerate(((0, 1), (2, 1))):
        shift = np.array([_PANEL * (panel + 0.5), _PANEL * 0.5])
        place = _PANEL / 2 / reach
        parts += bones(shift + place * truth[:, axes], colour=_TRUTH, width=4.0)
        parts += bones(shift + place * predicted[:, axes], width=1.6)
        if panel == 0:
            parts += [
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="1.5" fill="black"/>'
                for x, y in shift + place * keypoints
                if np.isfinite([x, y]).all()
            ]
    return drawing(2 * _PANEL, _PANEL, parts)


def _shade(share: float) -> str:
    """From nearly white at 0 to dark red at 1."""
    light, dark = (255, 243, 230), (150, 20, 20)
    mixed = (round(a + share * (b - a)) for a, b in zip(light, dark, strict=True))
    return "#" + "".join(f"{value:02x}" for value in mixed)


def _shortened(label: str) -> str:
    return label if len(label) <= _LONGEST_LABEL else label[: _LONGEST_LABEL - 1] + "…"
