"""Leaves out the T-pose that a recording begins with, and says so."""

from dataclasses import replace

from motionlift.continuity import start_of_motion
from motionlift.poses import Pose3D

# For what a file without a frame rate can be: T-poses stand out at any.
_ASSUMED_FPS = 60.0


def without_start_if_apart(pose: Pose3D) -> Pose3D:
    """The same motion without the frames it jumps away from at its start, such as a T-pose."""
    start = start_of_motion(pose.positions, fps=pose.fps or _ASSUMED_FPS)
    if start == 0:
        return pose
    note = f"the first {start} frames were dropped: a T-pose, or settling after one"
    return replace(
        pose,
        positions=pose.positions[start:],
        confidence=pose.confidence[start:],
        frame_index=pose.frame_index[start:],
        notes=(*pose.notes, note),
    )
