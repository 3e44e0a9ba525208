from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from motionlift.errors import FormatError, SkeletonError
from motionlift.formats import ReadOptions, find_format, trc
from motionlift.kinematics import LIMB_LANDMARKS
from motionlift.poses import Pose3D
from tests.formats.bodies import Landmarks, to_z_up, walking
from tests.formats.fuzzing import assert_survives

_NAMES = {mark: mark[0].upper() + mark.partition("_")[2].capitalize() for mark in LIMB_LANDMARKS}


def _write(
    path: Path,
    body: Landmarks | None = None,
    *,
    names: Mapping[str, str] = _NAMES,
    separator: str = "\t",
    unit: str = "m",
    rate: str = "50",
    step: float = 0.02,
    first: int = 1,
    frames: int | None = None,
) -> Path:
    body = body or walking()
    points = np.stack([body[mark] for mark in names], axis=1)
    gap = separator * 3
    count = frames if frames is not None else len(points)
    lines = [
        separator.join(["PathFileType", "4", "(X/Y/Z)", path.name]),
        separator.join(["DataRate", "CameraRate", "NumFrames", "NumMarkers", "Units"]),
        separator.join([rate, rate, str(count), str(len(names)), unit]),
        separator.join(["Frame#", "Time", gap.join(names.values())]),
        separator * 2 + separator.join(f"{a}{n}" for n in range(1, len(names) + 1) for a in "XYZ"),
        "",
    ]
    for number, frame in enumerate(points):
        cells = ["" if np.isnan(value) else f"{value:.7g}" for value in frame.reshape(-1)]
        lines.append(separator.join([str(number + first), f"{step * number:.5f}", *cells]))
    path.write_text("\n".join([*lines, ""]))
    return path


def _read(path: Path, **options: object) -> Pose3D:
    (pose,) = trc.read(path, ReadOptions(**options))
    return pose


def _assert_limbs(pose: Pose3D) -> None:
    for joint in LIMB_LANDMARKS:
        assert_allclose(pose.joint(joint), walking()[joint], atol=1e-5, err_msg=joint)


@pytest.mark.parametrize("separator", ["\t", ","])
def test_pose2sim_points_are_joints(tmp_path: Path, separator: str) -> None:
    body = walking()
    body["nose"] = body["head"] + [0, 0, 0.14]
    body["head_top"] = body["head"] + [0, 0.15, 0]
    names = {**_NAMES, "nose": "Nose", "head_top": "Head"}
    pose = _read(_write(tmp_path / "a.trc", body, names=names, separator=separator))
    _assert_limbs(pose)
    assert_allclose(pose.joint("nose"), body["nose"], atol=1e-5)
    assert_allclose(pose.joint("head_top"), body["head_top"], atol=1e-5)
    assert pose.fps == 50
    assert "joints named as pose2sim" in pose.notes


@pytest.mark.parametrize(("unit", "metres"), [("m", 1.0), ("mm", 0.001)])
def test_unit_is_the_files(tmp_path: Path, unit: str, metres: float) -> None:
    body = {mark: path / metres for mark, path in walking().items()}
    body["nose"] = body["head"]
    names = {**_NAMES, "nose": "Nose"}
    _assert_limbs(_read(_write(tmp_path / "a.trc", body, names=names, unit=unit)))


def _named(*, up: str = "y") -> Landmarks:
    body = walking()
    body["nose"] = body["head"]
    return {mark: to_z_up(path) if up == "z" else path for mark, path in body.items()}


_WITH_NOSE = {**_NAMES, "nose": "Nose"}


def test_up_is_found_from_the_body(tmp_path: Path) -> None:
    pose = _read(_write(tmp_path / "a.trc", _named(up="z"), names=_WITH_NOSE))
    _assert_limbs(pose)
    assert any("up axis found to be z" in note for note in pose.notes)


def test_empty_cells_are_points_not_seen(tmp_path: Path) -> None:
    body = _named()
    body["right_wrist"] = body["right_wrist"].copy()
    body["right_wrist"][3:5] = np.nan
    pose = _read(_write(tmp_path / "a.trc", body, names=_WITH_NOSE))
    seen = pose.confidence[:, pose.skeleton.index("right_wrist")]
    assert seen.tolist() == [1] * 3 + [0] * 2 + [1] * 7


