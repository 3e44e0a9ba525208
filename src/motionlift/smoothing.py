"""Smoothing on request: what jitters from frame to frame is taken off, and what is quick with it.

- **savgol**, Savitzky & Golay 1964: a parabola through the frames around each frame, in least
  squares. It looks as far ahead as back, so nothing lags.
- **one-euro**, Casiez et al. 2012: a low-pass that opens as the joint moves faster. It looks back
  only, as a live display must, so quick motion lags a little.

Both work on each run of frames in which the same joints are there, and none is left out by the
source; nothing is filled in.
"""

import itertools
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from motionlift.errors import OptionError
from motionlift.poses import Pose3D, rows_before_gaps, usual_step
from motionlift.scale import stature, tells_of_body
from motionlift.timing import known_rate

_DEGREE = 2
# Hertz of the One-Euro filter's own estimate of the speed, as its authors recommend.
_SPEED_CUTOFF = 1.0
_FORM = (
    "'savgol', 'savgol:SECONDS', 'one-euro' or 'one-euro:HERTZ:BETA', such as savgol:0.25 or "
    "one-euro:1.5:1.0"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Smoothing:
    """One of the filters with its settings.

    Attributes:
        seconds: of savgol, the time over which each parabola is laid.
        hertz: of one-euro, the cutoff for a joint at rest.
        beta: of one-euro, how many hertz the cutoff rises for a body height a second.
    """

    kind: Literal["savgol", "one-euro"]
    seconds: float = 0.25
    hertz: float = 1.5
    beta: float = 1.0

    def __str__(self) -> str:
        if self.kind == "savgol":
            return f"Savitzky-Golay over {self.seconds:g} s"
        return f"One-Euro from {self.hertz:g} Hz, beta {self.beta:g}"


def parse_smoothing(text: str) -> Smoothing:
    """The filter that the text names: see `_FORM`.

    Raises:
        OptionError: if it names none, or a setting is not above 0.
    """
    kind, *numbers = text.split(":")
    try:
        values = [float(number) for number in numbers]
    except ValueError:
        values = [-1.0]
    if all(0 < value < 1000 for value in values):
        if kind == "savgol" and len(values) <= 1:
            return Smoothing(kind="savgol", **dict(zip(("seconds",), values, strict=False)))
        if kind == "one-euro" and len(values) <= 2:
            return Smoothing(kind="one-euro", **dict(zip(("hertz", "beta"), values, strict=False)))
    raise OptionError(f"--smooth {text}: expected {_FORM}")


def smoothed(pose: Pose3D, smoothing: Smoothing) -> Pose3D:
    """The motion with its joints, and the root's way in the picture, smoothed.

    Raises:
        OptionError: if the frame rate is unknown.
    """
    rate = known_rate(pose, flag="--smooth") / usual_step(pose.frame_index)
    gaps = rows_before_gaps(pose.frame_index)
    height = stature(pose.positions[tells_of_body(pose)])
    num_frames = pose.num_frames
    paths = _filtered(pose.positions, smoothing, gaps=gaps, fps=rate, height=height)
    changes: dict[str, Float[np.ndarray, "frame 2"]] = {}
    if pose.root_xy is not None:
        root = pose.root_xy.reshape(num_frames, 1, 2)
        found = _filtered(root, smoothing, gaps=gaps, fps=rate, height=_in_picture(pose, height))
        changes["root_xy"] = found.reshape(num_frames, 2)
    moved = np.linalg.norm(paths - pose.positions, axis=-1)
    unit, digits = (1000, "mm") if pose.units == "m" else (1, "px")
    how = str(smoothing)
    if (
        smoothing.kind == "savgol"
        and _width(smoothing.seconds, rate) > smoothing.seconds * rate + 2
    ):
        how += f", which is {_width(smoothing.seconds, rate)} frames at least"
    note = (
        f"smoothed: {how}; joints were moved by {unit * np.nanmean(moved):.1f} {digits} "
        f"on average, {unit * np.nanmax(moved):.1f} at most"
    )
    return replace(
        pose,
        positions=paths.astype(pose.positions.dtype),
        notes=(*pose.notes, note),
        **changes,  # type: ignore[arg-type]
    )


def _in_picture(pose: Pose3D, height: float) -> float:
    """The person's height in pixels, of a height in the motion's unit."""
    if pose.units == "px":
        return height
    if pose.metres_per_pixel is not None:
        return height / pose.metres_per_pixel
    # On a path a pixel has another size in each frame; what was seen has a height of its own.
    assert pose.lifted_from is not None
    seen = pose.lifted_from.keypoints[(pose.lifted_from.is_visible).sum(axis=1) >= 2]
    return float(np.median((np.nanmax(seen, axis=1) - np.nanmin(seen, axis=1)).max(axis=1)))


def savgol(
    values: Float[np.ndarray, "frame axis"], *, seconds: float, fps: float
) -> Float[np.ndarray, "frame axis"]:
    """Savitzky-Golay over that time; a run too short for a parabola stays as it is."""
    # Here, because it takes long to import, and most lifts do without.
    from scipy.signal import savgol_filter

    longest = len(values) - 1 + len(values) % 2
    width = min(_width(seconds, fps), longest)
    if width <= _DEGREE + 1:
        return values
    return savgol_filter(values, width, _DEGREE, axis=0, mode="interp")


def _width(seconds: float, fps: float) -> int:
    """Frames of a parabola: so many seconds, but never so few that it goes through all of them."""
    return max(2 * round(seconds * fps / 2) + 1, _DEGREE + 3)


def one_euro(
    values: Float[np.ndarray, "frame *axis"],
    *,
    fps: float,
    hertz: float,
    beta: float,
    height: float,
) -> Float[np.ndarray, "frame *axis"]:
    """The One-Euro filter; the speed that opens it is the point's, in body heights a second."""
    answer = values.astype(np.float64)
    velocity = np.zeros_like(answer[0])
    for frame in range(1, len(answer)):
        step = (values[frame] - values[frame - 1]) * fps / height
        velocity = velocity + _share(_SPEED_CUTOFF, fps) * (step - velocity)
        cutoff = hertz + beta * np.linalg.norm(velocity, axis=-1, keepdims=True)
        answer[frame] = answer[frame - 1] + _share(cutoff, fps) * (
            values[frame] - answer[frame - 1]
        )
    return answer


def _share(cutoff: Float[np.ndarray, "*any 1"] | float, fps: float) -> np.ndarray:
    """How much of a new value a first-order low-pass of that cutoff (hertz) takes."""
    ratio = 2 * np.pi * np.asarray(cutoff) / fps
    return ratio / (1 + ratio)


def _filtered(
    points: Float[np.ndarray, "frame joint axis"],
    smoothing: Smoothing,
    *,
    gaps: Int[np.ndarray, " gap"],
    fps: float,
    height: float,
) -> Float[np.ndarray, "frame joint axis"]:
    filtered = points.astype(np.float64)
    for first, last, joints in _runs(~np.isnan(points).any(axis=-1), gaps):
        run = filtered[first:last][:, joints]
        if smoothing.kind == "savgol":
            flat = run.reshape(len(run), -1)
            found = savgol(flat, seconds=smoothing.seconds, fps=fps).reshape(run.shape)
        else:
            found = one_euro(
                run, fps=fps, hertz=smoothing.hertz, beta=smoothing.beta, height=height
            )
        filtered[first:last, joints] = found
    return filtered


def _runs(
    is_known: Bool[np.ndarray, "frame joint"], gaps: Int[np.ndarray, " gap"]
) -> list[tuple[int, int, Bool[np.ndarray, " joint"]]]:
    """Ranges of frames in which the same joints are there, and which those are."""
    changes = np.flatnonzero((is_known[1:] != is_known[:-1]).any(axis=1))
    edges = [0, *(np.union1d(changes, gaps) + 1).tolist(), len(is_known)]
    return [(a, b, is_known[a]) for a, b in itertools.pairwise(edges) if is_known[a].any()]
