"""Limbs turned away from where they were: poses around those that were recorded.

Gong et al. (PoseAug: A Differentiable Pose Augmentation Framework for 3D Human Pose Estimation,
CVPR 2021) change the angles between the bones of recorded poses, since a network errs most on
poses that its capture has not. Theirs learns by how much; here trunk, head, arms and legs each
turn about the joint that they hang from, by an angle drawn once a clip, so that a motion stays a
motion: what a limb does, it does elsewhere. Knees and elbows bend as they did.
All of it is batched, in torch. Axes: B samples, F frames, J joints; world space, metres.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from motionlift.data.draws import Draws
from motionlift.data.limbs import girdle_frame
from motionlift.skeletons import H36M17

# What turns, about which joint, in which girdle's frame, and how far beside an arm. The trunk is
# first, since the others hang from it.
_ARM, _LEG = ("elbow", "wrist"), ("knee", "ankle")
_TRUNK = (
    "spine",
    "thorax",
    "nose",
    "head_top",
    *(f"{side}_{joint}" for side in ("left", "right") for joint in ("shoulder", *_ARM)),
)
TURNING = (
    (_TRUNK, "pelvis", "hip", 0.5),
    (("nose", "head_top"), "thorax", "shoulder", 0.5),
    *(
        (tuple(f"{side}_{joint}" for joint in _ARM), f"{side}_shoulder", "shoulder", 1.0)
        for side in ("left", "right")
    ),
    *(
        (tuple(f"{side}_{joint}" for joint in _LEG), f"{side}_hip", "hip", 0.7)
        for side in ("left", "right")
    ),
)
_GIRDLES = [
    H36M17.index(name)
    for name in ("pelvis", "thorax", "left_hip", "right_hip", "left_shoulder", "right_shoulder")
]


def turn_limbs(
    positions: Float[Tensor, "B F J 3"],
    weight: Float[Tensor, "B F J"],
    draws: Draws,
    *,
    turn: float,
) -> Float[Tensor, "B F J 3"]:
    """The motion with each limb, head and trunk turned, by the same turn in all of a clip's frames.

    A sample is turned by between nothing and `turn`, each sample by its own share of it: an arm by
    that deviation about each of its girdle's three axes, the rest by less. Clips in which a girdle
    is not seen all the time stay as they are.

    Args:
        weight: 1 where the capture has the joint.
        turn: radians.
    """
    is_seen = weight[:, :, _GIRDLES].flatten(1).amin(dim=1) > 0
    far = turn * draws.uniform("turn") * is_seen
    vectors = draws.normal("turns", len(TURNING), 3) * far[:, None, None]
    vectors = vectors * vectors.new_tensor([each[-1] for each in TURNING])[:, None]
    change = _rotations(vectors.to(positions)) - torch.eye(3).to(positions)
    for number, (joints, pivot, girdle, _) in enumerate(TURNING):
        frame = girdle_frame(positions, girdle)
        places = [H36M17.index(joint) for joint in joints]
        hanging = positions[:, :, places] - positions[:, :, [H36M17.index(pivot)]]
        # A girdle without a frame has zeros in it, which leave the joints where they are.
        world = frame @ change[:, None, number] @ frame.mT
        moved = positions.clone()
        moved[:, :, places] += hanging @ world.mT
        positions = moved
    return positions


def _rotations(vectors: Float[Tensor, "*n 3"]) -> Float[Tensor, "*n 3 3"]:
    """Turns about the vectors, by their lengths in radians."""
    x, y, z = vectors.unbind(dim=-1)
    zero = torch.zeros_like(x)
    rows = [zero, -z, y, z, zero, -x, -y, x, zero]
    return torch.linalg.matrix_exp(torch.stack(rows, dim=-1).reshape(*x.shape, 3, 3))
