"""A lifter that answers with what it sees, and somebody for it to see."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from motionlift.poses import Pose2D, Pose3D, to_h36m17
from motionlift.skeletons import H36M17
from tests.samples import lifted_walk


def lifter(seen: list[Pose2D] | None = None, *, trained_fps: float = 50.0) -> Any:
    """A lifter that answers with its keypoints, flat, and remembers what it was given."""

    def lift_pose(pose: Pose2D, *, on_progress: object = None) -> Pose3D:
        if seen is not None:
            seen.append(pose)
        pose = to_h36m17(pose)
        root = pose.keypoints[:, H36M17.root]
        flat = np.nan_to_num(pose.keypoints - root[:, None])
        positions = np.concatenate([flat, np.zeros_like(flat[..., :1])], axis=-1)
        return Pose3D(
            skeleton=H36M17,
            positions=positions.astype(np.float32),
            confidence=np.ones(positions.shape[:2]),
            frame_index=pose.frame_index,
            fps=pose.fps,
            units="px",
            space="camera",
            source=pose.source,
            lifted_from=pose,
            root_xy=root,
            notes=(*pose.notes, "lifted"),
        )

    return SimpleNamespace(lift_pose=lift_pose, trained_fps=trained_fps)


def keypoints(*, fps: float | None = 50.0, frames: int = 100) -> Pose2D:
    """Somebody before a camera, all keypoints found."""
    walk = lifted_walk(frames=slice(0, frames))
    assert walk.lifted_from is not None
    points = walk.positions[..., :2].astype(float) + np.array([640.0, 300.0])
    return replace(
        walk.lifted_from,
        keypoints=points,
        confidence=np.full(points.shape[:2], 0.9),
        fps=fps,
        image_size=(1280, 720),
        source="walk.json",
    )
