"""The loss terms, each a function of predicted and target joints; recipes hold their weights.

Joints are (..., frame, joint, coordinate) in clip space, and every term is a mean, so that its
size does not depend on batch, clip length or number of joints. Gradients are finite everywhere.
Limb and angle terms need joints in the order of `H36M17`. The terms agree with those that the
published recipes name, except that `scale_loss` is finite for a prediction that is zero.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from motionlift.skeletons import H36M17

# Limbs that meet or face each other, each named by its outer joint. The published list, whose
# gap is kept: the nose's limb has an angle with the right shoulder's, but not with the left's.
_ANGLES = (
    ("right_hip", "left_hip"),
    ("right_hip", "spine"),
    ("left_hip", "spine"),
    ("right_hip", "right_knee"),
    ("right_knee", "right_ankle"),
    ("left_hip", "left_knee"),
    ("left_knee", "left_ankle"),
    ("spine", "thorax"),
    ("thorax", "left_shoulder"),
    ("thorax", "right_shoulder"),
    ("nose", "right_shoulder"),
    ("left_shoulder", "right_shoulder"),
    ("thorax", "nose"),
    ("nose", "head_top"),
    ("left_shoulder", "left_elbow"),
    ("left_elbow", "left_wrist"),
    ("right_shoulder", "right_elbow"),
    ("right_elbow", "right_wrist"),
)
# Keeps arccos away from where its slope is infinite.
_COSINE_MARGIN = 1e-7


def position_loss(
    predicted: Float[Tensor, "*batch frame joint 3"], target: Float[Tensor, "*batch frame joint 3"]
) -> Float[Tensor, ""]:
    """Mean distance between matching joints (L_3D of the paper over its count)."""
    return _length(predicted - target).mean()


def velocity_loss(
    predicted: Float[Tensor, "*batch frame joint 3"],
    target: Float[Tensor, "*batch frame joint 3"],
    is_known: Bool[Tensor, "*batch frame joint"] | None = None,
) -> Float[Tensor, ""]:
    """Mean error of the steps from frame to frame (L_O of the paper over its count).

    A clip of one frame has no steps: 0, with zero gradient.

    Args:
        is_known: where the target has the joint; steps from or to where it has not add nothing,
            but count in the mean. Everywhere if not given.
    """
    if predicted.shape[-3] < 2:
        return _nothing(predicted)
    steps = _length((predicted - target).diff(dim=-3))
    if is_known is not None:
        steps = steps * (is_known[..., 1:, :] & is_known[..., :-1, :])
    return steps.mean()


def reprojection_loss(
    predicted: Float[Tensor, "*batch frame joint coordinate"],
    target_xy: Float[Tensor, "*batch frame joint 2"],
    confidence: Float[Tensor, "*batch frame joint"],
) -> Float[Tensor, ""]:
    """Mean distance in the image plane, each joint's weighted by its confidence (L_2D).

    Joints of confidence 0 add nothing but count in the mean, as in the published code; they
    may stand anywhere, but must be finite.
    """
    return _length((predicted[..., :2] - target_xy) * confidence[..., None]).mean()


def placed_reprojection_loss(
    predicted: Float[Tensor, "*batch frame joint 3"],
    target_xy: Float[Tensor, "*batch frame joint 2"],
    confidence: Float[Tensor, "*batch frame joint"],
) -> Float[Tensor, ""]:
    """`reprojection_loss` of an answer that says nothing of where the person stands.

    Each frame's answer is first moved in the image plane so that the means of its joints, weighted
    by confidence, meet. Moved by the root instead, a root that nobody saw would be a place like
    any other, and the error of one that was would count for every joint.
    """
    weight = confidence[..., None]
    total = weight.sum(dim=-2, keepdim=True)
    apart = ((target_xy - predicted[..., :2]) * weight).sum(dim=-2, keepdim=True)
    shift = apart / torch.where(total > 0, total, 1.0)
    return reprojection_loss(predicted[..., :2] + shift, target_xy, confidence)


def scale_loss(
    predicted: Float[Tensor, "*batch frame joint 3"],
    target: Float[Tensor, "*batch frame joint 3"],
    is_known: Bool[Tensor, "*batch frame joint"] | None = None,
) -> Float[Tensor, ""]:
    """Mean distance after each predicted pose is scaled to fit its target best.

    The scale is that of least squares, about the root, and it carries gradient. A prediction
    that is zero everywhere has no scale and stays zero (the published code gives NaN).

    Args:
        is_known: where the target has the joint; others have no part in the scale and add nothing,
            but count in the mean. Everywhere if not given.
    """
    if is_known is not None:
        predicted, target = predicted * is_known[..., None], target * is_known[..., None]
    power = predicted.square().sum(dim=(-2, -1), keepdim=True)
    agreement = (predicted * target).sum(dim=(-2, -1), keepdim=True)
    scale = agreement / torch.where(power > 0, power, 1.0)
    return position_loss(scale * predicted, target)


def limb_variance_loss(
    predicted: Float[Tensor, "*batch frame joint 3"],
    is_known: Bool[Tensor, "*batch frame joint"] | None = None,
) -> Float[Tensor, ""]:
    """Mean over limbs of the variance over time of their length; 0 for one frame.

    Limbs of which an end is not known in all frames add nothing, but count in the mean.
    """
    if predicted.shape[-3] < 2:
        return _nothing(predicted)
    variance = _length(_limbs(predicted)).var(dim=-2)
    return (variance * _known_limbs(is_known, like=variance[..., None, :]).all(dim=-2)).mean()


def limb_length_loss(
    predicted: Float[Tensor, "*batch frame joint 3"],
    target: Float[Tensor, "*batch frame joint 3"],
    is_known: Bool[Tensor, "*batch frame joint"] | None = None,
) -> Float[Tensor, ""]:
    """Mean absolute difference of limb lengths.

    Here and below, limbs of which an end is not known add nothing, but count in the mean.
    """
    apart = (_length(_limbs(predicted)) - _length(_limbs(target))).abs()
    return (apart * _known_limbs(is_known, like=apart)).mean()


def angle_loss(
    predicted: Float[Tensor, "*batch frame joint 3"],
    target: Float[Tensor, "*batch frame joint 3"],
    is_known: Bool[Tensor, "*batch frame joint"] | None = None,
) -> Float[Tensor, ""]:
    """Mean absolute difference of angles between limbs; a limb without length is at right angles.

    In radians.
    """
    apart = (_angles(predicted) - _angles(target)).abs()
    return (apart * _known_angles(is_known, like=apart)).mean()


def angle_velocity_loss(
    predicted: Float[Tensor, "*batch frame joint 3"],
    target: Float[Tensor, "*batch frame joint 3"],
    is_known: Bool[Tensor, "*batch frame joint"] | None = None,
) -> Float[Tensor, ""]:
    """Mean absolute error of the change of those angles from frame to frame; 0 for one frame."""
    if predicted.shape[-3] < 2:
        return _nothing(predicted)
    apart = _angles(predicted) - _angles(target)
    known = _known_angles(is_known, like=apart)
    return (apart.diff(dim=-2).abs() * (known[..., 1:, :] & known[..., :-1, :])).mean()


def _length(vectors: Float[Tensor, "*batch coordinate"]) -> Float[Tensor, "*batch"]:
    return torch.linalg.vector_norm(vectors, dim=-1)


def _limbs(joints: Float[Tensor, "*batch joint 3"]) -> Float[Tensor, "*batch limb 3"]:
    """From each joint to its parent."""
    parents, children = zip(*H36M17.bones, strict=True)
    return joints[..., list(parents), :] - joints[..., list(children), :]


def _angles(joints: Float[Tensor, "*batch joint 3"]) -> Float[Tensor, "*batch angle"]:
    """In radians, between 0 and pi."""
    first, second = _limbs_of_angles()
    limbs = _limbs(joints)
    cosine = torch.cosine_similarity(limbs[..., first, :], limbs[..., second, :], -1)
    return torch.arccos(cosine.clamp(-1 + _COSINE_MARGIN, 1 - _COSINE_MARGIN))


def _limbs_of_angles() -> tuple[list[int], list[int]]:
    """The numbers of the two limbs of each angle."""
    outer = [child for _, child in H36M17.bones]
    pairs = [[outer.index(H36M17.index(joint)) for joint in pair] for pair in _ANGLES]
    first, second = zip(*pairs, strict=True)
    return list(first), list(second)


def _known_limbs(
    is_known: Bool[Tensor, "*batch joint"] | None, *, like: Float[Tensor, "*batch limb"]
) -> Bool[Tensor, "*batch limb"]:
    """Limbs of which both ends are known; all of as many as `like` has, where nothing is said."""
    if is_known is None:
        return torch.ones_like(like, dtype=torch.bool)
    parents, children = zip(*H36M17.bones, strict=True)
    return is_known[..., list(parents)] & is_known[..., list(children)]


def _known_angles(
    is_known: Bool[Tensor, "*batch joint"] | None, *, like: Float[Tensor, "*batch angle"]
) -> Bool[Tensor, "*batch angle"]:
    if is_known is None:
        return torch.ones_like(like, dtype=torch.bool)
    first, second = _limbs_of_angles()
    limbs = _known_limbs(is_known, like=like)
    return limbs[..., first] & limbs[..., second]


def _nothing(predicted: Tensor) -> Float[Tensor, ""]:
    """Zero, with a zero gradient for every joint."""
    return (0 * predicted).sum()
