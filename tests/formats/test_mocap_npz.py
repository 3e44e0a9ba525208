from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from motionlift.errors import FormatError, SkeletonError
from motionlift.formats import ReadOptions, find_format, mocap_npz
from motionlift.formats._names import Naming, read_naming
from motionlift.kinematics import LIMB_LANDMARKS, NOSE_OFFSET, leg_length
from motionlift.poses import Pose3D
from tests.formats.bodies import assert_is_walking, to_z_up, walking
from tests.formats.fuzzing import assert_survives, packed, unpacked


def _naming(name: str) -> Naming:
    return read_naming(Path(mocap_npz.__file__).parent / "names" / f"{name}.toml")


def _write(path: Path, *, naming: str = "plain", up: str = "y", **changes: object) -> Path:
    landmarks = walking()
    landmarks["head_top"] = landmarks["head"] + [0, 0.15, 0.01]
    landmarks["spine_3"] = landmarks["spine_2"] + [0, 0.1, 0]
    named = {name: landmarks[mark] for mark, name in _naming(naming).joints.items()}
    named["thumb"] = landmarks["left_wrist"]
    positions = np.stack(list(named.values()), axis=1)
    positions = to_z_up(positions) if up == "z" else positions
    arrays = {
        "positions": positions,
        "joint_names": np.array(list(named)),
        "fps": np.float32(50),
        **changes,
    }
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return path


def _read(path: Path, **options: object) -> Pose3D:
    (pose,) = mocap_npz.read(path, ReadOptions(**options))
    return pose


@pytest.mark.parametrize("naming", ["plain", "neo", "daz", "unreal", "plug_in_gait_centres"])
def test_the_same_body_is_found_under_every_naming(tmp_path: Path, naming: str) -> None:
    pose = _read(_write(tmp_path / "a.npz", naming=naming))
    for joint in LIMB_LANDMARKS:
        assert_allclose(pose.joint(joint), walking()[joint], atol=1e-6)
    assert pose.fps == 50
    assert np.isfinite(pose.positions).all()


def test_joints_are_those_of_the_definition(tmp_path: Path) -> None:
    landmarks = {mark: points for mark, points in walking().items() if mark != "spine_2"}
    path = tmp_path / "own.toml"
    path.write_text((Path(mocap_npz.__file__).parent / "names" / "plain.toml").read_text())
    path.write_text(path.read_text().split("[head]")[0])
    assert_is_walking(_read(_write(tmp_path / "a.npz"), names=path), landmarks)


def test_the_skull_stands_where_the_naming_says(tmp_path: Path) -> None:
    pose = _read(_write(tmp_path / "a.npz", naming="plug_in_gait_centres"))
    landmarks = walking()
    leg = leg_length(landmarks)
    up = np.array([0, 0.15, 0.01]) / np.hypot(0.15, 0.01)
    forward = np.cross([1.0, 0, 0], up)
    base = landmarks["head"] - leg * (0.053 * up + 0.012 * forward)
    assert_allclose(pose.joint("nose"), base + leg * NOSE_OFFSET[2] * forward, atol=1e-6)
    assert_allclose(pose.joint("head_top"), landmarks["head"] + [0, 0.15, 0.01], atol=1e-6)


@pytest.mark.parametrize("up", ["y", "z"])
def test_up_is_found_from_the_body_and_said(tmp_path: Path, up: str) -> None:
    pose = _read(_write(tmp_path / "a.npz", up=up))
    assert_allclose(pose.joint("left_ankle"), walking()["left_ankle"], atol=1e-6)
    assert any(f"up axis found to be {up}" in note for note in pose.notes)


