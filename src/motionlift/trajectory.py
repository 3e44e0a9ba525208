"""The root's path in metres, from keypoints and lifted joints under a pinhole camera.

A body of known size stands where its joints lie on the rays through their keypoints. With joints B
(metres, about the root) and rays (x, y, 1), a joint at B + T is on its ray where

    B_x + T_x = x (B_z + T_z)    and    B_y + T_y = y (B_z + T_z),

two equations linear in T for each keypoint; each frame is solved by itself, in least squares
weighted by confidence. Divided by the depth found first, the distances from the rays become those
in the picture, and a second solution minimises these: two steps of iteratively reweighted least
squares. (Mehta et al., 3DV 2017, solve the same with weak perspective, where it is a quotient.)

The network took the picture for a parallel projection: it answers in the axes of somebody who looks
straight at the person. A person beside the middle of the picture is therefore turned first, by the
angle between the camera's axis and the ray to the root.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from motionlift.calibration import PinholeCamera
from motionlift.errors import MotionliftError
from motionlift.poses import Pose3D
from motionlift.scale import floor_under, tells_of_body
from motionlift.skeletons import H36M17

# Three joints beside the root span a plane; fewer, or all in one place, do not say how far away.
_FEWEST_JOINTS = 4
_LEAST_SPREAD = 0.25  # of the body's spread
_LEAST_IN_PICTURE = 0.05  # of its spread in the picture: twenty times as far away as usual
# Nobody is filmed from nearer than this.
_NEAREST = 0.2
_UP_IN_CAMERA = (0.0, -1.0, 0.0)


def camera_of_lens(
    *, focal: float, image_size: tuple[int, int], up: tuple[float, float, float] = _UP_IN_CAMERA
) -> PinholeCamera:
    """A camera that stands in the origin, its axis through the middle of its picture.

    Args:
        focal: in pixels.
        image_size: width and height.
        up: the world's up in the camera's axes.
    """
    width, height = image_size
    return PinholeCamera(
        name="",
        matrix=np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]]),
        rotation=_rotation_with_up(np.array(up, dtype=float)),
        translation=np.zeros(3),
        size=image_size,
    )


class Place(NamedTuple):
    """Where somebody is before a camera; metres, in the camera's axes.

    Attributes:
        rays: (x / z, y / z) of the keypoints; NaN where missing.
        turns: from the axes of somebody who looks straight at the person to the camera's.
        body: the joints about the root.
        root: on a straight line between the frames beside where the keypoints do not say it.
        is_solved: where they do.
    """

    rays: Float[np.ndarray, "frame joint 2"]
    turns: Float[np.ndarray, "frame 3 3"]
    body: Float[np.ndarray, "frame joint 3"]
    root: Float[np.ndarray, "frame 3"]
    is_solved: Bool[np.ndarray, " frame"]


def in_world(pose: Pose3D, camera: PinholeCamera, *, on_floor: bool) -> Pose3D:
    """Motion in metres and camera space, along its path, in the world that the camera stands in.

    Args:
        on_floor: let y = 0 be the ground under the lowest foot; else the world is the camera's.

    Raises:
        MotionliftError: if no frame has keypoints enough.
    """
    found = place(pose, camera)
    world = camera.to_world(found.body + found.root[:, None])
    notes = [_note(found.root[found.is_solved], found.is_solved)]
    if on_floor:
        floor = floor_under(world[tells_of_body(pose)])
        world = world - [0.0, floor, 0.0]
        notes.append(
            "the ground, y = 0, is under the lowest foot; the camera stands over x = z = 0, "
            f"{-floor:.2f} m high"
        )
    return replace(
        pose,
        positions=world.astype(np.float32),
        space="world",
        metres_per_pixel=None,
        notes=(*pose.notes, *notes),
    )


def place(pose: Pose3D, camera: PinholeCamera) -> Place:
    """Where the person of a lift in metres, with its keypoints, is before the camera.

    Raises:
        MotionliftError: if no frame has keypoints enough.
    """
    assert pose.lifted_from is not None and pose.root_xy is not None
    rays = camera.to_rays(pose.lifted_from.keypoints)
    weight = np.where(np.isnan(rays).any(axis=-1), 0.0, pose.lifted_from.confidence)
    turns = turns_to(np.nan_to_num(camera.to_rays(pose.root_xy)))
    body = np.einsum("fab,fjb->fja", turns, pose.positions.astype(np.float64))
    root, is_solved = solve_path(body, rays, weight)
    if not is_solved.any():
        raise MotionliftError(
            f"{pose.source}: in no frame are there {_FEWEST_JOINTS} keypoints apart from each "
            "other before the camera; the path in metres cannot be solved"
        )
    return Place(rays, turns, body, _bridged(root, is_solved), is_solved)


def solve_path(
    body: Float[np.ndarray, "frame joint 3"],
    rays: Float[np.ndarray, "frame joint 2"],
    weight: Float[np.ndarray, "frame joint"],
) -> tuple[Float[np.ndarray, "frame 3"], Bool[np.ndarray, " frame"]]:
    """Where the root is in camera space, metres, in each frame, and where that could be solved.

    Args:
        body: joints about the root, in metres and camera axes.
        rays: (x / z, y / z) of the keypoints; anything where the weight is 0.
    """
    weight = np.where(np.isnan(body).any(axis=-1), 0.0, weight)
    body = np.where(weight[..., None] > 0, body, 0.0)
    rays = np.where(weight[..., None] > 0, rays, 0.0)
    is_solved = _is_enough(body[..., :2], weight, least=_LEAST_SPREAD)
    is_solved &= _is_enough(rays, weight, least=_LEAST_IN_PICTURE)
    root = np.full((len(body), 3), np.nan)
    part = is_solved.nonzero()[0]
    solved = _least_squares(body[part], rays[part], weight[part])
    depth = np.maximum(body[part, :, 2] + solved[:, None, 2], _NEAREST)
    root[part] = _least_squares(body[part], rays[part], weight[part] / depth**2)
    is_before = (root[:, None, 2] + body[..., 2] > _NEAREST).all(axis=1)
    return root, is_solved & is_before


def turns_to(rays: Float[np.ndarray, "frame 2"]) -> Float[np.ndarray, "frame 3 3"]:
    """The shortest turns that bring the camera's axis onto these rays (Rodrigues' formula)."""
    ahead = np.concatenate([rays, np.ones_like(rays[:, :1])], axis=1)
    x, y, z = (ahead / np.linalg.norm(ahead, axis=1, keepdims=True)).T
    zero = np.zeros_like(x)
    cross = np.stack([zero, zero, x, zero, zero, y, -x, -y, zero], axis=-1).reshape(-1, 3, 3)
    return np.eye(3) + cross + cross @ cross / (1 + z)[:, None, None]


def up_of_body(positions: Float[np.ndarray, "frame 17 3"]) -> Float[np.ndarray, " 3"]:
    """The direction from the ankles to the shoulders, the median over the frames."""
    index = H36M17.index
    feet = (positions[:, index("left_ankle")] + positions[:, index("right_ankle")]) / 2
    upward = positions[:, index("thorax")] - feet
    middle = np.nanmedian(upward / np.linalg.norm(upward, axis=-1, keepdims=True), axis=0)
    return middle / np.linalg.norm(middle)


def _least_squares(
    body: Float[np.ndarray, "frame joint 3"],
    rays: Float[np.ndarray, "frame joint 2"],
    weight: Float[np.ndarray, "frame joint"],
) -> Float[np.ndarray, "frame 3"]:
    """The T of the module's equations, by the normal equations of each frame."""
    normal = np.zeros((len(body), 3, 3))
    right = np.zeros((len(body), 3))
    for axis in range(2):
        row = np.zeros(body.shape)
        row[..., axis], row[..., 2] = 1.0, -rays[..., axis]
        off = rays[..., axis] * body[..., 2] - body[..., axis]
        normal += np.einsum("fj,fja,fjb->fab", weight, row, row)
        right += np.einsum("fj,fja,fj->fa", weight, row, off)
    return np.linalg.solve(normal, right[..., None])[..., 0]


