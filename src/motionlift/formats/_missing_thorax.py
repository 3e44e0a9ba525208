"""The part of the trunk that the common BVH conversions of the CMU recordings leave out.

CMU's skeletons have three bones from the hips to the base of the neck: lowerback, upperback and
thorax. B. Hahne's conversions (cgspeed), in MotionBuilder's and in 3ds Max's names, keep the joint
that the thorax turns in, but put neck and both collars right into it: shoulders and head are some
12 cm too low. The original skeletons tell what is missing: their thorax is 1.01 times as long as
their upperback (19 skeletons, standard deviation 0.01) and bends on from it half as much as that
does from the lowerback.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from motionlift.formats._bvh_file import Node

_LENGTH_RATIO = 1.01
_BEND_RATIO = 0.5
# Bones of the trunk are cut in equal parts; what differs by more is another kind of skeleton.
_MOST_UNEQUAL = 1.25


def with_thorax(nodes: Sequence[Node]) -> tuple[list[Node], list[str]]:
    """The same skeleton with the thorax put back, and a note; unchanged where nothing is missing.

    It is missing where neck and two collars, and nothing else, stand right in the last of at
    least two joints of the spine that are about equally far apart.
    """
    restored = list(nodes)
    notes = []
    for number, node in enumerate(nodes):
        children = [child for child, each in enumerate(nodes) if each.parent == number]
        at_zero = all(nodes[child].offset == (0.0, 0.0, 0.0) for child in children)
        moves = any(nodes[child].positions for child in children)
        if node.parent < 0 or len(children) != 3 or not at_zero or moves:
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
