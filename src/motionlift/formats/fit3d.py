"""Fit3D's joints (also HumanSC3D's and CHI3D's), one JSON file an exercise.

    {"joints3d_25": frames x 25 x 3}   or, with several people, people x frames x 25 x 3

in metres; the first 17 joints are Human3.6M's, the others feet and hands. The file says neither
the rate, which is 50 frames a second (https://fit3d.imar.ro), nor the axis that points up, which is
found from the way people stand.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from motionlift.errors import FormatError
from motionlift.files import read_json
from motionlift.formats import Format, ReadOptions
from motionlift.formats._ordered import H36M_ORDER, Landmarks, landmarks_of, numbers_of, said_of
from motionlift.formats._world import Axis, found_up, to_world, world_pose
from motionlift.poses import Pose3D

_KEY = "joints3d_25"
_JOINTS = 25
_FPS = 50.0
_USUAL_UP: Axis = "z"


def read(path: Path, options: ReadOptions) -> Sequence[Pose3D]:
    """Everybody in the file.

    Raises:
        FormatError: if the file is damaged, or not as the module says.
    """
    content = read_json(path)
    if not isinstance(content, dict) or _KEY not in content:
        raise FormatError(f"{path}: no '{_KEY}' in it; expected Fit3D's joints")
    people = _people(content[_KEY], path)
    return [
        _pose(points, options, path=path, person=str(number) if len(people) > 1 else "")
        for number, points in enumerate(people)
    ]


def _people(content: Any, path: Path) -> np.ndarray:
    """The joints as numbers of shape (person, frame, joint, 3)."""
    array = numbers_of(content)
    if array is None or array.ndim not in (3, 4) or array.shape[-2:] != (_JOINTS, 3):
        found = f"has shape {array.shape}" if array is not None else "holds other things too"
        raise FormatError(
            f"{path}: '{_KEY}' {found}; expected numbers of shape (frames, {_JOINTS}, 3)"
        )
    return array if array.ndim == 4 else array[None]


def _pose(points: np.ndarray, options: ReadOptions, *, path: Path, person: str) -> Pose3D:
    metres = options.metres_per_unit or 1.0
    landmarks = landmarks_of(points, H36M_ORDER, where=str(path), metres=metres)
    up, said_up = _up(landmarks, options)
    return world_pose(
        {name: to_world(place, up=up) for name, place in landmarks.items()},
        source=str(path),
        person=person,
        fps=options.fps or _FPS,
        notes=(said_up, *said_of(options, unit="metres", fps=_FPS, data_set="Fit3D")),
    )


def _up(landmarks: Landmarks, options: ReadOptions) -> tuple[Axis, str]:
    if options.up is not None:
        return options.up, f"up axis given: {options.up}"
    found, said = found_up(landmarks)
    if found is None:
        return _USUAL_UP, f"up axis taken to be {_USUAL_UP}: {said}"
    return found, f"up axis found to be {found}: {said}"


def _sniff(path: Path) -> bool:
    try:
        with path.open("rb") as handle:
            return json.dumps(_KEY).encode() in handle.read(4096)
    except OSError:
        return False


FORMAT = Format(
    name="fit3d", title="Fit3D", kind="motion", suffixes=(".json",), sniff=_sniff, read_motion=read
)
