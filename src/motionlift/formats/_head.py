"""From the joint that turns a rig's head to the landmark "head" and axes that can be believed.

Rigs differ in where that joint is, and solvers in how well they turned it: in the CMU recordings
the heads of some people hang by 30 degrees all the time, and a few frames have one upside down.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from motionlift.kinematics import head_axes, leg_length, nod

# A head may turn against the shoulders, but not as far as this for half of a recording ...
_NOT_ITS_AXES = np.radians(75)
# ... nor as far as this ever: necks end near 80 degrees of turning and 60 of bending.
_NO_NECK_CAN = np.radians(110)
# People who stand, walk or dance hold the head within about this much of the trunk's own line, over
# a whole recording; more is an offset of the solver's.
_HANGS = np.radians(15)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Head:
    """Where the skull meets the neck, its axes (left, up, forward as columns), and what was done.

    `rotation` is NaN in frames without one, None if it has to be had from points.
    """

    position: Float[np.ndarray, "frame 3"]
    rotation: Float[np.ndarray, "frame 3 3"] | None
    notes: Sequence[str] = ()


def fit_head(
    landmarks: Mapping[str, Float[np.ndarray, "frame 3"]],
    *,
    rotation: Float[np.ndarray, "frame 3 3"],
    skull_base: tuple[float, float, float],
) -> Head:
    """The head of a rig whose "head" landmark is the joint that turns it.

    Args:
        landmarks: world space, metres; the limbs and "head", as `kinematics` names them.
        rotation: the joint's left, up and forward axes as columns.
        skull_base: from the joint to where skull meets neck, along those axes, in leg lengths.
    """
    joint = landmarks["head"]
    base = leg_length(landmarks) * np.asarray(skull_base)
    expected = head_axes(landmarks)
    notes = []
    hanging = _median(_flexion(rotation, landmarks))
    if hanging > _HANGS:
        rotation = rotation @ nod(_HANGS - hanging)
        notes.append(
            f"the head hangs by {np.degrees(hanging):.0f} degrees (median) and was raised to "
            f"{np.degrees(_HANGS):.0f}"
        )
    off = _angles(rotation, expected)
    if _median(off) > _NOT_ITS_AXES:
        said = (
            f"the head is turned {np.degrees(_median(off)):.0f} degrees off the body for most "
            "of the time: its rotation was not used, nose and head top follow the shoulders"
        )
        return Head(position=joint + expected @ base, rotation=None, notes=[said])
    broken = off > _NO_NECK_CAN
    if broken.any():
        rotation = np.where(broken[:, None, None], np.nan, rotation)
        notes.append(
            f"in {int(broken.sum())} frames the head is turned further than a neck can: "
            "nose and head top are missing there"
        )
    return Head(position=joint + expected @ base, rotation=rotation, notes=notes)


def _angles(
    first: Float[np.ndarray, "frame 3 3"], second: Float[np.ndarray, "frame 3 3"]
) -> Float[np.ndarray, " frame"]:
    """By how much one turns to become the other."""
    cosine = (np.einsum("fij,fij->f", first, second) - 1) / 2
    return np.arccos(cosine.clip(-1, 1))


def _flexion(
    rotation: Float[np.ndarray, "frame 3 3"], landmarks: Mapping[str, Float[np.ndarray, "frame 3"]]
) -> Float[np.ndarray, " frame"]:
    """How far the head is bent forward against the trunk."""
    hips = landmarks["left_hip"] + landmarks["right_hip"]
    shoulders = landmarks["left_shoulder"] + landmarks["right_shoulder"]
    trunk = np.einsum("fji,fj->fi", rotation, shoulders - hips)
    return np.arctan2(-trunk[:, 2], trunk[:, 1])


def _median(values: Float[np.ndarray, " frame"]) -> float:
    """Of the frames that are known; NaN if none is."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else float("nan")
