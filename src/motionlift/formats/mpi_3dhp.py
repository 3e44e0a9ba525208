"""MPI-INF-3DHP as the lineage of P-STMO prepares it.

    data_train_3dhp.npz   data = {"S1 Seq1": [{camera: {"data_2d", "data_3d"}}]}
    data_test_3dhp.npz    data = {"TS1": {"data_2d", "data_3d", "valid"}}

`data_3d` is (frame, 17, 3) in millimetres and a camera's axes. The cameras of a recording show one
motion, of which the one is taken that stands most upright. A pickled Python object, read as data
(see `_pickles`), never executed.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from motionlift.errors import FormatError
from motionlift.formats import Format, ReadOptions
from motionlift.formats._archives import looks_like_archive, object_head
from motionlift.formats._ordered import (
    Landmarks,
    camera_to_world,
    items_of,
    landmarks_of,
    most_upright,
    numbers_of,
    said_level,
)
from motionlift.formats._pickles import load_object_npz
from motionlift.formats._world import world_pose
from motionlift.poses import Pose3D

_ORDER = (
    *("head_top", "neck", "right_shoulder", "right_elbow", "right_wrist"),
    *("left_shoulder", "left_elbow", "left_wrist", "right_hip", "right_knee", "right_ankle"),
    *("left_hip", "left_knee", "left_ankle", "", "spine_1", "head"),
)
# mpii_get_sequence_info.m: these have 50 frames a second, the other training sequences 25. Nobody
# says what the test sequences have.
_AT_50_FPS = ("S1 Seq2", "S3 Seq1", "S3 Seq2", "S5 Seq1", "S5 Seq2")


def read(path: Path, options: ReadOptions) -> Sequence[Pose3D]:
    """Each recording, under one of its cameras; `person` is its name.

    Raises:
        FormatError: if the file is damaged, or holds more than data.
    """
    content = load_object_npz(path).get("data")
    return [
        _recording(name, fields, options, path=path)
        for name, fields in items_of(content, where=f"{path}: 'data'")
    ]


def _recording(name: str, fields: Any, options: ReadOptions, *, path: Path) -> Pose3D:
    where = f"{path}: '{name}'"
    metres = options.metres_per_unit or 0.001
    if isinstance(fields, dict) and "data_3d" in fields:
        views = {"": _landmarks(fields, metres=metres, where=where)}
        said_camera = []
    else:
        first = fields[0] if isinstance(fields, list) and fields else fields
        views = {
            camera: _landmarks(entry, metres=metres, where=f"{where}, camera {camera}")
            for camera, entry in items_of(first, where=where)
        }
        said_camera = [f"its other {len(views) - 1} cameras were skipped"]
    camera, landmarks = list(views.items())[most_upright(list(views.values()))]
    said_camera = [f"camera {camera}; {said}" for said in said_camera]
    fps, said_fps = _fps(name, options)
    return world_pose(
        landmarks,
        source=str(path),
        person=name,
        fps=fps,
        notes=(*said_camera, said_level(landmarks), *said_fps),
    )


def _landmarks(entry: Any, *, metres: float, where: str) -> Landmarks:
    """One view's, NaN in frames that are said not to be valid."""
    if not isinstance(entry, dict) or "data_3d" not in entry:
        raise FormatError(f"{where}: has no 'data_3d'")
    landmarks = landmarks_of(entry["data_3d"], _ORDER, where=where, metres=metres)
    if "valid" in entry:
        valid = numbers_of(entry["valid"])
        if valid is None or valid.size != len(landmarks["head"]):
            raise FormatError(f"{where}: 'valid' is not one number a frame")
        for points in landmarks.values():
            points[valid.reshape(-1) == 0] = np.nan
    return camera_to_world(landmarks)


def _fps(name: str, options: ReadOptions) -> tuple[float | None, list[str]]:
    if options.fps is not None:
        return options.fps, []
    if name.startswith("TS"):
        return None, ["nobody says how many frames a second the test sequences have"]
    fps = 50.0 if name in _AT_50_FPS else 25.0
    return fps, [f"{fps:g} frames a second, as the data set says of {name}"]


def _sniff(path: Path) -> bool:
    if not looks_like_archive(path, ("data",)):
        return False
    head = object_head(path, "data")
    return b"data_2d" in head or b"data_3d" in head


FORMAT = Format(
    name="mpi-3dhp",
    title="MPI-INF-3DHP (data_train_3dhp.npz, data_test_3dhp.npz)",
    kind="motion",
    suffixes=(".npz",),
    sniff=_sniff,
    read_motion=read,
)
