"""BVH, on files of a stick figure that can be checked by eye, and on the shared recordings."""

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pybvh
import pytest
from numpy.testing import assert_allclose

from motionlift.errors import FormatError, MotionliftError
from motionlift.formats import ReadOptions, find_format, read_motion
from motionlift.formats._bvh_file import read_bvh_file
from motionlift.formats._names import find_naming
from motionlift.formats.bvh import read
from motionlift.kinematics import NOSE_OFFSET
from motionlift.plausibility import side_evidence
from motionlift.poses import Pose3D
from tests.formats.fuzzing import assert_survives
from tests.formats.stick import POSITIONS, ROTATIONS, STICK, write_stick

LEG = 0.85
# A few of each source, the odd ones among them.
SHARED = {
    "mdu": ("02_01.bvh", "35_17.bvh", "49_02.bvh"),
    "motion_viewer": ("06_15.bvh", "09_01.bvh"),
    "yelper": ("60_12.bvh",),
    "bvh11": ("131_01.bvh", "scaled_131_01.bvh"),
    "bvh_examples": ("05_20-daz.bvh", "05_20-mb.bvh", "94_01.bvh"),
    "cmu1": ("jumping_jacks.bvh",),
    "salsa": ("indian_15.bvh", "salsa_06.bvh"),
    "lawrennd_mocap": ("14_19.bvh",),
    "iclone": ("007_02.bvh", "007_09.bvh"),
    "ReActIdle": ("000_genuine.bvh",),
}
MocapSource = Callable[[str], Path]


def read_one(path: Path, **options: object) -> Pose3D:
    (pose,) = read(path, ReadOptions(**options))  # type: ignore[arg-type]
    return pose


def shared_files(source: MocapSource) -> list[Path]:
    return [source(folder) / name for folder, names in SHARED.items() for name in names]


def test_the_stick_figure_stands_where_its_offsets_put_it(tmp_path: Path) -> None:
    pose = read_one(write_stick(tmp_path / "a.bvh", {"Hips Yposition": 0.9}))
    assert_allclose(pose.joint("pelvis"), [[0, 0.9, 0]], atol=1e-9)
    assert_allclose(pose.joint("left_ankle"), [[0.1, 0.05, 0]], atol=1e-9)
    assert_allclose(pose.joint("right_wrist"), [[-0.75, 1.4, 0]], atol=1e-9)
    assert_allclose(pose.joint("thorax"), [[0, 1.4, 0]], atol=1e-9)
    assert_allclose(pose.joint("spine"), [[0, 1.15, 0]], atol=1e-9)


def test_knee_bent_a_quarter_puts_the_foot_behind(tmp_path: Path) -> None:
    pose = read_one(write_stick(tmp_path / "a.bvh", {"LeftLeg Xrotation": 90}))
    assert_allclose(pose.joint("left_ankle"), [[0.1, -0.45, -0.4]], atol=1e-9)
    assert_allclose(pose.joint("right_ankle"), [[-0.1, -0.85, 0]], atol=1e-9)


def test_rotations_apply_in_the_order_of_each_joints_channels(tmp_path: Path) -> None:
    turns = {"LeftArm Zrotation": 90, "LeftArm Yrotation": 90}
    pose = read_one(write_stick(tmp_path / "a.bvh", turns))
    # Z Y X: y first turns the arm from +x to -z, where z leaves it.
    assert_allclose(pose.joint("left_wrist")[0] - [0.2, 0.5, 0], [0, 0, -0.55], atol=1e-9)
    other = write_stick(
        tmp_path / "b.bvh", turns, orders={"LeftArm": ("Yrotation", "Zrotation", "Xrotation")}
    )
    # Y Z X: z first raises it to +y, where y leaves it.
    pose = read_one(other)
    assert_allclose(pose.joint("left_wrist")[0] - [0.2, 0.5, 0], [0, 0.55, 0], atol=1e-9)


