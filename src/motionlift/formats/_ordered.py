"""Data sets whose arrays have an order of joints instead of names, and axes of a camera.

What the readers of Human3.6M, MPI-INF-3DHP, Fit3D and their kind share.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from motionlift.errors import FormatError
from motionlift.formats import ReadOptions
from motionlift.formats._world import CLEAR_SHARE, body_direction, checked_points
from motionlift.skeletons import H36M17

Landmarks = dict[str, Float[np.ndarray, "frame 3"]]

# Pelvis and thorax are defined by hips and shoulders (docs/skeletons.md), not by the data set.
_RENAMED = {"pelvis": "", "thorax": "", "spine": "spine_1"}
H36M_ORDER = tuple(_RENAMED.get(joint, joint) for joint in H36M17.joints)

# y points down and z away from a camera.
_CAMERA_TO_WORLD = np.array([1.0, -1.0, -1.0])


def landmarks_of(points: Any, order: Sequence[str], *, where: str, metres: float) -> Landmarks:
    """Landmarks (see `motionlift.kinematics`) in metres, from joints in a known order.

    Args:
        points: an array (frame, joint, 3), as a file of any content gave it.
        order: the landmark that each joint is, "" for those that are none; further joints in the
            array are none either.
        where: file and recording, for messages.

    Raises:
        FormatError: if it is no such array, or holds absurd numbers.
    """
    array = numbers_of(points)
    if array is None or array.ndim != 3 or array.shape[1] < len(order) or array.shape[2] != 3:
        found = f"{array.dtype} of shape {array.shape}" if array is not None else "no array"
        raise FormatError(
            f"{where}: joints are {found}; expected numbers of shape (frames, {len(order)}, 3)"
        )
    if not len(array):
        raise FormatError(f"{where}: holds no frames")
    clean = metres * checked_points(array, source=where)
    return {name: clean[:, number] for number, name in enumerate(order) if name}


def camera_to_world(landmarks: Mapping[str, Float[np.ndarray, "frame 3"]]) -> Landmarks:
    """The same body with y up, under a camera that is taken to be level."""
    return {name: points * _CAMERA_TO_WORLD for name, points in landmarks.items()}


def most_upright(views: Sequence[Mapping[str, Float[np.ndarray, "frame 3"]]]) -> int:
    """Of one motion in the axes of several cameras, the one that is most likely level."""
    upright = [float(body_direction(view)[1]) for view in views]
    return int(np.argmax(np.nan_to_num(upright, nan=-1.0)))


def said_level(landmarks: Mapping[str, Float[np.ndarray, "frame 3"]]) -> str:
    """A note on the axes of a camera, with how upright people stand in them."""
    share = float(body_direction(landmarks)[1])
    doubt = "" if share > CLEAR_SHARE else ", which may mean that it is not"
    return (
        f"axes are a camera's, taken to be level; {share:.2f} of the body stands along them{doubt}"
    )


def said_of(options: ReadOptions, *, unit: str, fps: float, data_set: str) -> tuple[str, str]:
    """Notes on the unit of length and the rate: as given, or as the data set has them."""
    metres = options.metres_per_unit
    said_unit = f"{unit}, as in {data_set}" if metres is None else f"unit given: {metres:g} m"
    if options.fps is None:
        return said_unit, f"{fps:g} frames a second, as in {data_set}"
    return said_unit, f"frames a second given: {options.fps:g}"


def items_of(content: Any, *, where: str) -> list[tuple[str, Any]]:
    """The entries of a dict, by text.

    Raises:
        FormatError: if it is no dict, or an empty one.
    """
    if not isinstance(content, dict) or not content:
        kind = type(content).__name__
        raise FormatError(f"{where}: expected a dict of recordings, found {kind or 'nothing'}")
    return [(str(key), value) for key, value in content.items()]


def numbers_of(values: Any) -> np.ndarray | None:
    """An array of numbers or truth values; None for anything else that a file may hold."""
    try:
        array = np.asarray(values)
    except ValueError:  # lists of different lengths
        return None
    return array if array.dtype.kind in "fiub" else None
