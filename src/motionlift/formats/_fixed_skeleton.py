"""Rotations of a skeleton whose bones keep their length, solved from joints that were lifted.

Lifted bones change their length a little from frame to frame; animation has bones of one length,
here the median. Every bone then points exactly where the lifted one does, so that joints differ by
what the bones above them changed, and by nothing else.

- The pelvis turns with the line between the hips and the way up to the spine, the chest with the
  line between the shoulders and the way up from the spine.
- The spine takes half of the turn between the two.
- All other bones take the shortest way from where they would point at rest, as seen from the joint
  above: nothing twists about its own axis. At rest the body stands, arms to the sides, so that the
  one direction in which the shortest way is not unique lies behind the body, or inside it.
- Where several bones leave a joint, each has a node of its own there, of no length, as in the CMU
  motion capture's files; else they could not all point where they should.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from motionlift.skeletons import H36M17

# At rest the body stands, facing +z, its left towards +x.
_UP, _DOWN, _LEFT, _RIGHT = (0.0, 1.0, 0.0), (0.0, -1.0, 0.0), (1.0, 0.0, 0.0), (-1.0, 0.0, 0.0)
_SHORTEST = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node of the skeleton.

    Attributes:
        name: as MotionBuilder and the CMU motion capture call it.
        joint: the joint of `H36M17` that it is; None for one of no length, which only turns.
        parent: the node above.
        rest: the direction from the node above at rest.
        aims_at: the joint at the end of the bone that the node turns; None if it turns none, or is
            solved as the pelvis, spine and chest are.
    """

    name: str
    joint: str | None
    parent: str | None
    rest: tuple[float, float, float] = (0.0, 0.0, 0.0)
    aims_at: str | None = None


def _limb(side: str, names: tuple[str, str, str], joints: tuple[str, str, str]) -> tuple[Node, ...]:
    """The nodes from hip or shoulder to ankle or wrist."""
    rest = _DOWN if joints[0] == "hip" else _LEFT if side == "left" else _RIGHT
    out = _LEFT if side == "left" else _RIGHT
    root = f"{side[0].upper()}HipJoint" if joints[0] == "hip" else f"{side.capitalize()}Shoulder"
    first, second, third = (f"{side.capitalize()}{name}" for name in names)
    a, b, c = (f"{side}_{joint}" for joint in joints)
    base = "Hips" if joints[0] == "hip" else "Chest"
    return (
        Node(name=root, joint=None, parent=base, aims_at=a),
        Node(name=first, joint=a, parent=root, rest=out, aims_at=b),
        Node(name=second, joint=b, parent=first, rest=rest, aims_at=c),
        Node(name=third, joint=c, parent=second, rest=rest),
    )


