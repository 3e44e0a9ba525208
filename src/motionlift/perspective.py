"""Lifting under a known camera: twice, and the second time without its perspective.

The network answers as if projection were parallel, by somebody who looks straight at the person.
What perspective does to a picture (near limbs are drawn larger, and a camera that stands high sees
the knees from above and the feet more so) it takes for a part of the pose. Where the camera is
known, a first lift says about how deep each joint lies: a ray (x, y, 1), in axes of which the third
goes through the root, belongs to a joint z behind the root, D away, and is seen without
perspective at

    x (D + z) / D    and    y (D + z) / D

in the size that the root has in the picture. What the first lift has wrong of z is divided by the
distance, so that one more lift, of these keypoints, is nearer to the truth.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from motionlift.calibration import PinholeCamera
from motionlift.poses import Pose2D, Pose3D
from motionlift.progress import OnProgress, part_of
from motionlift.scale import in_metres
from motionlift.trajectory import place


def without_perspective(lifted: Pose3D, camera: PinholeCamera, *, height: float) -> Pose2D:
    """The keypoints of a lift as a camera that looks straight at the root from far away sees them.

    The root stays where it is in the picture, and as large. Keypoints that the lens shows nowhere,
    or the pose behind the camera, are missing.

    Args:
        lifted: in pixels, with its keypoints, some of them for each joint that counts.
        height: of the person, in metres.

    Raises:
        OptionError: if the height is none of a person.
        MotionliftError: if no frame has keypoints enough to say where the person is.
    """
    assert lifted.lifted_from is not None and lifted.root_xy is not None
    metric = in_metres(lifted, height=height)
    found = place(metric, camera)
    distance = np.linalg.norm(found.root, axis=1)[:, None, None]
    depth = np.nan_to_num(metric.positions[..., 2:].astype(np.float64))
    rays = np.concatenate([found.rays, np.ones_like(found.rays[..., :1])], axis=-1)
    straight = np.einsum("fba,fjb->fja", found.turns, rays)
    parallel = straight[..., :2] / straight[..., 2:] * (distance + depth) / distance
    seen = lifted.lifted_from
    keypoints = lifted.root_xy[:, None] + np.diagonal(camera.matrix)[:2] * parallel
    is_known = np.isfinite(keypoints).all(axis=-1) & (straight[..., 2] > 0)
    return replace(
        seen,
        keypoints=np.where(is_known[..., None], keypoints, np.nan),
        confidence=np.where(is_known, seen.confidence, 0.0),
        image_size=None,
    )


def lift_without_perspective(
    lift: Callable[[Pose2D, OnProgress | None], Pose3D],
    pose: Pose2D,
    camera: PinholeCamera,
    *,
    height: float,
    on_progress: OnProgress | None = None,
) -> Pose3D:
    """The lift of keypoints from which the perspective was taken by the lift of them.

    Args:
        lift: gives one frame of joints for each frame of keypoints, in pixels, with the keypoints.
        height: of the person, in metres.

    Raises:
        OptionError: if the height is none of a person.
        MotionliftError: if there is nothing to lift, or no frame has keypoints enough to say where
            the person is.
    """
    first = lift(pose, part_of(on_progress, 0, 2))
    parallel = without_perspective(first, camera, height=height)
    second = lift(parallel, part_of(on_progress, 1, 2))
    assert first.lifted_from is not None
    off = np.linalg.norm(parallel.keypoints - first.lifted_from.keypoints, axis=-1)
    note = (
        "lifted twice: by the depths of the first lift the perspective of the camera was taken out "
        f"of the keypoints, which moved them by {np.nanmean(off):.1f} px on average, "
        f"{np.nanmax(off):.1f} at most"
    )
    if num_lost := int((first.lifted_from.is_visible & ~parallel.is_visible).sum()):
        note += f"; {num_lost} keypoints, where the lens sees nothing, were left out of the second"
    return replace(
        first,
        positions=second.positions,
        confidence=second.confidence,
        expected_error=second.expected_error,
        notes=(*first.notes, note),
    )
