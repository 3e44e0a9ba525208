"""Tiny networks and made-up keypoints for the tests of lifting."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from motionlift.lifting import Lifter
from motionlift.network.dstformer import DSTformer, DSTformerConfig
from motionlift.network.expected_error import ErrorHead
from motionlift.poses import Pose2D
from motionlift.skeletons import H36M17, Skeleton

WINDOW = 12


class Echo(DSTformer):
    """A network that answers with what it sees: x and y as they are, and confidence as depth."""

    def forward(self, x: Tensor) -> Tensor:
        return x


def tiny(kind: type[DSTformer] = DSTformer) -> DSTformer:
    torch.manual_seed(0)
    config = DSTformerConfig(
        dim_feat=16, dim_rep=8, depth=1, num_heads=2, mlp_ratio=1, max_frames=WINDOW
    )
    return kind(config)


def lifter(kind: type[DSTformer] = DSTformer, **options: object) -> Lifter:
    return Lifter(tiny(kind), device="cpu", precision="fp32", **options)  # type: ignore[arg-type]


def with_error_head(**options: object) -> Lifter:
    """A lifter whose network tells expected errors."""
    model = tiny()
    torch.manual_seed(1)
    model.error_head = ErrorHead(model.config.dim_rep, model.config.num_joints)
    return Lifter(model, device="cpu", precision="fp32", **options)  # type: ignore[arg-type]


def pose(num_frames: int, *, skeleton: Skeleton = H36M17, seed: int = 0) -> Pose2D:
    """Keypoints somewhere between 100 and 300 px, all seen."""
    rng = np.random.default_rng(seed)
    return Pose2D(
        skeleton=skeleton,
        keypoints=rng.uniform(100, 300, size=(num_frames, skeleton.num_joints, 2)),
        confidence=np.full((num_frames, skeleton.num_joints), 0.9),
        frame_index=np.arange(num_frames),
        fps=50.0,
        source="made.json",
    )


def hidden(whole: Pose2D, frames: object, joints: object = slice(None)) -> Pose2D:
    """The pose with these keypoints missing."""
    keypoints, confidence = whole.keypoints.copy(), whole.confidence.copy()
    keypoints[frames, joints] = np.nan
    confidence[frames, joints] = 0
    return replace(whole, keypoints=keypoints, confidence=confidence)
