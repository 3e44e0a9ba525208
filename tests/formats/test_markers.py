from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.transform import Rotation

from motionlift.formats import c3d
from motionlift.formats._c3d_file import read_c3d_file
from motionlift.formats._marker_names import CENTRES, Points, by_subject, known_points
from motionlift.formats._markers import ADULT_LEG, MARKER_RADIUS, body_of_markers
from motionlift.formats._rigid import fill_marker_gaps

# x is left, y up, z forward: a body of boards, measured by hand.
_PELVIS = {
    "left_asis": (0.12, 1.0, 0.08),
    "right_asis": (-0.12, 1.0, 0.08),
    "left_psis": (0.05, 1.0, -0.08),
    "right_psis": (-0.05, 1.0, -0.08),
}
_LEFT_LEG = {
    "left_knee_lateral": (0.15, 0.5, 0.0),
    "left_thigh_wand": (0.25, 0.7, 0.0),
    "left_ankle_lateral": (0.13, 0.08, 0.0),
    "left_shank_wand": (0.23, 0.3, 0.0),
}
_TRUNK = {
    "c7": (0.0, 1.5, -0.08),
    "t10": (0.0, 1.25, -0.10),
    "clavicle": (0.0, 1.42, 0.06),
    "sternum": (0.0, 1.25, 0.10),
    "left_acromion": (0.20, 1.47, 0.0),
    "right_acromion": (-0.20, 1.47, 0.0),
}
_ARM = {
    "left_elbow_lateral": (0.25, 1.17, -0.01),
    "left_wrist_radial": (0.23, 0.95, 0.09),
    "left_wrist_ulnar": (0.27, 0.95, 0.05),
}


def _points(*parts: dict[str, tuple[float, ...]], num_frames: int = 3) -> Points:
    """The same pose in each frame, a centimetre further on."""
    shift = 0.01 * np.arange(num_frames)[:, None] * [0.0, 0.0, 1.0]
    return {name: np.array(place) + shift for part in parts for name, place in part.items()}


def _centres(points: Points, **widths: float) -> Points:
    return body_of_markers(points, widths=widths).landmarks


def test_hips_are_where_harringtons_equations_put_them() -> None:
    centres = _centres(_points(_PELVIS))
    width, depth = 240.0, 160.0  # mm
    expected = [
        0.33 * width + 7.3,
        1000 - 0.30 * width - 10.9,
        80 - 0.24 * depth - 9.9,
    ]
    assert_allclose(1000 * centres["left_hip"][0], expected, atol=1e-6)
    expected[0] *= -1
    assert_allclose(1000 * centres["right_hip"][0], expected, atol=1e-6)


def test_a_sacral_marker_stands_for_the_psis() -> None:
    sacrum = {"sacrum": (0.0, 1.0, -0.08)}
    front = {name: place for name, place in _PELVIS.items() if "asis" in name}
    assert_allclose(
        _centres(_points(front, sacrum))["left_hip"], _centres(_points(_PELVIS))["left_hip"]
    )


def test_knee_sees_hip_and_marker_at_a_right_angle_half_its_width_away() -> None:
    points = _points(_PELVIS, _LEFT_LEG)
    centres = _centres(points, LKneeWidth=0.11)
    knee, hip, marker = (
        centres["left_knee"],
        centres["left_hip"],
        points["left_knee_lateral"],
    )
    assert_allclose(np.linalg.norm(knee - marker, axis=-1), 0.055 + MARKER_RADIUS)
    assert_allclose(((knee - marker) * (knee - hip)).sum(axis=-1), 0, atol=1e-12)
    assert (knee[:, 0] < marker[:, 0]).all()  # inward, away from the wand


def test_a_medial_marker_puts_the_joint_half_way() -> None:
    medial = {"left_knee_medial": (0.05, 0.5, 0.0), "left_ankle_medial": (0.06, 0.08, 0.0)}
    centres = _centres(_points(_PELVIS, _LEFT_LEG, medial))
    assert_allclose(centres["left_knee"][0], [0.10, 0.5, 0.0])
    assert_allclose(centres["left_ankle"][0], [0.095, 0.08, 0.0])


def test_without_a_wand_the_pelvis_says_which_way_is_out() -> None:
    leg = {name: place for name, place in _LEFT_LEG.items() if "wand" not in name}
    with_wand = _centres(_points(_PELVIS, _LEFT_LEG))
    without = _centres(_points(_PELVIS, leg))
    # These wands point straight out too, if not quite in the plane of the leg.
    assert_allclose(without["left_knee"], with_wand["left_knee"], atol=0.01)
    assert_allclose(without["left_ankle"], with_wand["left_ankle"], atol=0.01)


def test_unmeasured_widths_grow_with_the_leg_and_are_said() -> None:
    points = _points(_PELVIS, _LEFT_LEG)
    larger = {name: 1.2 * path for name, path in points.items()}
    offsets = []
    for markers in (points, larger):
        body = body_of_markers(markers, widths={})
        offset = body.landmarks["left_knee"] - markers["left_knee_lateral"]
        offsets.append(np.linalg.norm(offset[0]) - MARKER_RADIUS)
        assert any("in proportion to a leg of" in note for note in body.notes)
    # Harrington's equations have a constant part, so the leg does not grow quite as the body.
    assert_allclose(offsets[1] / offsets[0], 1.2, rtol=0.01)
    assert_allclose(offsets[0], 0.0525 * 0.82 / ADULT_LEG, rtol=0.05)


def test_shoulder_is_below_the_acromion() -> None:
    centres = _centres(_points(_TRUNK), LShoulderOffset=0.05)
    below = centres["left_shoulder"][0] - [0.20, 1.47, 0.0]
    assert_allclose(np.linalg.norm(below), 0.05 + MARKER_RADIUS)
    assert below[1] < -0.05


