"""From pixels to metres by the height of the person, which somebody has to say.

Lifted motion has the size that the body has in the picture. A person's height is measured along the
bones, so that nobody has to stand straight, or at all: from the top of the head to the middle of
the shoulders, down the spine to the pelvis, and down a thigh and a shank to the ankle, the median
of each over the frames, the mean of the two legs. On a body of textbook proportions this chain is
all of the height but the ankle's (Drillis & Contini 1966, as in Winter 2009, fig. 4.1).

The body has one size, so how large it is in a frame says how near it is there. Each frame is made
as large as the others before metres are given to all. What is measured is measured where somebody
is seen: a network fills in the second before and after somebody walks through the picture too, and
the bodies that it makes up there have any size.
"""

import itertools
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float

from motionlift.errors import OptionError
from motionlift.poses import Pose3D
from motionlift.skeletons import H36M17

# Height of the ankle joint over the ground, as a share of the height of the person.
ANKLE_HEIGHT = 0.039
# In metres: a small child, and taller than anybody. 175 is a height in centimetres.
HEIGHT_RANGE = (0.4, 2.6)

# The ground is where the lower ankle is for this share of the frames or less: one wrong frame does
# not lower it.
_FLOOR_PERCENTILE = 2.0
_TRUNK = ("head_top", "thorax", "spine", "pelvis")
_LEG = ("hip", "knee", "ankle")
# Bones that lie farthest from what a frame's size would make them: directions that the lift got
# wrong, and joints that it had to guess.
_LEFT_OUT = 4
# Keypoints that a frame needs to tell of the body in it.
_FEWEST_SEEN = 4


def check_height(height: float) -> None:
    """Refuse what is no height of a person in metres.

    Raises:
        OptionError: if it is below 0.4 m or above 2.6 m.
    """
    low, high = HEIGHT_RANGE
    if not low <= height <= high:
        raise OptionError(
            f"--height {height:g}: a person's height in metres is expected, {low:g} to {high:g}"
        )


def tells_of_body(pose: Pose3D) -> Bool[np.ndarray, " frame"]:
    """The frames by which a body is measured: those that are answered and show it.

    All that are answered, where the keypoints are not known or never show enough of it.
    """
    is_answered = np.isfinite(pose.positions).all(axis=(1, 2))
    if pose.lifted_from is None:
        return is_answered
    shows = pose.lifted_from.is_visible.sum(axis=1) >= _FEWEST_SEEN
    is_seen = is_answered & np.isin(pose.frame_index, pose.lifted_from.frame_index[shows])
    return is_seen if is_seen.any() else is_answered


def stature(positions: Float[np.ndarray, "frame 17 3"]) -> float:
    """The height of the person by the chain of bones, in the positions' unit; see the module."""
    trunk = [_length(positions, a, b) for a, b in itertools.pairwise(_TRUNK)]
    legs = [
        _length(positions, f"{side}_{a}", f"{side}_{b}")
        for side in ("left", "right")
        for a, b in itertools.pairwise(_LEG)
    ]
    return (sum(trunk) + sum(legs) / 2) / (1 - ANKLE_HEIGHT)


def body_size(
    positions: Float[np.ndarray, "frame 17 3"], is_seen: Bool[np.ndarray, " frame"] | None = None
) -> Float[np.ndarray, " frame"]:
    """How large the body is in each frame, 1 in the median; NaN where it is missing.

    Each bone's length over its median says how large; the mean is taken of the middle half of the
    bones, because a bone along the line of sight is easily lifted too short or too long. The
    medians are over the frames of `is_seen`; of all if none is given.
    """
    parent, joint = np.array(H36M17.bones).T
    lengths = np.linalg.norm(positions[:, joint] - positions[:, parent], axis=-1)
    is_known = np.isfinite(lengths).all(axis=1)
    size = np.full(len(positions), np.nan)
    counts = is_known if is_seen is None else is_known & is_seen
    usual = np.maximum(np.median(lengths[counts], axis=0), 1e-12)
    size[is_known] = np.sort(lengths[is_known] / usual, axis=1)[:, _LEFT_OUT:-_LEFT_OUT].mean(
        axis=1
    )
    size[is_known] /= np.median(size[counts])
    return size


def floor_under(positions: Float[np.ndarray, "frame 17 3"]) -> float:
    """The height (y up, in metres) of the ground: under the lowest ankle, as far as ankles are."""
    feet = positions[:, [H36M17.index("left_ankle"), H36M17.index("right_ankle")], 1]
    lower = feet[np.isfinite(feet).all(axis=1)].min(axis=1)
    return float(np.percentile(lower, _FLOOR_PERCENTILE)) - ANKLE_HEIGHT * stature(positions)


def in_metres(pose: Pose3D, *, height: float) -> Pose3D:
    """Lifted motion in metres, for a person of that height; root-relative, in camera space.

    Raises:
        OptionError: if the height is none of a person.
    """
    check_height(height)
    is_seen = tells_of_body(pose)
    size = body_size(pose.positions, is_seen)
    even = pose.positions / size[:, None, None]
    metres_per_pixel = height / stature(even[is_seen])
    low, high = np.percentile(size[is_seen], [2, 98])
    note = (
        f"in metres by the given height of {height:g} m: the chain of bones from head top to "
        f"ankle is that of such a person where a pixel has {1000 * metres_per_pixel:.3g} mm; the "
        f"size in the picture went from {low:.2f} to {high:.2f} of its median and is evened out"
    )
    return replace(
        pose,
        positions=(even * metres_per_pixel).astype(np.float32),
        expected_error=(
            None
            if pose.expected_error is None
            else (pose.expected_error * (metres_per_pixel / size)[:, None]).astype(np.float32)
        ),
        units="m",
        metres_per_pixel=metres_per_pixel,
        notes=(*pose.notes, note),
    )


def _length(positions: Float[np.ndarray, "frame 17 3"], one: str, other: str) -> float:
    """The median distance of two joints."""
    between = positions[:, H36M17.index(one)] - positions[:, H36M17.index(other)]
    return float(np.nanmedian(np.linalg.norm(between.astype(np.float64), axis=-1)))