def _is_enough(
    points: Float[np.ndarray, "frame joint 2"],
    weight: Float[np.ndarray, "frame joint"],
    *,
    least: float,
) -> Bool[np.ndarray, " frame"]:
    """Whether the weighted points are several, and spread over some part of what they usually are.

    Args:
        least: the part, of the median spread.
    """
    total = np.maximum(weight.sum(axis=1), 1e-12)
    middle = (weight[..., None] * points).sum(axis=1) / total[:, None]
    across = ((points - middle[:, None]) ** 2).sum(axis=-1)
    spread = np.sqrt((weight * across).sum(axis=1) / total)
    is_many = (weight > 0).sum(axis=1) >= _FEWEST_JOINTS
    if not is_many.any():
        return is_many
    return is_many & (spread > max(least * float(np.median(spread[is_many])), 1e-6))


def _bridged(
    root: Float[np.ndarray, "frame 3"], is_solved: Bool[np.ndarray, " frame"]
) -> Float[np.ndarray, "frame 3"]:
    """The path with straight lines in time where it was not solved, its ends held."""
    frames, known = np.arange(len(root)), is_solved.nonzero()[0]
    return np.stack([np.interp(frames, known, root[known, axis]) for axis in range(3)], axis=1)


def _note(root: Float[np.ndarray, "frame 3"], is_solved: Bool[np.ndarray, " frame"]) -> str:
    near, far = root[:, 2].min(), root[:, 2].max()
    text = f"the root's path in metres is solved in each frame; {near:.2f} to {far:.2f} m deep"
    if is_solved.all():
        return text
    return (
        f"{text}; in {int((~is_solved).sum())} frames the keypoints do not say where it is: "
        "straight lines there"
    )


def _rotation_with_up(up: Float[np.ndarray, " 3"]) -> Float[np.ndarray, "3 3"]:
    """World (y up) to camera, with that up; the world's z points to the camera as far as it can."""
    y = up / np.linalg.norm(up)
    back = np.array([0.0, 0.0, -1.0])
    # A camera that looks straight down or up has the picture's lower edge towards it.
    if abs(y @ back) > 1 - 1e-6:
        back = np.array([0.0, 1.0, 0.0])
    x = np.cross(y, back)
    x /= np.linalg.norm(x)
    return np.stack([x, y, np.cross(x, y)], axis=1)
