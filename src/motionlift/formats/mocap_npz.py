"""Arrays of joint positions with names and a frame rate, in NumPy's `.npz`.

    positions (frame, joint, 3); joint_names or names (joint,); fps
    tails (frame, joint, 3), parents (joint,): as exporters from Blender add them; optional

The joints' names decide which is which. The file says neither its unit nor which axis is up: the
unit is found from the length of the legs, the axis from the way the body stands, except in files
with `tails`, which Blender makes and which have z up as Blender has.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float

from motionlift.errors import FormatError, SkeletonError
from motionlift.formats import Format, ReadOptions
from motionlift.formats._archives import looks_like_archive, read_arrays
from motionlift.formats._world import Axis, check_finite, found_unit, found_up, to_world, world_pose
from motionlift.kinematics import body_axes, leg_length
from motionlift.poses import Pose3D

_NAME_KEYS = ("joint_names", "names")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One naming of joints.

    Attributes:
        name: what people call it.
        sided: landmark without its side -> file's name, with the side's sign at `{}`.
        sides: the signs of left and right.
        central: landmark -> file's name.
        spine: vertebral joints from below upward.
        prefix: what all names begin with.
    """

    name: str
    sided: Mapping[str, str]
    sides: tuple[str, str]
    central: Mapping[str, str] = field(default_factory=dict)
    spine: tuple[str, ...] = ()
    prefix: str = ""

    def landmarks(self) -> dict[str, str]:
        """Landmark -> file's name."""
        named = {
            f"{side}_{joint}": self.prefix + template.format(sign)
            for side, sign in zip(("left", "right"), self.sides, strict=True)
            for joint, template in self.sided.items()
        }
        named.update({mark: self.prefix + name for mark, name in self.central.items()})
        named.update(
            {f"spine_{number}": self.prefix + name for number, name in enumerate(self.spine, 1)}
        )
        return named


def _limbs(
    hip: str, knee: str, ankle: str, shoulder: str, elbow: str, wrist: str
) -> dict[str, str]:
    return {
        "hip": hip,
        "knee": knee,
        "ankle": ankle,
        "shoulder": shoulder,
        "elbow": elbow,
        "wrist": wrist,
    }


_PLAIN = _limbs("{}_hip", "{}_knee", "{}_ankle", "{}_shoulder", "{}_elbow", "{}_wrist")
LAYOUTS = (
    Layout(
        name="MotionBuilder (CMU, Neo_)",
        sided=_limbs("{}UpLeg", "{}Leg", "{}Foot", "{}Arm", "{}ForeArm", "{}Hand"),
        sides=("Left", "Right"),
        central={"neck": "Neck", "head": "Head"},
        spine=("Spine", "Spine1", "Spine2"),
        prefix="Neo_",
    ),
    Layout(
        name="Daz",
        sided=_limbs("{}Thigh", "{}Shin", "{}Foot", "{}Shldr", "{}ForeArm", "{}Hand"),
        sides=("l", "r"),
        central={"neck": "neck", "head": "head"},
        spine=("abdomen", "chest"),
    ),
    Layout(
        name="Unreal",
        sided=_limbs("thigh_{}", "calf_{}", "foot_{}", "upperarm_{}", "lowerarm_{}", "hand_{}"),
        sides=("l", "r"),
        central={"neck": "neck_01", "head": "head"},
        spine=("spine_01", "spine_02", "spine_03"),
    ),
    Layout(
        name="marker-based (l_, r_)",
        sided=_PLAIN,
        sides=("l", "r"),
        central={"neck": "neck", "head_middle": "head", "head_top": "head_top"},
        spine=("spine",),
    ),
    Layout(
        name="plain (left_, right_)",
        sided=_PLAIN,
        sides=("left", "right"),
        central={"neck": "neck", "head": "head"},
        spine=("chest",),
    ),
)

# From the middle of the head markers of Plug-in Gait, which stand at the level of the temples, down
# to where the skull meets the neck; in lengths of the leg. The middle is as far below the vertex as
# UI-PRMD has it (105 mm), the joint as far as `kinematics.HEAD_TOP_OFFSET` has it (151 mm).
SKULL_BASE_FROM_MIDDLE = (0.0, -0.053, -0.012)


def read(path: Path, options: ReadOptions) -> Sequence[Pose3D]:
    """The one person in the file.

    Raises:
        FormatError: if the file is damaged, or not as the module says.
        SkeletonError: if the joints' names are of no known layout.
    """
    arrays = read_arrays(path)
    names, positions = _checked(arrays, path)
    layout = _layout(names, path)
    landmarks = {
        mark: positions[:, names.index(name)].astype(float)
        for mark, name in layout.landmarks().items()
    }
    up, said_up = _up(landmarks, options=options, has_tails="tails" in arrays)
    if options.metres_per_unit is not None:
        scale, said_unit = options.metres_per_unit, f"unit given: {options.metres_per_unit:g} m"
    else:
        scale, said_unit = found_unit(landmarks, source=str(path))
    world = {mark: scale * to_world(points, up=up) for mark, points in landmarks.items()}
    fps = options.fps or _fps(arrays, path)
    notes = [f"joints named as {layout.name}", said_up, said_unit]
    return [world_pose(_with_skull_base(world), source=str(path), fps=fps, notes=notes)]


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
    check_finite(positions, source=str(path))
    return [str(name) for name in names.astype(str)], positions


def _layout(names: list[str], path: Path) -> Layout:
    for layout in LAYOUTS:
        if set(layout.landmarks().values()) <= set(names):
            return layout
    known = ", ".join(layout.name for layout in LAYOUTS)
    raise SkeletonError(
        f"{path}: the joints are named as in none of the layouts known ({known}); found: "
        f"{', '.join(names)}"
    )


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
        raise FormatError(f"{path}: declares {value:g} frames a second; give the rate with --fps")
    return value


def _with_skull_base(
    landmarks: Mapping[str, Float[np.ndarray, "frame 3"]],
) -> dict[str, Float[np.ndarray, "frame 3"]]:
    """The same landmarks, with "head" found from "head_middle" where only that is known."""
    known = dict(landmarks)
    middle = known.pop("head_middle", None)
    if middle is not None:
        axes = body_axes(
            up=known["head_top"] - middle, left=known["left_shoulder"] - known["right_shoulder"]
        )
        known["head"] = middle + axes @ (leg_length(known) * np.asarray(SKULL_BASE_FROM_MIDDLE))
    return known


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
