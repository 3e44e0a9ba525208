"""Writes BVH: a skeleton of fixed lengths, its root's path, and Euler angles.

Metres are written as centimetres, which is what most programs take a BVH's unit to be; motion of
unknown scale stays in pixels. Angles are degrees, in the order z, y, x.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float

from motionlift.errors import FormatError
from motionlift.formats._fixed_skeleton import NODES, FixedSkeleton, fix_skeleton
from motionlift.formats._outgoing import check_complete, known_fps, seen_part, y_up_positions
from motionlift.poses import Pose3D, usual_step

CENTIMETRES = 100.0
# Where a chain ends, for programs that draw bones only between joints; in lengths of the last bone.
_END = 0.3
_ROOT_CHANNELS = "CHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation"
_CHANNELS = "CHANNELS 3 Zrotation Yrotation Xrotation"


def write(pose: Pose3D, path: Path) -> None:
    """Write a motion as BVH.

    Frames before and after those in which the person is seen are left out.

    Raises:
        FormatError: if a joint is missing in a frame between, frames are left out unevenly, or
            nobody knows the frame rate.
    """
    fps = known_fps(pose, path)
    pose = seen_part(pose)
    positions = y_up_positions(pose, path)
    check_complete(positions, pose, path)
    step = usual_step(pose.frame_index)
    if (np.diff(pose.frame_index) != step).any():
        row = int(np.flatnonzero(np.diff(pose.frame_index) != step)[0])
        first, last = pose.frame_index[row] + 1, pose.frame_index[row + 1] - 1
        raise FormatError(
            f"{path.name}: frames {first} to {last} are not there, and a .bvh file has no way to "
            f"leave them out; --fps-out {fps:g} bridges them, or choose another format"
        )
    skeleton = fix_skeleton(positions * (CENTIMETRES if pose.units == "m" else 1.0))
    with path.open("w", encoding="ascii", newline="\n") as handle:
        handle.write("HIERARCHY\n")
        handle.writelines(line + "\n" for line in _hierarchy(skeleton.offsets, node=0, depth=0))
        handle.write(f"MOTION\nFrames: {pose.num_frames}\nFrame Time: {step / fps:.10g}\n")
        handle.writelines(_frames(skeleton))


def _hierarchy(offsets: Float[np.ndarray, "node 3"], *, node: int, depth: int) -> Iterator[str]:
    """The lines of a node and all below it."""
    indent = "\t" * depth
    name = NODES[node].name
    yield f"{indent}{'ROOT' if depth == 0 else 'JOINT'} {name}"
    yield indent + "{"
    yield f"{indent}\tOFFSET {_numbers(offsets[node])}"
    yield f"{indent}\t{_ROOT_CHANNELS if depth == 0 else _CHANNELS}"
    children = [k for k, each in enumerate(NODES) if each.parent == name]
    for child in children:
        yield from _hierarchy(offsets, node=child, depth=depth + 1)
    if not children:
        yield f"{indent}\tEnd Site"
        yield indent + "\t{"
        yield f"{indent}\t\tOFFSET {_numbers(offsets[node] * _END)}"
        yield indent + "\t}"
    yield indent + "}"


def _frames(skeleton: FixedSkeleton) -> Iterator[str]:
    angles = euler_zyx(skeleton.rotations)
    for place, of_frame in zip(skeleton.path, angles, strict=True):
        yield f"{_numbers(place)} {_numbers(of_frame.reshape(-1))}\n"


def euler_zyx(
    rotations: Float[np.ndarray, "frame node 3 3"],
) -> Float[np.ndarray, "frame node 3"]:
    """Angles z, y, x in degrees with rotation = Rz Ry Rx, without jumps of whole turns."""
    y = np.arcsin(np.clip(-rotations[..., 2, 0], -1.0, 1.0))
    # Where y is a right angle, z and x turn about the same axis; all of it is given to z.
    is_locked = np.hypot(rotations[..., 0, 0], rotations[..., 1, 0]) < 1e-9
    x = np.arctan2(rotations[..., 2, 1], rotations[..., 2, 2])
    z = np.arctan2(rotations[..., 1, 0], rotations[..., 0, 0])
    locked_z = np.arctan2(-rotations[..., 0, 1], rotations[..., 1, 1])
    angles = np.stack([np.where(is_locked, locked_z, z), y, np.where(is_locked, 0.0, x)], axis=-1)
    return np.degrees(np.unwrap(angles, axis=0))


def _numbers(values: Float[np.ndarray, " value"]) -> str:
    return " ".join(f"{value:.6f}" for value in values.tolist())