def test_elbow_is_inward_of_its_marker_and_wrist_before_the_back_of_the_hand() -> None:
    points = _points(_TRUNK, _ARM)
    centres = _centres(points, LElbowWidth=0.07, LWristWidth=0.04)
    inward = centres["left_elbow"][0] - points["left_elbow_lateral"][0]
    assert_allclose(np.linalg.norm(inward), 0.035 + MARKER_RADIUS)
    assert inward[0] < -0.03
    middle = (points["left_wrist_radial"] + points["left_wrist_ulnar"])[0] / 2
    across = centres["left_wrist"][0] - middle
    assert_allclose(np.linalg.norm(across), 0.02 + MARKER_RADIUS)


def _mirrored(points: Points) -> Points:
    swap = {"left": "right", "right": "left"}
    return {
        "_".join([swap.get(name.split("_")[0], name.split("_")[0]), *name.split("_")[1:]]): path
        * [-1.0, 1.0, 1.0]
        for name, path in points.items()
    }


def test_a_mirrored_body_has_mirrored_joints() -> None:
    head = {
        f"{side}_head_{place}": (x, 1.66, z)
        for side, x in (("left", 0.07), ("right", -0.08))
        for place, z in (("front", 0.11), ("back", -0.09))
    }
    points = _points(_PELVIS, _LEFT_LEG, _TRUNK, _ARM, head)
    centres = _mirrored(_centres(points))
    for name, path in _centres(_mirrored(points)).items():
        assert_allclose(path, centres[name], atol=1e-9, err_msg=name)


def test_no_axis_is_taken_for_up() -> None:
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
    turn *= np.linalg.det(turn)
    points = _points(_PELVIS, _LEFT_LEG, _TRUNK, _ARM)
    turned = _centres({name: path @ turn.T for name, path in points.items()})
    for name, path in _centres(points).items():
        assert_allclose(turned[name], path @ turn.T, atol=1e-9, err_msg=name)


def test_centres_that_are_given_win() -> None:
    given = _points({"left_hip": (0.1, 0.9, 0.0), "right_hip": (-0.1, 0.9, 0.0)})
    body = body_of_markers({**_points(_PELVIS), **given}, widths={})
    assert_array_equal(body.landmarks["left_hip"], given["left_hip"])
    assert any("as the file gives them: left_hip, right_hip" in note for note in body.notes)


def test_a_hidden_marker_of_the_pelvis_is_had_from_the_other_three() -> None:
    angles = np.linspace(0, 1, 6)
    turns = Rotation.from_euler("y", angles[:, None]).as_matrix()
    whole = {name: turns @ np.array(place) for name, place in _PELVIS.items()}
    markers = {name: path.copy() for name, path in whole.items()}
    markers["left_asis"][2:5] = np.nan
    markers["right_psis"][5] = np.nan
    assert fill_marker_gaps(markers, tuple(_PELVIS)) == 4
    for name, path in whole.items():
        assert_allclose(markers[name], path, atol=1e-9)


def test_two_hidden_markers_stay_hidden() -> None:
    markers = _points(_PELVIS)
    markers["left_asis"][1] = markers["right_asis"][1] = np.nan
    assert fill_marker_gaps(markers, tuple(_PELVIS)) == 0
    hip = _centres(markers)["left_hip"]
    assert np.isnan(hip[1]).all()
    assert np.isfinite(hip[[0, 2]]).all()


@pytest.mark.parametrize("label", ["LKNE", "lkne", "L.Knee", "L_Knee", "LKNEE", "L-KNE"])
def test_spellings_of_one_marker_meet(label: str) -> None:
    known, unknown = known_points({label: np.zeros((1, 3)), "LXYZ": np.zeros((1, 3))})
    assert set(known) == {"left_knee_lateral"}
    assert unknown == ["LXYZ"]


def test_labels_with_prefixes_are_sorted_by_subject() -> None:
    labels = ["Anna:LKNE", "Ben_LKNE", "RKNE", "*12", "", "Anna:RKNE", "RKNE"]
    points = np.arange(21.0).reshape(1, 7, 3)
    subjects = by_subject(labels, points, prefixes=["Ben_"])
    assert {name: list(found) for name, found in subjects.items()} == {
        "Anna": ["LKNE", "RKNE"],
        "Ben": ["LKNE"],
        "": ["RKNE"],
    }
    assert_array_equal(subjects[""]["RKNE"], points[:, 2])


# Metres, as asked of this reader; what it reaches stands in docs/capture.md.
_ASKED = {"hip": 0.035, "knee": 0.025, "ankle": 0.015, "shoulder": 0.025, "elbow": 0.035}


@pytest.mark.parametrize("is_measured", [True, False])
@pytest.mark.parametrize("trial", ["Static_trial", "Movement_trial"])
def test_our_centres_agree_with_those_that_vicon_wrote(
    shared: Path, trial: str, is_measured: bool
) -> None:
    file = read_c3d_file(shared / "mocap" / "c3d" / "pycgm" / f"{trial}.c3d")
    known, _ = known_points(by_subject(file.labels, 0.001 * file.points)[""])
    markers = {name: path for name, path in known.items() if name not in CENTRES}
    widths = c3d.read_widths(file, metres=0.001) if is_measured else {}
    ours = body_of_markers(markers, widths=widths).landmarks
    for joint, most in _ASKED.items():
        for side in ("left", "right"):
            name = f"{side}_{joint}"
            apart = np.linalg.norm(ours[name] - known[name], axis=-1)
            assert apart.max() < most, name
