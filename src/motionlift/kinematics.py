"""Where the joints of `H36M17` are in a body: one definition for every source of motion capture.

Readers find anatomical landmarks in whatever their file names them; `joints_from_landmarks` makes
the 17 joints of them. Points are in world space and metres (y up, right-handed), and a landmark
that is missing in a frame is NaN there, as is every joint that needs it. `docs/skeletons.md`
says the same in words and draws it.

Landmarks:
    `left_hip` ... `right_wrist`: the 12 joint centres of the limbs, named as in `H36M17`;
    `spine_1`, `spine_2`, ...: joints of the vertebral column from below upward, hips to shoulders;
    `neck`: the base of the neck; `head`: where the skull meets the neck;
    `head_top`: the vertex of the skull; `nose`: the tip of the nose.
"""

import re
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from motionlift.skeletons import H36M17

LIMB_LANDMARKS = tuple(
    f"{side}_{joint}"
    for side in ("left", "right")
    for joint in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
)

# From "head", along the head's left, up and forward axes (Frankfurt plane level), in lengths of the
# leg from hip joint to ankle. Round figures for an adult of 1.755 m with a leg of 0.86 m: the
# vertex some 130 mm above the ear canal, the tip of the nose 120 mm before it and 20 mm below, the
# joint of skull and neck 20 mm below and 10 mm behind it. They are of no one table;
# `docs/sources.md` holds them against the heads that the sources measure or model.
HEAD_TOP_OFFSET = (0.0, 0.175, 0.012)
NOSE_OFFSET = (0.0, 0.0, 0.150)
# Upright and looking straight ahead, people carry the head before the neck: the line from the base
# of the neck (C7) to the skull leans forward by roughly this much from the head's own vertical.
NECK_LEAN = np.radians(20.0)


def joints_from_landmarks(
    landmarks: Mapping[str, Float[np.ndarray, "frame 3"]],
    *,
    head_rotation: Float[np.ndarray, "frame 3 3"] | None = None,
) -> Float[np.ndarray, "frame 17 3"]:
    """The `H36M17` joints of a body whose landmarks are given (see the module).

    Pelvis and thorax are the middles of the hip and of the shoulder joints. The spine is half way
    from pelvis to thorax along the vertebral joints. Nose and head top stand in the head's own
    frame at `NOSE_OFFSET` and `HEAD_TOP_OFFSET` from "head"; given as landmarks, they win.

    Args:
        head_rotation: columns are the head's left, up and forward axes in world space. Without it
            they follow from the neck's direction and the line of the shoulders.
    """
    num_frames = len(next(iter(landmarks.values())))
    missing = np.full((num_frames, 3), np.nan)
    joints = {name: landmarks.get(name, missing) for name in LIMB_LANDMARKS}
    joints["pelvis"] = (joints["left_hip"] + joints["right_hip"]) / 2
    joints["thorax"] = (joints["left_shoulder"] + joints["right_shoulder"]) / 2
    spine = _vertebral_names(landmarks)
    joints["spine"] = _half_way(
        [joints["pelvis"], *(landmarks[name] for name in spine), joints["thorax"]]
    )
    if head_rotation is None:
        head_rotation = head_axes({**landmarks, "thorax": joints["thorax"]})
    size = leg_length(landmarks)
    head = landmarks.get("head", missing)
    for name, offset in (("head_top", HEAD_TOP_OFFSET), ("nose", NOSE_OFFSET)):
        placed = head + head_rotation @ (size * np.asarray(offset))
        joints[name] = landmarks.get(name, placed)
    return np.stack([joints[name] for name in H36M17.joints], axis=1)


def leg_length(landmarks: Mapping[str, Float[np.ndarray, "frame 3"]]) -> float:
    """Thigh plus shank: the median over the frames, the mean of the sides; NaN without legs."""
    lengths = []
    for side in ("left", "right"):
        names = [f"{side}_{joint}" for joint in ("hip", "knee", "ankle")]
        if all(name in landmarks for name in names):
            hip, knee, ankle = (landmarks[name] for name in names)
            length = np.linalg.norm(knee - hip, axis=-1) + np.linalg.norm(ankle - knee, axis=-1)
            lengths.append(_median(length))
    known = [length for length in lengths if np.isfinite(length)]
    return float(np.mean(known)) if known else float("nan")


def head_axes(
    landmarks: Mapping[str, Float[np.ndarray, "frame 3"]],
) -> Float[np.ndarray, "frame 3 3"]:
    """The head's left, up and forward axes as columns, from points alone; NaN where unknown.

    Up is from "head" to "head_top" where that is known, else the neck's direction, raised by
    `NECK_LEAN` ("thorax" stands in for a missing "neck"). Left is the line of the shoulders, so a
    head turned against the shoulders is not seen.
    """
    num_frames = len(next(iter(landmarks.values())))
    missing = np.full((num_frames, 3), np.nan)
    head = landmarks.get("head", missing)
    across = landmarks.get("left_shoulder", missing) - landmarks.get("right_shoulder", missing)
    if "head_top" in landmarks:
        return body_axes(up=landmarks["head_top"] - head, left=across)
    base = landmarks.get("neck", landmarks.get("thorax", missing))
    return body_axes(up=head - base, left=across) @ nod(-NECK_LEAN)


def nod(angle: float) -> Float[np.ndarray, "3 3"]:
    """Turns left, up and forward axes about the left one: forward and down for angles above 0."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[1.0, 0.0, 0.0], [0.0, cos, -sin], [0.0, sin, cos]])


def body_axes(
    *, up: Float[np.ndarray, "frame 3"], left: Float[np.ndarray, "frame 3"]
) -> Float[np.ndarray, "frame 3 3"]:
    """Left, up and forward unit axes as columns: `up` is kept, `left` made square to it.

    Left x up = forward, so these are right-handed. NaN where `up` and `left` are parallel or zero.
    """
    up = _unit(up)
    forward = _unit(np.cross(left, up))
    return np.stack([np.cross(up, forward), up, forward], axis=-1)


def _unit(vectors: Float[np.ndarray, "frame 3"]) -> Float[np.ndarray, "frame 3"]:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length > 1e-9, length, np.nan)


def _median(values: Float[np.ndarray, " frame"]) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else float("nan")


def _vertebral_names(landmarks: Mapping[str, object]) -> list[str]:
    names = [name for name in landmarks if re.fullmatch(r"spine_\d+", name)]
    return sorted(names, key=lambda name: int(name.removeprefix("spine_")))


def _half_way(points: list[Float[np.ndarray, "frame 3"]]) -> Float[np.ndarray, "frame 3"]:
    """The point at half the length of the line through the points, in each frame."""
    line = np.stack(points, axis=1)
    steps = np.diff(line, axis=1)
    lengths = np.linalg.norm(steps, axis=-1)
    reached = np.cumsum(lengths, axis=1)
    half = reached[:, -1:] / 2
    frames = np.arange(len(line))
    segment = (reached < half).sum(axis=1).clip(max=lengths.shape[1] - 1)
    length = lengths[frames, segment]
    rest = half[:, 0] - (reached[frames, segment] - length)
    share = rest / np.where(length > 0, length, 1.0)
    return line[frames, segment] + share[:, None] * steps[frames, segment]
