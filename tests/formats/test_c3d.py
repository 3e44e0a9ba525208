from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from motionlift.errors import FormatError, SkeletonError
from motionlift.formats import ReadOptions, c3d, find_format
from motionlift.kinematics import LIMB_LANDMARKS
from motionlift.poses import Pose3D
from tests.formats.bodies import to_z_up, walking
from tests.formats.c3d_files import write_c3d
from tests.formats.fuzzing import assert_survives

_LABELS = {
    f"{side}_{joint}": f"{side[0].upper()}{joint[0].upper()}JC"
    for side in ("left", "right")
    for joint in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
}


def _write(
    path: Path,
    *,
    labels: Mapping[str, str] = _LABELS,
    metres: float = 0.001,
    prefix: str = "",
    extra: Mapping[str, np.ndarray] | None = None,
    parameters: Mapping[str, str] | None = None,
) -> Path:
    body = walking()
    named = {prefix + label: to_z_up(body[mark]) / metres for mark, label in labels.items()}
    named |= {label: to_z_up(points) / metres for label, points in (extra or {}).items()}
    points = np.stack(list(named.values()), axis=1)
    return write_c3d(path, list(named), points, parameters=parameters)


def _read(path: Path, **options: object) -> Pose3D:
    (pose,) = c3d.read(path, ReadOptions(**options))
    return pose


def _assert_limbs(pose: Pose3D) -> None:
    for joint in LIMB_LANDMARKS:
        assert_allclose(pose.joint(joint), walking()[joint], atol=1e-5, err_msg=joint)


def test_joint_centres_are_read_with_y_up_and_in_metres(tmp_path: Path) -> None:
    pose = _read(_write(tmp_path / "a.c3d"))
    _assert_limbs(pose)
    assert pose.fps == 100
    assert pose.person == ""
    assert np.isnan(pose.joint("nose")).all()
    assert any("cannot be had: nose, head_top" in note for note in pose.notes)


@pytest.mark.parametrize(("unit", "metres"), [("m", 1.0), ("cm", 0.01), ("mm", 0.001)])
def test_unit_is_the_files(tmp_path: Path, unit: str, metres: float) -> None:
    parameters = {"POINT:UNITS": unit}
    _assert_limbs(_read(_write(tmp_path / "a.c3d", metres=metres, parameters=parameters)))


