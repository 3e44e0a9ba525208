"""Which skeleton keypoints belong to, when a file gives no more than their number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from motionlift.errors import FormatError, SkeletonError
from motionlift.formats._skeleton_file import read_skeleton
from motionlift.skeletons import (
    BODY_25,
    BODY_25B,
    COCO17,
    COCO18,
    H36M17,
    HALPE26,
    MEDIAPIPE33,
    MPII16,
    WHOLEBODY23,
    Skeleton,
    skeleton_named,
)

# The right one of two layouts has at most this part of the other's mean bone length.
_CLEARLY_SHORTER = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """What so many keypoints can be.

    Attributes:
        skeletons: of the first keypoints; the rest are face and hands.
        usual: taken when geometry does not tell; None to refuse to guess.
    """

    skeletons: tuple[Skeleton, ...]
    usual: Skeleton | None = None


_BY_COUNT: Mapping[int, _Layout] = {
    16: _Layout(skeletons=(MPII16,)),
    # Detectors give COCO's 17; lifting code before us was often fed H36M's.
    17: _Layout(skeletons=(COCO17, H36M17), usual=COCO17),
    18: _Layout(skeletons=(COCO18,)),
    23: _Layout(skeletons=(WHOLEBODY23,)),
    25: _Layout(skeletons=(BODY_25, BODY_25B)),
    26: _Layout(skeletons=(HALPE26,)),
    33: _Layout(skeletons=(MEDIAPIPE33,)),
    133: _Layout(skeletons=(WHOLEBODY23,)),
    136: _Layout(skeletons=(HALPE26,)),
}


def skeleton_of(
    keypoints: Float[np.ndarray, "detection joint 2"], *, asked: str | None, path: Path
) -> tuple[Skeleton, list[str]]:
    """The skeleton that was asked for, else the one with that many keypoints; and notes.

    It may have fewer joints than there are keypoints: the first ones are the body, then. Where two
    skeletons have as many joints, the one under which the bones are clearly shorter is taken:
    joints in a wrong order make a tangle of long bones.

    Raises:
        FormatError: if no skeleton, or two that fit equally well, have as many keypoints.
        SkeletonError: if the skeleton asked for has another number of keypoints.
    """
    count = keypoints.shape[1]
    layout = _BY_COUNT.get(count)
    if asked is not None:
        skeleton = asked_skeleton(asked)
        if skeleton.num_joints != count and (layout is None or skeleton not in layout.skeletons):
            raise SkeletonError(
                f"{path}: found {count} keypoints a person, "
                f"{skeleton.name} has {skeleton.num_joints}"
            )
        return skeleton, _unused(skeleton, count)
    if layout is None:
        known = ", ".join(f"{n} ({_names(each.skeletons)})" for n, each in _BY_COUNT.items())
        raise FormatError(
            f"{path}: found {count} keypoints a person, expected {known}; "
            "for a skeleton of your own give --skeleton FILE.toml"
        )
    if len(layout.skeletons) == 1:
        return layout.skeletons[0], _unused(layout.skeletons[0], count)
    return _shortest(keypoints, layout, path=path)


def asked_skeleton(name: str) -> Skeleton:
    """The skeleton of that name, or in that TOML file.

    Raises:
        SkeletonError: if there is none of that name, or the file is not right.
    """
    return read_skeleton(Path(name)) if name.lower().endswith(".toml") else skeleton_named(name)


def _shortest(
    keypoints: Float[np.ndarray, "detection joint 2"], layout: _Layout, *, path: Path
) -> tuple[Skeleton, list[str]]:
    length = {each.name: _bone_length(keypoints, each) for each in layout.skeletons}
    best, second = sorted(layout.skeletons, key=lambda each: length[each.name])[:2]
    is_clear = length[best.name] < _CLEARLY_SHORTER * length[second.name]
    if layout.usual is not None and (best is layout.usual or not is_clear):
        return layout.usual, []
    count = keypoints.shape[1]
    if not is_clear:
        raise FormatError(
            f"{path}: {count} keypoints a person can be {_names(layout.skeletons)}, and these do "
            f"not tell; give --skeleton {best.name} or --skeleton {second.name}"
        )
    times = length[second.name] / length[best.name]
    return best, [
        f"{count} keypoints taken as {best.name}: as {second.name} the bones would be "
        f"{times:.1f} times as long"
    ]


def _names(skeletons: Sequence[Skeleton]) -> str:
    return " or ".join(each.name for each in skeletons)


def _unused(skeleton: Skeleton, count: int) -> list[str]:
    unused = count - skeleton.num_joints
    if not unused:
        return []
    return [f"the first {skeleton.num_joints} keypoints are {skeleton.name}; {unused} more unused"]


def _bone_length(keypoints: Float[np.ndarray, "detection joint 2"], skeleton: Skeleton) -> float:
    """Mean length of the bones that are seen, in pixels; infinite if none is."""
    parents, joints = np.array(skeleton.bones).T
    # More than these tell no more.
    some = keypoints[:: max(1, len(keypoints) // 1000)]
    bones = np.linalg.norm(some[:, joints] - some[:, parents], axis=-1)
    is_seen = ~np.isnan(bones)
    # Bone by bone first: one that is often hidden counts as much as any other.
    count = is_seen.sum(axis=0)
    if not count.any():
        return np.inf
    mean = bones.sum(axis=0, where=is_seen)[count > 0] / count[count > 0]
    return float(mean.mean())