_LEG = (("UpLeg", "Leg", "Foot"), ("hip", "knee", "ankle"))
_ARM = (("Arm", "ForeArm", "Hand"), ("shoulder", "elbow", "wrist"))
NODES: tuple[Node, ...] = (
    Node(name="Hips", joint="pelvis", parent=None),
    *_limb("left", *_LEG),
    *_limb("right", *_LEG),
    Node(name="LowerBack", joint=None, parent="Hips", aims_at="spine"),
    Node(name="Spine", joint="spine", parent="LowerBack", rest=_UP),
    Node(name="Chest", joint="thorax", parent="Spine", rest=_UP),
    Node(name="Neck", joint=None, parent="Chest", aims_at="nose"),
    Node(name="Nose", joint="nose", parent="Neck", rest=(0.0, 0.8, 0.6), aims_at="head_top"),
    Node(name="HeadTop", joint="head_top", parent="Nose", rest=(0.0, 0.8, -0.6)),
    *_limb("left", *_ARM),
    *_limb("right", *_ARM),
)
PARENTS: tuple[int, ...] = tuple(
    -1 if node.parent is None else [each.name for each in NODES].index(node.parent)
    for node in NODES
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FixedSkeleton:
    """A motion as a skeleton's rotations; nodes are those of `NODES`.

    Attributes:
        offsets: from the node above, at rest, in the motion's unit.
        rotations: of each node, seen from the node above.
        path: of the root.
        error: how far each joint is from where it was lifted, in the motion's unit.
    """

    offsets: Float[np.ndarray, "node 3"]
    rotations: Float[np.ndarray, "frame node 3 3"]
    path: Float[np.ndarray, "frame 3"]
    error: Float[np.ndarray, "frame 17"]


def fix_skeleton(positions: Float[np.ndarray, "frame 17 3"]) -> FixedSkeleton:
    """The skeleton's rotations from joints with y up, none of them missing."""
    joints = {name: positions[:, k] for k, name in enumerate(H36M17.joints)}
    turned = _turned(joints)
    rotations = np.stack(
        [
            turned[node.name]
            if node.parent is None
            else np.swapaxes(turned[node.parent], -1, -2) @ turned[node.name]
            for node in NODES
        ],
        axis=1,
    )
    offsets = np.stack([_offset(node, joints) for node in NODES])
    placed = placed_joints(offsets, rotations, joints["pelvis"])
    return FixedSkeleton(
        offsets=offsets,
        rotations=rotations,
        path=joints["pelvis"],
        error=np.linalg.norm(placed - positions, axis=-1),
    )


def placed_joints(
    offsets: Float[np.ndarray, "node 3"],
    rotations: Float[np.ndarray, "frame node 3 3"],
    path: Float[np.ndarray, "frame 3"],
) -> Float[np.ndarray, "frame 17 3"]:
    """Where the joints of `H36M17` are when the skeleton is turned so."""
    turned: list[np.ndarray] = []
    placed: list[np.ndarray] = []
    found = np.empty((len(path), H36M17.num_joints, 3))
    for k, (node, parent) in enumerate(zip(NODES, PARENTS, strict=True)):
        if parent < 0:
            turned.append(rotations[:, k])
            placed.append(path)
        else:
            turned.append(turned[parent] @ rotations[:, k])
            placed.append(placed[parent] + turned[parent] @ offsets[k])
        if node.joint is not None:
            found[:, H36M17.index(node.joint)] = placed[k]
    return found


def _offset(node: Node, joints: Mapping[str, np.ndarray]) -> Float[np.ndarray, "3"]:
    """The bone at rest, of median length."""
    if node.joint is None or node.parent is None:
        return np.zeros(3)
    above = H36M17.joints[H36M17.parents[H36M17.index(node.joint)]]
    lengths = np.linalg.norm(joints[node.joint] - joints[above], axis=-1)
    return np.median(lengths) * np.array(node.rest)


def _turned(joints: Mapping[str, np.ndarray]) -> dict[str, Float[np.ndarray, "frame 3 3"]]:
    """The orientation of each node in the world; at rest they all have the world's axes."""
    pelvis = _frame(
        across=joints["left_hip"] - joints["right_hip"], up=joints["spine"] - joints["pelvis"]
    )
    chest = _frame(
        across=joints["left_shoulder"] - joints["right_shoulder"],
        up=joints["thorax"] - joints["spine"],
    )
    turned = {"Hips": pelvis, "Chest": chest}
    by_name = {node.name: node for node in NODES}
    ends = {node.joint: node for node in NODES if node.joint is not None}
    for name, node in by_name.items():
        if name in turned:
            continue
        start = turned[node.parent or ""]
        if name == "Spine":
            halfway = _halfway(pelvis, chest)
            turned[name] = _aimed(halfway, _UP, joints["thorax"] - joints["spine"])
        elif node.aims_at is None:
            turned[name] = start
        else:
            above = H36M17.joints[H36M17.parents[H36M17.index(node.aims_at)]]
            bone = joints[node.aims_at] - joints[above]
            turned[name] = _aimed(start, ends[node.aims_at].rest, bone)
    return turned


def _frame(
    *, across: Float[np.ndarray, "frame 3"], up: Float[np.ndarray, "frame 3"]
) -> Float[np.ndarray, "frame 3 3"]:
    """Axes (columns) with x across and y as far up as that allows; the last ones if they fall."""
    x = _unit(across)
    y = _unit(up - (up * x).sum(axis=-1, keepdims=True) * x)
    axes = np.stack([x, y, np.cross(x, y)], axis=-1)
    is_sound = np.isclose(np.linalg.det(axes), 1.0)
    if not is_sound.any():
        return np.broadcast_to(np.eye(3), axes.shape).copy()
    # Each unsound frame takes the last sound one's axes, those before the first the first's.
    last = np.maximum.accumulate(np.where(is_sound, np.arange(len(axes)), -1))
    return axes[np.where(last < 0, np.argmax(is_sound), last)]


def _aimed(
    start: Float[np.ndarray, "frame 3 3"],
    rest: tuple[float, float, float],
    bone: Float[np.ndarray, "frame 3"],
) -> Float[np.ndarray, "frame 3 3"]:
    """`start`, turned the shortest way so that `rest` points along the bone."""
    aim = start @ np.array(rest)
    goal = _unit(bone)
    goal = np.where((goal == 0).all(axis=-1, keepdims=True), aim, goal)
    axis = np.cross(aim, goal)
    cosine = (aim * goal).sum(axis=-1)[:, None, None]
    cross = _cross_matrix(axis)
    # Rodrigues' formula; (1 - cos) / sin^2 is 1 / (1 + cos). Opposite: half a turn about any axis.
    is_opposite = cosine < -1 + 1e-12
    turn = np.eye(3) + cross + cross @ cross / np.where(is_opposite, 1.0, 1.0 + cosine)
    any_axis = _unit(np.cross(aim, np.where(np.abs(aim[:, :1]) < 0.9, [1.0, 0, 0], [0, 1.0, 0])))
    half_turn = 2 * any_axis[:, :, None] * any_axis[:, None, :] - np.eye(3)
    return np.where(is_opposite, half_turn, turn) @ start


def _halfway(
    one: Float[np.ndarray, "frame 3 3"], other: Float[np.ndarray, "frame 3 3"]
) -> Float[np.ndarray, "frame 3 3"]:
    """Half of the rotation from one to the other."""
    from scipy.spatial.transform import Rotation

    between = Rotation.from_matrix(np.swapaxes(one, -1, -2) @ other).as_rotvec()
    return one @ Rotation.from_rotvec(between / 2).as_matrix()


def _unit(vectors: Float[np.ndarray, "frame 3"]) -> Float[np.ndarray, "frame 3"]:
    """Vectors of length 1; those of no length stay 0."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.where(length > _SHORTEST, vectors / np.maximum(length, _SHORTEST), 0.0)


def _cross_matrix(vectors: Float[np.ndarray, "frame 3"]) -> Float[np.ndarray, "frame 3 3"]:
    x, y, z = np.moveaxis(vectors, -1, 0)
    zero = np.zeros_like(x)
    return np.stack(
        [np.stack(row, axis=-1) for row in ((zero, -z, y), (z, zero, -x), (-y, x, zero))], axis=-2
    )
