"""MediaPipe Pose: 33 landmarks a person and frame, in JSON, npz or CSV.

MediaPipe writes no files; these are the usual ways to write its results down. JSON: a list of
frames, or an object with `frames`, `width`, `height` and `fps`. A frame has `pose_landmarks` (or
`landmarks`): 33 of {x, y, z, visibility}, or a list of people of 33 each, and may have its number
as `frame` (or `frame_number`, ...). npz: `landmarks` (frame, 33, 4), `width`, `height`, `fps`. CSV:
see `_mediapipe_csv`.

x and y are parts of the picture's width and height, so that its size is needed; visibility is the
confidence, 1 where there is none. World landmarks are not read: they are MediaPipe's own lifting.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from motionlift.errors import FormatError
from motionlift.formats import Format, ReadOptions
from motionlift.formats._archives import looks_like_archive, read_arrays
from motionlift.formats._cleaning import fps_of, image_size_of
from motionlift.formats._detections import Gathering
from motionlift.formats._json import JsonFile, glimpse, rows
from motionlift.formats._mediapipe_csv import add_csv, looks_like_csv
from motionlift.formats._people import people_of
from motionlift.formats._timeline import NumberedFrames
from motionlift.poses import Pose2D
from motionlift.skeletons import MEDIAPIPE33

_KEYS = ("pose_landmarks", "poseLandmarks", "landmarks")
_CONFIDENCE_KEYS = ("visibility", "presence")
# Landmarks may lie outside the picture, but not by several pictures.
_LARGEST_PART = 5.0


@dataclass(slots=True)
class _Clip:
    """What is read of a file: frame numbers with landmarks, all frames, and what it says."""

    frame: list[int] = field(default_factory=list)
    frames: list[int] = field(default_factory=list)
    said: dict[str, object] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read(path: Path, options: ReadOptions) -> Sequence[Pose2D]:
    """Everybody in the file, most prominent first.

    Raises:
        FormatError: if it is damaged, nobody is in it, or the picture's size is not known.
    """
    gathering = Gathering(path)
    clip = _Clip()
    if looks_like_archive(path, ()):
        _add_npz(path, gathering, clip)
    elif looks_like_csv(path):
        clip.frame, clip.said, clip.notes = add_csv(path, gathering)
        clip.frames = clip.frame
    else:
        _add_json(path, gathering, clip)
    said = image_size_of((clip.said.get("width"), clip.said.get("height")))
    size = options.image_size or said
    fps, notes = fps_of(clip.said.get("fps"))
    notes += clip.notes
    if said not in (None, size):
        notes.append(f"the file says that the picture has {said} pixels; taken as {size}, as given")
    if len(gathering):
        notes += _to_pixels(gathering.points, size, path=path) + _said_surety(gathering.points)
    return people_of(
        gathering,
        clip.frame,
        path=path,
        options=options,
        span=(min(clip.frames), max(clip.frames)) if clip.frames else None,
        num_frames=len(clip.frames),
        fps=fps,
        image_size=size,
        notes=notes,
    )


def _to_pixels(
    points: Float[np.ndarray, "detection joint 3"], size: tuple[int, int] | None, *, path: Path
) -> list[str]:
    """Turns parts of the picture into pixels, in place; a note if they are pixels already."""
    # Where nobody is, all is 0.
    coordinates = np.abs(points[..., :2][(points != 0).any(axis=-1)])
    coordinates = coordinates[np.isfinite(coordinates)]
    if coordinates.size and np.median(coordinates) > _LARGEST_PART:
        return ["coordinates are far above 1, so they were taken as pixels"]
    if size is None:
        raise FormatError(
            f"{path}: landmarks are parts of the picture, and its size is not in the file; "
            "give --image-size WIDTH HEIGHT"
        )
    with np.errstate(over="ignore"):  # damaged numbers become infinite, and so missing
        points[..., :2] *= size
    return []


def _said_surety(points: Float[np.ndarray, "detection joint 3"]) -> list[str]:
    """A note where nothing is in doubt, which MediaPipe never says."""
    is_there = np.isfinite(points[..., :2]).all(axis=-1)
    if (points[is_there, 2] != 1).any():
        return []
    return [
        "no landmark has a visibility other than 1: all are taken as seen, also those that "
        "MediaPipe guessed"
    ]


def _add_json(path: Path, gathering: Gathering, clip: _Clip) -> None:
    with JsonFile(path) as json:
        gathering.watch(json.progress)
        if json.peek() == "[":
            _add_frames(json, gathering, clip, path=path)
        else:
            for key in json.members():
                if key == "frames":
                    _add_frames(json, gathering, clip, path=path)
                else:
                    clip.said[key] = json.value()
        json.end()


def _add_frames(json: JsonFile, gathering: Gathering, clip: _Clip, *, path: Path) -> None:
    frames = NumberedFrames()
    clip.frames = frames.numbers
    for k, content in enumerate(json.elements()):
        where = f"{path}: frame {k}"
        number, people = frames.add(content, where=where), content
        if isinstance(content, dict):
            people = next((content[key] for key in _KEYS if key in content), None)
        for person in _people(people, where=where):
            gathering.add(_points(person, where=where), where=where)
            clip.frame.append(number)
    clip.notes += frames.notes()


def _people(people: Any, *, where: str) -> list[Any]:
    """The landmarks of each person, of one or of several."""
    if isinstance(people, dict):  # as protobuf's JSON has it
        people = people.get("landmark")
    if people is None:
        return []
    if not isinstance(people, list):
        raise FormatError(f"{where}: expected a list of {MEDIAPIPE33.num_joints} landmarks")
    # One person is a list of landmarks, and a landmark an object or a list of numbers.
    first = people[0] if people else None
    is_of_people = isinstance(first, list) and (not first or isinstance(first[0], dict | list))
    return [each for each in people if each != []] if is_of_people or not people else [people]


def _points(landmarks: Any, *, where: str) -> Float[np.ndarray, "33 3"]:
    """x, y, confidence; landmarks are objects, or lists of x, y, z, visibility."""
    expected = "landmarks with x, y and visibility"
    if not isinstance(landmarks, list) or len(landmarks) != MEDIAPIPE33.num_joints:
        raise FormatError(f"{where}: expected {MEDIAPIPE33.num_joints} landmarks")
    if isinstance(landmarks[0], dict):
        lists = [[each.get("x"), each.get("y"), _confidence(each)] for each in _objects(landmarks)]
        return rows(lists, width=3, where=where, expected=expected)
    return rows(landmarks, width=4, where=where, expected="x, y, z, visibility")[:, [0, 1, 3]]


def _objects(landmarks: list[Any]) -> list[Mapping[str, Any]]:
    return [each if isinstance(each, dict) else {} for each in landmarks]


def _confidence(landmark: Mapping[str, Any]) -> Any:
    return next((landmark[key] for key in _CONFIDENCE_KEYS if key in landmark), 1.0)


def _add_npz(path: Path, gathering: Gathering, clip: _Clip) -> None:
    arrays = read_arrays(path)
    landmarks = arrays.get("landmarks", np.empty(0))
    if landmarks.dtype.kind != "f" or landmarks.ndim != 3 or landmarks.shape[1:] != (33, 4):
        raise FormatError(
            f"{path}: 'landmarks' has shape {landmarks.shape}, expected (frame, 33, 4)"
        )
    clip.said = {
        name: arrays[name].item()
        for name in ("width", "height", "fps")
        if name in arrays and arrays[name].size == 1
    }
    clip.frames = list(range(len(landmarks)))
    for k, person in enumerate(landmarks.astype(float)):
        gathering.add(person[:, [0, 1, 3]], where=f"{path}: frame {k}")
    clip.frame = clip.frames


def _sniff(path: Path) -> bool:
    if looks_like_archive(path, ("landmarks",)) or looks_like_csv(path):
        return True
    begin = glimpse(path)
    frames = begin.get("frames") if isinstance(begin, dict) else begin
    first = frames[0] if isinstance(frames, list) and frames else None
    return isinstance(first, dict) and any(key in first for key in _KEYS)


FORMAT = Format(
    name="mediapipe",
    title="MediaPipe landmarks",
    kind="keypoints",
    suffixes=(".json", ".csv", ".npz"),
    sniff=_sniff,
    read_keypoints=read,
)
