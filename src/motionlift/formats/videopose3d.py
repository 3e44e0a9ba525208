"""VideoPose3D's custom dataset, `data_2d_custom_NAME.npz`.

    positions_2d   {video: {action: [(frame, joint, 2) of each camera]}}, in pixels, no confidence
    metadata       {"layout_name": "coco", "num_joints": 17, "video_metadata": {video: {w, h}}}

Both are pickled Python objects; they are read as data (see `_pickles`), never executed. Each array
is a recording of one person. Source: VideoPose3D, data/prepare_data_2d_custom.py.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from motionlift.errors import FormatError
from motionlift.formats import Format, ReadOptions
from motionlift.formats._archives import looks_like_archive
from motionlift.formats._cleaning import clean, fps_of, image_size_of
from motionlift.formats._layouts import skeleton_of
from motionlift.formats._pickles import load_object_npz
from motionlift.formats._shown import shown
from motionlift.formats._timeline import check_span
from motionlift.poses import Pose2D

_MAX_RECORDINGS = 10_000


def read(path: Path, options: ReadOptions) -> Sequence[Pose2D]:
    """Each recording in the file, in its order; `person` says which is which.

    Raises:
        FormatError: if the file is damaged, holds more than data, or no recording.
    """
    content = load_object_npz(path)
    recordings = dict(_recordings(content.get("positions_2d"), path=path))
    if not recordings:
        raise FormatError(f"{path}: no recording in 'positions_2d'")
    metadata = content.get("metadata")
    about = metadata.get("video_metadata") if isinstance(metadata, dict) else None
    videos = about if isinstance(about, dict) else {}
    poses = [
        _pose(points, options, video=videos.get(name[0]), name=name, path=path, of=len(recordings))
        for name, points in recordings.items()
    ]
    return poses


def _recordings(content: Any, *, path: Path) -> Iterator[tuple[tuple[str, str, int], Any]]:
    """Video, action and camera of each array of keypoints, and the array."""
    count = 0
    for video, actions in _items(content, where=f"{path}: 'positions_2d'"):
        for action, cameras in _items(actions, where=f"{path}: video '{video}'"):
            where = f"{path}: video '{video}', action '{action}'"
            if not isinstance(cameras, list | np.ndarray):
                raise FormatError(f"{where}: expected a list of arrays, one a camera")
            for camera, points in enumerate(cameras):
                count += 1
                if count > _MAX_RECORDINGS:
                    raise FormatError(f"{path}: more than {_MAX_RECORDINGS} recordings")
                yield (video, action, camera), points


def _items(content: Any, *, where: str) -> list[tuple[str, Any]]:
    if not isinstance(content, dict):
        raise FormatError(f"{where}: expected a dict with an entry for each of its parts")
    return [(shown(key, most=200), value) for key, value in content.items()]


def _pose(
    points: Any,
    options: ReadOptions,
    *,
    video: Any,
    name: tuple[str, str, int],
    path: Path,
    of: int,
) -> Pose2D:
    where = f"{path}: {'/'.join(map(str, name))}"
    if not isinstance(points, np.ndarray) or points.ndim != 3 or points.shape[2] not in (2, 3):
        shape = getattr(points, "shape", type(points).__name__)
        raise FormatError(f"{where}: found {shape}, expected an array of shape (frame, joint, 2)")
    if points.dtype.kind not in "fiu" or not points.size:
        raise FormatError(f"{where}: holds no numbers")
    check_span(0, len(points) - 1, num_present=len(points), source=where)
    raw, said = _with_confidence(points)
    notes = clean(raw)
    if not (raw[..., 2] > 0).any():
        raise FormatError(f"{where}: no keypoint in any frame")
    notes.append(said)
    skeleton, inferred = skeleton_of(raw[..., :2], asked=options.skeleton, path=path)
    about = video if isinstance(video, dict) else {}
    fps, doubts = fps_of(about.get("fps"))
    fps = options.fps or fps
    if fps is None:
        doubts.append("the frame rate is unknown; give --fps where speeds matter")
    if of > 1:
        doubts.append(f"one of {of} recordings in the file; the others are not in this one")
    return Pose2D(
        skeleton=skeleton,
        keypoints=raw[:, : skeleton.num_joints, :2],
        confidence=raw[:, : skeleton.num_joints, 2],
        frame_index=np.arange(len(points)),
        fps=fps,
        image_size=image_size_of((about.get("w"), about.get("h"))),
        source=str(path),
        person="/".join(map(str, name)) if of > 1 else "",
        notes=(*filter(None, notes), *inferred, *doubts),
    )


def _with_confidence(
    points: Float[np.ndarray, "frame joint coordinate"],
) -> tuple[Float[np.ndarray, "frame joint 3"], str]:
    """x, y, confidence; and what was made of a third number, or of its absence."""
    third = points[..., 2].astype(float) if points.shape[2] == 3 else None
    if third is not None and ((third >= 0) & (third <= 1) | np.isnan(third)).all():
        return points.astype(float), ""
    raw = np.concatenate([points[..., :2], np.ones((*points.shape[:2], 1))], axis=-1)
    why = "the file has no confidences" if third is None else "its third numbers are no confidences"
    return raw, f"{why}; every keypoint is taken as sure"


def _sniff(path: Path) -> bool:
    return looks_like_archive(path, ("positions_2d",))


FORMAT = Format(
    name="videopose3d",
    title="VideoPose3D custom npz",
    kind="keypoints",
    suffixes=(".npz",),
    sniff=_sniff,
    read_keypoints=read,
)
