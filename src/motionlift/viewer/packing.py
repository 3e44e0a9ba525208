"""Motion as the page holds it: arrays in 16 bits, and axes as a screen has them.

Display space is x to the right, y up, z towards the viewer, in the motion's own unit. Motion in
camera space is turned into it; motion in world space is in it already. The quantisation error is
1/131068 of the span of an axis: 0.02 mm for a body two metres wide.
"""

import base64
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from motionlift.poses import Pose2D, Pose3D

_LARGEST = 32767
_MISSING = -32768
_TO_DISPLAY = {"camera": np.array([1.0, -1.0, -1.0]), "world": np.ones(3)}


def to_display(
    points: Float[np.ndarray, "*batch axis"], space: str
) -> Float[np.ndarray, "*batch axis"]:
    """Points (or their x and y alone) in display space."""
    return points * _TO_DISPLAY[space][: points.shape[-1]]


def pack_person(
    pose: Pose3D,
    frame_numbers: Int[np.ndarray, " frame"],
    *,
    origin: Float[np.ndarray, " 2"],
    is_reference: bool = False,
) -> dict[str, Any]:
    """One person on the page's time line, as JSON holds it.

    Args:
        frame_numbers: of the page, increasing; a frame that the person does not have is missing.
        origin: the place in the picture that is the origin of the roots of lifted motion.
        is_reference: whether it is there to be compared with.
    """
    rows = np.searchsorted(frame_numbers, pose.frame_index)
    joints = on_time_line(to_display(pose.positions, pose.space), rows, len(frame_numbers))
    own_root = joints[:, [pose.skeleton.root]]
    root = own_root[:, 0]
    size_of_pixel = 1.0 if pose.units == "px" else pose.metres_per_pixel
    if pose.root_xy is not None and size_of_pixel is not None:
        across = size_of_pixel * (pose.root_xy - origin)
        path = np.pad(to_display(across, pose.space), ((0, 0), (0, 1)))
        root = on_time_line(path, rows, len(frame_numbers))
    # What it is compared with was seen by another camera, or by none.
    seen = None if is_reference else pose.lifted_from
    return {
        "name": pose.person or ("compared" if is_reference else "1"),
        "source": pose.source,
        "notes": list(pose.notes),
        "unit": pose.units,
        "reference": is_reference,
        "motion": pack(joints - own_root),
        "root": pack(root),
        "picture_origin": origin.tolist(),
        **(_pack_keypoints(seen, rows, len(frame_numbers)) if seen is not None else {}),
    }


def pack(values: Float[np.ndarray, "*frame axis"]) -> dict[str, Any]:
    """Coordinates in 16 bits over the span of each axis; NaN becomes the smallest number."""
    flat = values.reshape(-1, values.shape[-1])
    known = np.where(np.isnan(flat).all(axis=0), 0.0, flat)
    low, high = np.nanmin(known, axis=0), np.nanmax(known, axis=0)
    scale = np.maximum((high - low) / (2 * _LARGEST), 1e-12)
    offset = (low + high) / 2
    is_missing = np.isnan(flat)
    whole = np.where(is_missing, 0.0, np.rint((flat - offset) / scale)).astype("<i2")
    whole[is_missing] = _MISSING
    return {
        "data": base64.b64encode(whole.tobytes()).decode("ascii"),
        "scale": scale.tolist(),
        "offset": offset.tolist(),
    }


def unpack(packed: dict[str, Any], *shape: int) -> Float[np.ndarray, "*frame axis"]:
    """What `pack` packed, as the page unpacks it."""
    whole = np.frombuffer(base64.b64decode(packed["data"]), dtype="<i2").reshape(*shape, -1)
    values = whole * np.array(packed["scale"]) + np.array(packed["offset"])
    return np.where(whole == _MISSING, np.nan, values)


def on_time_line(
    values: Float[np.ndarray, "frame *rest"], rows: Int[np.ndarray, " frame"], num_frames: int
) -> Float[np.ndarray, "page_frame *rest"]:
    """The values at their rows of a longer time line, NaN in between."""
    line = np.full((num_frames, *values.shape[1:]), np.nan)
    line[rows] = values
    return line


def _pack_keypoints(
    seen: Pose2D, rows: Int[np.ndarray, " frame"], num_frames: int
) -> dict[str, Any]:
    confidence = on_time_line(seen.confidence, rows, num_frames)
    in_bytes = np.rint(np.nan_to_num(confidence) * 255).astype(np.uint8)
    return {
        "keypoints": pack(on_time_line(seen.keypoints, rows, num_frames)),
        "confidence": {
            "type": "u1",
            "data": base64.b64encode(in_bytes.tobytes()).decode("ascii"),
        },
        "known": seen.is_visible.any(axis=0).tolist(),
    }
