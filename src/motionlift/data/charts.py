"""The pictures in the report of a build: histograms, bars and poses, as SVG text."""

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
from jaxtyping import Float

from motionlift.camera import look_rotation
from motionlift.skeletons import H36M17
from motionlift.svg import COLOURS, bones, drawing, text

_LABELS, _LENGTH, _ROW = 150, 420, 20
_PLOT_WIDTH, _PLOT_HEIGHT = 250, 110
# The size of one pose, how many pixels a metre has, and how thick a bone is.
_PANEL, _METRE, _BONE = 100, 50, 2.2


def histogram(
    series: Mapping[str, Float[np.ndarray, " value"]],
    *,
    edges: Float[np.ndarray, " edge"],
    title: str,
    ticks: Mapping[int, str],
    weights: Mapping[str, Float[np.ndarray, " value"]] | None = None,
) -> str:
    """Outlines of several histograms over each other, all drawn equally high.

    Args:
        series: values by name; their colours follow `COLOURS`.
        edges: of the bins, evenly spaced as drawn.
        ticks: text by position, counted in bins.
        weights: what each value counts, instead of one.
    """
    step = _PLOT_WIDTH / (len(edges) - 1)
    counts = {
        name: np.histogram(values, bins=edges, weights=weights[name] if weights else None)[0]
        for name, values in series.items()
    }
    parts = [text(0, 12, title, size=12, weight="600")]
    base = _PLOT_HEIGHT + 20
    for number, (name, count) in enumerate(counts.items()):
        outline = _outline(count, step=step, base=base)
        colour = COLOURS[number % len(COLOURS)]
        parts.append(
            f'<path d="{outline}" fill="{colour}" fill-opacity="0.15" stroke="{colour}" '
            f'stroke-width="1.5"><title>{escape(name)}</title></path>'
        )
    parts.append(f'<path d="M0 {base} H{_PLOT_WIDTH}" stroke="#999"/>')
    anchors = {0: "start", len(edges) - 1: "end"}
    parts += [
        text(place * step, base + 14, label, anchor=anchors.get(place, "middle"))
        for place, label in ticks.items()
    ]
    return drawing(_PLOT_WIDTH, base + 20, parts)


def shares(rows: Mapping[str, Float[np.ndarray, " kind"]], *, kinds: Sequence[str]) -> str:
    """A bar a row, divided as the row's numbers are; what each part is, is told by its tooltip."""
    parts = []
    for place, (label, values) in enumerate(rows.items()):
        x, y = float(_LABELS), place * _ROW
        parts.append(text(_LABELS - 8, y + 14, label, anchor="end"))
        for number, (kind, value) in enumerate(zip(kinds, values, strict=True)):
            share = float(value / max(values.sum(), 1e-9))
            if share > 0:
                parts.append(
                    f'<rect x="{x:.1f}" y="{y + 3}" width="{_LENGTH * share:.1f}" '
                    f'height="{_ROW - 6}" fill="{COLOURS[number % len(COLOURS)]}"><title>'
                    f"{escape(label)}: {escape(kind)} {share:.1%}</title></rect>"
                )
            x += _LENGTH * share
    return drawing(_LABELS + _LENGTH, len(rows) * _ROW + 4, parts)


def bars(rows: Mapping[str, float], *, unit: str) -> str:
    """A bar a row, as long as its number."""
    longest = max(rows.values(), default=0.0) or 1.0
    parts = []
    for place, (label, value) in enumerate(rows.items()):
        y, width = place * _ROW, _LENGTH * value / longest
        parts.append(text(_LABELS - 8, y + 14, label, anchor="end"))
        parts.append(
            f'<rect x="{_LABELS}" y="{y + 3}" width="{width:.1f}" height="{_ROW - 6}" '
            f'fill="{COLOURS[0]}"/>'
        )
        parts.append(text(_LABELS + width + 5, y + 14, f"{value:.1f} {unit}"))
    return drawing(_LABELS + _LENGTH + 80, len(rows) * _ROW + 4, parts)


def poses(positions: Float[np.ndarray, "pose 17 3"]) -> str:
    """Skeletons side by side, all at one scale, seen from the front and a little from the right.

    World space, metres; NaN where unseen. Each has its pelvis in the middle. The person's left is
    blue, their right orange.
    """
    turn = look_rotation(yaw=np.array(0.5), pitch=np.array(0.15), roll=np.array(0.0))
    parts = []
    for place, pose in enumerate(positions):
        facing = _turn_to_front(pose) if np.isfinite(pose).all() else np.eye(3)
        seen = (pose - pose[H36M17.root]) @ facing.T @ turn.T
        points = seen[:, :2] * _METRE + [(place + 0.5) * _PANEL, 0.5 * _PANEL]
        parts += bones(points, width=_BONE)
    return drawing(_PANEL * len(positions), _PANEL, parts)


def flat_poses(keypoints: Float[np.ndarray, "pose 17 2"]) -> str:
    """Keypoints side by side as the image has them, all at one scale; NaN where unseen.

    Each has the middle of its box in the middle.
    """
    low, high = np.nanmin(keypoints, axis=1), np.nanmax(keypoints, axis=1)
    scale = 0.9 * _PANEL / max(float((high - low).max()), 1e-6)
    parts = []
    for place, pose in enumerate(keypoints):
        middle = (low[place] + high[place]) / 2
        parts += bones(
            (pose - middle) * scale + [(place + 0.5) * _PANEL, 0.5 * _PANEL], width=_BONE
        )
    return drawing(_PANEL * len(keypoints), _PANEL, parts)


def _turn_to_front(pose: Float[np.ndarray, "17 3"]) -> Float[np.ndarray, "3 3"]:
    """The rotation about the vertical that turns a person's face towards +z."""
    across = pose[H36M17.index("left_hip")] - pose[H36M17.index("right_hip")]
    length = max(float(np.hypot(across[0], across[2])), 1e-6)
    cos, sin = across[0] / length, across[2] / length
    return np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])


def _outline(count: Float[np.ndarray, " bin"], *, step: float, base: float) -> str:
    """The path around a histogram's bins, the highest of them at the top."""
    tops = base - _PLOT_HEIGHT * count / max(count.max(), 1e-9)
    path = [f"M0 {base}"]
    for place, top in enumerate(tops):
        path.append(f"L{place * step:.1f} {top:.1f} L{(place + 1) * step:.1f} {top:.1f}")
    return " ".join([*path, f"L{_PLOT_WIDTH} {base}"])
