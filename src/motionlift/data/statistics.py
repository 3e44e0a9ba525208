"""What the sequences of a store are like in numbers, for the report: bone lengths and poses.

A few hundred frames of each sequence tell enough; memory grows by a few numbers a sequence.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from motionlift.data.store import Sequence, Store
from motionlift.skeletons import H36M17

# Bones and distances, each of one pair or of both sides; `leg` is thigh and shank.
BONES: dict[str, tuple[tuple[str, str], ...]] = {
    "thigh": (("left_hip", "left_knee"), ("right_hip", "right_knee")),
    "shank": (("left_knee", "left_ankle"), ("right_knee", "right_ankle")),
    "upper arm": (("left_shoulder", "left_elbow"), ("right_shoulder", "right_elbow")),
    "forearm": (("left_elbow", "left_wrist"), ("right_elbow", "right_wrist")),
    "pelvis to thorax": (("pelvis", "thorax"),),
    "thorax to head top": (("thorax", "head_top"),),
    "hip to hip": (("left_hip", "right_hip"),),
    "shoulder to shoulder": (("left_shoulder", "right_shoulder"),),
}
KINDS = ("upright", "bent over", "sitting, crouching", "lying", "upside down")
FRAMES_PER_SEQUENCE = 200

# From here on a trunk is bent, leans by more than lying people's do, or is upside down.
_BENT, _UPSIDE_DOWN = np.radians(55), np.radians(120)
# Thighs further than this from hanging down, on both sides: sitting, squatting or kneeling.
_SEATED = np.radians(50)
# People who are bent over stand: their pelvis is this share of the leg above their ankles.
_STANDING = 0.6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measured:
    """One sequence in numbers.

    Attributes:
        lengths: of `BONES`, in metres; medians over the frames, NaN where unseen.
        kinds: how many of the frames looked at show each of `KINDS`.
    """

    sequence: Sequence
    lengths: Float[np.ndarray, " bone"]
    kinds: Float[np.ndarray, " kind"]


def measure(store: Store, sequence: Sequence) -> Measured:
    """Bone lengths and poses of one sequence."""
    step = max(1, sequence.frames // FRAMES_PER_SEQUENCE)
    visibility = store.visibility(sequence)[::step]
    positions = np.where(
        visibility[..., None], store.positions(sequence)[::step].astype(float), np.nan
    )
    number = pose_kinds(positions)
    return Measured(
        sequence=sequence,
        lengths=np.array([_length(positions, pairs) for pairs in BONES.values()]),
        kinds=np.bincount(number[number >= 0], minlength=len(KINDS)).astype(float),
    )


def pose_kinds(positions: Float[np.ndarray, "frame 17 3"]) -> np.ndarray:
    """For each frame the number of its kind in `KINDS`; -1 where the joints are not seen.

    World space, y up. A trunk that is bent far is lying if the pelvis is near the ankles' height,
    and bent over if it is not.
    """
    joint = {name: positions[:, number] for number, name in enumerate(H36M17.joints)}
    tilt = _from_up(joint["thorax"] - joint["pelvis"])
    thighs = [_from_up(joint[f"{side}_hip"] - joint[f"{side}_knee"]) for side in ("left", "right")]
    legs = [_length(positions, BONES[bone]) for bone in ("thigh", "shank")]
    ankle = np.minimum(joint["left_ankle"][:, 1], joint["right_ankle"][:, 1])
    is_high = joint["pelvis"][:, 1] - ankle > _STANDING * sum(legs)
    kind = np.full(len(positions), KINDS.index("upright"))
    kind[np.minimum(*thighs) > _SEATED] = KINDS.index("sitting, crouching")
    is_bent = tilt > _BENT
    kind[is_bent & is_high] = KINDS.index("bent over")
    kind[is_bent & ~is_high] = KINDS.index("lying")
    kind[tilt > _UPSIDE_DOWN] = KINDS.index("upside down")
    kind[~_is_known(tilt, ankle, *thighs)] = -1
    return kind


def _length(
    positions: Float[np.ndarray, "frame 17 3"], pairs: tuple[tuple[str, str], ...]
) -> float:
    lengths = [
        np.linalg.norm(positions[:, H36M17.index(a)] - positions[:, H36M17.index(b)], axis=-1)
        for a, b in pairs
    ]
    known = np.concatenate(lengths)
    known = known[np.isfinite(known)]
    return float(np.median(known)) if known.size else float("nan")


def _from_up(direction: Float[np.ndarray, "frame 3"]) -> Float[np.ndarray, " frame"]:
    """Angles from the vertical, in radians."""
    level = np.linalg.norm(direction[:, [0, 2]], axis=-1)
    return np.arctan2(level, direction[:, 1])


def _is_known(*values: Float[np.ndarray, " frame"]) -> Bool[np.ndarray, " frame"]:
    return np.isfinite(np.stack(values)).all(axis=0)
