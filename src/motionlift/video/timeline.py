"""From the times of a video's pictures to frame numbers at a constant rate.

Everything downstream counts frames: a lifted motion has a frame rate, and the network counts time
in frames. Cameras do not always keep to one: phones slow down in the dark, recorders leave out
pictures in which nothing moved, files lose some. So each picture gets the number of the frame
whose time is nearest to its own; a frame without a picture stays empty.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

# Times are kept in units of 1/1000 s by some containers, so that each may be off by half of it.
_ROUNDING = 0.0011
# A picture further than this part of a frame from its frame's time is said to be moved.
_MOVED = 0.1
# A declared rate this close to the usual step between pictures is meant to be it.
_SAME_RATE = 0.05
# One damaged time must not stretch a short clip to hours.
_LONGEST_STRETCH = 20
_ALWAYS_FINE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TimeLine:
    """Which frame each picture is.

    Attributes:
        fps: frames a second; None if neither times nor the file tell.
        frame: number of each picture, from 0, increasing; -1 for one that is left out, because
            the picture before has the same.
        is_constant: whether the pictures follow each other at that rate without gaps.
        notes: what a user should know of it.
    """

    fps: float | None
    frame: Int[np.ndarray, " picture"]
    is_constant: bool
    notes: tuple[str, ...] = ()


def time_line(times: Float[np.ndarray, " picture"], *, declared: Sequence[float]) -> TimeLine:
    """Frame numbers for pictures shown at these times.

    Args:
        times: in seconds, in the order of the pictures; NaN where the file has none.
        declared: rates that the file names, the most trusted first.
    """
    count = len(times)
    declared = [rate for rate in declared if np.isfinite(rate) and rate > 0]
    if count < 2:
        # One picture has no rate; what containers declare for it is made up.
        return TimeLine(fps=None, frame=np.arange(count), is_constant=True)
    steps = np.diff(times) if np.isfinite(times).all() else np.zeros(1)
    if not (steps > 0).all():
        return _counted(count, declared, why="times that are missing or do not increase")
    elapsed = times - times[0]
    for rate in (*declared, float((count - 1) / elapsed[-1])):
        apart = np.abs(elapsed * rate - np.arange(count))
        if apart.max() < 0.5:
            return TimeLine(
                fps=_tidy(rate),
                frame=np.arange(count),
                is_constant=True,
                notes=_moved(apart / rate, steps, rate=rate),
            )
    # Of pictures now dense, now sparse, the dense ones must not be lost.
    usual = float(1.0 / np.median(steps[steps <= 1.5 * np.quantile(steps, 0.25)]))
    rate = next((each for each in declared if abs(each / usual - 1) < _SAME_RATE), usual)
    number = np.rint(elapsed * rate).astype(np.int64)
    if number[-1] > max(_LONGEST_STRETCH * count, _ALWAYS_FINE):
        return _counted(count, declared, why=f"times that stretch over {elapsed[-1]:.0f} s")
    return _nearest(number, elapsed, steps, rate=rate)


def _nearest(
    number: Int[np.ndarray, " picture"],
    elapsed: Float[np.ndarray, " picture"],
    steps: Float[np.ndarray, " step"],
    *,
    rate: float,
) -> TimeLine:
    is_new = np.diff(number, prepend=-1) > 0
    num_empty = int(number[-1]) + 1 - int(is_new.sum())
    num_shared = int((~is_new).sum())
    notes = list(_moved(np.abs(elapsed - number / rate), steps, rate=rate))
    if num_empty:
        notes.append(f"{num_empty} of {number[-1] + 1} frames have no picture; they stay empty")
    if num_shared:
        notes.append(f"{num_shared} pictures fall into the same frame as the one before; left out")
    return TimeLine(
        fps=_tidy(rate), frame=np.where(is_new, number, -1), is_constant=False, notes=tuple(notes)
    )


def _moved(
    apart: Float[np.ndarray, " picture"], steps: Float[np.ndarray, " step"], *, rate: float
) -> tuple[str, ...]:
    """A note where pictures do not stand at the times of their frames."""
    if apart.max() <= max(_MOVED / rate, _ROUNDING):
        return ()
    return (
        f"the frame rate varies: pictures are {1000 * steps.min():.0f} to "
        f"{1000 * steps.max():.0f} ms apart; each is taken for the nearest frame at {rate:.4g} "
        f"frames a second, at most {1000 * apart.max():.0f} ms away",
    )


def _counted(count: int, declared: Sequence[float], *, why: str) -> TimeLine:
    fps = _tidy(declared[0]) if declared else None
    said = "an unknown rate" if fps is None else f"the declared {fps:g} frames a second"
    return TimeLine(
        fps=fps,
        frame=np.arange(count),
        is_constant=False,
        notes=(f"the video has {why}; its pictures are counted instead, at {said}",),
    )


def _tidy(rate: float) -> float:
    """The rate, less what rounding times to thousandths of a second has left on it."""
    whole = round(rate)
    return float(whole) if whole and abs(rate / whole - 1) < 1e-4 else float(rate)
