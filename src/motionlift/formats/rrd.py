"""Rerun recordings, `.rrd`: joints and bones in 3D, keypoints in the picture, on one time line.

For Rerun's viewer (https://rerun.io). World is y up; motion in camera space is turned so, and its
path is what `_outgoing.y_up_positions` says. Rerun's package is large, so it is an extra.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from motionlift.errors import FormatError
from motionlift.formats import Format
from motionlift.formats._outgoing import y_up_positions
from motionlift.poses import Pose3D
from motionlift.skeletons import H36M17, Skeleton

_COLOURS = {"left": (31, 111, 214), "right": (217, 72, 15)}
_MIDDLE = (71, 84, 103)


def _write(pose: Pose3D, path: Path) -> None:
    import rerun  # found by `_check`

    recording = rerun.RecordingStream("motionlift")
    recording.save(str(path))
    recording.log("world", rerun.ViewCoordinates.RIGHT_HAND_Y_UP, static=True)
    about = "\n\n".join([pose.source, f"in {pose.units}, frame by frame", *pose.notes])
    recording.log("about", rerun.TextDocument(about), static=True)
    joints = y_up_positions(pose, path)
    seen = pose.lifted_from
    for row, number in enumerate(pose.frame_index):
        recording.set_time("frame", sequence=int(number))
        if pose.fps is not None:
            recording.set_time("time", duration=float(number) / pose.fps)
        recording.log("world/joints", rerun.Points3D(**_points(joints[row], H36M17)))
        recording.log("world/bones", rerun.LineStrips3D(**_bones(joints[row], H36M17)))
        if seen is not None:
            points = seen.keypoints[row]
            recording.log("picture/keypoints", rerun.Points2D(**_points(points, seen.skeleton)))
            recording.log("picture/bones", rerun.LineStrips2D(**_bones(points, seen.skeleton)))
    recording.flush()
    recording.disconnect()


def _check(path: Path) -> None:
    """Refuse to begin what could not be written at the end.

    Raises:
        FormatError: if Rerun's package is not there.
    """
    if find_spec("rerun") is None:
        raise FormatError(
            f"{path}: .rrd files need rerun-sdk; get it with: pip install 'motionlift[rerun]'"
        )


def _points(points: Float[np.ndarray, "joint axis"], skeleton: Skeleton) -> dict[str, Any]:
    """The joints that are there, with colour and name."""
    there = np.flatnonzero(~np.isnan(points).any(axis=-1))
    return {
        "positions": points[there],
        "colors": [_colour(skeleton, int(joint)) for joint in there],
        "labels": [skeleton.joints[joint] for joint in there],
        "show_labels": False,
    }


def _bones(points: Float[np.ndarray, "joint axis"], skeleton: Skeleton) -> dict[str, Any]:
    """The bones of which both ends are there."""
    bones = [bone for bone in skeleton.bones if not np.isnan(points[list(bone)]).any()]
    return {
        "strips": [points[list(bone)] for bone in bones],
        "colors": [_colour(skeleton, joint) for _, joint in bones],
    }


def _colour(skeleton: Skeleton, joint: int) -> tuple[int, int, int]:
    return _COLOURS.get(skeleton.joints[joint].split("_")[0], _MIDDLE)


FORMAT = Format(
    name="rrd",
    title="Rerun recording",
    kind="motion",
    suffixes=(".rrd",),
    sniff=lambda path: False,
    write=_write,
    check=_check,
)
