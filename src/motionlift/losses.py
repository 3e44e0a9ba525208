"""The loss terms, each a function of predicted and target joints; recipes hold their weights.

Joints are (..., frame, joint, coordinate) in clip space, and every term is a mean, so that its
size does not depend on batch, clip length or skeleton.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def position_loss(
    predicted: Float[Tensor, "*batch frame joint 3"], target: Float[Tensor, "*batch frame joint 3"]
) -> Float[Tensor, ""]:
    """Mean distance between matching joints (L_3D of the paper over its count)."""
    return _length(predicted - target).mean()


def velocity_loss(
    predicted: Float[Tensor, "*batch frame joint 3"], target: Float[Tensor, "*batch frame joint 3"]
) -> Float[Tensor, ""]:
    """Mean error of the steps from frame to frame (L_O of the paper over its count).

    A clip of one frame has no steps: 0, with zero gradient.
    """
    if predicted.shape[-3] < 2:
        return 0.0 * predicted.sum()
    return _length((predicted - target).diff(dim=-3)).mean()


def reprojection_loss(
    predicted: Float[Tensor, "*batch frame joint 3"],
    target_xy: Float[Tensor, "*batch frame joint 2"],
    confidence: Float[Tensor, "*batch frame joint"],
) -> Float[Tensor, ""]:
    """Mean distance in the image plane, each joint's weighted by its confidence (L_2D).

    Joints of confidence 0 add nothing but count in the mean, as in the published code.
    """
    return _length((predicted[..., :2] - target_xy) * confidence[..., None]).mean()


def _length(vectors: Float[Tensor, "*batch coordinate"]) -> Float[Tensor, "*batch"]:
    return torch.linalg.vector_norm(vectors, dim=-1)
