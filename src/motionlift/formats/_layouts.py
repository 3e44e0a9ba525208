"""Which skeleton keypoints belong to, when a file gives no more than their number."""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from motionlift.errors import FormatError, SkeletonError
from motionlift.skeletons import (
    BODY_25,
    BODY_25B,
    COCO17,
    COCO18,
    HALPE26,
    Skeleton,
    skeleton_named,
)

# The right one of two layouts has at most this part of the other's total bone length.
_CLEARLY_SHORTER = 0.7
_BY_COUNT: dict[int, tuple[Skeleton, ...]] = {
    17: (COCO17,),
    18: (COCO18,),
    25: (BODY_25, BODY_25B),
    26: (HALPE26,),
}


def skeleton_of(
    keypoints: Float[np.ndarray, "detection joint 2"], *, asked: str | None, path: Path
) -> tuple[Skeleton, list[str]]:
    """The skeleton that was asked for, else the one with that many keypoints; and notes.

    Where two have as many, the one under which the bones are clearly shorter: joints in a wrong
    order make a tangle of long bones.

    Raises:
        FormatError: if no skeleton, or two that fit equally well, have as many keypoints.
        SkeletonError: if the skeleton asked for has another number of keypoints.
    """
    count = keypoints.shape[1]
    if asked is not None:
        skeleton = skeleton_named(asked)
        if skeleton.num_joints != count:
            raise SkeletonError(
                f"{path}: found {count} keypoints a person, "
                f"{skeleton.name} has {skeleton.num_joints}"
            )
        return skeleton, []
    if count not in _BY_COUNT:
        known = ", ".join(f"{n} ({_names(_BY_COUNT[n])})" for n in _BY_COUNT)
        raise FormatError(
            f"{path}: found {count} keypoints a person, expected {known}; "
            "for another skeleton give --skeleton"
        )
    candidates = _BY_COUNT[count]
    if len(candidates) == 1:
        return candidates[0], []
    length = {each.name: _bone_length(keypoints, each) for each in candidates}
    best, second = sorted(candidates, key=lambda each: length[each.name])[:2]
    if not length[best.name] < _CLEARLY_SHORTER * length[second.name]:
        raise FormatError(
            f"{path}: {count} keypoints a person can be {_names(candidates)}, and these do not "
            f"tell; give --skeleton {best.name} or --skeleton {second.name}"
        )
    return best, [
        f"{count} keypoints taken as {best.name}: as {second.name} the bones would be "
        f"{length[second.name] / length[best.name]:.1f} times as long"
    ]


def _names(skeletons: tuple[Skeleton, ...]) -> str:
    return " or ".join(each.name for each in skeletons)


def _bone_length(keypoints: Float[np.ndarray, "detection joint 2"], skeleton: Skeleton) -> float:
    """Mean length of the bones that are seen, in pixels; infinite if none is."""
    parents, joints = np.array(skeleton.bones).T
    bones = np.linalg.norm(keypoints[:, joints] - keypoints[:, parents], axis=-1)
    is_seen = ~np.isnan(bones)
    # Bone by bone first: one that is often hidden counts as much as any other.
    count = is_seen.sum(axis=0)
    if not count.any():
        return np.inf
    mean = bones.sum(axis=0, where=is_seen)[count > 0] / count[count > 0]
    return float(mean.mean())
