"""From landmarks in a file's own axes and unit to a `Pose3D` in world space: metres, y up.

What the readers of motion capture share once they know which point is which.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from jaxtyping import Float

from motionlift.errors import FormatError
from motionlift.kinematics import LIMB_LANDMARKS, joints_from_landmarks, leg_length
from motionlift.poses import Pose3D
from motionlift.skeletons import H36M17

Axis = Literal["x", "y", "z"]
AXES: tuple[Axis, ...] = ("x", "y", "z")

# Rows are world x, y, z in the file's axes. Each is a rotation: left stays left.
_TO_WORLD: dict[Axis, Float[np.ndarray, "3 3"]] = {
    "x": np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]),
    "y": np.eye(3),
    "z": np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]]),
}
# Share of the body's mean direction that must lie along one axis to call that one "up".
CLEAR_SHARE = 0.85

# Hip joint to ankle, from a small child to a very tall adult.
SHORTEST_LEG, LONGEST_LEG = 0.45, 1.20
KNOWN_UNITS = {"m": 1.0, "cm": 0.01, "mm": 0.001}

# Beyond this a coordinate is damage in any unit, and its square might overflow.
LARGEST_COORDINATE = 1e9


def checked_points(
    points: Float[np.ndarray, "*batch 3"], *, source: str
) -> Float[np.ndarray, "*batch 3"]:
    """The same points in double precision; refuses coordinates that no recording has.

    A missing point is NaN and stays that; of NaN's many bit patterns only the quiet one is left.

    Raises:
        FormatError: if a coordinate is infinite or absurd.
    """
    with np.errstate(invalid="ignore"):
        clean = np.where(np.isnan(points), np.nan, points).astype(np.float64)
    size = np.abs(clean)
    wrong = size[size >= LARGEST_COORDINATE]
    if wrong.size:
        raise FormatError(f"{source}: holds coordinates of {wrong[0]:g}; the file is damaged")
    return clean


def to_world(points: Float[np.ndarray, "*batch 3"], *, up: Axis) -> Float[np.ndarray, "*batch 3"]:
    """The same points with y up, turned (never mirrored) from a file where `up` points up."""
    return points @ _TO_WORLD[up].T


def rotations_to_world(
    rotations: Float[np.ndarray, "*batch 3 3"], *, up: Axis
) -> Float[np.ndarray, "*batch 3 3"]:
    """The same axes (columns) with y up."""
    return _TO_WORLD[up] @ rotations


def body_direction(landmarks: Mapping[str, Float[np.ndarray, "frame 3"]]) -> Float[np.ndarray, "3"]:
    """From the feet upward in lengths of that line, mean over the frames; NaN if unknown.

    From the ankles to the shoulders; where these are no landmarks, what is next to them stands in.
    """
    ends = []
    for joints in (("ankle", "knee", "hip"), ("shoulder", "hip", "knee")):
        sides = [(f"left_{joint}", f"right_{joint}") for joint in joints]
        pair = next((pair for pair in sides if set(pair) <= set(landmarks)), None)
        if pair is None:
            return np.full(3, np.nan)
        ends.append((landmarks[pair[0]] + landmarks[pair[1]]) / 2)
    line = ends[1] - ends[0]
    length = np.linalg.norm(line, axis=-1)
    known = np.isfinite(length) & (length > 0)
    if not known.any():
        return np.full(3, np.nan)
    return (line[known] / length[known, None]).mean(axis=0)


def found_up(landmarks: Mapping[str, Float[np.ndarray, "frame 3"]]) -> tuple[Axis | None, str]:
    """The axis that the body stands along, None if none clearly, and a sentence that says so."""
    direction = body_direction(landmarks)
    if not np.isfinite(direction).all():
        return None, "no frame shows both ends of the body"
    strongest = int(np.argmax(np.abs(direction)))
    axis = AXES[strongest]
    share = direction[strongest]
    if abs(share) < CLEAR_SHARE:
        return None, f"the body stands along no axis clearly (most along {axis}, {share:.2f})"
    if share < 0:
        return None, f"the body stands head down along {axis} ({share:.2f})"
    return axis, f"the body stands along {axis} ({share:.2f})"


def found_unit(
    landmarks: Mapping[str, Float[np.ndarray, "frame 3"]], *, source: str
) -> tuple[float, str]:
    """Metres per unit, of m, cm and mm the one in which the leg is a leg, and a sentence.

    Raises:
        FormatError: if it is a leg in none of them.
    """
    leg = leg_length(landmarks)
    for unit, metres in KNOWN_UNITS.items():
        if SHORTEST_LEG <= leg * metres <= LONGEST_LEG:
            return metres, f"unit found to be {unit}: the leg is {leg * metres:.2f} m"
    raise FormatError(
        f"{source}: a leg of {leg:.4g} units is none in m, cm or mm; say the unit's size in "
        "metres with --metres-per-unit"
    )


def world_pose(
    landmarks: Mapping[str, Float[np.ndarray, "frame 3"]],
    *,
    source: str,
    fps: float | None,
    notes: Sequence[str] = (),
    person: str = "",
    head_rotation: Float[np.ndarray, "frame 3 3"] | None = None,
) -> Pose3D:
    """The `H36M17` pose of landmarks that are in world space and metres already.

    A joint that cannot be had in a frame is NaN there; one that never can is named in the notes.

    Raises:
        FormatError: if no frame shows anything, or none of the limbs is there at all.
    """
    positions = joints_from_landmarks(landmarks, head_rotation=head_rotation)
    positions[~np.isfinite(positions).all(axis=-1)] = np.nan
    is_known = ~np.isnan(positions).any(axis=-1)
    never = [
        name for name, known in zip(H36M17.joints, is_known.any(axis=0), strict=True) if not known
    ]
    if set(LIMB_LANDMARKS) <= set(never) or not len(positions):
        raise FormatError(f"{source}: holds no frame with a single joint of the body in it")
    said = [f"joints that cannot be had: {', '.join(never)}"] if never else []
    return Pose3D(
        skeleton=H36M17,
        positions=positions,
        confidence=is_known.astype(float),
        frame_index=np.arange(len(positions)),
        fps=fps,
        source=source,
        person=person,
        notes=(*notes, *said),
    )
