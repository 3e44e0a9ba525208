"""Keypoints that a file names: which skeleton they make up, and which is which.

`RBigToe`, `right_big_toe`, `r.bigtoe` and `BigToe_R` are all the right big toe.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from jaxtyping import Float

from motionlift.errors import SkeletonError
from motionlift.formats._layouts import asked_skeleton
from motionlift.formats._shown import shown
from motionlift.skeletons import BODY_25B, COCO17, H36M17, HALPE26, MEDIAPIPE33, Skeleton

# The smallest that has all the names is taken. H36M17 only where its spine is named.
_CONTAINERS = (COCO17, H36M17, HALPE26, BODY_25B, MEDIAPIPE33)
_SIDES = {"l": "left", "left": "left", "r": "right", "right": "right"}
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SAME = {"bigtoe": "big_toe", "smalltoe": "small_toe", "midhip": "mid_hip", "hip": "mid_hip"}
# Fewer are no body that can be lifted.
_NEEDED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """The skeleton that named keypoints make up.

    Attributes:
        joints: for each keypoint the number of its joint; -1 for one that is not used.
    """

    skeleton: Skeleton
    joints: tuple[int, ...]
    notes: tuple[str, ...]

    def ordered(self, points: Float[np.ndarray, "keypoint 3"]) -> Float[np.ndarray, "joint 3"]:
        """The keypoints in the skeleton's order; NaN where the file has none."""
        ordered = np.full((self.skeleton.num_joints, 3), np.nan)
        used = np.array(self.joints) >= 0
        ordered[np.array(self.joints)[used]] = points[used]
        return ordered


def naming_of(
    names: Sequence[str],
    *,
    asked: str | None,
    path: Path,
    same: Mapping[str, str] = MappingProxyType({}),
) -> Naming:
    """The skeleton that keypoints of these names make up: the one asked for, or one that we know.

    Args:
        same: what the format's own words mean, where they can mean several things.

    Raises:
        SkeletonError: if hardly any name is known; it says how to give a skeleton.
    """
    words = {name: same.get(name, joint_named(name)) for name in names}
    if asked is not None:
        skeleton = asked_skeleton(asked)
        words.update({name: name for name in names if name in skeleton.joints})
    else:
        skeleton = _smallest(set(words.values()))
    number = {joint: k for k, joint in enumerate(skeleton.joints)}
    joints = _once([number.get(words[name], -1) for name in names])
    if sum(joint >= 0 for joint in joints) < (_NEEDED if asked is None else 1):
        raise SkeletonError(
            f"{path}: hardly any of the keypoints is one of {skeleton.name}: "
            f"{shown(', '.join(names), most=600)}; say which is which with --skeleton FILE.toml"
        )
    return Naming(skeleton=skeleton, joints=joints, notes=_notes(names, joints, skeleton))


def joint_named(name: str) -> str:
    """Our word for a joint, such as left_big_toe; the name itself, split, if it is none we know."""
    if any(character.isdigit() for character in name):
        return name
    words = [word.lower() for word in _WORDS.findall(name)]
    if len(words) == 1 and len(words[0]) > 2 and words[0][0] in _SIDES:
        # lhip, rbigtoe: nothing shows where the side ends.
        split = joint_named(f"{words[0][0]} {words[0][1:]}")
        return split if split in BODY_25B.joints else words[0]
    sides = [_SIDES[word] for word in words if word in _SIDES]
    rest = "_".join(word for word in words if word not in _SIDES)
    joined = rest.replace("_", "")
    if len(sides) == 1:
        return f"{sides[0]}_{_SAME[joined] if joined.endswith('toe') and joined in _SAME else rest}"
    return _SAME.get(joined, rest)


def _smallest(names: set[str]) -> Skeleton:
    known = names & {joint for skeleton in _CONTAINERS for joint in skeleton.joints}
    is_h36m = {"spine", "thorax"} <= known
    fitting = [skeleton for skeleton in _CONTAINERS if (skeleton is H36M17) == is_h36m]
    return max(fitting, key=lambda each: (len(known & set(each.joints)), -each.num_joints))


def _once(joints: Sequence[int]) -> tuple[int, ...]:
    """The same, each joint only where it comes first."""
    return tuple(joint if joint not in joints[:k] else -1 for k, joint in enumerate(joints))


def _notes(names: Sequence[str], joints: Sequence[int], skeleton: Skeleton) -> tuple[str, ...]:
    unused = [name for name, joint in zip(names, joints, strict=True) if joint < 0]
    if not unused:
        return ()
    listed = shown(", ".join(unused), most=300)
    return (f"keypoints that are none of {skeleton.name} are not used: {listed}",)
