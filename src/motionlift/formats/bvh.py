"""BVH, the text format that animation programs exchange motion in.

The file has neither unit nor meaning: joints are recognised by their names (`_names.py`), and the
unit is what files of these names are known for, checked against the length of the legs.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float

from motionlift.errors import FormatError
from motionlift.formats import Format, ReadOptions
from motionlift.formats._bvh_file import read_bvh_file
from motionlift.formats._bvh_write import write
from motionlift.formats._head import fit_head
from motionlift.formats._missing_bones import with_thorax, with_whole_forearms
from motionlift.formats._names import Naming, find_naming
from motionlift.formats._start import without_start_if_apart
from motionlift.formats._timeline import GIVE_RATE
from motionlift.formats._world import (
    LONGEST_LEG,
    SHORTEST_LEG,
    Axis,
    found_up,
    rotations_to_world,
    to_world,
    world_pose,
)
from motionlift.kinematics import leg_length
from motionlift.poses import Pose3D

# What the library writes lacks no bones.
_OWN = "motionlift"
# Metres, centimetres, millimetres, the CMU conversions' inches / 0.45, inches.
_KNOWN_UNITS = (1.0, 0.01, 0.001, 0.0254 / 0.45, 0.0254)

Landmarks = dict[str, Float[np.ndarray, "frame 3"]]


def read(path: Path, options: ReadOptions) -> Sequence[Pose3D]:
    """The one person in the file.

    Raises:
        FormatError: if the file is damaged, or its legs are no legs in any known unit.
        SkeletonError: if its joints' names are not known.
    """
    file = read_bvh_file(path)
    naming, joints = find_naming(
        [node.name for node in file.nodes], source=str(path), own=options.names
    )
    nodes, said_thorax, said_forearms = list(file.nodes), list[str](), list[str]()
    if naming.name != _OWN:
        nodes, said_thorax = with_thorax(nodes)
        wrists = [joint for mark, joint in joints.items() if mark.endswith("wrist")]
        nodes, said_forearms = with_whole_forearms(nodes, wrists=wrists)
    placed = replace(file, nodes=nodes).posed(list(joints.values()))
    landmarks = {mark: placed[joint].position for mark, joint in joints.items()}
    up, said_up = _up(landmarks, naming=naming, options=options)
    scale, said_unit = _unit(leg_length(landmarks), naming=naming, options=options, path=path)
    landmarks = {mark: scale * to_world(points, up=up) for mark, points in landmarks.items()}
    rotation, said_head = None, ["nose and head top follow the shoulders"]
    if naming.head_axes is not None and "head" in joints:
        axes = rotations_to_world(placed[joints["head"]].axes @ naming.head_axes, up=up)
        head = fit_head(landmarks, rotation=axes, skull_base=naming.skull_base)
        rotation, said_head = head.rotation, list(head.notes)
        landmarks["head"] = head.position
    said_bones = [*said_thorax, *said_forearms]
    notes = [f"joints named as {naming.name}", *said_unit, *said_up, *said_bones, *said_head]
    if file.fps is None and options.fps is None:
        raise FormatError(f"{path}: declares frames of 0 s; {GIVE_RATE}")
    if options.fps is not None and options.fps != file.fps:
        declared = "frames of 0 s" if file.fps is None else f"{file.fps:g} frames a second"
        notes.append(f"declares {declared}, taken as {options.fps:g}")
    pose = world_pose(
        landmarks,
        source=str(path),
        fps=options.fps or file.fps,
        notes=notes,
        head_rotation=rotation,
    )
    return [without_start_if_apart(pose)]


def _up(landmarks: Landmarks, *, naming: Naming, options: ReadOptions) -> tuple[Axis, list[str]]:
    """The axis that points up, and what there is to say about it."""
    if options.up is not None:
        return options.up, [f"up axis given: {options.up}"]
    found, said = found_up(landmarks)
    if found in (naming.up, None):
        return naming.up, []
    return naming.up, [
        f"{said}, though up is {naming.up}: it lies down, or the file needs --up {found}"
    ]


def _unit(
    leg: float, *, naming: Naming, options: ReadOptions, path: Path
) -> tuple[float, list[str]]:
    """Metres per unit, and where that is from."""
    if options.metres_per_unit is not None:
        metres = options.metres_per_unit
        return metres, [f"unit given: {metres:g} m; the leg is {leg * metres:.2f} m"]
    known = [naming.metres_per_unit] if naming.metres_per_unit is not None else []
    for metres in (*known, *_KNOWN_UNITS):
        if SHORTEST_LEG <= leg * metres <= LONGEST_LEG:
            length = f"the leg is {leg * metres:.2f} m"
            if metres == naming.metres_per_unit:
                return metres, [f"unit {metres:.4g} m, as files of these names have it; {length}"]
            return metres, [f"unit found to be {metres:.4g} m: {length}"]
    raise FormatError(
        f"{path}: a leg of {leg:.4g} units is none in m, cm, mm, inches or inches / 0.45; "
        "say the unit's size in metres with --metres-per-unit"
    )


def _sniff(path: Path) -> bool:
    try:
        with path.open("rb") as handle:
            return handle.read(200).lstrip(b"\xef\xbb\xbf \t\r\n")[:9].upper() == b"HIERARCHY"
    except OSError:
        return False


FORMAT = Format(
    name="bvh",
    title="BVH",
    kind="motion",
    suffixes=(".bvh",),
    sniff=_sniff,
    read_motion=read,
    write=write,
    needs_fps=True,
    needs_whole=True,
)
