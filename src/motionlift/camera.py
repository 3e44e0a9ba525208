"""From the world to the camera to the image, and into the clip that the network sees.

Axes: world is y up, right-handed; camera is x right, y down, z away from the camera, right-handed;
image is x right, y down. The functions of this module take NumPy arrays and tensors alike, with any
leading axes, because training needs them on its device.
"""

import sys
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np
from jaxtyping import Float

from motionlift.errors import MotionliftError
from motionlift.poses import Pose2D

CLIP_CONVENTION = "box-of-visible-keypoints/half-larger-side/v1"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Placement:
    """Where a clip stands in its image: clip = (image - center) / scale.

    Attributes:
        center: middle of the box around all visible keypoints of the whole clip, in pixels.
        scale: half the larger side of that box, in pixels.
    """

    center: Float[np.ndarray, " 2"]
    scale: float


def orthographic(points: Float[Any, "*batch 3"]) -> Float[Any, "*batch 2"]:
    """Camera space to image space by dropping depth: the paper's projection; units stay."""
    return points[..., :2]


def look_rotation(
    *, yaw: Float[Any, "*batch"], pitch: Float[Any, "*batch"], roll: Float[Any, "*batch"]
) -> Float[Any, "*batch 3 3"]:
    """Rotations from world axes to the axes of a camera that looks at the person.

    At zero the camera stands on the world's +z side and looks along -z, upright. It circles the
    person by `yaw` about the world's y (towards +x), looks down by `pitch` (so it stands high),
    and is turned about its own line of sight by `roll`, clockwise as seen from behind it.
    Angles in radians. Camera points are `rotation @ world points`.
    """
    xp = _namespace(yaw)
    cy, sy = xp.cos(yaw), xp.sin(yaw)
    cp, sp = xp.cos(pitch), xp.sin(pitch)
    cr, sr = xp.cos(roll), xp.sin(roll)
    # Rows: the camera's right, down and forward axes in world coordinates, before roll.
    right = [cy, 0 * cy, -sy]
    down = [sp * sy, -cp, sp * cy]
    forward = [-cp * sy, -sp, -cp * cy]
    rows = [
        [cr * a + sr * b for a, b in zip(right, down, strict=True)],
        [cr * b - sr * a for a, b in zip(right, down, strict=True)],
        forward,
    ]
    return xp.stack([xp.stack(row, -1) for row in rows], -2)


def box_of_visible(
    keypoints: Float[Any, "*batch frame joint 2"], confidence: Float[Any, "*batch frame joint"]
) -> tuple[Float[Any, "*batch 1 1 2"], Float[Any, "*batch 1 1 1"]]:
    """Center and scale (see `Placement`) of the keypoints with confidence > 0, clip by clip.

    A clip without two distinct visible points has a scale that is not above 0, or not finite:
    the caller decides what that means.
    """
    xp = _namespace(keypoints)
    is_visible = (confidence > 0)[..., None]
    low = xp.amin(xp.where(is_visible, keypoints, xp.inf), axis=(-3, -2), keepdims=True)
    high = xp.amax(xp.where(is_visible, keypoints, -xp.inf), axis=(-3, -2), keepdims=True)
    return (low + high) / 2, xp.amax(high - low, axis=(-1,), keepdims=True) / 2


def image_to_clip(pose: Pose2D) -> tuple[Float[np.ndarray, "frame joint 3"], Placement]:
    """What the network sees of a pose: (u, v, confidence), and the way back.

    u = (xy - center) / scale, one center and scale for all frames. Missing joints are (0, 0, 0).

    Raises:
        MotionliftError: if no two distinct points are visible in the whole clip.
    """
    # With nobody in the clip the box is infinite, and NumPy would warn of it.
    with np.errstate(invalid="ignore"):
        center, scale = box_of_visible(pose.keypoints, pose.confidence)
    if not (np.isfinite(scale).all() and (scale > 0).all()):
        raise MotionliftError(
            f"{pose.source}: no two distinct visible keypoints in frames {pose.frame_index[0]} to "
            f"{pose.frame_index[-1]}; there is nothing to lift"
        )
    placement = Placement(center=center.reshape(2), scale=float(scale.item()))
    points = (pose.keypoints - placement.center) / placement.scale
    clip = np.concatenate([points, pose.confidence[..., None]], axis=-1)
    return np.where(pose.is_visible[..., None], clip, 0.0), placement


def clip_to_image(
    clip: Float[np.ndarray, "frame joint 3"], placement: Placement, *, like: Pose2D
) -> Pose2D:
    """The exact inverse of `image_to_clip`: `like`, with the clip's points and confidence."""
    confidence = clip[..., 2]
    points = clip[..., :2] * placement.scale + placement.center
    keypoints = np.where((confidence > 0)[..., None], points, np.nan)
    return replace(like, keypoints=keypoints, confidence=confidence)


def _namespace(array: Any) -> ModuleType:
    """NumPy or PyTorch, whichever the array is of; PyTorch is never imported for it."""
    return np if isinstance(array, (np.ndarray, np.generic)) else sys.modules["torch"]
