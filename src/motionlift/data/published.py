"""Corruption as the published code has it, for comparison: `compat="published"`.

It differs from `corruption.py` in this: 27 key frames whatever the clip's length, so that the noise
drifts slowly in long clips and fast in short ones; and jitter and lost frames that are drawn once
for all clips of a batch. The draws that are shared are those of the batch's first sample, so that a
run with them depends on how its batches are cut.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from motionlift.data.draws import Draws
from motionlift.data.noise import NoiseModel, confidence_at, keypoint_offsets, stretch

KEY_FRAMES = 27


def published_noise(
    image: Float[Tensor, "B F J 2"],
    *,
    select: Float[Tensor, "B 27 J"],
    gaussian: Float[Tensor, "B 27 J 2"],
    uniform: Float[Tensor, "B 27 J 2"],
    jitter: Float[Tensor, "F J 2"],
    shift: Float[Tensor, "B F J"],
    model: NoiseModel,
) -> Float[Tensor, "B F J 3"]:
    """Keypoints with noise and confidence, in published image units; `uniform` in [0, 1)."""
    offsets = keypoint_offsets(select=select, gaussian=gaussian, uniform=uniform, model=model)
    drift = stretch(offsets.flatten(2), frames=image.shape[1])
    total = drift.reshape(image.shape) + model.jitter * jitter
    confidence = confidence_at(total.norm(dim=-1), shift, model=model)
    return torch.cat([image + total, confidence[..., None]], dim=-1)


def published_masks(
    keypoints: Float[Tensor, "B F J 3"],
    *,
    joint: Float[Tensor, "B F J 1"],
    frame: Float[Tensor, "1 F 1 1"],
    joint_mask: float,
    frame_mask: float,
) -> Float[Tensor, "B F J 3"]:
    """Zeros where a draw is at or below its ratio; nothing unless both ratios are above 0."""
    if joint_mask <= 0 or frame_mask <= 0:
        return keypoints
    return keypoints * (joint > joint_mask) * (frame > frame_mask)


def published_corruption(
    image: Float[Tensor, "B F J 2"],
    draws: Draws,
    *,
    model: NoiseModel,
    joint_mask: float,
    frame_mask: float,
) -> Float[Tensor, "B F J 3"]:
    """Both, with draws of our own; keypoints in published image units."""
    _, frames, joints, _ = image.shape
    noisy = published_noise(
        image,
        select=draws.uniform("select", KEY_FRAMES, joints),
        gaussian=draws.normal("gaussian", KEY_FRAMES, joints, 2),
        uniform=draws.uniform("uniform", KEY_FRAMES, joints, 2),
        jitter=draws.normal("jitter", frames, joints, 2)[0],
        shift=draws.normal("confidence", frames, joints),
        model=model,
    )
    return published_masks(
        noisy,
        joint=draws.uniform("joint mask", frames, joints, 1),
        frame=draws.uniform("frame mask", frames, 1, 1)[:1],
        joint_mask=joint_mask,
        frame_mask=frame_mask,
    )