def test_frame_numbers_are_the_files_own_counted_from_0_and_keep_their_gaps(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.trc", _named(), names=_WITH_NOSE, first=185)
    lines = path.read_text().splitlines(keepends=True)
    del lines[8]
    path.write_text("".join(lines))
    pose = _read(path)
    assert pose.frame_index[:4].tolist() == [184, 185, 187, 188]
    assert pose.fps == 50
    assert any("declares 12 frames and holds 11" in note for note in pose.notes)


@pytest.mark.parametrize("axes", ["\t\tX1\tY1\tZ1", "", None])
def test_no_frame_is_lost_where_the_line_of_axes_is_left_out(
    tmp_path: Path, axes: str | None
) -> None:
    path = _write(tmp_path / "a.trc", _named(), names=_WITH_NOSE)
    lines = path.read_text().split("\n")
    lines[4:6] = [] if axes is None else [axes]
    path.write_text("\n".join(lines))
    assert _read(path).frame_index.tolist() == list(range(12))


def test_a_blank_cell_of_the_head_moves_no_other(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.trc", _named(), names=_WITH_NOSE)
    text = path.read_text()
    path.write_text(text.replace("50\t50\t", "50\t\t", 1))
    assert path.read_text() != text
    assert _read(path).positions.shape == (12, 17, 3)


def test_times_win_over_a_wrong_rate_and_the_user_over_both(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.trc", _named(), names=_WITH_NOSE, rate="250", step=0.04)
    pose = _read(path)
    assert pose.fps == 25
    assert any("declares 250 frames a second, its times say 25" in note for note in pose.notes)
    assert _read(path, fps=250.0).fps == 250


def test_a_rate_that_nothing_tells_is_an_error(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.trc", _named(), names=_WITH_NOSE, rate="none", step=0.0)
    with pytest.raises(FormatError, match="--fps"):
        _read(path)


def test_markers_of_opensim_become_joints(shared: Path) -> None:
    pose = _read(shared / "mocap" / "c3d" / "opensim" / "markers_walk.trc")
    left = pose.joint("left_hip") - pose.joint("right_hip")
    facing = np.cross(left, pose.joint("thorax") - pose.joint("pelvis"))
    velocity = np.gradient(pose.joint("pelvis"), axis=0)
    assert ((facing * velocity).sum(axis=-1) > 0).all()
    assert 1.0 < np.linalg.norm(velocity, axis=-1).mean() * pose.fps < 1.6
    assert any("cannot be had: nose, head_top" in note for note in pose.notes)


def test_a_decimated_file_has_the_rate_of_its_times(shared: Path) -> None:
    folder = shared / "mocap" / "c3d" / "opensim"
    assert _read(folder / "std_walking2_markers.trc").fps == 25


def test_points_of_an_arm_are_an_error(shared: Path) -> None:
    with pytest.raises(SkeletonError, match="6 of the 12 joints"):
        _read(shared / "mocap" / "c3d" / "pyomeca" / "markers.trc")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("PathFileType", "Path"), "not a TRC file"),
        (("Frame#\tTime\tLHip", "Frame#\tTime\t"), r"a\.trc:7: has 41 cells; expected"),
        (("\n3\t", "\nx\t"), r"a\.trc:9: 'x' is no frame number"),
        (("\n3\t", "\n2\t"), r"a\.trc:9: frame numbers do not increase"),
        (("\t0.09\t", "\tzero\t"), r"a\.trc:7: holds what is no number"),
    ],
)
def test_damage_is_an_error_that_says_where(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    path = _write(tmp_path / "a.trc", _named(), names=_WITH_NOSE)
    text = path.read_text()
    assert change[0] in text
    path.write_text(text.replace(*change, 1))
    with pytest.raises(FormatError, match=message):
        _read(path)


def test_a_line_cut_short_is_an_error(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.trc", _named(), names=_WITH_NOSE)
    path.write_text("\n".join(path.read_text().splitlines()[:-2])[:-1])
    with pytest.raises(FormatError, match="cut short within this line"):
        _read(path)


def test_recognised_by_content(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.trc", _named(), names=_WITH_NOSE)
    assert find_format(path.rename(tmp_path / "a.txt"), kind="motion").name == "trc"
    (tmp_path / "b.trc").write_text("no such thing")
    assert not trc.FORMAT.sniff(tmp_path / "b.trc")


@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_damaged_files_give_clear_errors(tmp_path: Path, count: int) -> None:
    path = _write(tmp_path / "a.trc", _named(), names=_WITH_NOSE)
    assert_survives(lambda: trc.read(path, ReadOptions()), path, count=count, seed=count)
