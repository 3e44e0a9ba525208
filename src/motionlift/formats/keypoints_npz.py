"""The library's own keypoints, `.npz`: what lifted motion keeps of them, or a file of their own.

keypoints (frame, joint, 3)   x, y in pixels, confidence; NaN, NaN, 0 where missing
joint_names (joint,)          a known skeleton's
frame_index (frame,), fps (NaN if unknown), image_size (2,) if known, source, person
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from motionlift.errors import FormatError, MotionliftError, SkeletonError
from motionlift.formats import Format, ReadOptions
from motionlift.formats._archives import looks_like_archive, read_arrays
from motionlift.formats._cleaning import clean, fps_of, image_size_of
from motionlift.formats._shown import storable
from motionlift.poses import Pose2D
from motionlift.skeletons import Skeleton, skeleton_of_joints

_ALWAYS = ("keypoints", "joint_names", "frame_index")


def write_keypoints(pose: Pose2D, path: Path) -> None:
    """Write keypoints, in their own skeleton, so that `read` gives them back exactly."""
    arrays: dict[str, Any] = {
        "keypoints": np.concatenate([pose.keypoints, pose.confidence[..., None]], axis=-1),
        "joint_names": np.array(pose.skeleton.joints),
        "frame_index": pose.frame_index,
        "fps": np.float64(np.nan if pose.fps is None else pose.fps),
        "source": np.array(storable(pose.source)),
        "person": np.array(storable(pose.person)),
        "notes": np.array([storable(note) for note in pose.notes], dtype=np.str_),
    }
    if pose.image_size is not None:
        arrays["image_size"] = np.array(pose.image_size)
    np.savez_compressed(path, **arrays)


def read(path: Path, options: ReadOptions) -> Sequence[Pose2D]:
    """The keypoints in a file of one person.

    The notes of lifted motion are left behind: they say how that was lifted.

    Raises:
        FormatError: if the file is damaged, or something in it is of another shape or type.
    """
    arrays = read_arrays(path)
    skeleton = _skeleton(path, arrays)
    num_frames = arrays["frame_index"].size
    expected = {
        "keypoints": ("f", (num_frames, skeleton.num_joints, 3)),
        "frame_index": ("iu", (num_frames,)),
    }
    for name, (kinds, shape) in expected.items():
        if arrays[name].dtype.kind not in kinds or arrays[name].shape != shape or not num_frames:
            raise FormatError(
                f"{path}: '{name}' has shape {arrays[name].shape} and type {arrays[name].dtype}, "
                f"expected shape {shape}"
            )
    # Popped: an hour of keypoints need not be in memory twice.
    points = arrays.pop("keypoints").copy()
    is_lift = "positions" in arrays
    notes = [] if is_lift else [*map(str, arrays.get("notes", np.empty(0, np.str_)).reshape(-1))]
    notes += clean(points)
    said = arrays.get("fps", np.array(math.nan)).reshape(-1)[:1].tolist()
    fps, more = fps_of(None if not said or said[0] != said[0] else said[0])
    if is_lift:
        more.append(
            "the file holds 3D motion already, which `motionlift view` shows; these are the "
            "keypoints that it was lifted from"
        )
    try:
        return [
            Pose2D(
                skeleton=skeleton,
                keypoints=points[..., :2],
                confidence=points[..., 2],
                frame_index=arrays["frame_index"].astype(int),
                fps=options.fps or fps,
                image_size=image_size_of(
                    arrays.get("image_size", np.empty(0)).reshape(-1).tolist()
                ),
                source=str(arrays.get("source", path)),
                person=str(arrays.get("person", "")),
                notes=(*notes, *more),
            )
        ]
    except MotionliftError as error:
        raise FormatError(f"{path}: {error}") from error


def _skeleton(path: Path, arrays: dict[str, np.ndarray]) -> Skeleton:
    missing = [name for name in _ALWAYS if name not in arrays]
    if missing:
        raise FormatError(f"{path}: no array '{missing[0]}', which such a file has")
    try:
        return skeleton_of_joints([str(name) for name in arrays["joint_names"].reshape(-1)])
    except SkeletonError as error:
        raise FormatError(f"{path}: 'joint_names': {error}") from error


def _sniff(path: Path) -> bool:
    return looks_like_archive(path, _ALWAYS)


FORMAT = Format(
    name="keypoints-npz",
    title="motionlift keypoints",
    kind="keypoints",
    suffixes=(".npz",),
    sniff=_sniff,
    read_keypoints=read,
)
