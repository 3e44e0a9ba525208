"""Arrays of joint positions with names and a frame rate, in NumPy's `.npz`.

    positions (frame, joint, 3); joint_names or names (joint,); fps
    tails (frame, joint, 3), parents (joint,): as exporters from Blender add them; optional

The joints' names decide which is which (`_names.py`). The file says neither its unit nor which axis
is up: the unit is found from the length of the legs, the axis from the way the body stands, except
in files with `tails`, which Blender makes and which have z up as Blender has.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from motionlift.errors import FormatError
from motionlift.formats import Format, ReadOptions
from motionlift.formats._archives import looks_like_archive, read_arrays
from motionlift.formats._names import find_naming
from motionlift.formats._start import without_start_if_apart
from motionlift.formats._timeline import GIVE_RATE
from motionlift.formats._world import (
    Axis,
    checked_points,
    found_unit,
    found_up,
    to_world,
    world_pose,
)
from motionlift.kinematics import head_axes, leg_length
from motionlift.poses import Pose3D

_NAME_KEYS = ("joint_names", "names")


def read(path: Path, options: ReadOptions) -> Sequence[Pose3D]:
    """The one person in the file.

    Raises:
        FormatError: if the file is damaged, or not as the module says.
        SkeletonError: if the joints' names are not known.
    """
    arrays = read_arrays(path)
    names, positions = _checked(arrays, path)
    naming, joints = find_naming(names, source=str(path), own=options.names)
    landmarks = {mark: positions[:, names.index(joint)] for mark, joint in joints.items()}
    up, said_up = _up(landmarks, options=options, has_tails="tails" in arrays)
    if options.metres_per_unit is not None:
        scale, said_unit = options.metres_per_unit, f"unit given: {options.metres_per_unit:g} m"
    else:
        scale, said_unit = found_unit(landmarks, source=str(path))
    landmarks = {mark: scale * to_world(points, up=up) for mark, points in landmarks.items()}
    axes = None
    if "head" in landmarks:
        axes = head_axes(landmarks)
        base = axes @ (leg_length(landmarks) * np.asarray(naming.skull_base))
        landmarks["head"] = landmarks["head"] + base
    pose = world_pose(
        landmarks,
        source=str(path),
        fps=options.fps or _fps(arrays, path),
        notes=[f"joints named as {naming.name}", said_up, said_unit],
        head_rotation=axes,
    )
    return [without_start_if_apart(pose)]


def _checked(
    arrays: Mapping[str, np.ndarray], path: Path
) -> tuple[list[str], Float[np.ndarray, "frame joint 3"]]:
    key = next((key for key in _NAME_KEYS if key in arrays), None)
    if key is None or "positions" not in arrays:
        raise FormatError(
            f"{path}: holds {', '.join(sorted(arrays)) or 'no arrays'}; expected positions "
            "(frame, joint, 3), joint_names or names (joint,) and fps"
        )
    positions, names = arrays["positions"], arrays[key]
    if names.ndim != 1 or names.dtype.kind not in "US":
        raise FormatError(f"{path}: {key} has shape {names.shape}; expected one text for a joint")
    if (
        positions.ndim != 3
        or positions.shape[1:] != (len(names), 3)
        or positions.dtype.kind != "f"
        or not len(positions)
    ):
        raise FormatError(
            f"{path}: positions are {positions.dtype} of shape {positions.shape}; expected floats "
            f"of shape (frames, {len(names)}, 3), for there are {len(names)} names"
        )
    texts = [
        name.decode("utf-8", errors="replace") if isinstance(name, bytes) else name
        for name in names.tolist()
    ]
    return texts, checked_points(positions, source=str(path))


def _up(
    landmarks: Mapping[str, Float[np.ndarray, "frame 3"]],
    *,
    options: ReadOptions,
    has_tails: bool,
) -> tuple[Axis, str]:
    if options.up is not None:
        return options.up, f"up axis given: {options.up}"
    found, said = found_up(landmarks)
    if has_tails:
        doubt = f", but {said}" if found not in ("z", None) else ""
        return "z", f"up axis z, as Blender exports it{doubt}"
    if found is None:
        return "y", f"up axis taken to be y, as usual: {said}"
    return found, f"up axis found to be {found}: {said}"


def _fps(arrays: Mapping[str, np.ndarray], path: Path) -> float | None:
    if "fps" not in arrays:
        return None
    fps = arrays["fps"]
    if fps.size != 1 or fps.dtype.kind not in "fiu":
        raise FormatError(f"{path}: fps is {fps.dtype} of shape {fps.shape}; expected one number")
    value = float(fps.reshape(-1)[0])
    if not 0 < value < 1e5:
        raise FormatError(f"{path}: declares {value:g} frames a second; {GIVE_RATE}")
    return value


def _sniff(path: Path) -> bool:
    if looks_like_archive(path, ("positions", "joint_names", "units")):
        return False  # the library's own
    return any(looks_like_archive(path, ("positions", key)) for key in _NAME_KEYS)


FORMAT = Format(
    name="mocap-npz",
    title="npz of joint positions",
    kind="motion",
    suffixes=(".npz",),
    sniff=_sniff,
    read_motion=read,
)
