import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from motionlift.kinematics import (
    HEAD_TOP_OFFSET,
    LIMB_LANDMARKS,
    NECK_LEAN,
    NOSE_OFFSET,
    body_axes,
    head_axes,
    joints_from_landmarks,
    leg_length,
    nod,
)
from motionlift.skeletons import H36M17
from tests.formats.bodies import walking

LEG = 0.8


def upright() -> dict[str, np.ndarray]:
    """One frame of a body with legs of 0.8 m that faces +z."""
    points = {
        "hip": (0.1, 0.9, 0.0),
        "knee": (0.1, 0.5, 0.0),
        "ankle": (0.1, 0.1, 0.0),
        "shoulder": (0.2, 1.4, 0.0),
        "elbow": (0.2, 1.1, 0.0),
        "wrist": (0.2, 0.85, 0.0),
    }
    landmarks = {}
    for joint, (x, y, z) in points.items():
        landmarks[f"left_{joint}"] = np.array([[x, y, z]])
        landmarks[f"right_{joint}"] = np.array([[-x, y, z]])
    landmarks["head"] = np.array([[0.0, 1.6, 0.05]])
    return landmarks


def joint(positions: np.ndarray, name: str) -> np.ndarray:
    return positions[:, H36M17.index(name)]


def test_limbs_are_the_landmarks_themselves() -> None:
    landmarks = walking()
    positions = joints_from_landmarks(landmarks)
    for name in LIMB_LANDMARKS:
        assert_allclose(joint(positions, name), landmarks[name])


def test_pelvis_and_thorax_are_the_middles_of_hips_and_shoulders() -> None:
    positions = joints_from_landmarks(upright())
    assert_allclose(joint(positions, "pelvis"), [[0, 0.9, 0]])
    assert_allclose(joint(positions, "thorax"), [[0, 1.4, 0]])


def test_spine_without_vertebrae_is_the_middle_of_pelvis_and_thorax() -> None:
    assert_allclose(joint(joints_from_landmarks(upright()), "spine"), [[0, 1.15, 0]])


def test_spine_is_half_way_along_the_vertebrae() -> None:
    # 0.3 m up from the pelvis, 0.4 back, 0.2 up, 0.4 forward to the thorax: half of 1.3 m is 0.65.
    vertebrae = {
        "spine_2": np.array([[0, 1.2, -0.4]]),
        "spine_1": np.array([[0, 1.2, 0.0]]),
        "spine_3": np.array([[0, 1.4, -0.4]]),
    }
    positions = joints_from_landmarks({**upright(), **vertebrae})
    assert_allclose(joint(positions, "spine"), [[0, 1.2, -0.35]])


def test_vertebrae_are_counted_not_spelt() -> None:
    heights = np.linspace(0.92, 1.38, 12)
    names = {f"spine_{n}": np.array([[0, y, 0.0]]) for n, y in enumerate(heights, 1)}
    shuffled = dict(sorted(names.items()))  # spine_1, spine_10, spine_11, spine_12, spine_2, ...
    positions = joints_from_landmarks({**upright(), **shuffled})
    assert_allclose(joint(positions, "spine"), [[0, 1.15, 0]])