def test_up_is_z_in_files_with_tails_even_when_the_body_lies(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.npz", tails=np.zeros((12, 16, 3)))
    pose = _read(path)  # upright along y, thus lying where z is up
    assert_allclose(pose.joint("left_ankle")[0, 2], -walking()["left_ankle"][0, 1], atol=1e-6)
    assert any("z, as Blender exports it, but the body stands along y" in n for n in pose.notes)


def test_up_can_be_given(tmp_path: Path) -> None:
    pose = _read(_write(tmp_path / "a.npz", up="z"), up="z")
    assert_allclose(pose.joint("left_ankle"), walking()["left_ankle"], atol=1e-6)
    assert any("up axis given: z" in note for note in pose.notes)


@pytest.mark.parametrize(("unit", "metres"), [("m", 1), ("cm", 0.01), ("mm", 0.001)])
def test_unit_is_found_from_the_leg_and_said(tmp_path: Path, unit: str, metres: float) -> None:
    positions = np.load(_write(tmp_path / "a.npz"))["positions"] / metres
    pose = _read(_write(tmp_path / "a.npz", positions=positions))
    assert_allclose(pose.joint("left_ankle"), walking()["left_ankle"], atol=1e-6)
    assert any(f"unit found to be {unit}" in note for note in pose.notes)


def test_a_leg_of_no_known_unit_asks_for_the_unit(tmp_path: Path) -> None:
    positions = np.load(_write(tmp_path / "a.npz"))["positions"] / 0.0254
    path = _write(tmp_path / "a.npz", positions=positions)
    with pytest.raises(FormatError, match="--metres-per-unit"):
        _read(path)
    pose = _read(path, metres_per_unit=0.0254)
    assert_allclose(pose.joint("left_ankle"), walking()["left_ankle"], atol=1e-6)


def test_a_missing_point_is_a_missing_joint(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.npz")
    arrays = dict(np.load(path))
    arrays["positions"][3, list(arrays["joint_names"]).index("left_hip"), 1] = np.nan
    np.savez(path, **arrays)
    pose = _read(path)
    assert np.isnan(pose.joint("left_hip")[3]).all()
    assert np.isnan(pose.joint("pelvis")[3]).all()
    assert np.isfinite(pose.joint("left_knee")).all()
    assert np.isfinite(pose.positions[4]).all()


def test_rate_is_that_of_the_file_unless_given(tmp_path: Path) -> None:
    assert _read(_write(tmp_path / "a.npz"), fps=60.0).fps == 60
    assert _read(_write(tmp_path / "a.npz", fps=None)).fps is None


def test_a_t_pose_in_the_first_frame_is_dropped_and_said(tmp_path: Path) -> None:
    positions = np.load(_write(tmp_path / "a.npz"))["positions"]
    positions[0] += [0, 0, 3.0]
    pose = _read(_write(tmp_path / "a.npz", positions=positions))
    assert pose.frame_index.tolist() == list(range(1, 12))
    assert any("the first 1 frames were dropped" in note for note in pose.notes)


def test_recognised_by_content_and_told_from_lifted_motion(tmp_path: Path) -> None:
    assert find_format(_write(tmp_path / "a.npz"), kind="motion").name == "mocap-npz"
    np.savez(tmp_path / "b.npz", weights=np.zeros(3))
    assert not mocap_npz.FORMAT.sniff(tmp_path / "b.npz")
    _write(tmp_path / "c.npz", units=np.array("px"))
    assert not mocap_npz.FORMAT.sniff(tmp_path / "c.npz")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"joint_names": None}, "holds fps, positions; expected positions"),
        ({"joint_names": np.arange(16)}, "expected one text for a joint"),
        ({"positions": np.zeros((4, 3, 3))}, r"expected floats of shape \(frames, 16, 3\)"),
        ({"positions": np.zeros((0, 16, 3))}, r"expected floats of shape"),
        ({"positions": np.full((4, 16, 3), np.inf)}, "coordinates of inf"),
        ({"positions": np.full((4, 16, 3), 1e200)}, r"coordinates of 1e\+200"),
        ({"fps": np.float32(0)}, "--fps"),
        ({"fps": np.zeros(2)}, "expected one number"),
    ],
)
def test_what_does_not_fit_is_an_error(
    tmp_path: Path, changes: Mapping[str, np.ndarray], message: str
) -> None:
    with pytest.raises(FormatError, match=message):
        _read(_write(tmp_path / "a.npz", **changes))


def test_names_in_bytes_that_are_no_ascii_are_an_error_that_lists_them(tmp_path: Path) -> None:
    with pytest.raises(
        SkeletonError, match="it has: h\N{LATIN SMALL LETTER U WITH DIAERESIS}fte_0"
    ):
        names = [f"h\N{LATIN SMALL LETTER U WITH DIAERESIS}fte_{n}".encode() for n in range(16)]
        _read(_write(tmp_path / "a.npz", joint_names=np.array(names)))


def test_unknown_names_are_an_error_that_lists_them(tmp_path: Path) -> None:
    with pytest.raises(SkeletonError, match="it has: joint_0, joint_1"):
        _read(_write(tmp_path / "a.npz", joint_names=np.array([f"joint_{n}" for n in range(16)])))


def test_walkers_of_the_shared_capture_go_where_they_face(
    mocap_source: Callable[[str], Path],
) -> None:
    pose = _read(mocap_source("jump_npz") / "02_01.npz")
    left = pose.joint("left_hip") - pose.joint("right_hip")
    facing = np.cross(left, pose.joint("thorax") - pose.joint("pelvis"))
    velocity = np.gradient(pose.joint("pelvis"), axis=0)
    assert ((facing * velocity).sum(axis=-1) > 0).mean() > 0.95


@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_damaged_files_give_clear_errors(tmp_path: Path, count: int) -> None:
    path = _write(tmp_path / "a.npz")
    assert_survives(lambda: mocap_npz.read(path, ReadOptions()), path, count=count, seed=count)


@pytest.mark.parametrize("count", [150, pytest.param(10_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("member", ["positions", "joint_names", "fps"])
def test_damaged_arrays_under_good_checksums_give_clear_errors(
    tmp_path: Path, count: int, member: str
) -> None:
    path = _write(tmp_path / "a.npz")
    members = unpacked(path)
    assert_survives(
        lambda: mocap_npz.read(path, ReadOptions()),
        path,
        count=count,
        inside=members[member],
        wrap=lambda damaged: packed({**members, member: damaged}),
    )
