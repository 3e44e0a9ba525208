"""A lift at a rate that the network knows, of the frames on which a detector was run.

A network has learned from some frames a second, and every k-th frame of a faster file is the same
to it. Files that are much faster, or slower, go by way of another rate. Where a detector was run on
every k-th frame only, these frames are the file, and the others lie between them. What comes out
has a frame for each frame that came in, and the notes say by which way.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from motionlift.poses import (
    Pose2D,
    Pose3D,
    rows_a_second,
    rows_before_gaps,
    thinned,
    to_h36m17,
    usual_step,
)
from motionlift.progress import OnProgress
from motionlift.timing import errors_at, keypoints_at, lifting_rate, positions_at

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
    found = thinned(pose)
    step, fps = usual_step(found.frame_index), rows_a_second(found)
    span = int(found.frame_index[-1]) - int(found.frame_index[0])
    if fps is None or fps < _LEAST_FPS or span >= 2 * step * found.num_frames:
        return lifter.lift_pose(pose, on_progress=on_progress)
    at = lifting_rate(fps, trained=lifter.trained_fps)
    if at == fps and found is pose:
        return lifter.lift_pose(pose, on_progress=on_progress)
    notes = []
    if found is not pose:
        notes.append(
            f"one frame in {step} has keypoints: lifted at {fps:g} frames a second, and the joints "
            "brought to the frames between"
        )
        beyond = (pose.frame_index < found.frame_index[0]) | (
            pose.frame_index > found.frame_index[-1]
        )
        if beyond.any():
            notes.append(
                f"{beyond.sum()} frames before the first of these or after the last are missing"
            )
    if at != fps:
        notes.append(
            f"{fps:g} frames a second is far from what the network was trained for: the keypoints "
            f"were resampled to {at:g}, lifted, and the joints brought back to the "
            f"{pose.num_frames} frames; counts of frames in the notes of the lift are at {at:g}"
        )
    seen = found if at == fps else keypoints_at(found, at)
    lifted = _at_frames_of(pose, lifter.lift_pose(seen, on_progress=on_progress), found)
    return replace(lifted, notes=(*lifted.notes, *notes))


def _at_frames_of(pose: Pose2D, lifted: Pose3D, found: Pose2D) -> Pose3D:
    """Motion that was lifted from some of the frames, or between them, at all of them.

    Args:
        found: the frames that were lifted, or from which those that were lifted were made.
    """
    assert pose.fps is not None and lifted.fps is not None and lifted.root_xy is not None
    seconds = (pose.frame_index - found.frame_index[0]) / pose.fps
    last = (found.frame_index[-1] - found.frame_index[0]) / pose.fps
    # The last of the frames that were lifted may stand less than a frame after the one before.
    lifted_at = np.minimum((lifted.frame_index - lifted.frame_index[0]) / lifted.fps, last)
    place = np.interp(seconds, lifted_at, np.arange(lifted.num_frames))
    positions = positions_at(lifted.positions, place).astype(lifted.positions.dtype)
    before = np.floor(place).astype(int)
    is_within = (seconds >= 0) & (seconds <= last)
    is_within &= ~(np.isin(before, rows_before_gaps(lifted.frame_index)) & (place > before))
    is_answered = ~np.isnan(positions).any(axis=-1) & is_within[:, None]
    positions[~is_answered] = np.nan
    return replace(
        lifted,
        positions=positions,
        confidence=is_answered.astype(np.float32),
        frame_index=pose.frame_index,
        fps=pose.fps,
        lifted_from=to_h36m17(pose),
        root_xy=positions_at(lifted.root_xy[:, None], place)[:, 0],
        expected_error=errors_at(lifted.expected_error, place, is_answered),
    )
