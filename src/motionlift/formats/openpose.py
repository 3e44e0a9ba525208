"""OpenPose: a folder with one JSON file a frame, as OpenPose, Sports2D and Pose2Sim write it.

Each file holds `people`, and each person a flat list `pose_keypoints_2d` of x, y, confidence,
in pixels; 0, 0, 0 is a keypoint that was not found. The order of people within a file says
nothing about who they are. Frame numbers come from the file names. The frame rate stands nowhere.
Source: OpenPose, doc/02_output.md. One file alone is read as one frame.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from motionlift.errors import FormatError
from motionlift.files import read_json
from motionlift.formats import Format, ReadOptions
from motionlift.formats._detections import MAX_PEOPLE_A_FRAME, Gathering
from motionlift.formats._json import triples
from motionlift.formats._people import people_of
from motionlift.formats._timeline import first_json, frame_files, gap_note
from motionlift.poses import Pose2D

# One frame of a crowd has some 100 kB, with hands and faces.
_MAX_BYTES = 16 * 2**20
# `pose_keypoints` is OpenPose 1.0 and 1.1.
_KEYS = ("pose_keypoints_2d", "pose_keypoints")
_TOKENS = re.compile(rb'"people"\s*:|"(?:[^"\\]|\\.)*"|[{}\[\]]')


def read(path: Path, options: ReadOptions) -> Sequence[Pose2D]:
    """Everybody in a folder of frames, or in the file of one frame, most prominent first.

    Raises:
        FormatError: if a file is damaged, nobody is in any frame, or the skeleton is not clear.
    """
    files = frame_files(path, made_by="OpenPose's --write_json")
    first, last = files[0][0], files[-1][0]
    gathering = Gathering(path)
    frame: list[int] = []
    ids: list[int] = []
    num_bodiless = 0
    for number, file in files:
        for k, person in enumerate(_people(file)):
            where = f"{file}: person {k}"
            body = _body(person, where=where)
            if not len(body):
                num_bodiless += 1
                continue
            gathering.add(body, where=where)
            frame.append(number)
            ids.append(_id(person))
    notes = gap_note(len(files), first=first, last=last, what="file")
    if num_bodiless:
        notes.append(f"{num_bodiless} people without body keypoints were left out")
    return people_of(
        gathering,
        frame,
        path=path,
        options=options,
        track=list(map(str, ids)) if min(ids, default=-1) >= 0 else None,
        span=(first, last),
        num_frames=len(files),
        notes=notes,
    )


def _sniff(path: Path) -> bool:
    try:
        with first_json(path).open("rb") as handle:
            head = handle.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n")
    except OSError:
        return False
    return head.startswith(b"{") and _has_people(head)


def _has_people(head: bytes) -> bool:
    """Whether a JSON object that begins so, however damaged, has people itself.

    AlphaPose's file of a whole video in OpenPose's form has them deeper, an object for each image.
    """
    depth = 0
    for token in _TOKENS.findall(head):
        if depth == 1 and token.startswith(b'"people"') and token.endswith(b":"):
            return True
        depth += (token in (b"{", b"[")) - (token in (b"}", b"]"))
    return False


def _people(file: Path) -> list[Any]:
    if file.stat().st_size > _MAX_BYTES:
        raise FormatError(f"{file}: larger than {_MAX_BYTES >> 20} MiB, too large for one frame")
    content = read_json(file)
    people = content.get("people") if isinstance(content, dict) else None
    if not isinstance(people, list):
        raise FormatError(f"{file}: no list 'people' in it, which every OpenPose file has")
    if len(people) > MAX_PEOPLE_A_FRAME:
        raise FormatError(
            f"{file}: {len(people)} people in one frame, more than {MAX_PEOPLE_A_FRAME}; "
            "expected a few people's motion"
        )
    return people


def _body(person: Any, *, where: str) -> Float[np.ndarray, "joint 3"]:
    """Keypoints; none of a person without, as Pose2Sim writes whom a camera does not see."""
    if person == {}:
        return np.empty((0, 3))
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
