"""A lifted motion as named parts, and back: what the library's own npz, JSON and CSV hold.

positions (frame, 17, 3) float32   in `units`, in `space`; NaN where missing
confidence (frame, 17)             0 where missing
expected_error (frame, 17) float32 lifted motion: see `Pose3D`; in `units`, NaN where missing
joint_names (17,), parents (17,)   the `H36M17` skeleton
fps                                NaN if nobody knows
frame_index (frame,)               the source's own frame numbers
units "m" or "px", space "camera" or "world", source, person, model, notes (note,)
root_xy (frame, 2)                 lifted motion: where the root is in the image, in pixels
metres_per_pixel                   lifted motion in metres, of camera space: see `Pose3D`
keypoints (frame, 17, 3)           lifted motion: x, y, confidence as read; NaN, NaN, 0 missing
image_size (2,)                    lifted motion: width and height in pixels, if known
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Float32

from motionlift.errors import FormatError, MotionliftError
from motionlift.formats import ReadOptions
from motionlift.formats._shown import shown, storable
from motionlift.poses import MAX_FPS, Pose2D, Pose3D
from motionlift.skeletons import H36M17

ALWAYS = ("positions", "joint_names", "fps", "frame_index", "units")
TEXTS = ("units", "space", "source", "person", "model")


def parts_of(pose: Pose3D, path: Path) -> dict[str, np.ndarray]:
    """The parts of a motion, by the names that the module lists.

    Raises:
        FormatError: if the joints are not those of `H36M17`.
    """
    if pose.skeleton is not H36M17:
        raise FormatError(f"{path}: holds {H36M17.name} joints, not those of {pose.skeleton.name}")
    parts = {
        "positions": pose.positions.astype(np.float32, copy=False),
        "confidence": pose.confidence,
        "joint_names": np.array(H36M17.joints),
        "parents": np.array(H36M17.parents),
        "fps": np.array(np.nan if pose.fps is None else pose.fps),
        "frame_index": pose.frame_index,
        "notes": np.array([storable(note) for note in pose.notes], dtype=np.str_),
    }
    parts |= {name: np.array(storable(getattr(pose, name)), dtype=np.str_) for name in TEXTS}
    if pose.expected_error is not None:
        parts["expected_error"] = pose.expected_error.astype(np.float32)
    if pose.root_xy is not None:
        parts["root_xy"] = pose.root_xy
    if pose.metres_per_pixel is not None:
        parts["metres_per_pixel"] = np.array(pose.metres_per_pixel)
    if pose.lifted_from is not None:
        seen = pose.lifted_from
        parts["keypoints"] = np.concatenate([seen.keypoints, seen.confidence[..., None]], axis=-1)
        if seen.image_size is not None:
            parts["image_size"] = np.array(seen.image_size)
    return parts


def pose_of(parts: Mapping[str, np.ndarray], options: ReadOptions, path: Path) -> Pose3D:
    """The motion that the parts make up, as it was.

    Raises:
        FormatError: if a part is missing, or not as `parts_of` makes it.
    """
    _check(path, parts)
    fps = options.fps or _fps(parts, path)
    texts: dict[str, Any] = {name: str(parts[name]) for name in TEXTS if name in parts}
    is_known = ~np.isnan(parts["positions"]).any(axis=-1)
    try:
        pose = Pose3D(
            skeleton=H36M17,
            positions=parts["positions"],
            confidence=parts.get("confidence", is_known.astype(np.float32)),
            frame_index=parts["frame_index"].astype(int),
            fps=fps,
            expected_error=parts.get("expected_error"),
            root_xy=parts.get("root_xy"),
            metres_per_pixel=(
                float(parts["metres_per_pixel"]) if "metres_per_pixel" in parts else None
            ),
            notes=tuple(map(str, parts.get("notes", ()))),
            **texts,
        )
        return replace(pose, lifted_from=_keypoints(parts, pose))
    except MotionliftError as error:
        raise FormatError(f"{path}: {error}") from error


def array_of(value: Any, *, name: str, path: Path) -> np.ndarray:
    """A part as a file of text has it; `pose_of` looks whether it is as it should be.

    Raises:
        FormatError: if it is lists of different lengths.
    """
    try:
        return np.array(value)
    except ValueError as error:
        raise FormatError(f"{path}: '{name}' is {shown(value)}, no number and no list") from error


def shortest(values: Float32[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Numbers with few digits that become the same in single precision: 0.1, not 0.1000000015."""
    texts = [float(str(value)) for value in values.reshape(-1)]
    short = np.array(texts, dtype=np.float64).reshape(values.shape)
    return np.where(short.astype(np.float32) == values, short, values)


def _fps(parts: Mapping[str, np.ndarray], path: Path) -> float | None:
    fps = float(parts["fps"])
    if math.isnan(fps):
        return None
    if not 0 < fps <= MAX_FPS:
        raise FormatError(f"{path}: says {fps:g} frames a second; give the rate with --fps")
    return fps


def _keypoints(parts: Mapping[str, np.ndarray], pose: Pose3D) -> Pose2D | None:
    if "keypoints" not in parts:
        return None
    size = parts.get("image_size")
    return Pose2D(
        skeleton=H36M17,
        keypoints=parts["keypoints"][..., :2],
        confidence=parts["keypoints"][..., 2],
        frame_index=pose.frame_index,
        fps=pose.fps,
        image_size=None if size is None else (int(size[0]), int(size[1])),
        source=pose.source,
        person=pose.person,
    )


def _check(path: Path, parts: Mapping[str, np.ndarray]) -> None:
    """Refuse parts that are missing, or of another shape or type than `parts_of` makes."""
    missing = [name for name in ALWAYS if name not in parts]
    if missing:
        raise FormatError(f"{path}: no '{missing[0]}', which every lifted motion has")
    if tuple(map(str, parts["joint_names"].reshape(-1))) != H36M17.joints:
        raise FormatError(f"{path}: 'joint_names' are not those of {H36M17.name}, in its order")
    num_frames = len(parts["frame_index"]) if parts["frame_index"].ndim else 0
    expected = {
        "positions": ("f", (num_frames, 17, 3)),
        "confidence": ("f", (num_frames, 17)),
        "expected_error": ("f", (num_frames, 17)),
        "frame_index": ("iu", (num_frames,)),
        "fps": ("fiu", ()),
        "root_xy": ("f", (num_frames, 2)),
        "metres_per_pixel": ("fiu", ()),
        "keypoints": ("f", (num_frames, 17, 3)),
        "image_size": ("iu", (2,)),
        **dict.fromkeys(TEXTS, ("U", ())),
    }
    for name, (kinds, shape) in expected.items():
        if name in parts and (parts[name].dtype.kind not in kinds or parts[name].shape != shape):
            raise FormatError(
                f"{path}: '{name}' has shape {parts[name].shape} and type {parts[name].dtype}, "
                f"expected shape {shape}"
            )
    if not num_frames:
        raise FormatError(f"{path}: holds no frame")
