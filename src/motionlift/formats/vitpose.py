"""easy_ViTPose: one object a frame, from a person's number to [y, x, confidence] of each keypoint.

    {"keypoints": [{"1": [[y, x, c], ...]}, ...], "skeleton": {"0": "nose", ...}}

Frames are counted from 0. (ViTPose's own results are COCO's: see `coco`.)
Source: easy_ViTPose, inference.py with `--save-json`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from motionlift.errors import FormatError
from motionlift.formats import Format, ReadOptions
from motionlift.formats._detections import Gathering
from motionlift.formats._json import JsonFile, glimpse, rows
from motionlift.formats._people import people_of
from motionlift.formats._shown import shown
from motionlift.poses import Pose2D


def read(path: Path, options: ReadOptions) -> Sequence[Pose2D]:
    """Everybody in the file, most prominent first.

    Raises:
        FormatError: if it is damaged, or nobody is in it.
    """
    gathering = Gathering(path)
    frame: list[int] = []
    tracks: list[str] = []
    num_frames = 0
    with JsonFile(path) as json:
        gathering.watch(json.progress)
        for key in json.members():
            if key != "keypoints":
                json.value()
                continue
            for num_frames, people in enumerate(json.elements(), start=1):
                for name, points in _people(people, where=f"{path}: frame {num_frames - 1}"):
                    where = f"{path}: frame {num_frames - 1}, person {shown(name)}"
                    place = rows(points, width=3, where=where, expected="[y, x, confidence]")
                    gathering.add(place[:, [1, 0, 2]], where=where)
                    frame.append(num_frames - 1)
                    tracks.append(name)
        json.end()
    return people_of(
        gathering,
        frame,
        path=path,
        options=options,
        track=None if _only_counted(frame, tracks) else tracks,
        span=(0, num_frames - 1) if num_frames else None,
        num_frames=num_frames,
    )


def _people(people: Any, *, where: str) -> list[tuple[str, Any]]:
    if not isinstance(people, dict):
        raise FormatError(f"{where}: expected an object from a person's number to keypoints")
    return list(people.items())


def _only_counted(frame: list[int], tracks: list[str]) -> bool:
    """Whether people are merely counted from 0 in every frame, as without a tracker."""
    count = dict.fromkeys(frame, 0)
    for number, name in zip(frame, tracks, strict=True):
        if name != str(count[number]):
            return False
        count[number] += 1
    return any(n > 1 for n in count.values())


def _sniff(path: Path) -> bool:
    begin = glimpse(path)
    frames = begin.get("keypoints") if isinstance(begin, dict) else None
    return isinstance(frames, list) and bool(frames) and isinstance(frames[0], dict)


FORMAT = Format(
    name="vitpose",
    title="easy_ViTPose JSON",
    kind="keypoints",
    suffixes=(".json",),
    sniff=_sniff,
    read_keypoints=read,
)
