"""MMPose and RTMPose: what their demos and their inferencer write.

    {"meta_info": ..., "instance_info": [{"frame_id": 1, "instances": [...]}, ...]}   demos
    [{"frame_id": 0, "instances": [...]}, ...]             inferencer, of a video
    [instance, ...]                                        inferencer, of an image or a folder

An instance has `keypoints` ([x, y] of each, in pixels) and `keypoint_scores`, and from trackers
`track_id`. Source: MMPose 1.x, demo/topdown_demo_with_mmdet.py and mmpose/structures/utils.py.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from motionlift.errors import FormatError
from motionlift.files import read_json
from motionlift.formats import Format, ReadOptions
from motionlift.formats._detections import Gathering
from motionlift.formats._json import JsonFile, glimpse, numbers, rows, whole_number
from motionlift.formats._people import people_of
from motionlift.formats._timeline import first_json, frame_files
from motionlift.poses import Pose2D


def read(path: Path, options: ReadOptions) -> Sequence[Pose2D]:
    """Everybody in the file or folder, most prominent first.

    Raises:
        FormatError: if it is damaged, or nobody is in it.
    """
    gathering = Gathering(path)
    frame: list[int] = []
    tracks: list[str] = []
    seen: list[int] = []
    for number, instances, where in _frames(path, gathering):
        seen.append(number)
        if not isinstance(instances, list):
            raise FormatError(f"{where}: no list of instances, which every frame has")
        for k, instance in enumerate(instances):
            gathering.add(_points(instance, where=f"{where}, person {k}"), where=where)
            frame.append(number)
            if type(instance.get("track_id")) is int:
                tracks.append(str(instance["track_id"]))
    return people_of(
        gathering,
        frame,
        path=path,
        options=options,
        track=tracks if len(tracks) == len(frame) else None,
        span=(min(seen), max(seen)) if seen else None,
        num_frames=len(seen),
    )


def _frames(path: Path, gathering: Gathering) -> Iterator[tuple[int, Any, str]]:
    """Number and instances of each frame, and where it stands."""
    if path.is_dir() or _is_image(glimpse(path)):
        for number, file in frame_files(path, made_by="MMPose's inferencer"):
            content = read_json(file)
            if isinstance(content, dict):
                content = content.get("instance_info")
            yield number, content, str(file)
        return
    with JsonFile(path) as json:
        gathering.watch(json.progress)
        if json.peek() == "[":
            yield from map(_frame, _named(json, path))
        else:
            for key in json.members():
                if key == "instance_info":
                    yield from map(_frame, _named(json, path))
                else:
                    json.value()
        json.end()


def _named(json: JsonFile, path: Path) -> Iterator[tuple[Any, str]]:
    return ((record, f"{path}: frame {k}") for k, record in enumerate(json.elements()))


def _frame(record: tuple[Any, str]) -> tuple[int, Any, str]:
    content, where = record
    if not isinstance(content, dict):
        raise FormatError(f"{where}: expected an object with 'frame_id' and 'instances'")
    number = whole_number(content.get("frame_id"), where=where, what="'frame_id'")
    return number, content.get("instances"), where


def _points(instance: Any, *, where: str) -> Float[np.ndarray, "joint 3"]:
    if not isinstance(instance, dict):
        raise FormatError(f"{where}: expected an object with 'keypoints'")
    places = rows(instance.get("keypoints"), width=2, where=where, expected="[x, y] of keypoints")
    scores = numbers(
        instance.get("keypoint_scores"), where=where, expected="a confidence of each keypoint"
    )
    if len(scores) != len(places):
        raise FormatError(f"{where}: {len(places)} keypoints but {len(scores)} confidences")
    return np.column_stack([places, scores])


def _is_instance(value: object) -> bool:
    return isinstance(value, dict) and "keypoints" in value and "keypoint_scores" in value


def _is_image(begin: Any) -> bool:
    """Whether a file that begins so holds one image's instances."""
    if isinstance(begin, dict):
        begin = begin.get("instance_info")
    return isinstance(begin, list) and (not begin or _is_instance(begin[0]))


def _sniff(path: Path) -> bool:
    begin = glimpse(first_json(path))
    if isinstance(begin, dict):
        # Each file of a folder is one image; those of several videos are an input each.
        is_demo = isinstance(begin.get("instance_info"), list)
        return is_demo and (path.is_file() or _is_image(begin))
    if not begin:
        return False
    first = begin[0]
    return _is_instance(first) or (
        path.is_file() and isinstance(first, dict) and isinstance(first.get("instances"), list)
    )


FORMAT = Format(
    name="mmpose",
    title="MMPose JSON",
    kind="keypoints",
    suffixes=(".json",),
    sniff=_sniff,
    read_keypoints=read,
)