def test_a_joints_position_channels_replace_its_offset(tmp_path: Path) -> None:
    orders = dict.fromkeys(STICK, (*POSITIONS, *ROTATIONS))
    plain = read_one(write_stick(tmp_path / "plain.bvh", {}))
    path = write_stick(tmp_path / "a.bvh", {}, {"LeftHand Xposition": 0.35}, orders=orders)
    text = path.read_text().replace("OFFSET 0.25", "OFFSET 99")
    path.write_text(text)
    pose = read_one(path)
    assert_allclose(pose.positions[0], plain.positions[0], atol=1e-9)
    assert_allclose(pose.joint("left_wrist")[1] - pose.joint("left_wrist")[0], [0.1, 0, 0])


def test_a_head_turned_left_points_its_nose_left(tmp_path: Path) -> None:
    straight, turned = {}, {"Head Yrotation": 90}
    pose = read_one(write_stick(tmp_path / "a.bvh", straight, turned))
    forward = pose.joint("nose")[0] - pose.joint("nose")[1]
    reach = LEG * NOSE_OFFSET[2]
    assert_allclose(forward, [-reach, 0, reach], atol=1e-9)


def test_a_body_turned_over_takes_its_head_along(tmp_path: Path) -> None:
    upright, prone = {}, {"Hips Xrotation": 90}
    pose = read_one(write_stick(tmp_path / "a.bvh", upright, prone))
    about_x = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])
    assert_allclose(pose.positions[1], pose.positions[0] @ about_x.T, atol=1e-9)


@pytest.mark.parametrize("unit", [1.0, 0.01, 0.001, 0.0254, 0.0254 / 0.45])
def test_the_unit_is_found_by_the_length_of_the_leg(tmp_path: Path, unit: float) -> None:
    pose = read_one(write_stick(tmp_path / "a.bvh", {"Hips Yposition": 0.9}, unit=unit))
    assert_allclose(pose.joint("left_ankle"), [[0.1, 0.05, 0]], atol=1e-6)
    assert any(f"{unit:.4g} m" in note for note in pose.notes)


def test_a_given_unit_wins_and_is_said(tmp_path: Path) -> None:
    pose = read_one(write_stick(tmp_path / "a.bvh"), metres_per_unit=2.0)
    assert_allclose(pose.joint("left_ankle"), [[0.2, -1.7, 0]], atol=1e-9)
    assert any("unit given: 2 m" in note for note in pose.notes)


def test_a_leg_of_no_known_unit_is_an_error(tmp_path: Path) -> None:
    path = write_stick(tmp_path / "a.bvh", unit=0.13)
    with pytest.raises(FormatError, match=r"a\.bvh: a leg of 6\.5.* --metres-per-unit"):
        read_one(path)


def test_z_up_files_are_turned_when_told(tmp_path: Path) -> None:
    swapped = {name: (parent, (x, -z, y)) for name, (parent, (x, y, z)) in STICK.items()}
    path = write_stick(tmp_path / "z.bvh", {"Hips Zposition": 0.9}, skeleton=swapped)
    upright = read_one(write_stick(tmp_path / "y.bvh", {"Hips Yposition": 0.9}))
    limbs = slice(0, 9)
    assert_allclose(
        read_one(path, up="z").positions[:, limbs], upright.positions[:, limbs], atol=1e-9
    )
    assert any("--up z" in note for note in read_one(path).notes)


@pytest.mark.parametrize(
    ("written", "fps"),
    [
        ("0.01", 100),
        (".0083333", 120),
        (".03333", 30),
        ("0.041667", 24),
        ("0.041708", 1 / 0.041708),
    ],
)
def test_rates_rounded_in_the_file_are_whole_again(
    tmp_path: Path, written: str, fps: float
) -> None:
    assert read_one(write_stick(tmp_path / "a.bvh", frame_time=written)).fps == fps


