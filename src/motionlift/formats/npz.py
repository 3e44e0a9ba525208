"""The library's own file of lifted motion, `.npz`: NumPy arrays and nothing else, never a pickle.

positions (frame, 17, 3) float32   in `units`, in `space`; NaN where missing
confidence (frame, 17)             0 where missing
joint_names (17,), parents (17,)   the `H36M17` skeleton
fps                                NaN if nobody knows
frame_index (frame,)               the source's own frame numbers
units "m" or "px", space "camera" or "world", source, person, model, notes (note,)
root_xy (frame, 2)                 lifted motion: where the root is in the image, in pixels
keypoints (frame, 17, 3)           lifted motion: x, y, confidence as read; NaN, NaN, 0 missing
image_size (2,)                    lifted motion: width and height in pixels, if known
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from motionlift.errors import FormatError, MotionliftError
from motionlift.formats import Format, ReadOptions
from motionlift.formats._archives import looks_like_archive, read_arrays
from motionlift.poses import Pose2D, Pose3D
from motionlift.skeletons import H36M17

_ALWAYS = ("positions", "joint_names", "fps", "frame_index", "units")


def write(pose: Pose3D, path: Path) -> None:
    """Write lifted motion, or any other, with the keys that the module lists.

    Raises:
        FormatError: if the joints are not those of `H36M17`.
    """
    if pose.skeleton is not H36M17:
        raise FormatError(f"{path}: holds {H36M17.name} joints, not those of {pose.skeleton.name}")
    arrays: dict[str, Any] = {
        "positions": pose.positions.astype(np.float32),
        "confidence": pose.confidence,
        "joint_names": np.array(H36M17.joints),
        "parents": np.array(H36M17.parents),
        "fps": np.float64(np.nan if pose.fps is None else pose.fps),
        "frame_index": pose.frame_index,
        "notes": np.array(pose.notes, dtype=np.str_),
    }
    for name in ("units", "space", "source", "person", "model"):
        arrays[name] = np.array(getattr(pose, name), dtype=np.str_)
    if pose.root_xy is not None:
        arrays["root_xy"] = pose.root_xy
    if pose.lifted_from is not None:
        seen = pose.lifted_from
        arrays["keypoints"] = np.concatenate([seen.keypoints, seen.confidence[..., None]], axis=-1)
        if seen.image_size is not None:
            arrays["image_size"] = np.array(seen.image_size)
    np.savez_compressed(path, **arrays)


def read(path: Path, options: ReadOptions) -> Sequence[Pose3D]:
    """The motion in a file that `write` made, as it was.

    Raises:
        FormatError: if the file is damaged, or something in it is not as `write` makes it.
    """
    arrays = read_arrays(path)
    _check(path, arrays)
    fps = options.fps or float(arrays["fps"])
    frames = arrays["frame_index"].astype(int)
    texts: dict[str, Any] = {
        name: str(arrays[name])
        for name in ("units", "space", "source", "person", "model")
        if name in arrays
    }
    is_known = ~np.isnan(arrays["positions"]).any(axis=-1)
    try:
        pose = Pose3D(
            skeleton=H36M17,
            positions=arrays["positions"],
            confidence=arrays.get("confidence", is_known.astype(np.float32)),
            frame_index=frames,
            fps=None if math.isnan(fps) else fps,
            root_xy=arrays.get("root_xy"),
            notes=tuple(map(str, arrays.get("notes", ()))),
            **texts,
        )
        return [replace(pose, lifted_from=_keypoints(arrays, pose))]
    except MotionliftError as error:
        raise FormatError(f"{path}: {error}") from error


def _keypoints(arrays: Mapping[str, np.ndarray], pose: Pose3D) -> Pose2D | None:
    if "keypoints" not in arrays:
        return None
    size = arrays.get("image_size")
    return Pose2D(
        skeleton=H36M17,
        keypoints=arrays["keypoints"][..., :2],
        confidence=arrays["keypoints"][..., 2],
        frame_index=pose.frame_index,
        fps=pose.fps,
        image_size=None if size is None else (int(size[0]), int(size[1])),
        source=pose.source,
        person=pose.person,
    )


def _check(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Refuse arrays that are missing, or of another shape or type than `write` makes."""
    missing = [name for name in _ALWAYS if name not in arrays]
    if missing:
        raise FormatError(f"{path}: no array '{missing[0]}', which every lifted motion has")
    if tuple(map(str, arrays["joint_names"].reshape(-1))) != H36M17.joints:
        raise FormatError(f"{path}: 'joint_names' are not those of {H36M17.name}, in its order")
    num_frames = len(arrays["frame_index"]) if arrays["frame_index"].ndim else 0
    expected = {
        "positions": ("f", (num_frames, 17, 3)),
        "confidence": ("f", (num_frames, 17)),
        "frame_index": ("iu", (num_frames,)),
        "fps": ("fiu", ()),
        "units": ("U", ()),
        "space": ("U", ()),
        "source": ("U", ()),
        "person": ("U", ()),
        "model": ("U", ()),
        "root_xy": ("f", (num_frames, 2)),
        "keypoints": ("f", (num_frames, 17, 3)),
        "image_size": ("iu", (2,)),
    }
    for name, (kinds, shape) in expected.items():
        if name in arrays and (arrays[name].dtype.kind not in kinds or arrays[name].shape != shape):
            raise FormatError(
                f"{path}: '{name}' has shape {arrays[name].shape} and type {arrays[name].dtype}, "
                f"expected shape {shape}"
            )
    if not num_frames:
        raise FormatError(f"{path}: holds no frame")


def _sniff(path: Path) -> bool:
    return looks_like_archive(path, _ALWAYS)


FORMAT = Format(
    name="npz",
    title="motionlift npz",
    kind="motion",
    suffixes=(".npz",),
    sniff=_sniff,
    read_motion=read,
    write=write,
)
