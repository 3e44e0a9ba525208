"""Detections in a video, `.npz`: everybody that a detector found, before they are joined to people.

`motionlift detect` writes it, and `motionlift lift VIDEO` keeps one beside what it lifted.

detections (detection, joint, 3)   x, y in pixels, confidence; NaN, NaN, 0 where missing
detection_frame (detection,)       frame number of each, never decreasing
span (2,)                          first and last frame of the video
joint_names (joint,)               a known skeleton's
fps (NaN if unknown), image_size (2,), source, notes
made_of, made_by                   JSON: the video's fingerprint; the detector and its settings
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from motionlift.errors import FormatError, SkeletonError
from motionlift.formats import Format, ReadOptions
from motionlift.formats._archives import looks_like_archive, read_arrays
from motionlift.formats._cleaning import clean, fps_of, image_size_of
from motionlift.formats._detections import MAX_KEYPOINTS, Detections, in_order
from motionlift.formats._people import People
from motionlift.formats._shown import storable
from motionlift.formats._timeline import check_span
from motionlift.poses import Pose2D
from motionlift.skeletons import skeleton_of_joints

_ALWAYS = ("detections", "detection_frame", "span", "joint_names")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What detections were made of, and by what: if it is the same, so would they be.

    Attributes:
        made_of: the video's fingerprint.
        made_by: name, version and settings of the detector.
    """

    made_of: Mapping[str, Any]
    made_by: Mapping[str, Any]


def write_detections(found: Detections, path: Path, *, origin: Origin) -> None:
    """Write detections so that `read` gives the people in them, and `read_origin` their origin."""
    points = np.concatenate([found.keypoints, found.confidence[..., None]], axis=-1)
    arrays: dict[str, Any] = {
        "detections": points.astype(np.float32),
        "detection_frame": found.frame,
        "span": np.array(found.span),
        "joint_names": np.array(found.skeleton.joints),
        "fps": np.float64(np.nan if found.fps is None else found.fps),
        "image_size": np.array(found.image_size or (), dtype=int),
        "source": np.array(storable(found.source)),
        "notes": np.array([storable(note) for note in found.notes], dtype=np.str_),
        "made_of": np.array(json.dumps(dict(origin.made_of))),
        "made_by": np.array(json.dumps(dict(origin.made_by))),
    }
    np.savez_compressed(path, **arrays)


def read_origin(path: Path) -> Origin:
    """What the detections in a file were made of, and by what.

    Raises:
        FormatError: if the file holds no detections in a video, or is damaged.
    """
    if not looks_like_archive(path, _ALWAYS):
        raise FormatError(f"{path}: holds no detections in a video")
    arrays = read_arrays(path, only=("made_of", "made_by"))
    said = []
    for name in ("made_of", "made_by"):
        try:
            said.append(json.loads(str(arrays[name])))
        except (KeyError, ValueError, RecursionError) as error:
            raise FormatError(f"{path}: '{name}' is missing or damaged") from error
        if not isinstance(said[-1], dict):
            raise FormatError(f"{path}: '{name}' is damaged")
    return Origin(made_of=said[0], made_by=said[1])


def read(path: Path, options: ReadOptions) -> Sequence[Pose2D]:
    """Everybody in the video, most prominent first.

    Raises:
        FormatError: if the file is damaged, or nobody was found in the video.
    """
    arrays = read_arrays(path)
    found, frame, span = _checked(path, arrays)
    points = found.astype(float)
    notes = [*map(str, arrays.get("notes", np.empty(0, np.str_)).reshape(-1)), *clean(points)]
    source = str(arrays.get("source", path))
    if not (points[..., 2] > 0).any():
        raise FormatError(f"{source}: nobody was found in any frame; expected a video of people")
    numbers, order = in_order(frame.tolist(), path=path)
    said = arrays.get("fps", np.array(math.nan)).reshape(-1)[:1].tolist()
    fps, more = fps_of(None if not said or said[0] != said[0] else said[0])
    try:
        skeleton = skeleton_of_joints([str(name) for name in arrays["joint_names"].reshape(-1)])
    except SkeletonError as error:
        raise FormatError(f"{path}: 'joint_names': {error}") from error
    if skeleton.num_joints != points.shape[1]:
        raise FormatError(
            f"{path}: {points.shape[1]} keypoints a detection, {skeleton.num_joints} joint names"
        )
    return People(
        Detections(
            source=source,
            skeleton=skeleton,
            frame=numbers,
            keypoints=points[order, :, :2],
            confidence=points[order, :, 2],
            span=span,
            fps=options.fps or fps,
            image_size=image_size_of(arrays.get("image_size", np.empty(0)).reshape(-1).tolist()),
            notes=(*notes, *more),
        )
    )


def _checked(
    path: Path, arrays: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """Detections, their frames and the span, which go together."""
    missing = [name for name in _ALWAYS if name not in arrays]
    if missing:
        raise FormatError(f"{path}: no array '{missing[0]}', which such a file has")
    found, frame, span = (arrays[name] for name in _ALWAYS[:3])
    if found.dtype.kind != "f" or found.ndim != 3 or found.shape[2] != 3:
        raise FormatError(
            f"{path}: 'detections' has shape {found.shape} and type {found.dtype}, "
            "expected (detection, joint, 3) of floating point"
        )
    if frame.dtype.kind not in "iu" or frame.shape != found.shape[:1]:
        raise FormatError(f"{path}: 'detection_frame' does not go with 'detections'")
    if span.dtype.kind not in "iu" or span.shape != (2,):
        raise FormatError(f"{path}: 'span' has shape {span.shape}, expected two frame numbers")
    if found.shape[0] * found.shape[1] > MAX_KEYPOINTS:
        raise FormatError(f"{path}: {found.shape[0]} detections are too many; split the video")
    first, last = map(int, span)
    inside = not frame.size or (first <= int(frame.min()) and int(frame.max()) <= last)
    if not inside or first < 0 or last < first:
        raise FormatError(f"{path}: 'span' {first} to {last} does not hold all frames")
    check_span(first, last, num_present=last - first + 1, source=path)
    return found, frame, (first, last)


def _sniff(path: Path) -> bool:
    return looks_like_archive(path, _ALWAYS)


FORMAT = Format(
    name="detections-npz",
    title="motionlift detections",
    kind="keypoints",
    suffixes=(".npz",),
    sniff=_sniff,
    read_keypoints=read,
)
