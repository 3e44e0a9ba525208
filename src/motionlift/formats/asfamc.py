"""ASF/AMC, as Acclaim defined it and CMU's database has it: a skeleton file and a motion file.

The motion (.amc) is the file that is read; its skeleton (.asf) stands in the same folder: of the
same name, of the name before the last underscore (`02_01.amc`, `02.asf`), or the only one there.

A bone's own frame C is turned by its `axis` angles, its motion M by its degrees of freedom, both
about fixed axes, first named first. In world space

    R_bone = R_parent C M C^-1,    end_bone = end_parent + R_bone (length x direction)

The files say nothing about the frame rate: CMU's is 120.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float

from motionlift.errors import FormatError, SkeletonError
from motionlift.formats import Format, ReadOptions
from motionlift.formats._acclaim import Acclaim, Bone, parse_amc, parse_asf
from motionlift.formats._head import fit_head
from motionlift.formats._world import found_unit, rotations_to_world, to_world, world_pose
from motionlift.poses import Pose3D

INCH = 0.0254
# CMU's skeletons say `length 0.45`: a unit is an inch divided by that. Others leave it at 1.
CMU_LENGTH = 0.45
CMU_FPS = 120.0

# A landmark is where the bone ends.
LANDMARKS = {
    **{
        f"{side}_{joint}": side[0] + bone
        for side in ("left", "right")
        for joint, bone in {
            "hip": "hipjoint",
            "knee": "femur",
            "ankle": "tibia",
            "shoulder": "clavicle",
            "elbow": "humerus",
            "wrist": "wrist",  # the lower third of the forearm: it only turns about its own line
        }.items()
    },
    "spine_1": "lowerback",
    "spine_2": "upperback",
    "neck": "thorax",
    "head": "upperneck",
}
HEAD_BONE = "head"
# From the end of "upperneck" to the skull's base, as in CMU's recordings in other forms.
SKULL_BASE = (0.0, 0.055, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Posed:
    """Where each bone ends and how it is turned, in the file's axes and unit."""

    ends: dict[str, Float[np.ndarray, "frame 3"]]
    rotations: dict[str, Float[np.ndarray, "frame 3 3"]]


def read(path: Path, options: ReadOptions) -> Sequence[Pose3D]:
    """The one person in the motion file.

    Raises:
        FormatError: if either file is missing, damaged, or does not fit the other.
        SkeletonError: if the bones are not named as CMU names them.
    """
    skeleton_path = find_skeleton(path)
    skeleton = parse_asf(skeleton_path)
    missing = sorted({*LANDMARKS.values(), HEAD_BONE} - set(skeleton.bones))
    if missing:
        raise SkeletonError(
            f"{skeleton_path}: no bones named {', '.join(missing)} as CMU names them; it has: "
            f"{', '.join(skeleton.bones)}"
        )
    frame_numbers, angles = parse_amc(path, skeleton)
    posed = pose_bones(skeleton, angles)
    landmarks = {mark: posed.ends[bone] for mark, bone in LANDMARKS.items()}
    scale, said_unit = _scale(skeleton, landmarks, options=options, path=path)
    fps, said_fps = _fps(skeleton, options)
    up = options.up or "y"
    world = {mark: scale * to_world(points, up=up) for mark, points in landmarks.items()}
    axes = rotations_to_world(posed.rotations[HEAD_BONE] @ _rest_axes(skeleton), up=up)
    head = fit_head(world, rotation=axes, skull_base=SKULL_BASE)
    pose = world_pose(
        {**world, "head": head.position},
        source=str(path),
        fps=fps,
        notes=(f"skeleton: {skeleton_path.name}", said_unit, *said_fps, *head.notes),
        head_rotation=head.rotation,
    )
    return [replace(pose, frame_index=frame_numbers - frame_numbers[0])]


def find_skeleton(path: Path) -> Path:
    """The .asf file that belongs to a .amc file (see the module).

    Raises:
        FormatError: if there is none, or several and none has the right name.
    """
    try:
        present = sorted(each for each in path.parent.iterdir() if each.suffix.lower() == ".asf")
    except OSError as error:
        raise FormatError(f"{path}: its folder cannot be read ({error.strerror})") from error
    for stem in (path.stem, path.stem.rpartition("_")[0]):
        named = [each for each in present if each.stem.lower() == stem.lower()]
        if named:
            return named[0]
    if len(present) == 1:
        return present[0]
    found = ", ".join(each.name for each in present) or "no .asf file at all"
    raise FormatError(
        f"{path}: its skeleton is missing; expected {path.stem}.asf or "
        f"{path.stem.rpartition('_')[0] or path.stem}.asf beside it, found {found}"
    )


