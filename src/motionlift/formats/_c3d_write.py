"""Writes C3D with ezc3d: the joints' names and paths, y up, in millimetres as laboratories have it.

Motion of unknown scale is written in pixels, and `POINT:UNITS` says so. A missing joint has a
negative residual, which is how C3D says that a point was not seen.
"""

import shutil
import tempfile
from pathlib import Path

import numpy as np

from motionlift.errors import FormatError
from motionlift.formats._outgoing import known_fps, y_up_positions
from motionlift.poses import Pose3D, usual_step
from motionlift.skeletons import H36M17

_MILLIMETRES = 1000.0
# The header counts frames in 16 bits, and programs differ in what they make of more.
_MAX_FRAMES = 65_535


def write(pose: Pose3D, path: Path) -> None:
    """Write a motion as C3D.

    Raises:
        FormatError: if nobody knows the frame rate, there are too many frames, or ezc3d is not
            installed.
    """
    try:
        import ezc3d
    except ImportError as error:
        raise FormatError(
            f'{path}: writing C3D needs ezc3d; run: pip install "motionlift[c3d]"'
        ) from error
    step = usual_step(pose.frame_index)
    if (np.diff(pose.frame_index) % step).any():
        step = 1
    fps = known_fps(pose, path) / step
    rows = (pose.frame_index - pose.frame_index[0]) // step
    count = int(rows[-1]) + 1
    first = int(pose.frame_index[0]) // step
    if first + count > _MAX_FRAMES:
        first = 0  # where numbers do not fit, frames count from their own first
    if count > _MAX_FRAMES:
        raise FormatError(
            f"{path}: {count} frames, but C3D counts up to {_MAX_FRAMES}; "
            "choose another format, such as .trc"
        )
    positions = y_up_positions(pose, path) * (_MILLIMETRES if pose.units == "m" else 1.0)
    # Frames that the source left out are frames in which nothing was seen.
    laid_out = np.full((count, *positions.shape[1:]), np.nan)
    laid_out[rows] = positions
    is_missing = np.isnan(laid_out).any(axis=-1)
    points = np.ones((4, H36M17.num_joints, count))
    points[:3] = np.moveaxis(laid_out, (0, 1, 2), (2, 1, 0))
    file = ezc3d.c3d()
    point = file["parameters"]["POINT"]
    point["RATE"]["value"] = [fps]
    point["LABELS"]["value"] = list(H36M17.joints)
    point["UNITS"]["value"] = ["mm" if pose.units == "m" else pose.units]
    file.add_parameter("POINT", "X_SCREEN", ["+X"])
    file.add_parameter("POINT", "Y_SCREEN", ["+Y"])
    file["header"]["points"]["first_frame"] = first
    file["data"]["points"] = points
    file["data"]["meta_points"]["residuals"] = np.where(is_missing, -1.0, 0.0).T[None]
    # ezc3d takes no path that is not text.
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "motion.c3d"
        file.write(str(whole))
        shutil.copyfile(whole, path)
