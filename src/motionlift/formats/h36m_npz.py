"""Human3.6M as VideoPose3D prepares it, `data_3d_h36m.npz`.

    positions_3d   {subject: {action: (frame, 32 or 17, 3) in metres, z up}}

A pickled Python object, read as data (see `_pickles`), never executed. Each array is a recording.
Source: VideoPose3D, data/prepare_data_h36m.py. The rate is Human3.6M's 50 frames a second.
"""

from collections.abc import Sequence
from pathlib import Path

from motionlift.formats import Format, ReadOptions
from motionlift.formats._archives import looks_like_archive
from motionlift.formats._ordered import H36M_ORDER, items_of, landmarks_of, said_of
from motionlift.formats._pickles import load_object_npz
from motionlift.formats._world import to_world, world_pose
from motionlift.poses import Pose3D

FPS = 50.0
# The 32 of the recordings: several stand in one place, and feet and hands have more.
_ORDER_32 = (
    *("", "right_hip", "right_knee", "right_ankle", "", ""),
    *("left_hip", "left_knee", "left_ankle", "", ""),
    *("", "spine_1", "", "nose", "head_top"),
    *("", "left_shoulder", "left_elbow", "left_wrist", "", "", "", ""),
    *("", "right_shoulder", "right_elbow", "right_wrist", "", "", "", ""),
)


def read(path: Path, options: ReadOptions) -> Sequence[Pose3D]:
    """Each recording in the file; `person` is its subject and action.

    Raises:
        FormatError: if the file is damaged, or holds more than data.
    """
    content = load_object_npz(path).get("positions_3d")
    poses = []
    for subject, actions in items_of(content, where=f"{path}: 'positions_3d'"):
        for action, points in items_of(actions, where=f"{path}: '{subject}'"):
            where = f"{path}: '{subject}', '{action}'"
            has_all = getattr(points, "shape", (0, 0))[1:2] == (len(_ORDER_32),)
            landmarks = landmarks_of(
                points,
                _ORDER_32 if has_all else H36M_ORDER,
                where=where,
                metres=options.metres_per_unit or 1.0,
            )
            up = options.up or "z"
            poses.append(
                world_pose(
                    {name: to_world(place, up=up) for name, place in landmarks.items()},
                    source=str(path),
                    person=f"{subject} {action}",
                    fps=options.fps or FPS,
                    notes=(
                        f"up axis given: {up}" if options.up else f"up axis {up}, as in Human3.6M",
                        *said_of(options, unit="metres", fps=FPS, data_set="Human3.6M"),
                    ),
                )
            )
    return poses


def _sniff(path: Path) -> bool:
    return looks_like_archive(path, ("positions_3d",))


FORMAT = Format(
    name="h36m-npz",
    title="Human3.6M (data_3d_h36m.npz)",
    kind="motion",
    suffixes=(".npz",),
    sniff=_sniff,
    read_motion=read,
)