def pose_bones(skeleton: Acclaim, angles: dict[str, Float[np.ndarray, "frame value"]]) -> Posed:
    """Forward kinematics (see the module), all frames at once.

    Args:
        angles: bone -> values of its degrees of freedom, in the skeleton's order and in degrees or
            radians as the skeleton says; "root" has those of `skeleton.root`. A bone that is not
            there does not move against its parent.
    """
    root = angles[skeleton.root.name]
    turns = root[:, [n for n, dof in enumerate(skeleton.root.dof) if dof.startswith("r")]]
    order = "".join(dof[1] for dof in skeleton.root.dof if dof.startswith("r"))
    shift = [skeleton.root.dof.index(f"t{axis}") for axis in "xyz"]
    ends = {skeleton.root.name: root[:, shift] + skeleton.root_position}
    rotations = {
        skeleton.root.name: _matrices(order, turns, skeleton)
        @ _matrices(skeleton.root.axis_order, skeleton.root.axis[None], skeleton)
    }
    for name, parent in skeleton.parents.items():
        bone = skeleton.bones[name]
        turned = rotations[parent]
        if bone.dof and name in angles:
            turned = turned @ _local(bone, angles[name], skeleton)
        rotations[name] = turned
        ends[name] = ends[parent] + turned @ (bone.length * bone.direction)
    return Posed(ends=ends, rotations=rotations)


def _local(
    bone: Bone, values: Float[np.ndarray, "frame value"], skeleton: Acclaim
) -> Float[np.ndarray, "frame 3 3"]:
    frame = _matrices(bone.axis_order, bone.axis[None], skeleton)
    moved = _matrices("".join(dof[1] for dof in bone.dof), values, skeleton)
    return frame @ moved @ frame.swapaxes(-1, -2)


def _matrices(
    order: str, angles: Float[np.ndarray, "frame value"], skeleton: Acclaim
) -> Float[np.ndarray, "frame 3 3"]:
    # Here, because it takes long to import, and reading other formats does without.
    from scipy.spatial.transform import Rotation

    # Lower case axes are fixed ones to SciPy, and the first named turns first.
    return Rotation.from_euler(order, angles, degrees=skeleton.is_degrees).as_matrix()


def _rest_axes(skeleton: Acclaim) -> Float[np.ndarray, "3 3"]:
    """Left, up and forward of the body as the skeleton stands without motion, y up."""
    left = skeleton.bones[LANDMARKS["left_hip"]].direction
    right = skeleton.bones[LANDMARKS["right_hip"]].direction
    across = (left - right) * [1.0, 0.0, 1.0]
    # CMU's bodies face +z. The measured hips are not level with that to the last degree: a body
    # that faces one of the four sides faces it exactly.
    axis = int(np.argmax(np.abs(across)))
    across = np.sign(across[axis]) * np.eye(3)[axis]
    up = np.array([0.0, 1.0, 0.0])
    return np.stack([across, up, np.cross(across, up)], axis=-1)


def _scale(
    skeleton: Acclaim,
    landmarks: dict[str, Float[np.ndarray, "frame 3"]],
    *,
    options: ReadOptions,
    path: Path,
) -> tuple[float, str]:
    if options.metres_per_unit is not None:
        return options.metres_per_unit, f"unit given: {options.metres_per_unit:g} m"
    if _is_cmu(skeleton):
        return INCH / CMU_LENGTH, f"unit as CMU has it: an inch / {CMU_LENGTH}"
    return found_unit(landmarks, source=str(path))


def _fps(skeleton: Acclaim, options: ReadOptions) -> tuple[float | None, list[str]]:
    if options.fps is not None:
        return options.fps, []
    if _is_cmu(skeleton):
        return CMU_FPS, [f"the file declares no frame rate: taken to be CMU's {CMU_FPS:g}"]
    return None, ["the file declares no frame rate"]


def _is_cmu(skeleton: Acclaim) -> bool:
    return abs(skeleton.length_unit - CMU_LENGTH) < 1e-6


def _sniff(path: Path) -> bool:
    if path.suffix.lower() != ".amc" or not path.is_file():
        return False
    try:
        with path.open("rb") as handle:
            head = handle.read(4096)
    except OSError:
        return False
    return b":FULLY-SPECIFIED" in head.upper() or b":DEGREES" in head.upper()


def _skeletons_beside(path: Path) -> Sequence[Path]:
    return sorted(each for each in path.parent.glob("*") if each.suffix.lower() == ".asf")


FORMAT = Format(
    name="asfamc",
    title="ASF/AMC",
    kind="motion",
    suffixes=(".amc",),
    sniff=_sniff,
    read_motion=read,
    companions=_skeletons_beside,
)