def test_a_given_rate_wins_and_is_said(tmp_path: Path) -> None:
    pose = read_one(write_stick(tmp_path / "a.bvh"), fps=60.0)
    assert pose.fps == 60
    assert "declares 100 frames a second, taken as 60" in pose.notes


def test_frames_of_no_time_need_a_rate(tmp_path: Path) -> None:
    path = write_stick(tmp_path / "a.bvh", frame_time="0")
    with pytest.raises(FormatError, match="declares frames of 0 s; give the rate with --fps"):
        read_one(path)
    pose = read_one(path, fps=60.0)
    assert pose.fps == 60
    assert "declares frames of 0 s, taken as 60" in pose.notes


def test_a_joint_may_end_twice(tmp_path: Path) -> None:
    path = write_stick(tmp_path / "a.bvh")
    text = path.read_text()
    start = text.index("End Site")
    end = text.index("}", start) + 1
    path.write_text(f"{text[:end]}\n{text[start:end]}{text[end:]}")
    names = [node.name for node in read_bvh_file(path).nodes if "/End" in node.name]
    assert len(names) == len(set(names))
    assert sum(name.endswith("/End 2") for name in names) == 1


def test_the_t_pose_is_dropped_and_frames_keep_their_numbers(tmp_path: Path) -> None:
    walking = [
        {"LeftArm Zrotation": -80, "RightArm Zrotation": 80, "Hips Zposition": 0.01 * step}
        for step in range(20)
    ]
    pose = read_one(write_stick(tmp_path / "a.bvh", {}, *walking))
    assert pose.frame_index.tolist() == list(range(1, 21))
    assert any("first 1 frames were dropped" in note for note in pose.notes)
    assert read_one(write_stick(tmp_path / "b.bvh", *walking)).num_frames == 20


def test_a_shared_prefix_of_all_names_is_looked_past(tmp_path: Path) -> None:
    pose = read_one(write_stick(tmp_path / "a.bvh", prefix="mixamorig:"))
    assert_allclose(pose.joint("left_ankle"), [[0.1, -0.85, 0]], atol=1e-9)


def test_a_head_that_hangs_all_the_time_is_raised(tmp_path: Path) -> None:
    hanging = {"Head Xrotation": 45}
    pose = read_one(write_stick(tmp_path / "a.bvh", hanging, hanging))
    assert "the head hangs by 45 degrees (median) and was raised to 15" in pose.notes
    down = read_one(write_stick(tmp_path / "b.bvh", {"Head Xrotation": 15}))
    assert_allclose(pose.positions[0], down.positions[0], atol=1e-9)


def test_an_upside_down_head_is_missing_in_those_frames(tmp_path: Path) -> None:
    frames: list[dict[str, float]] = [{}] * 5 + [{"Head Zrotation": 175}] * 2
    pose = read_one(write_stick(tmp_path / "a.bvh", *frames))
    is_missing = np.isnan(pose.joint("nose")).any(axis=1)
    assert is_missing.tolist() == [False] * 5 + [True] * 2
    assert np.isfinite(pose.joint("thorax")).all()
    assert any("in 2 frames the head is turned further" in note for note in pose.notes)


def test_bvh_is_known_by_its_content(tmp_path: Path) -> None:
    path = write_stick(tmp_path / "motion.txt")
    assert find_format(path, kind="motion").name == "bvh"
    assert read_motion(path)[0].num_frames == 1