def test_a_wrong_unit_is_an_error_and_can_be_mended(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.c3d", metres=1.0)
    with pytest.raises(FormatError, match=r"a leg of 0\.0008\d+ m, .* --metres-per-unit"):
        _read(path)
    _assert_limbs(_read(path, metres_per_unit=1.0))


def test_an_unknown_unit_is_an_error(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.c3d", parameters={"POINT:UNITS": "furlong"})
    with pytest.raises(FormatError, match="'furlong'; expected m, cm or mm"):
        _read(path)


def test_up_is_what_the_file_shows_upward(tmp_path: Path) -> None:
    parameters = {"POINT:Y_SCREEN": "+Y"}
    pose = _read(_write(tmp_path / "a.c3d", parameters=parameters))
    assert any("stands along z (1.00), though up is y" in note for note in pose.notes)
    assert_allclose(pose.joint("left_hip"), to_z_up(walking()["left_hip"]), atol=1e-5)
    _assert_limbs(_read(_write(tmp_path / "a.c3d", parameters=parameters), up="z"))


def test_several_subjects_are_several_people(tmp_path: Path) -> None:
    beside = {f"Ben:{label}": walking()[mark] + [1, 0, 0] for mark, label in _LABELS.items()}
    box = {"box:corner": np.ones((12, 3))}
    path = _write(tmp_path / "a.c3d", prefix="Anna:", extra={**beside, **box})
    anna, ben = c3d.read(path, ReadOptions())
    assert (anna.person, ben.person) == ("Anna", "Ben")
    _assert_limbs(anna)
    for joint in LIMB_LANDMARKS:
        assert_allclose(ben.joint(joint) - anna.joint(joint), [[1, 0, 0]] * 12, atol=1e-5)
    assert any("'box' was skipped: 0 of the 12" in note for note in anna.notes)


def test_gaps_stay_gaps(tmp_path: Path) -> None:
    gap = walking()["left_knee"]
    gap[4:6] = np.nan
    labels = {mark: label for mark, label in _LABELS.items() if mark != "left_knee"}
    pose = _read(_write(tmp_path / "a.c3d", labels=labels, extra={"LKJC": gap}))
    seen = pose.confidence[:, pose.skeleton.index("left_knee")]
    assert seen.tolist() == [1] * 4 + [0] * 2 + [1] * 6


def test_head_markers_place_nose_and_head_top(tmp_path: Path) -> None:
    head = walking()["head"]
    markers = {
        f"{side}{place}HD": head + np.array([x, 0.05, z])
        for side, x in (("L", 0.07), ("R", -0.07))
        for place, z in (("F", 0.11), ("B", -0.09))
    }
    pose = _read(_write(tmp_path / "a.c3d", extra=markers))
    nose, top = pose.joint("nose") - head, pose.joint("head_top") - head
    assert (np.abs(nose[:, 0]) < 1e-4).all()
    assert ((nose[:, 2] > 0.1) & (nose[:, 2] < 0.16)).all()
    assert ((top[:, 1] > 0.12) & (top[:, 1] < 0.18)).all()


def test_half_a_body_is_read_and_what_is_missing_is_said(tmp_path: Path) -> None:
    legs = {
        mark: label for mark, label in _LABELS.items() if mark.endswith(("hip", "knee", "ankle"))
    }
    pose = _read(_write(tmp_path / "a.c3d", labels=legs))
    assert_allclose(pose.joint("pelvis")[:, 1], walking()["left_hip"][:, 1], atol=1e-5)
    assert np.isnan(pose.joint("thorax")).all()
    assert any("cannot be had: spine, thorax" in note for note in pose.notes)


def test_too_few_joints_are_an_error_that_lists_the_points(tmp_path: Path) -> None:
    arm = {
        mark: label
        for mark, label in _LABELS.items()
        if mark.startswith("left") and "hip" not in mark
    }
    with pytest.raises(SkeletonError, match=r"6 of the 12 .* found left_ankle, .* LKJC, LAJC"):
        _read(_write(tmp_path / "a.c3d", labels=arm))


def test_own_names_can_be_given(tmp_path: Path) -> None:
    labels = {mark: f"p{number}" for number, mark in enumerate(_LABELS)}
    names = tmp_path / "mine.toml"
    names.write_text(
        "[joints]\n" + "".join(f'{mark} = "{label}"\n' for mark, label in labels.items())
    )
    _assert_limbs(_read(_write(tmp_path / "a.c3d", labels=labels), names=names))


def test_files_of_part_of_a_body_are_errors(shared: Path) -> None:
    for name in ("kineticstoolkit/sprintbasket.c3d", "pyomeca/markers_analogs.c3d"):
        with pytest.raises(SkeletonError, match="6 of the 12 joints"):
            _read(shared / "mocap" / "c3d" / name)


def test_people_run_where_they_face(shared: Path) -> None:
    pose = _read(shared / "mocap" / "c3d" / "pycgm" / "Movement_trial.c3d")
    left = pose.joint("left_hip") - pose.joint("right_hip")
    facing = np.cross(left, pose.joint("thorax") - pose.joint("pelvis"))
    velocity = np.gradient(pose.joint("pelvis"), axis=0)
    assert ((facing * velocity).sum(axis=-1) > 0).mean() > 0.9
    assert pose.joint("nose")[:, 1].mean() > pose.joint("pelvis")[:, 1].mean() + 0.4


def test_a_rate_that_cannot_be_is_an_error_that_a_given_rate_mends(tmp_path: Path) -> None:
    body = walking()
    points = np.stack([1000 * to_z_up(body[mark]) for mark in _LABELS], axis=1)
    path = write_c3d(tmp_path / "a.c3d", list(_LABELS.values()), points, fps=0.0)
    with pytest.raises(FormatError, match="no frame rate that can be; give the rate with --fps"):
        _read(path)
    assert _read(path, fps=120.0).fps == 120


def test_recognised_by_content(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.c3d")
    assert find_format(path.rename(tmp_path / "a.dat"), kind="motion").name == "c3d"
    (tmp_path / "b.c3d").write_bytes(b"nothing")
    assert not c3d.FORMAT.sniff(tmp_path / "b.c3d")


@pytest.mark.parametrize("count", [400, pytest.param(10_000, marks=pytest.mark.slow)])
def test_damaged_files_give_clear_errors(tmp_path: Path, count: int) -> None:
    path = _write(tmp_path / "a.c3d")
    assert_survives(lambda: c3d.read(path, ReadOptions()), path, count=count, seed=count)
