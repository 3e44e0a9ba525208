"""rtmlib: the `keypoints` and `scores` that its models return for each frame, in npz or JSON.

npz: `keypoints` (frame, person, joint, 2) and `scores` (frame, person, joint), or both without the
axis of persons; people who are not there are NaN or 0; `fps` and `image_size` if you like. JSON: a
list of frames, {"keypoints": [[[x, y], ...], ...], "scores": [[...], ...]}, with a number `frame`
(or `frame_id`, `frame_number`, ...) if they do not count from 0. Scores of SimCC models can exceed
1. (Pose2Sim, which runs rtmlib, writes OpenPose folders.)
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from motionlift.errors import FormatError
from motionlift.formats import Format, ReadOptions
from motionlift.formats._archives import looks_like_archive, read_arrays
from motionlift.formats._cleaning import fps_of, image_size_of
from motionlift.formats._detections import Gathering
from motionlift.formats._json import JsonFile, glimpse, numbers, rows
from motionlift.formats._people import people_of
from motionlift.formats._timeline import NumberedFrames
from motionlift.poses import Pose2D

_ARRAYS = ("keypoints", "scores")


def read(path: Path, options: ReadOptions) -> Sequence[Pose2D]:
    """Everybody in the file, most prominent first.

    Raises:
        FormatError: if it is damaged, or nobody is in it.
    """
    gathering = Gathering(path)
    if looks_like_archive(path, _ARRAYS):
        return _read_npz(path, options, gathering)
    frame: list[int] = []
    frames = NumberedFrames()
    with JsonFile(path) as json:
        gathering.watch(json.progress)
        for k, content in enumerate(json.elements()):
            where = f"{path}: frame {k}"
            if not isinstance(content, dict):
                raise FormatError(f"{where}: expected an object with 'keypoints' and 'scores'")
            number = frames.add(content, where=where)
            for points, scores in _people(content, where=where):
                place = rows(points, width=2, where=where, expected="[x, y] of each keypoint")
                likely = numbers(scores, where=where, expected="a score of each keypoint")
                if len(place) != len(likely):
                    raise FormatError(f"{where}: {len(place)} keypoints, {len(likely)} scores")
                gathering.add(np.column_stack([place, likely]), where=where)
                frame.append(number)
        json.end()
    seen = frames.numbers
    return people_of(
        gathering,
        frame,
        path=path,
        options=options,
        span=(min(seen), max(seen)) if seen else None,
        num_frames=len(seen),
        notes=frames.notes(),
    )


def _people(content: dict[str, Any], *, where: str) -> Iterator[tuple[Any, Any]]:
    points, scores = (content.get(key) for key in _ARRAYS)
    if not isinstance(points, list) or not isinstance(scores, list) or len(points) != len(scores):
        raise FormatError(f"{where}: expected 'keypoints' and 'scores' of as many people")
    return zip(points, scores, strict=True)


def _read_npz(path: Path, options: ReadOptions, gathering: Gathering) -> Sequence[Pose2D]:
    arrays = read_arrays(path)
    points, scores = (arrays.get(name, np.empty(0)) for name in _ARRAYS)
    if points.ndim == 3 and scores.ndim == 2:
        points, scores = points[:, None], scores[:, None]
    kinds = points.dtype.kind + scores.dtype.kind
    if points.ndim != 4 or points.shape != (*scores.shape, 2) or not set(kinds) <= set("fiu"):
        raise FormatError(
            f"{path}: 'keypoints' has shape {points.shape} and 'scores' {scores.shape}, expected "
            "(frame, person, joint, 2) and (frame, person, joint)"
        )
    detections = np.concatenate([points, scores[..., None]], axis=-1).astype(float)
    is_there = (np.nan_to_num(detections) != 0).any(axis=(-2, -1))
    frame, person = np.nonzero(is_there)
    for k, place in zip(frame, person, strict=True):
        gathering.add(detections[k, place], where=f"{path}: frame {k}")
    fps, notes = fps_of(arrays["fps"].item() if arrays.get("fps", np.empty(0)).size == 1 else None)
    return people_of(
        gathering,
        frame.tolist(),
        path=path,
        options=options,
        span=(0, len(points) - 1),
        num_frames=len(points),
        fps=fps,
        image_size=image_size_of(arrays.get("image_size", np.empty(0)).reshape(-1).tolist()),
        notes=notes,
    )


def _sniff(path: Path) -> bool:
    if looks_like_archive(path, _ARRAYS):
        return True
    begin = glimpse(path)
    first = begin[0] if isinstance(begin, list) and begin else None
    return isinstance(first, dict) and set(_ARRAYS) <= set(first)


FORMAT = Format(
    name="rtmlib",
    title="rtmlib keypoints and scores",
    kind="keypoints",
    suffixes=(".npz", ".json"),
    sniff=_sniff,
    read_keypoints=read,
)
