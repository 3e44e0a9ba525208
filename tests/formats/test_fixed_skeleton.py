"""A skeleton of fixed lengths follows the joints, and nothing in it twists."""

import numpy as np
import pytest
from jaxtyping import Float
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from motionlift.formats._bvh_write import euler_zyx
from motionlift.formats._fixed_skeleton import NODES, PARENTS, fix_skeleton, placed_joints
from motionlift.skeletons import H36M17

LENGTHS = {"knee": 0.42, "ankle": 0.40, "elbow": 0.29, "wrist": 0.26, "hip": 0.1, "shoulder": 0.18}


def _at_rest() -> Float[np.ndarray, "17 3"]:
    """Somebody of the lengths above, as the skeleton stands at rest."""
    places = np.zeros((len(NODES), 3))
    joints = np.zeros((17, 3))
    for k, (node, parent) in enumerate(zip(NODES, PARENTS, strict=True)):
        length = 0.0
        if node.joint is not None and parent >= 0:
            length = LENGTHS.get(node.joint.split("_")[-1], 0.2)
        if parent >= 0:
            places[k] = places[parent] + length * np.array(node.rest)
        if node.joint is not None:
            joints[H36M17.index(node.joint)] = places[k]
    return joints


def _turned(node: str, rotation: Rotation) -> Float[np.ndarray, "17 3"]:
    """Somebody at rest but for one node."""
    solved = fix_skeleton(_at_rest()[None])
    rotations = solved.rotations.copy()
    rotations[0, [each.name for each in NODES].index(node)] = rotation.as_matrix()
    return placed_joints(solved.offsets, rotations, solved.path)[0]


def _local(positions: Float[np.ndarray, "17 3"], node: str) -> Float[np.ndarray, "3"]:
    """The rotation vector that is solved for one node, in degrees."""
    rotations = fix_skeleton(positions[None]).rotations[0]
    number = [each.name for each in NODES].index(node)
    return Rotation.from_matrix(rotations[number]).as_rotvec(degrees=True)


def test_at_rest_nothing_is_turned() -> None:
    solved = fix_skeleton(_at_rest()[None])
    assert_allclose(solved.rotations[0], np.broadcast_to(np.eye(3), (len(NODES), 3, 3)), atol=1e-12)
    assert_allclose(solved.error, 0, atol=1e-12)


def test_nodes_are_the_joints_of_h36m17_each_once() -> None:
    joints = [node.joint for node in NODES if node.joint is not None]
    assert sorted(joints) == sorted(H36M17.joints)
    assert all(parent < k for k, parent in enumerate(PARENTS))


@pytest.mark.parametrize("angle", [10, 90, 150])
def test_a_bent_knee_is_turned_by_its_angle_and_nothing_else_is(angle: float) -> None:
    positions = _turned("LeftLeg", Rotation.from_euler("x", angle, degrees=True))
    assert_allclose(_local(positions, "LeftLeg"), [angle, 0, 0], atol=1e-6)
    for node in NODES:
        if node.name != "LeftLeg":
            assert_allclose(_local(positions, node.name), 0, atol=1e-6)


@pytest.mark.parametrize("node", ["LeftArm", "RightForeArm", "LeftUpLeg", "Neck", "LeftShoulder"])
def test_no_bone_twists_about_itself(node: str) -> None:
    end = next(each for each in NODES if each.joint and each.parent == node)
    for direction in np.random.default_rng(0).normal(size=(20, 3)):
        swing, _ = Rotation.align_vectors([direction / np.linalg.norm(direction)], [end.rest])
        found = _local(_turned(node, swing), node)
        assert abs(found @ np.array(end.rest)) < 1e-6


def test_turning_the_whole_body_turns_the_hips_alone() -> None:
    turn = Rotation.from_euler("zyx", [20, 130, -30], degrees=True)
    solved = fix_skeleton(turn.apply(_at_rest())[None])
    assert_allclose(solved.rotations[0, 0], turn.as_matrix(), atol=1e-12)
    assert_allclose(solved.rotations[0, 1:], np.broadcast_to(np.eye(3), (22, 3, 3)), atol=1e-9)


def test_a_turned_chest_is_shared_by_spine_and_chest() -> None:
    positions = _turned("Chest", Rotation.from_euler("y", 60, degrees=True))
    assert_allclose(_local(positions, "Spine"), [0, 30, 0], atol=1e-6)
    assert_allclose(_local(positions, "Chest"), [0, 30, 0], atol=1e-6)


def test_joints_differ_by_what_bones_changed_and_nothing_else() -> None:
    rng = np.random.default_rng(0)
    positions = _at_rest() + rng.normal(0, 0.02, (50, 17, 3))
    solved = fix_skeleton(positions)
    bones = np.array(H36M17.bones)
    lengths = np.linalg.norm(positions[:, bones[:, 1]] - positions[:, bones[:, 0]], axis=-1)
    change = np.abs(lengths - np.median(lengths, axis=0))
    for joint in range(17):
        allowed = np.zeros(50)
        above = joint
        while H36M17.parents[above] >= 0:
            allowed += change[:, bones[:, 1].tolist().index(above)]
            above = H36M17.parents[above]
        assert (solved.error[:, joint] <= allowed + 1e-9).all()


def test_directions_are_exact_however_they_lie() -> None:
    rng = np.random.default_rng(1)
    positions = rng.normal(size=(200, 17, 3))
    solved = fix_skeleton(positions)
    placed = placed_joints(solved.offsets, solved.rotations, solved.path)
    for parent, joint in H36M17.bones:
        one, other = (each[:, joint] - each[:, parent] for each in (positions, placed))
        cosine = (
            (one * other).sum(-1) / np.linalg.norm(one, axis=-1) / np.linalg.norm(other, axis=-1)
        )
        assert_allclose(cosine, 1, atol=1e-9)
    assert_allclose(np.linalg.det(solved.rotations), 1, atol=1e-9)


def test_opposite_directions_and_points_in_one_place_are_no_accident() -> None:
    positions = np.stack([_at_rest(), _at_rest(), np.zeros((17, 3))])
    left, right = H36M17.index("left_wrist"), H36M17.index("left_elbow")
    positions[1, left] = positions[1, right] - [0.26, 0, 0]  # folded onto the upper arm
    solved = fix_skeleton(positions)
    assert np.isfinite(solved.rotations).all()
    assert_allclose(np.linalg.det(solved.rotations), 1, atol=1e-9)
    assert_allclose(solved.error[1], 0, atol=1e-9)


@pytest.mark.parametrize("y", [-90.0, -89.9999999, 0.0, 45.0, 90.0])
def test_euler_angles_make_the_rotation_again_at_any_angle(y: float) -> None:
    angles = np.array([[30.0, y, -70.0], [170.0, y, 10.0], [-170.0, y, 10.0]])
    rotations = Rotation.from_euler("ZYX", angles, degrees=True).as_matrix()[:, None]
    found = euler_zyx(rotations)[:, 0]
    back = Rotation.from_euler("ZYX", found, degrees=True).as_matrix()
    assert_allclose(back, rotations[:, 0], atol=1e-7)


def test_euler_angles_go_on_past_half_a_turn() -> None:
    angles = np.stack([np.arange(0.0, 720, 10), np.zeros(72), np.zeros(72)], axis=-1)
    rotations = Rotation.from_euler("ZYX", angles, degrees=True).as_matrix()[:, None]
    assert_allclose(euler_zyx(rotations)[:, 0], angles, atol=1e-9)
