"""A lift at a rate that the network knows, also between the frames on which a detector was run.

A network has learned from some frames a second, and every k-th frame of a faster file is the same
to it. Files that are much faster, or slower, go by way of another rate. What comes out has a frame
for each frame that came in, with the keypoints that came in, and the notes say by which way.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from motionlift.data.resample import at_times
from motionlift.gaps import between_detections
from motionlift.poses import (
    Pose2D,
    Pose3D,
    rows_a_second,
    to_h36m17,
    usual_step,
)
from motionlift.progress import OnProgress
from motionlift.timing import errors_at, keypoints_at, lifting_rate

if TYPE_CHECKING:
    from motionlift.lifting import Lifter

# Below this, or where most frames are not there, nothing is known of the time between them.
_LEAST_FPS = 2.0


def lift_at_a_known_rate(
    lifter: "Lifter", pose: Pose2D, on_progress: OnProgress | None = None
) -> Pose3D:
    """One frame of joints for each frame of keypoints.

    Raises:
        MotionliftError: if no two distinct keypoints are visible in the whole sequence.
    """
    if pose.num_frames == 0:
        return lifter.lift_pose(pose)
    seen = between_detections(pose)
    at = _rate_for(lifter, seen)
    if at is None:
        lifted = lifter.lift_pose(seen, on_progress=on_progress)
        return lifted if seen is pose else replace(lifted, lifted_from=to_h36m17(pose))
    lifted = lifter.lift_pose(keypoints_at(seen, at), on_progress=on_progress)
    note = (
        f"{rows_a_second(pose):g} frames a second is far from what the network was trained for: "
        f"the keypoints were resampled to {at:g}, lifted, and the joints brought back to the "
        f"{pose.num_frames} frames; counts of frames in the notes of the lift are at {at:g}"
    )
    back = _at_frames_of(pose, lifted)
    return replace(back, notes=(*back.notes, note))


def _rate_for(lifter: "Lifter", pose: Pose2D) -> float | None:
    """The rate by way of which such a file is lifted; None if as it is."""
    fps, step = rows_a_second(pose), usual_step(pose.frame_index)
    span = int(pose.frame_index[-1]) - int(pose.frame_index[0])
    if fps is None or fps < _LEAST_FPS or span >= 2 * step * pose.num_frames:
        return None
    at = lifting_rate(fps, trained=lifter.trained_fps)
    return None if at == fps else at


def _at_frames_of(pose: Pose2D, lifted: Pose3D) -> Pose3D:
    """Motion that was lifted at another rate, at the frames of the keypoints."""
    assert pose.fps is not None and lifted.fps is not None and lifted.root_xy is not None
    seconds = (pose.frame_index - pose.frame_index[0]) / pose.fps
    # The last of the frames that were lifted may stand less than a frame after the one before.
    lifted_at = np.minimum((lifted.frame_index - lifted.frame_index[0]) / lifted.fps, seconds[-1])
    place = np.interp(seconds, lifted_at, np.arange(lifted.num_frames))
    positions = at_times(lifted.positions, place).astype(lifted.positions.dtype)
    is_answered = ~np.isnan(positions).any(axis=-1)
    positions[~is_answered] = np.nan
    return replace(
        lifted,
        positions=positions,
        confidence=is_answered.astype(np.float32),
        frame_index=pose.frame_index,
        fps=pose.fps,
        lifted_from=to_h36m17(pose),
        root_xy=at_times(lifted.root_xy[:, None], place)[:, 0],
        expected_error=errors_at(lifted.expected_error, place, is_answered),
    )