BAD = {
    "empty": (lambda text: "", "cut short or not BVH"),
    "binary": (lambda text: "\x00\x01\x02" * 500, "not BVH"),
    "no motion": (lambda text: text[: text.index("MOTION")], "ends before its MOTION"),
    "half a tree": (lambda text: text[: text.index("JOINT RightArm")], "ends before its MOTION"),
    "no frames": (lambda text: text[: text.index("Frame Time")], "Frame Time: SECONDS"),
    "no values": (lambda text: "\n".join(text.splitlines()[:-3]), "holds no motion"),
    "a frame too few": (
        lambda text: "\n".join(text.splitlines()[:-1]),
        "declares 3 frames and holds 2; it is cut short",
    ),
    "cut in a line": (lambda text: text[:-12], r"found 48 values, expected 54"),
    "a huge count": (
        lambda text: text.replace("Frames: 3", "Frames: 99999999999"),
        "declares 99999999999 frames and holds 3",
    ),
    "a count of text": (lambda text: text.replace("Frames: 3", "Frames: x"), "'Frames: N'"),
    "a word": (lambda text: text[: text.rindex(" ")] + " x\n", "'x' is not a number"),
    "not finite": (lambda text: text[: text.rindex(" ")] + " nan\n", "nan is no length or angle"),
    "too large": (lambda text: text[: text.rindex(" ")] + " 1e300\n", "1e300 is no length"),
    "no time": (lambda text: text.replace("Time: 0.01", "Time: 0"), "declares frames of 0 s"),
    "two roots": (
        lambda text: text.replace("MOTION", "ROOT b\n{\nOFFSET 0 0 0\n}\nMOTION"),
        "a second ROOT",
    ),
    "twins": (lambda text: text.replace("JOINT Neck", "JOINT Head", 1), "two joints are named"),
    "a channel": (lambda text: text.replace("Yrotation", "Wrotation", 1), "'Wrotation' is no chan"),
    "channels": (lambda text: text.replace("CHANNELS 3", "CHANNELS 4", 1), "declares 4 channels"),
    "channel twice": (
        lambda text: text.replace("Yrotation", "Zrotation", 1),
        "two channels Zrotation",
    ),
    "an offset": (lambda text: text.replace("OFFSET 0.1 0 0", "OFFSET 0.1 0"), "found 2 values"),
    "too deep": (
        lambda text: text.replace("ROOT Hips\n{", "ROOT a\n{" + "JOINT b\n{\n" * 99_999),
        "two joints are named|nested deeper",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_damage_is_an_error_that_names_the_file_and_what_was_found(
    tmp_path: Path, name: str
) -> None:
    damage, message = BAD[name]
    path = write_stick(tmp_path / "some.bvh", {}, {}, {})
    path.write_text(damage(path.read_text()))
    with pytest.raises(FormatError, match=rf"some\.bvh.*({message})"):
        read_one(path)


def test_a_joint_chain_of_many_thousands_is_refused(tmp_path: Path) -> None:
    depth = 50_000
    chain = "".join(f"JOINT j{number}\n{{\n" for number in range(depth))
    path = tmp_path / "deep.bvh"
    path.write_text(f"HIERARCHY\nROOT r\n{{\n{chain}{'}' * depth}\n}}\nMOTION\n")
    with pytest.raises(FormatError, match="nested deeper than 64"):
        read_one(path)


def test_fuzzed_files_are_read_or_refused(tmp_path: Path) -> None:
    poses = [{"LeftLeg Xrotation": 10.0 * step, "Hips Yposition": 0.9} for step in range(4)]
    path = write_stick(tmp_path / "fuzzed.bvh", *poses)
    assert_survives(lambda: read(path, ReadOptions()), path, count=400)


@pytest.mark.slow
def test_ten_thousand_fuzzed_files_are_read_or_refused(tmp_path: Path) -> None:
    poses = [{"LeftLeg Xrotation": 10.0 * step, "Hips Yposition": 0.9} for step in range(4)]
    path = write_stick(tmp_path / "fuzzed.bvh", *poses)
    assert_survives(lambda: read(path, ReadOptions()), path, count=10_000, seed=1)


def test_shared_positions_equal_pybvhs_forward_kinematics(mocap_source: MocapSource) -> None:
    for path in shared_files(mocap_source):
        if path.parent.name == "ReActIdle":
            continue  # position channels on every joint, which pybvh refuses
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = pybvh.read_bvh_file(path)
        file = read_bvh_file(path)
        head = replace(file, motion=file.motion[:200])
        placed = head.posed(theirs.joint_names)
        ours = np.stack([placed[name].position for name in theirs.joint_names], axis=1)
        assert_allclose(ours, theirs.joint_positions()[:200], atol=1e-9)
        assert file.fps == pytest.approx(theirs.fps, rel=2e-4)


def test_shared_recordings_are_read_as_people(mocap_source: MocapSource) -> None:
    for path in shared_files(mocap_source):
        pose = read_one(path)
        file = read_bvh_file(path)
        assert pose.num_frames == len(file.motion) - pose.frame_index[0], path
        assert np.isfinite(pose.positions).all(), path
        for side in ("left", "right"):
            hip, knee, ankle = (pose.joint(f"{side}_{name}") for name in ("hip", "knee", "ankle"))
            thigh, shank = (
                np.linalg.norm(hip - knee, axis=-1),
                np.linalg.norm(knee - ankle, axis=-1),
            )
            assert 0.55 < np.median(thigh + shank) < 1.05, path
            if path.parent.name != "ReActIdle":
                assert_allclose(thigh, thigh[0], rtol=1e-4)
                assert_allclose(shank, shank[0], rtol=1e-4)


@pytest.mark.parametrize("file", ["mdu/02_01.bvh", "motion_viewer/09_01.bvh", "iclone/007_02.bvh"])
def test_who_walks_forward_faces_where_he_goes(mocap_source: MocapSource, file: str) -> None:
    folder, name = file.split("/")
    pose = read_one(mocap_source(folder) / name)
    assert pose.fps is not None
    evidence = side_evidence(pose.positions, fps=pose.fps)
    assert evidence.walking > 0.9
    assert evidence.knees > 0.8
    assert evidence.shoulders > 0.8


def test_scaled_files_are_taken_in_metres_and_say_so(mocap_source: MocapSource) -> None:
    folder = mocap_source("bvh11")
    scaled, plain = read_one(folder / "scaled_131_01.bvh"), read_one(folder / "131_01.bvh")
    assert any("unit found to be 1 m" in note for note in scaled.notes)
    shorter = min(scaled.num_frames, plain.num_frames)
    limbs = [plain.skeleton.index(name) for name in ("left_ankle", "right_wrist", "thorax")]
    bones = [
        pose.positions[:shorter, limbs] - pose.joint("pelvis")[:shorter, None]
        for pose in (scaled, plain)
    ]
    # One frame more at its start or end; a frame is less than 4 cm of motion there.
    assert np.median(np.linalg.norm(bones[0] - bones[1], axis=-1)) < 0.02


def test_t_poses_of_the_shared_recordings_are_dropped(mocap_source: MocapSource) -> None:
    starts = {
        f"{path.parent.name}/{path.name}": int(read_one(path).frame_index[0])
        for path in shared_files(mocap_source)
    }
    with_t_pose = {"mdu", "motion_viewer", "yelper", "salsa", "lawrennd_mocap"}
    for file, start in starts.items():
        expected = file.split("/")[0] in with_t_pose or file in (
            "bvh_examples/05_20-daz.bvh",
            "bvh_examples/05_20-mb.bvh",
            "iclone/007_09.bvh",
        )
        assert (start > 0) == expected, (file, start)


def test_every_bvh_naming_is_tried_on_a_shared_file(mocap_source: MocapSource) -> None:
    found = {
        find_naming([node.name for node in read_bvh_file(path).nodes], source=str(path))[0].name
        for path in shared_files(mocap_source)
    }
    assert found == {"motionbuilder", "max", "daz", "iclone", "freemocap"}


def test_an_error_is_one_of_ours_for_folders_and_missing_files(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.bvh"):
        with pytest.raises(MotionliftError, match="cannot be read"):
            read_one(path)
