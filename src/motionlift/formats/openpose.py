"""OpenPose: a folder with one JSON file a frame, as OpenPose, Sports2D and Pose2Sim write it.

Each file holds `people`, and each person a flat list `pose_keypoints_2d` of x, y, confidence,
in pixels; 0, 0, 0 is a keypoint that was not found. The order of people within a file says
nothing about who they are. Frame numbers come from the file names. The frame rate stands nowhere.
Source: OpenPose, doc/02_output.md. One file alone is read as one frame.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from motionlift.errors import FormatError
from motionlift.files import read_json
from motionlift.formats import Format, ReadOptions
from motionlift.formats._detections import (
    Detections,
    check_count,
    cleaned,
    same_length,
    triples,
)
from motionlift.formats._layouts import skeleton_of
from motionlift.formats._people import People
from motionlift.formats._timeline import check_span, frames_of_names, gap_note
from motionlift.poses import Pose2D

# One frame of a crowd has some 100 kB, with hands and faces.
_MAX_BYTES = 16 * 2**20
# `pose_keypoints` is OpenPose 1.0 and 1.1.
_KEYS = ("pose_keypoints_2d", "pose_keypoints")


def read(path: Path, options: ReadOptions) -> Sequence[Pose2D]:
    """Everybody in a folder of frames, or in the file of one frame, most prominent first.

    Raises:
        FormatError: if a file is damaged, nobody is in any frame, or the skeleton is not clear.
    """
    files = _frame_files(path)
    numbers = frames_of_names([file.name for file in files], source=path)
    in_order = sorted(zip(numbers, files, strict=True))
    first, last = in_order[0][0], in_order[-1][0]
    check_span(first, last, source=path)
    frame: list[int] = []
    points: list[Float[np.ndarray, "joint 3"]] = []
    where: list[str] = []
    ids: list[int] = []
    num_bodiless = 0
    for number, file in in_order:
        for k, person in enumerate(_people(file)):
            body = _body(person, where=f"{file}: person {k}")
            if not len(body):
                num_bodiless += 1
                continue
            frame.append(number)
            points.append(body)
            where.append(f"{file}: person {k}")
            ids.append(_id(person))
        check_count(len(points), in_frame=0, path=path)
    if not points:
        raise FormatError(f"{path}: no person in any frame, of {len(files)}; nothing to lift")
    keypoints, confidence, notes = cleaned(same_length(points, where=where), source=path)
    skeleton, more = skeleton_of(keypoints, asked=options.skeleton, path=path)
    notes += more + gap_note(len(files), first=first, last=last, what="file")
    if num_bodiless:
        notes.append(f"{num_bodiless} people without body keypoints were left out")
    return People(
        Detections(
            source=str(path),
            skeleton=skeleton,
            frame=np.array(frame),
            keypoints=keypoints,
            confidence=confidence,
            span=(first, last),
            track=tuple(map(str, ids)) if min(ids) >= 0 else None,
            fps=options.fps,
            notes=tuple(notes),
        )
    )


def _sniff(path: Path) -> bool:
    try:
        file = min(_frame_files(path))
        with file.open("rb") as handle:
            head = handle.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n")
    except (OSError, FormatError):
        return False
    return head.startswith(b"{") and b'"people"' in head


def _frame_files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    # Names that begin with a dot are macOS's notes beside copied files.
    files = [file for file in path.glob("*.json") if not file.name.startswith(".")]
    if not files:
        raise FormatError(
            f"{path}: no .json file in this folder; expected one for each frame, "
            "as OpenPose's --write_json makes them"
        )
    return files


def _people(file: Path) -> list[Any]:
    if file.stat().st_size > _MAX_BYTES:
        raise FormatError(f"{file}: larger than {_MAX_BYTES >> 20} MiB, too large for one frame")
    content = read_json(file)
    people = content.get("people") if isinstance(content, dict) else None
    if not isinstance(people, list):
        raise FormatError(f"{file}: no list 'people' in it, which every OpenPose file has")
    check_count(0, in_frame=len(people), path=file)
    return people


def _body(person: Any, *, where: str) -> Float[np.ndarray, "joint 3"]:
    if not isinstance(person, dict) or not any(key in person for key in _KEYS):
        raise FormatError(f"{where}: no 'pose_keypoints_2d', which every person has")
    values = next(person[key] for key in _KEYS if key in person)
    return triples(values, where=where)


def _id(person: dict[str, Any]) -> int:
    """The person's number, -1 where OpenPose did not track people."""
    value = person.get("person_id", -1)
    value = value[0] if isinstance(value, list) and value else value
    return value if type(value) is int else -1


FORMAT = Format(
    name="openpose",
    title="OpenPose JSON folder",
    kind="keypoints",
    suffixes=(".json",),
    sniff=_sniff,
    read_keypoints=read,
)
