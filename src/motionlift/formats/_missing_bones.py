"""The bones that the common BVH conversions of the CMU recordings leave out.

B. Hahne's conversions (cgspeed), in MotionBuilder's and in 3ds Max's names, keep the joint that a
bone turns in, but give the bone no length where more than one other begins at its end:

- The thorax, last of three bones from the hips to the base of the neck: neck and both collars stand
  right in its joint, so that shoulders and head are some 12 cm too low. The original skeletons tell
  what is missing: their thorax is 1.01 times as long as their upperback (19 skeletons, standard
  deviation 0.01) and bends on from it half as much as that does from the lowerback.
- The lower third of the forearm, which CMU calls wrist and which turns about its own line only
  (pronation): fingers and thumb stand right in its joint, so that hands are some 9 cm too high. In
  the original skeletons it is half as long as the radius (19 skeletons, without exception).
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from motionlift.formats._bvh_file import Node

_LENGTH_RATIO = 1.01
_BEND_RATIO = 0.5
# Bones of the trunk are cut in equal parts; what differs by more is another kind of skeleton.
_MOST_UNEQUAL = 1.25
_FOREARM_RATIO = 1.5


def with_thorax(nodes: Sequence[Node]) -> tuple[list[Node], list[str]]:
    """The same skeleton with the thorax put back, and a note; unchanged where nothing is missing.

    It is missing where neck and two collars, and nothing else, stand right in the last of at
    least two joints of the spine that are about equally far apart.
    """
    restored = list(nodes)
    notes = []
    for number, node in enumerate(nodes):
        children = _children_at_its_place(nodes, number)
        if node.parent < 0 or len(children) != 3:
            continue
        upper, lower = np.array(node.offset), np.array(nodes[node.parent].offset)
        lengths = np.linalg.norm(upper), np.linalg.norm(lower)
        if min(lengths) == 0 or max(lengths) > _MOST_UNEQUAL * min(lengths):
            continue
        thorax = upper + _BEND_RATIO * (upper - lower)
        thorax *= _LENGTH_RATIO * lengths[0] / np.linalg.norm(thorax)
        for child in children:
            restored[child] = replace(nodes[child], offset=(thorax[0], thorax[1], thorax[2]))
        notes.append(
            f"neck and collars stand right in {node.name}: the thorax, {_LENGTH_RATIO} times as "
            "long as the part below it, was put back"
        )
    return restored, notes


def with_whole_forearms(
    nodes: Sequence[Node], *, wrists: Sequence[str]
) -> tuple[list[Node], list[str]]:
    """The same skeleton with wrists at the ends of the forearms, and a note.

    Unchanged where nothing is missing: a part is missing where fingers and thumb, two joints, stand
    right in the wrist.
    """
    restored = list(nodes)
    notes = []
    for number, node in enumerate(nodes):
        if node.name in wrists and len(_children_at_its_place(nodes, number)) == 2:
            x, y, z = node.offset
            longer = (_FOREARM_RATIO * x, _FOREARM_RATIO * y, _FOREARM_RATIO * z)
            restored[number] = replace(node, offset=longer)
            notes.append(
                f"fingers stand right in {node.name}: the lower third of the forearm was put back"
            )
    return restored, notes


def _children_at_its_place(nodes: Sequence[Node], number: int) -> list[int]:
    """Numbers of all children of a node if none of them is anywhere else; else none."""
    children = [child for child, each in enumerate(nodes) if each.parent == number]
    is_there = all(
        nodes[child].offset == (0.0, 0.0, 0.0) and not nodes[child].positions for child in children
    )
    return children if is_there else []
