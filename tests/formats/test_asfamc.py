from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from motionlift.errors import FormatError, SkeletonError
from motionlift.formats import ReadOptions, asfamc, find_format, read_motion
from motionlift.kinematics import NOSE_OFFSET
from motionlift.poses import Pose3D
from motionlift.skeletons import H36M17
from tests.formats.fuzzing import assert_survives

# name, parent, direction, length, axis angles, degrees of freedom: CMU's bones and frames.
_UP, _DOWN = (0, 1, 0), (0, -1, 0)
_TRUNK = [
    ("lowerback", "root", _UP, 2.0, (0, 0, 0), "rx ry rz"),
    ("upperback", "lowerback", _UP, 2.0, (0, 0, 0), "rx ry rz"),
    ("thorax", "upperback", _UP, 2.0, (0, 0, 0), "rx ry rz"),
    ("lowerneck", "thorax", _UP, 1.5, (0, 0, 0), "rx ry rz"),
    ("upperneck", "lowerneck", _UP, 1.5, (0, 0, 0), "rx ry rz"),
    ("head", "upperneck", _UP, 1.5, (0, 0, 0), "rx ry rz"),
]


def _side(sign: int) -> list[tuple]:
    side, out = ("l" if sign > 0 else "r"), (sign, 0, 0)
    return [
        (f"{side}hipjoint", "root", out, 1.5, (0, 0, 0), ""),
        (f"{side}femur", f"{side}hipjoint", _DOWN, 7.0, (0, 0, 20 * sign), "rx ry rz"),
        (f"{side}tibia", f"{side}femur", _DOWN, 7.5, (0, 0, 20 * sign), "rx"),
        (f"{side}foot", f"{side}tibia", (0, 0, 1), 2.0, (-90, 0, 20 * sign), "rx rz"),
        (f"{side}clavicle", "thorax", out, 3.0, (0, 0, 0), "ry rz"),
        (f"{side}humerus", f"{side}clavicle", out, 5.0, (180, 30, 90 * sign), "rx ry rz"),
        (f"{side}radius", f"{side}humerus", out, 4.0, (180, 30, 90 * sign), "rx"),
        (f"{side}wrist", f"{side}radius", out, 2.0, (180, 30, 90 * sign), "ry"),
    ]


_BONES = [*_TRUNK, *_side(+1), *_side(-1)]
_UNIT = 0.0254 / 0.45


def _write_asf(path: Path, *, length: float = 0.45, bones: Sequence[tuple] = tuple(_BONES)) -> Path:
    lines = [
        "# made by a test",
        ":version 1.10",
        ":name VICON",
        f":units\n  mass 1.0\n  length {length}\n  angle deg",
        ":documentation\n   a sentence with :colons and numbers 1 2 3",
        ":root\n   order TX TY TZ RX RY RZ\n   axis XYZ\n   position 0 0 0\n   orientation 0 0 0",
        ":bonedata",
    ]
    for number, (name, _, direction, size, axis, dof) in enumerate(bones, start=1):
        lines += ["  begin", f"     id {number}", f"     name {name}"]
        lines += [f"     direction {' '.join(map(str, direction))}", f"     length {size}"]
        lines += [f"     axis {' '.join(map(str, axis))}  XYZ"]
        if dof:
            lines += [f"    dof {dof}", "    limits (-160.0 20.0)", "           (-70.0 70.0)"]
        lines += ["  end"]
    lines += [":hierarchy", "  begin"]
    lines += [f"    {parent} {name}" for name, parent, *_ in bones]
    path.write_text("\n".join([*lines, "  end", ""]))
    return path


def _write_amc(
    path: Path,
    *,
    root: tuple[float, ...] = (0, 17, 0, 0, 0, 0),
    frames: int = 1,
    **turned: tuple[float, ...],
) -> Path:
    lines = ["#!OML:ASF F:\\A\\B.ASF", ":FULLY-SPECIFIED", ":DEGREES"]
    for frame in range(1, frames + 1):
        lines += [str(frame), f"root {' '.join(map(str, root))}"]
        for name, *_, dof in _BONES:
            if dof:
                angles = turned.get(name, (0,) * len(dof.split()))
                lines.append(f"{name} {' '.join(map(str, angles))}")
    path.write_text("\n".join([*lines, ""]))
    return path


def _read(folder: Path, **motion: tuple[float, ...]) -> Pose3D:
    _write_asf(folder / "02.asf")
    (pose,) = asfamc.read(_write_amc(folder / "02_01.amc", **motion), ReadOptions())
    return pose


