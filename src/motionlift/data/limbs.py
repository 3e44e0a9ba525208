"""Limbs of one motion on the body of another: poses that nobody recorded.

Little motion capture is openly licensed, and its poses come as the actors struck them: who squats
has the arms out. Li et al. (Cascaded Deep Monocular 3D Human Pose Estimation with Evolutionary
Training Data, CVPR 2020) cross poses over; here a whole clip's limb moves over, so that it stays a
motion. All of it is batched, in torch. Axes: B samples, F frames, J joints; world space, metres.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from motionlift.skeletons import H36M17

_ARM, _LEG = ("elbow", "wrist"), ("knee", "ankle")


def _joints(*limbs: tuple[str, tuple[str, ...]]) -> tuple[int, ...]:
    return tuple(H36M17.index(f"{side}_{joint}") for side, joints in limbs for joint in joints)


# What moves over together. Pairs keep what two limbs do for each other, as legs that walk.
LIMBS = (
    _joints(("left", _LEG), ("right", _LEG)),
    _joints(("left", _LEG)),
    _joints(("right", _LEG)),
    _joints(("left", _ARM), ("right", _ARM)),
    _joints(("left", _ARM)),
    _joints(("right", _ARM)),
)


def exchanged(limb: Float[Tensor, " B"]) -> Bool[Tensor, "B J"]:
    """Which joints move over, for a number in 0..1 that draws one of `LIMBS`."""
    table = torch.zeros(len(LIMBS), H36M17.num_joints, dtype=torch.bool, device=limb.device)
    for row, joints in zip(table, LIMBS, strict=True):
        row[list(joints)] = True
    return table[(limb * len(LIMBS)).long().clamp_max(len(LIMBS) - 1)]


def with_limbs_of(
    positions: Float[Tensor, "B F J 3"],
    other: Float[Tensor, "B F J 3"],
    which: Bool[Tensor, "B J"],
) -> Float[Tensor, "B F J 3"]:
    """The motion with the joints in `which` moved as `other` moves them.

    A limb keeps the lengths and the turns that it has in `other`, taken in the frame of its girdle:
    that of the hips for a leg, that of the shoulders for an arm. It hangs from the joint of
    `positions`. A girdle has no frame where its joints lie in line; such a limb is as in `other`.
    """
    skeleton = H36M17
    moved = list(positions.unbind(dim=2))
    for girdle, end in (("hip", _LEG), ("shoulder", _ARM)):
        turn = girdle_frame(positions, girdle) @ girdle_frame(other, girdle).mT
        for side in ("left", "right"):
            for joint in _joints((side, end)):
                parent = skeleton.parents[joint]
                bone = other[:, :, joint] - other[:, :, parent]
                there = moved[parent] + (turn @ bone[..., None])[..., 0]
                moved[joint] = torch.where(which[:, joint, None, None], there, moved[joint])
    return torch.stack(moved, dim=2)


def limbs_known(
    own: Float[Tensor, "B F J"], other: Float[Tensor, "B F J"]
) -> Float[Tensor, "B F J"]:
    """Of joints that would move over: 1 where all that it takes was seen, in both motions."""
    skeleton = H36M17
    known = torch.zeros_like(other)
    for girdle, end in (("hip", _LEG), ("shoulder", _ARM)):
        names = (f"left_{girdle}", f"right_{girdle}", "thorax", "pelvis")
        frame = [skeleton.index(name) for name in names]
        of_both = own[:, :, frame].amin(dim=2) * other[:, :, frame].amin(dim=2)
        for side in ("left", "right"):
            chain = of_both
            for joint in _joints((side, end)):
                chain = chain * other[:, :, joint]
                known[:, :, joint] = chain
    return known


def girdle_frame(positions: Float[Tensor, "B F J 3"], name: str) -> Float[Tensor, "B F 3 3"]:
    """A frame in its columns: to the left, up the trunk, forwards."""
    joint = {each: positions[:, :, place] for place, each in enumerate(H36M17.joints)}
    across = joint[f"left_{name}"] - joint[f"right_{name}"]
    trunk = joint["thorax"] - joint["pelvis"]
    left = torch.nn.functional.normalize(across, dim=-1)
    up = trunk - (trunk * left).sum(dim=-1, keepdim=True) * left
    up = torch.nn.functional.normalize(up, dim=-1)
    return torch.stack([left, up, torch.linalg.cross(left, up)], dim=-1)
