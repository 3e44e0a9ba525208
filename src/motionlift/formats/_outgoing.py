"""What motion looks like when other programs get it: y up, right-handed, with a path and a rate.

Camera space becomes y up by half a turn about x: the camera is taken to stand upright. The path of
motion in camera space is the root's across the picture, in pixels or at the size that a pixel has
for a person of known height, because its way towards and away from the camera is not known. Such
a person stands on the ground, y = 0.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float

from motionlift.errors import FormatError
from motionlift.poses import Pose2D, Pose3D
from motionlift.scale import floor_under, tells_of_body
from motionlift.skeletons import H36M17

# Camera axes (x right, y down, z away) to y up; a rotation, so that left stays left.
_CAMERA_TO_Y_UP = np.array([1.0, -1.0, -1.0])


def y_up_positions(pose: Pose3D, path: Path) -> Float[np.ndarray, "frame 17 3"]:
    """The joints with y up, in the pose's unit, NaN where missing; the root's path kept.

    Raises:
        FormatError: if the joints are not those of `H36M17`.
    """
    if pose.skeleton is not H36M17:
        raise FormatError(
            f"{path.name}: holds {H36M17.name} joints, not those of {pose.skeleton.name}"
        )
    positions = pose.positions.astype(np.float64)
    if pose.space != "camera":
        return positions
    size_of_pixel = 1.0 if pose.units == "px" else pose.metres_per_pixel
    if size_of_pixel is not None and pose.root_xy is not None:
        positions[..., :2] += size_of_pixel * (pose.root_xy - pose.root_xy[:1])[:, None]
    positions *= _CAMERA_TO_Y_UP
    # Motion about the root has no height of its own; other motion is left where it is.
    if pose.metres_per_pixel is not None and not np.isnan(positions).all():
        positions[..., 1] -= floor_under(positions[tells_of_body(pose)])
    return positions


def known_fps(pose: Pose2D | Pose3D, path: Path) -> float:
    """The frame rate.

    Raises:
        FormatError: if nobody knows it.
    """
    if pose.fps is None:
        raise FormatError(
            f"{path.name}: a {path.suffix} file needs a frame rate, and "
            f"{pose.source or 'the source'} has none; give --fps"
        )
    return pose.fps


def seen_part(pose: Pose3D) -> Pose3D:
    """The motion from the first to the last frame in which any joint is there; all of it if none.

    For formats that have no way to say that a person has not come yet, or has left.
    """
    seen = np.flatnonzero(~np.isnan(pose.positions).all(axis=(1, 2)))
    if not len(seen):
        return pose
    rows = slice(seen[0], seen[-1] + 1)
    return replace(
        pose,
        positions=pose.positions[rows],
        confidence=pose.confidence[rows],
        frame_index=pose.frame_index[rows],
        root_xy=None if pose.root_xy is None else pose.root_xy[rows],
        expected_error=None if pose.expected_error is None else pose.expected_error[rows],
    )


def note_on_ends(pose: Pose3D, path: Path) -> tuple[str, ...]:
    """What is to be said where `seen_part` leaves something out."""
    part = seen_part(pose)
    if part.num_frames == pose.num_frames:
        return ()
    return (
        f"{path.name}: {pose.num_frames - part.num_frames} frames before and after those in which "
        f"the person is seen are left out; it begins with frame {part.frame_index[0]}",
    )


def check_complete(positions: Float[np.ndarray, "frame 17 3"], pose: Pose3D, path: Path) -> None:
    """Refuse joints that are missing, for formats that have no way to say so.

    Raises:
        FormatError: if one is; it says which and when.
    """
    is_missing = np.isnan(positions).any(axis=-1)
    if is_missing.any():
        frame, joint = np.argwhere(is_missing)[0]
        raise FormatError(
            f"{path.name}: {H36M17.joints[joint]} is missing in frame {pose.frame_index[frame]} "
            f"(and {is_missing.sum() - 1} times more), which a {path.suffix} file cannot hold; "
            "fill the gaps or choose another format"
        )
