from dataclasses import replace

import numpy as np
from numpy.testing import assert_allclose

from motionlift.formats._bvh_file import Node
from motionlift.formats._missing_thorax import with_thorax

_TRUNK = (
    Node(name="Hips", parent=-1),
    Node(name="LowerBack", parent=0),
    Node(name="Spine", parent=1, offset=(0.0, 2.0, 0.0)),
    Node(name="Spine1", parent=2, offset=(0.0, 2.0, 0.2)),
    Node(name="Neck", parent=3),
    Node(name="LeftShoulder", parent=3),
    Node(name="RightShoulder", parent=3),
    Node(name="LeftArm", parent=5, offset=(3.0, 1.0, 0.0)),
)


def test_neck_and_collars_in_one_point_get_the_thorax_below_them() -> None:
    nodes, (note,) = with_thorax(_TRUNK)
    # On from (0, 2, 0.2) by half of what that differs from (0, 2, 0), 1.01 times as long.
    direction = np.array([0, 2, 0.3]) / np.hypot(2, 0.3)
    expected = 1.01 * np.hypot(2, 0.2) * direction
    for name in ("Neck", "LeftShoulder", "RightShoulder"):
        assert_allclose(next(node for node in nodes if node.name == name).offset, expected)
    assert nodes[:4] == list(_TRUNK[:4])
    assert nodes[7] == _TRUNK[7]
    assert "Spine1" in note


def test_a_whole_skeleton_is_left_as_it_is() -> None:
    whole = [*_TRUNK[:4], *(replace(node, offset=(0.0, 2.0, 0.0)) for node in _TRUNK[4:7])]
    assert with_thorax(whole) == (whole, [])


def test_helper_joints_at_the_hips_are_left_as_they_are() -> None:
    hips = [
        _TRUNK[0],
        *(Node(name=name, parent=0) for name in ("LHipJoint", "RHipJoint", "LowerBack")),
    ]
    assert with_thorax(hips) == (hips, [])
