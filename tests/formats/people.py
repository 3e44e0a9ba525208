"""A stick figure to make keypoint files of, and OpenPose folders with it in them."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from motionlift.skeletons import Skeleton

# Somebody 170 units tall, facing the camera: their left is on the picture's right.
_SIDED = {
    "eye": (4, 8),
    "ear": (8, 10),
    "shoulder": (20, 30),
    "elbow": (25, 60),
    "wrist": (27, 85),
    "hip": (12, 85),
    "knee": (13, 125),
    "ankle": (14, 165),
    "big_toe": (16, 172),
    "small_toe": (19, 171),
    "heel": (14, 170),
}
_MIDDLE = {
    "nose": (0, 12),
    "neck": (0, 30),
    "upper_neck": (0, 24),
    "head_top": (0, 0),
    "mid_hip": (0, 85),
    "pelvis": (0, 85),
    "thorax": (0, 30),
}


def figure(
    skeleton: Skeleton, *, at: tuple[float, float] = (300, 100), scale: float = 1.0
) -> Float[np.ndarray, "joint 3"]:
    """x, y, confidence of somebody standing, top of the head at `at`, all seen with 0.8."""
    places = dict(_MIDDLE)
    for name, (x, y) in _SIDED.items():
        places[f"left_{name}"], places[f"right_{name}"] = (x, y), (-x, y)
    points = np.array([places.get(name, (0.5, 10)) for name in skeleton.joints], dtype=float)
    points = points * scale + at
    return np.concatenate([points, np.full((len(points), 1), 0.8)], axis=1)


def flat(points: Float[np.ndarray, "joint 3"]) -> list[float]:
    """The flat list that detectors write."""
    return [float(value) for value in points.reshape(-1)]


def write_openpose(
    folder: Path,
    frames: Iterable[Sequence[Float[np.ndarray, "joint 3"]]],
    *,
    numbers: Sequence[int] | None = None,
) -> Path:
    """A folder as OpenPose writes it: one file a frame, everybody in it."""
    folder.mkdir(parents=True, exist_ok=True)
    for k, people in enumerate(frames):
        number = k if numbers is None else numbers[k]
        content = {
            "version": 1.3,
            "people": [{"person_id": [-1], "pose_keypoints_2d": flat(each)} for each in people],
        }
        (folder / f"cam_{number:012}_keypoints.json").write_text(json.dumps(content))
    return folder
