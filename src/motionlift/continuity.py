"""Where a recording jumps: a T-pose before the motion, limbs that flip over, bodies that teleport.

Positions are in metres, of any skeleton, NaN where missing; a step is what lies between two frames.
A step is a jump if a joint goes far, at once, and unlike in the frames around it: no muscle and no
impact accelerates a joint as much as `LARGEST_ACCELERATION`.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy.lib.stride_tricks import sliding_window_view

# Metres a second squared, 50 g: fists and feet in punches and kicks reach 30 g.
LARGEST_ACCELERATION = 500.0
SHORTEST_JUMP = 0.05
# A jump is this many times as long as the median step around it.
_JUMP_RATIO = 4.0
_NEIGHBOURS = 5
# Seconds: jumps closer than this are one disturbance, with all that lies between them.
_ONE_DISTURBANCE = 0.5
# How many steps a motion may take to settle after a T-pose.
_SETTLING = 10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Disturbances:
    """What jumps do to a recording.

    Attributes:
        broken: joints that flip to and fro, from the first jump of a disturbance to its last.
        cuts: frames that a motion starts anew at: some joint jumped there and did not come back.
    """

    broken: Bool[np.ndarray, "frame joint"]
    cuts: tuple[int, ...]


def start_of_motion(positions: Float[np.ndarray, "frame joint 3"], *, fps: float) -> int:
    """The first frame after a T-pose and the settling that may follow it; 0 if there is none."""
    steps = _steps(positions[: 3 * _SETTLING])
    longest = np.where(np.isfinite(steps), steps, 0.0).max(axis=1, initial=0.0)
    # A third of what a jump needs elsewhere: at the very start little but a T-pose looks like one.
    shortest = max(SHORTEST_JUMP, LARGEST_ACCELERATION / 3 / fps**2)
    for step in reversed(range(min(_SETTLING, len(longest) - 2))):
        following = np.median(longest[step + 1 : step + 1 + _SETTLING])
        if longest[step] > max(shortest, (1 + _JUMP_RATIO) * following):
            return step + 1
    return 0


def find_jumps(
    positions: Float[np.ndarray, "frame joint 3"], *, fps: float
) -> Bool[np.ndarray, "step joint"]:
    """Which joints jump from each frame to the next. Steps into or out of a gap are none."""
    steps = _steps(positions)
    if len(steps) < 3:
        return np.zeros(steps.shape, dtype=bool)
    padded = np.pad(steps, ((_NEIGHBOURS, _NEIGHBOURS), (0, 0)), mode="edge")
    usual = np.median(sliding_window_view(padded, 2 * _NEIGHBOURS + 1, axis=0), axis=-1)
    is_known = np.isfinite(steps)
    excess = np.where(is_known, steps, 0.0) - np.where(np.isfinite(usual), usual, np.inf)
    is_sudden = excess * fps**2 > LARGEST_ACCELERATION
    return is_sudden & (steps > SHORTEST_JUMP) & (steps > _JUMP_RATIO * usual) & is_known


def find_disturbances(jumps: Bool[np.ndarray, "step joint"], *, fps: float) -> Disturbances:
    """What the jumps that `find_jumps` found do to the frames."""
    reach = round(_ONE_DISTURBANCE * fps)
    broken = np.zeros((len(jumps) + 1, jumps.shape[1]), dtype=bool)
    cuts = set()
    for joint in np.flatnonzero(jumps.any(axis=0)):
        at = np.flatnonzero(jumps[:, joint])
        for group in np.split(at, np.flatnonzero(np.diff(at) > reach) + 1):
            first, last = int(group[0]), int(group[-1])
            if first == last:
                cuts.add(first + 1)
            broken[first + 1 : last + 1, joint] = True
    # A joint that jumps alone in the midst of a larger disturbance belongs to that.
    alone = [cut for cut in cuts if not broken[cut - 1 : cut + 1].any()]
    return Disturbances(broken=broken, cuts=tuple(sorted(alone)))


def _steps(positions: Float[np.ndarray, "frame joint 3"]) -> Float[np.ndarray, "step joint"]:
    """Metres from each frame to the next; infinite where either is missing."""
    steps = np.linalg.norm(np.diff(positions.astype(np.float64), axis=0), axis=-1)
    return np.where(np.isnan(steps), np.inf, steps)
