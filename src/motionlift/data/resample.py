"""From a recording's frames to the store's: short gaps filled, one rate, correct timing.

Both work on positions with a local cubic: through two neighbouring frames, with the slopes that
their outer neighbours give (Catmull-Rom). Linear interpolation would cut every arc short: at 30
frames a second a hand that swings at 2 Hz loses 2 % of its way and its velocity comes in steps. A
spline over the whole recording would be smoother still, but would spread one bad frame over its
neighbourhood and needs gaps treated apart; a local cubic looks no further than two frames. Nothing
is filtered before frames are left out: of CMU's recordings at 120 frames a second, 5 millionths of
the power (half a millimetre) lie above the 25 Hz that a store at 50 can hold.
Frames of the source that fall on a frame of the store come through unchanged.
"""

import numpy as np
from jaxtyping import Float

MAX_GAP_SECONDS = 0.2


def fill_joint_gaps(
    positions: Float[np.ndarray, "frame joint 3"], *, max_frames: int
) -> Float[np.ndarray, "frame joint 3"]:
    """A copy in which gaps (NaN) of at most `max_frames` frames are bridged, joint by joint.

    Gaps at the beginning and the end stay: there is nothing on the other side.
    """
    filled = positions.copy()
    missing = np.isnan(positions).any(axis=-1)
    for joint in np.flatnonzero(missing.any(axis=0)):
        for first, last in _runs(missing[:, joint]):
            if first > 0 and last < len(positions) and last - first <= max_frames:
                support = positions[:, joint]
                filled[first:last, joint] = _bridge(support, first=first, last=last)
    return filled


def resample(
    positions: Float[np.ndarray, "frame joint 3"], *, fps_source: float, fps: float
) -> Float[np.ndarray, "resampled joint 3"]:
    """The recording at `fps`, from its first frame on and never beyond its last.

    A joint is NaN where one of the two frames around is.
    """
    # The tolerance keeps a last frame that only rounding puts beyond the end.
    count = int(np.floor((len(positions) - 1) * fps / fps_source + 1e-6)) + 1
    time = np.arange(count) * (fps_source / fps)
    nearest = np.round(time)
    return at_times(positions, np.where(np.abs(time - nearest) < 1e-6, nearest, time))


def at_times(
    positions: Float[np.ndarray, "frame joint axis"], time: Float[np.ndarray, " moment"]
) -> Float[np.ndarray, "moment joint axis"]:
    """Positions at moments between the first and the last frame, counted in frames.

    A joint is NaN where one of the two frames around is.
    """
    if len(positions) == 1:
        return np.repeat(positions, len(time), axis=0)
    before = np.minimum(time.astype(int), len(positions) - 2)
    part = (time - before)[:, None, None]
    p1, p2 = positions[before], positions[before + 1]
    # Without an outer neighbour the arc goes on straight.
    p0 = np.where((before > 0)[:, None, None], positions[np.maximum(before - 1, 0)], np.nan)
    p3 = np.where(
        (before + 2 < len(positions))[:, None, None],
        positions[np.minimum(before + 2, len(positions) - 1)],
        np.nan,
    )
    slope1 = (p2 - np.where(np.isnan(p0), 2 * p1 - p2, p0)) / 2
    slope2 = (np.where(np.isnan(p3), 2 * p2 - p1, p3) - p1) / 2
    cubic = _hermite(p1, p2, slope1, slope2, part)
    # Exact frames: 0 * NaN must not take a visible joint away.
    return np.where(part == 0, p1, np.where(part == 1, p2, cubic))


def _bridge(
    path: Float[np.ndarray, "frame 3"], *, first: int, last: int
) -> Float[np.ndarray, "gap 3"]:
    before, after = path[first - 1], path[last]
    steps = last - first + 1
    straight = (after - before) / steps
    # The speeds on either side, where there is a second frame to measure them.
    speed_in = before - path[first - 2] if first > 1 else straight
    speed_out = path[last + 1] - after if last + 1 < len(path) else straight
    speed_in = np.where(np.isnan(speed_in), straight, speed_in)
    speed_out = np.where(np.isnan(speed_out), straight, speed_out)
    part = (np.arange(1, steps) / steps)[:, None]
    return _hermite(before, after, speed_in * steps, speed_out * steps, part)


def _hermite(
    start: Float[np.ndarray, "*any axis"],
    end: Float[np.ndarray, "*any axis"],
    slope_start: Float[np.ndarray, "*any axis"],
    slope_end: Float[np.ndarray, "*any axis"],
    part: Float[np.ndarray, "*part"],
) -> Float[np.ndarray, "*result axis"]:
    square, cube = part**2, part**3
    return (
        (2 * cube - 3 * square + 1) * start
        + (cube - 2 * square + part) * slope_start
        + (3 * square - 2 * cube) * end
        + (cube - square) * slope_end
    )


def _runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """Half-open ranges in which the flags hold."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(first), int(last)) for first, last in zip(edges[::2], edges[1::2], strict=True)]
