"""The skeletons that keypoints and joints belong to, and the one that the network sees.

`H36M17` is the project's own: everything that is trained, lifted or scored has its 17 joints.
`docs/skeletons.md` defines each joint in words and draws it. Left and right are the person's own.
No other module knows joint numbers: code says `skeleton.root` or `skeleton.index("nose")`.

`to_h36m17` says how the 17 joints are had from a detector's keypoints: `{joint: (keypoints)}`,
the joint being the mean of the keypoints named. A joint that a detector does not have is not in
the table, and becomes a missing joint.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Float

from motionlift.errors import SkeletonError


@dataclass(frozen=True, kw_only=True)
class Skeleton:
    """Named joints in a fixed order.

    Attributes:
        name: as the field calls it.
        joints: names, in the order of the arrays.
        parents: number of each joint's parent, -1 for a joint without one; used for drawing,
            and for `H36M17` as the kinematic tree.
        to_h36m17: how `H36M17` joints are had from these (see the module); empty if they cannot.
    """

    name: str
    joints: tuple[str, ...]
    parents: tuple[int, ...]
    to_h36m17: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(set(self.joints)) != len(self.joints):
            raise SkeletonError(f"skeleton {self.name}: joint names must differ")
        if len(self.parents) != len(self.joints):
            raise SkeletonError(
                f"skeleton {self.name}: {len(self.joints)} joints, {len(self.parents)} parents"
            )
        unknown = {source for names in self.to_h36m17.values() for source in names} - set(
            self.joints
        )
        if unknown:
            raise SkeletonError(f"skeleton {self.name}: no joint is named {sorted(unknown)}")

    @property
    def num_joints(self) -> int:
        """How many joints there are."""
        return len(self.joints)

    @property
    def root(self) -> int:
        """The first joint without a parent; the pelvis of `H36M17`."""
        return self.parents.index(-1)

    def index(self, joint: str) -> int:
        """The number of a joint by its name."""
        if joint not in self.joints:
            raise SkeletonError(
                f"skeleton {self.name} has no joint '{joint}'; it has: {', '.join(self.joints)}"
            )
        return self.joints.index(joint)

    @cached_property
    def mirror(self) -> tuple[int, ...]:
        """For each joint the number of its mirror image; itself where it has none."""
        swap = {"left": "right", "right": "left"}

        def other(name: str) -> str:
            side, _, rest = name.partition("_")
            return f"{swap[side]}_{rest}" if side in swap else name

        return tuple(self.joints.index(other(name)) for name in self.joints)

    @property
    def bones(self) -> tuple[tuple[int, int], ...]:
        """Pairs (parent, joint), one for each joint that has a parent."""
        return tuple((parent, joint) for joint, parent in enumerate(self.parents) if parent >= 0)


H36M17 = Skeleton(
    name="H36M17",
    joints=(
        "pelvis",
        "right_hip",
        "right_knee",
        "right_ankle",
        "left_hip",
        "left_knee",
        "left_ankle",
        "spine",
        "thorax",
        "nose",
        "head_top",
        "left_shoulder",
        "left_elbow",
        "left_wrist",
        "right_shoulder",
        "right_elbow",
        "right_wrist",
    ),
    parents=(-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15),
)

_FACE_AND_LIMBS = (
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
)
_LIMBS = tuple(
    f"{side}_{joint}"
    for side in ("left", "right")
    for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
)
_DIRECT = {name: (name,) for name in (*_LIMBS, "nose")}
_HIPS = ("left_hip", "right_hip")
_SHOULDERS = ("left_shoulder", "right_shoulder")
# Pelvis and thorax are *defined* as these middles (docs/skeletons.md), whatever
# a detector calls its own neck or middle hip.
_FROM_COCO = {**_DIRECT, "pelvis": _HIPS, "thorax": _SHOULDERS}

COCO17 = Skeleton(
    name="COCO17",
    joints=_FACE_AND_LIMBS,
    parents=(-1, 0, 0, 1, 2, 0, 0, 5, 6, 7, 8, 5, 6, 11, 12, 13, 14),
    to_h36m17=_FROM_COCO,
)

BODY_25 = Skeleton(
    name="BODY_25",
    joints=(
        "nose",
        "neck",
        "right_shoulder",
        "right_elbow",
        "right_wrist",
        "left_shoulder",
        "left_elbow",
        "left_wrist",
        "mid_hip",
        "right_hip",
        "right_knee",
        "right_ankle",
        "left_hip",
        "left_knee",
        "left_ankle",
        "right_eye",
        "left_eye",
        "right_ear",
        "left_ear",
        "left_big_toe",
        "left_small_toe",
        "left_heel",
        "right_big_toe",
        "right_small_toe",
        "right_heel",
    ),
    parents=(
        *(1, 8, 1, 2, 3, 1, 5, 6, -1, 8, 9, 10, 8, 12, 13),
        *(0, 0, 15, 16, 14, 19, 14, 11, 22, 11),
    ),
    to_h36m17=_FROM_COCO,
)

BODY_25B = Skeleton(
    name="BODY_25B",
    joints=(
        *_FACE_AND_LIMBS,
        "upper_neck",
        "head_top",
        "left_big_toe",
        "left_small_toe",
        "left_heel",
        "right_big_toe",
        "right_small_toe",
        "right_heel",
    ),
    parents=(
        *(17, 0, 0, 1, 2, 17, 17, 5, 6, 7, 8, 5, 6, 11, 12, 13, 14),
        *(-1, 17, 15, 19, 15, 16, 22, 16),
    ),
    to_h36m17={**_FROM_COCO, "head_top": ("head_top",)},
)

COCO18 = Skeleton(
    name="COCO18",
    joints=(
        *("nose", "neck"),
        *("right_shoulder", "right_elbow", "right_wrist"),
        *("left_shoulder", "left_elbow", "left_wrist"),
        *("right_hip", "right_knee", "right_ankle"),
        *("left_hip", "left_knee", "left_ankle"),
        *("right_eye", "left_eye", "right_ear", "left_ear"),
    ),
    parents=(1, -1, 1, 2, 3, 1, 5, 6, 1, 8, 9, 1, 11, 12, 0, 0, 14, 15),
    to_h36m17=_FROM_COCO,
)

HALPE26 = Skeleton(
    name="HALPE26",
    joints=(
        *(*_FACE_AND_LIMBS, "head_top", "neck", "mid_hip"),
        *("left_big_toe", "right_big_toe", "left_small_toe", "right_small_toe"),
        *("left_heel", "right_heel"),
    ),
    parents=(
        *(18, 0, 0, 1, 2, 18, 18, 5, 6, 7, 8, 19, 19, 11, 12, 13, 14),
        *(0, 19, -1, 15, 16, 20, 21, 15, 16),
    ),
    to_h36m17={**_FROM_COCO, "head_top": ("head_top",)},
)

# The body and feet of COCO-WholeBody; its 133 keypoints go on with face and hands.
WHOLEBODY23 = Skeleton(
    name="WHOLEBODY23",
    joints=(
        *_FACE_AND_LIMBS,
        *("left_big_toe", "left_small_toe", "left_heel"),
        *("right_big_toe", "right_small_toe", "right_heel"),
    ),
    parents=(*COCO17.parents, 15, 17, 15, 16, 20, 16),
    to_h36m17=_FROM_COCO,
)

MEDIAPIPE33 = Skeleton(
    name="MEDIAPIPE33",
    joints=(
        *("nose", "left_eye_inner", "left_eye", "left_eye_outer"),
        *("right_eye_inner", "right_eye", "right_eye_outer"),
        *("left_ear", "right_ear", "left_mouth", "right_mouth"),
        *("left_shoulder", "right_shoulder", "left_elbow", "right_elbow"),
        *("left_wrist", "right_wrist", "left_pinky", "right_pinky"),
        *("left_index", "right_index", "left_thumb", "right_thumb"),
        *("left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle"),
        *("left_heel", "right_heel", "left_foot_index", "right_foot_index"),
    ),
    parents=(
        *(-1, 0, 1, 2, 0, 4, 5, 3, 6, 0, 9, 0, 0, 11, 12, 13, 14, 15, 16, 15, 16, 15, 16),
        *(11, 12, 23, 24, 25, 26, 27, 28, 29, 30),
    ),
    to_h36m17=_FROM_COCO,
)

MPII16 = Skeleton(
    name="MPII16",
    joints=(
        *("right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle"),
        *("pelvis", "thorax", "upper_neck", "head_top"),
        *("right_wrist", "right_elbow", "right_shoulder"),
        *("left_shoulder", "left_elbow", "left_wrist"),
    ),
    parents=(1, 2, 6, 6, 3, 4, -1, 6, 7, 8, 11, 12, 7, 7, 13, 14),
    to_h36m17={
        **{name: (name,) for name in _LIMBS},
        "pelvis": _HIPS,
        "thorax": _SHOULDERS,
        "head_top": ("head_top",),
    },
)

SKELETONS: dict[str, Skeleton] = {
    skeleton.name: skeleton
    for skeleton in (
        *(H36M17, COCO17, COCO18, BODY_25, BODY_25B, HALPE26),
        *(WHOLEBODY23, MEDIAPIPE33, MPII16),
    )
}


def skeleton_named(name: str) -> Skeleton:
    """The skeleton of that name, in any case; an unknown name's error lists the known ones."""
    known = {key.lower(): skeleton for key, skeleton in SKELETONS.items()}
    if name.lower() not in known:
        raise SkeletonError(f"no skeleton is named '{name}'; there are: {', '.join(SKELETONS)}")
    return known[name.lower()]


def skeleton_of_joints(joints: Sequence[str]) -> Skeleton:
    """The skeleton that has these joints in this order.

    Raises:
        SkeletonError: if none has; the message lists the known skeletons.
    """
    for skeleton in SKELETONS.values():
        if skeleton.joints == tuple(joints):
            return skeleton
    raise SkeletonError(f"the names are those of no known skeleton ({', '.join(SKELETONS)})")


def joint_weights(skeleton: Skeleton) -> Float[np.ndarray, "17 joint"]:
    """How much of each joint makes up each `H36M17` joint: rows sum to 1, or 0 if it is missing."""
    if skeleton is H36M17:
        return np.eye(H36M17.num_joints)
    if not skeleton.to_h36m17:
        raise SkeletonError(f"skeleton {skeleton.name} has no mapping to H36M17")
    weights = np.zeros((H36M17.num_joints, skeleton.num_joints))
    for joint, sources in skeleton.to_h36m17.items():
        for source in sources:
            weights[H36M17.index(joint), skeleton.index(source)] = 1 / len(sources)
    return weights