def _leg() -> float:
    return 14.5 * _UNIT


def test_a_body_without_motion_stands_as_its_bones_say(tmp_path: Path) -> None:
    pose = _read(tmp_path)
    assert_allclose(pose.joint("pelvis"), [[0, 17 * _UNIT, 0]], atol=1e-9)
    assert_allclose(pose.joint("left_ankle"), [[1.5 * _UNIT, 2.5 * _UNIT, 0]], atol=1e-9)
    assert_allclose(pose.joint("right_wrist"), [[-14 * _UNIT, 23 * _UNIT, 0]], atol=1e-9)
    nose = [0, 26 * _UNIT + asfamc.SKULL_BASE[1] * _leg(), NOSE_OFFSET[2] * _leg()]
    # The skull's base is set off along the neck, which leans; the nose along the head itself.
    assert_allclose(pose.joint("nose")[0], nose, atol=0.02)


def test_knee_bent_a_quarter_puts_the_ankle_behind(tmp_path: Path) -> None:
    # The shank turns about the thigh's own x axis, which is CMU's, 20 degrees off the world's.
    tilt = np.radians(20)
    axis = np.array([np.cos(tilt), np.sin(tilt), 0])
    ankle = _read(tmp_path, ltibia=(90,)).joint("left_ankle")[0] / _UNIT
    down = np.array([0.0, -7.5, 0.0])
    turned = axis * (axis @ down) + np.cross(axis, down)
    assert_allclose(ankle, np.array([1.5, 10, 0]) + turned, atol=1e-9)
    assert ankle[2] < -7


def test_root_turned_to_its_left_faces_where_its_left_was(tmp_path: Path) -> None:
    pose = _read(tmp_path, root=(0, 17, 0, 0, 90, 0))
    assert_allclose(pose.joint("left_hip")[0], [0, 17 * _UNIT, -1.5 * _UNIT], atol=1e-9)
    assert pose.joint("nose")[0, 0] > 0.1


def test_rotations_apply_x_first_about_fixed_axes(tmp_path: Path) -> None:
    # A spine turned by x then z: up goes to +z by x and stays there, z turns +z not at all.
    pose = _read(tmp_path, lowerback=(90, 0, 90))
    spine = (pose.joint("thorax") - pose.joint("pelvis"))[0] / _UNIT
    assert_allclose(spine, [0, 0, 6], atol=1e-9)


def test_head_turns_with_its_bone(tmp_path: Path) -> None:
    ahead = _read(tmp_path).joint("nose")[0]
    turned = _read(tmp_path, head=(0, 40, 0)).joint("nose")[0]
    length = NOSE_OFFSET[2] * _leg()
    moved = [length * np.sin(np.radians(40)), 0, length * (np.cos(np.radians(40)) - 1)]
    assert_allclose(turned - ahead, moved, atol=1e-9)  # to the left


def test_unit_and_rate_are_those_of_cmu_and_said(tmp_path: Path) -> None:
    pose = _read(tmp_path)
    assert pose.fps == 120
    assert any("inch / 0.45" in note for note in pose.notes)
    assert any("no frame rate" in note for note in pose.notes)


def test_unit_of_another_source_is_found_from_the_leg(tmp_path: Path) -> None:
    bones = [(n, p, d, size * 6, a, dof) for n, p, d, size, a, dof in _BONES]
    _write_asf(tmp_path / "02.asf", length=1.0, bones=bones)
    (pose,) = asfamc.read(_write_amc(tmp_path / "02_01.amc"), ReadOptions())
    assert_allclose(pose.joint("left_hip") - pose.joint("left_knee"), [[0, 0.42, 0]], atol=1e-9)
    assert pose.fps is None


def test_options_win_over_what_is_known(tmp_path: Path) -> None:
    _write_asf(tmp_path / "02.asf")
    path = _write_amc(tmp_path / "02_01.amc")
    (pose,) = asfamc.read(path, ReadOptions(fps=60, metres_per_unit=0.05))
    assert pose.fps == 60
    assert_allclose(pose.joint("pelvis"), [[0, 17 * 0.05, 0]])


def test_frame_numbers_are_the_files_own_from_0(tmp_path: Path) -> None:
    _write_asf(tmp_path / "02.asf")
    (pose,) = asfamc.read(_write_amc(tmp_path / "02_01.amc", frames=3), ReadOptions())
    assert pose.frame_index.tolist() == [0, 1, 2]