def test_nose_and_head_top_stand_in_the_heads_own_axes() -> None:
    lying_back = np.array([[[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]])  # up is -z, forward +y
    positions = joints_from_landmarks(upright(), head_rotation=lying_back)
    up, forward = LEG * HEAD_TOP_OFFSET[1], LEG * HEAD_TOP_OFFSET[2]
    assert_allclose(joint(positions, "head_top"), [[0, 1.6 + forward, 0.05 - up]])
    assert_allclose(joint(positions, "nose"), [[0, 1.6 + LEG * NOSE_OFFSET[2], 0.05]])


def test_given_nose_and_head_top_win() -> None:
    given = {"nose": np.array([[1.0, 2, 3]]), "head_top": np.array([[0, 1.8, 0.05]])}
    positions = joints_from_landmarks({**upright(), **given}, head_rotation=np.eye(3)[None])
    assert_allclose(joint(positions, "nose"), given["nose"])
    assert_allclose(joint(positions, "head_top"), given["head_top"])


def test_a_neck_that_leans_as_necks_do_carries_a_level_head() -> None:
    lean = 0.15 * np.array([[0, np.cos(NECK_LEAN), np.sin(NECK_LEAN)]])
    landmarks = upright()
    landmarks["neck"] = landmarks["head"] - lean
    assert_allclose(head_axes(landmarks)[0], np.eye(3), atol=1e-12)


def test_the_line_to_the_head_top_is_up_where_it_is_known() -> None:
    landmarks = {**upright(), "head_top": np.array([[0, 1.6, 0.25]])}
    assert_allclose(head_axes(landmarks)[0] @ [0, 1, 0], [0, 0, 1], atol=1e-12)
    assert_allclose(head_axes(landmarks)[0] @ [0, 0, 1], [0, -1, 0], atol=1e-12)


def test_what_is_missing_makes_missing_what_needs_it_and_nothing_else() -> None:
    landmarks = walking(5)
    landmarks["left_hip"] = landmarks["left_hip"].copy()
    landmarks["left_hip"][2] = np.nan
    del landmarks["right_wrist"]
    positions = joints_from_landmarks(landmarks)
    missing = {
        (frame, H36M17.joints[number])
        for frame, number in np.argwhere(np.isnan(positions).any(axis=-1))
    }
    expected = {(frame, "right_wrist") for frame in range(5)}
    assert missing == expected | {(2, "left_hip"), (2, "pelvis"), (2, "spine")}


def test_a_body_without_a_head_has_no_nose() -> None:
    landmarks = upright()
    del landmarks["head"]
    positions = joints_from_landmarks(landmarks)
    assert np.isnan(joint(positions, "nose")).all()
    assert np.isnan(joint(positions, "head_top")).all()
    assert np.isfinite(joint(positions, "thorax")).all()


def test_leg_length_is_of_the_leg_that_is_known() -> None:
    landmarks = upright()
    assert leg_length(landmarks) == pytest.approx(LEG)
    landmarks["left_knee"] = np.full((1, 3), np.nan)
    assert leg_length(landmarks) == pytest.approx(LEG)
    assert np.isnan(leg_length({"head": landmarks["head"]}))


def test_axes_are_left_up_and_forward() -> None:
    axes = body_axes(up=np.array([[0, 2.0, 0]]), left=np.array([[3.0, 1.0, 0]]))
    assert_allclose(axes[0], np.eye(3), atol=1e-12)
    assert np.isnan(body_axes(up=np.array([[0, 1.0, 0]]), left=np.array([[0, 5.0, 0]]))).any()


def test_nodding_turns_up_into_forward() -> None:
    assert_allclose(nod(np.pi / 2) @ [0, 1, 0], [0, 0, 1], atol=1e-12)


@given(seed=st.integers(0, 2**32 - 1))
def test_a_body_that_is_turned_and_moved_takes_every_joint_along(seed: int) -> None:
    rng = np.random.default_rng(seed)
    turn, shift = Rotation.random(rng=rng).as_matrix(), rng.normal(0, 10, 3)
    landmarks = walking(3)
    moved = {name: points @ turn.T + shift for name, points in landmarks.items()}
    expected = joints_from_landmarks(landmarks) @ turn.T + shift
    assert_allclose(joints_from_landmarks(moved), expected, atol=1e-9)


def test_a_mirrored_body_has_mirrored_joints() -> None:
    def mirror(name: str) -> str:
        swap = {"left": "right", "right": "left"}
        side, _, rest = name.partition("_")
        return f"{swap[side]}_{rest}" if side in swap else name

    landmarks = walking(4)
    flipped = {mirror(name): points * [-1, 1, 1] for name, points in landmarks.items()}
    expected = (joints_from_landmarks(landmarks) * [-1, 1, 1])[:, list(H36M17.mirror)]
    assert_allclose(joints_from_landmarks(flipped), expected, atol=1e-12)
