from dataclasses import replace

import numpy as np
from numpy.testing import assert_allclose

from motionlift.formats._bvh_file import Node
from motionlift.formats._missing_bones import with_thorax, with_whole_forearms

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


_ARM = (
    Node(name="LeftForeArm", parent=-1),
    Node(name="LeftHand", parent=0, offset=(2.0, 0.0, 1.0)),
    Node(name="LeftFingerBase", parent=1),
    Node(name="LThumb", parent=1),
    Node(name="LeftHandIndex1", parent=2, offset=(0.7, 0.0, 0.0)),
)


def test_a_wrist_with_fingers_and_thumb_in_it_is_moved_to_the_forearms_end() -> None:
    nodes, (note,) = with_whole_forearms(_ARM, wrists=["LeftHand", "RightHand"])
    assert nodes[1].offset == (3.0, 0.0, 1.5)
    assert [*nodes[:1], *nodes[2:]] == [*_ARM[:1], *_ARM[2:]]
    assert "LeftHand" in note


def test_a_wrist_with_fingers_of_their_own_is_left_where_it_is() -> None:
    hand = [*_ARM[:3], replace(_ARM[3], offset=(0.3, 0.0, 0.3)), _ARM[4]]
    assert with_whole_forearms(hand, wrists=["LeftHand"]) == (hand, [])
    assert with_whole_forearms(_ARM, wrists=[]) == (list(_ARM), [])