def test_an_amc_file_is_known_by_its_content(tmp_path: Path) -> None:
    assert find_format(_write_amc(tmp_path / "02_01.amc"), kind="motion").name == "asfamc"
    (tmp_path / "other.amc").write_text("nothing of the kind")
    assert not asfamc.FORMAT.sniff(tmp_path / "other.amc")


def test_skeleton_of_the_subject_is_taken_among_several(tmp_path: Path) -> None:
    for name in ("01.asf", "02.asf", "03.asf"):
        _write_asf(tmp_path / name)
    assert asfamc.find_skeleton(tmp_path / "02_01.amc").name == "02.asf"


def test_missing_skeleton_is_an_error_that_names_what_is_there(tmp_path: Path) -> None:
    for name in ("07.asf", "08.asf"):
        _write_asf(tmp_path / name)
    with pytest.raises(FormatError, match=r"expected 02_01\.asf or 02\.asf .* found 07\.asf"):
        asfamc.read(_write_amc(tmp_path / "02_01.amc"), ReadOptions())


def test_skeleton_of_other_names_is_an_error_that_lists_them(tmp_path: Path) -> None:
    bones = [
        (n.replace("femur", "thigh"), p.replace("femur", "thigh"), *rest) for n, p, *rest in _BONES
    ]
    _write_asf(tmp_path / "02.asf", bones=bones)
    with pytest.raises(SkeletonError, match=r"no bones named lfemur, rfemur .* lthigh"):
        asfamc.read(_write_amc(tmp_path / "02_01.amc"), ReadOptions())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("ltibia 0\n", "ltibia 0 0\n"), "gives 2 numbers for 'ltibia', the skeleton has 1"),
        (("ltibia 0\n", ""), "missing: ltibia"),
        (("ltibia 0\n", "ltibia x\n"), r"02_01\.amc:\d+: found 'ltibia x'"),
        (("ltibia 0\n", "ltibia nan\n"), r"02_01\.amc:\d+: found 'ltibia nan'"),
        ((":DEGREES\n1\n", ":DEGREES\n"), "no frame begins with its number"),
    ],
)
def test_damage_is_an_error_that_says_where(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    _write_asf(tmp_path / "02.asf")
    path = _write_amc(tmp_path / "02_01.amc")
    path.write_text(path.read_text().replace(*change))
    with pytest.raises(FormatError, match=message):
        asfamc.read(path, ReadOptions())


def test_a_file_cut_short_is_an_error(tmp_path: Path) -> None:
    _write_asf(tmp_path / "02.asf")
    path = _write_amc(tmp_path / "02_01.amc", frames=3)
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-2]))
    with pytest.raises(FormatError, match="the last frame has 20 of 22 lines; the file is cut"):
        asfamc.read(path, ReadOptions())


@pytest.mark.parametrize(
    ("source", "name", "other"),
    [
        ("cmu_asfamc", "02/02_01.amc", "mdu/02_01.bvh"),
        ("gpmat", "49/49_20.amc", "mdu/49_20.bvh"),
    ],
)
def test_a_take_is_the_same_in_asfamc_and_in_its_bvh_conversion(
    mocap_source: Callable[[str], Path], source: str, name: str, other: str
) -> None:
    (ours,) = read_motion(mocap_source(source) / name)
    conversion = Path(other)
    (theirs,) = read_motion(mocap_source(conversion.parts[0]) / conversion.name)
    # The conversion's frame 0 is a T-pose.
    same = theirs.frame_index - 1
    first, second = ours.positions[same], theirs.positions
    parents, joints = np.array(H36M17.bones).T
    lengths = [np.linalg.norm(p[:, joints] - p[:, parents], axis=-1) for p in (first, second)]
    assert_allclose(np.median(lengths[0], axis=0), np.median(lengths[1], axis=0), rtol=0.02)
    assert np.linalg.norm(first - second, axis=-1).max(axis=0).max() < 0.020


@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ["02.asf", "02_01.amc"])
def test_damaged_files_give_clear_errors(tmp_path: Path, name: str, count: int) -> None:
    _write_asf(tmp_path / "02.asf")
    path = _write_amc(tmp_path / "02_01.amc", frames=4)
    assert_survives(
        lambda: asfamc.read(path, ReadOptions()), tmp_path / name, count=count, seed=count
    )
