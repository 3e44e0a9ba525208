import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from motionlift.errors import FormatError
from motionlift.formats import (
    FORMATS,
    ReadOptions,
    clip_folder,
    find_format,
    fit3d,
    h36m_npz,
    h36m_pkl,
    mpi_3dhp,
)
from motionlift.kinematics import LIMB_LANDMARKS
from motionlift.poses import Pose3D
from motionlift.skeletons import H36M17
from tests.formats.bodies import walking
from tests.formats.fuzzing import assert_survives, packed, unpacked
from tests.formats.published import (
    complete,
    h36m_split,
    in_3dhp_order,
    in_order,
    to_camera,
    write_3dhp_test,
    write_3dhp_train,
    write_fit3d,
    write_h36m_npz,
    write_pickle,
)


def _assert_walking(pose: Pose3D, *, like: slice = slice(None), head: bool = True) -> None:
    """The limbs stand where they were, pelvis and thorax where our definition has them."""
    body = {name: path[like] for name, path in complete(walking()).items()}
    for joint in LIMB_LANDMARKS:
        assert_allclose(pose.joint(joint), body[joint], atol=1e-5, err_msg=joint)
    hips = (body["left_hip"] + body["right_hip"]) / 2
    shoulders = (body["left_shoulder"] + body["right_shoulder"]) / 2
    assert_allclose(pose.joint("pelvis"), hips, atol=1e-5)
    assert_allclose(pose.joint("thorax"), shoulders, atol=1e-5)
    if head:
        assert_allclose(pose.joint("nose"), body["nose"], atol=1e-5)
    assert_allclose(pose.joint("head_top"), body["head_top"], atol=1e-5)
    assert (pose.units, pose.space) == ("m", "world")


def _clip(start: int, end: int, *, scale: float = clip_folder.AMASS_SCALE) -> np.ndarray:
    points = to_camera(in_order(walking(40), H36M17.joints))[start:end]
    return (scale * points).astype(np.float32)


def _amass_clips(folder: Path, *spans: tuple[int, int]) -> Path:
    for number, (start, end) in enumerate(spans):
        content = {"data_input": None, "data_label": _clip(start, end)}
        write_pickle(folder / "train" / f"{number:08d}.pkl", content)
    return folder


# Human3.6M as VideoPose3D has it


@pytest.mark.parametrize("joints", [32, 17])
def test_h36m_npz_is_each_recording_of_each_subject(tmp_path: Path, joints: int) -> None:
    bodies = {"S1 Walking 1": walking(), "S1 Sitting": walking(5), "S11 Eating": walking(3)}
    path = write_h36m_npz(tmp_path / "data_3d_h36m.npz", bodies, joints=joints)
    poses = h36m_npz.read(path, ReadOptions())
    assert [pose.person for pose in poses] == list(bodies)
    assert [pose.num_frames for pose in poses] == [12, 5, 3]
    _assert_walking(poses[0])
    assert poses[0].fps == 50


# Human3.6M as MotionBERT has it


def _h36m_pkl(folder: Path, *, frames: int = 12) -> Path:
    points = to_camera(in_order(walking(frames), H36M17.joints))
    angle = np.radians(50)  # a camera that looks down steeply
    tilt = [[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]]
    train = {
        "s_01_act_02_subact_01_ca_01": points @ np.array(tilt),
        "s_01_act_02_subact_01_ca_02": points,
        "s_01_act_02_subact_02_ca_01": points[:5],
    }
    content = {"train": h36m_split(train), "test": h36m_split({"s_09_act_02_subact_01": points})}
    return write_pickle(folder / "h36m_sh_conf_cam_source_final.pkl", content)


def test_h36m_pkl_is_each_recording_once_under_its_most_upright_camera(tmp_path: Path) -> None:
    poses = h36m_pkl.read(_h36m_pkl(tmp_path), ReadOptions())
    assert [pose.person for pose in poses] == [
        "train s_01_act_02_subact_01",
        "train s_01_act_02_subact_02",
        "test s_09_act_02_subact_01",
    ]
    _assert_walking(poses[0])
    assert poses[0].fps == 50
    assert any("camera ca_02; its other 1 cameras were skipped" in n for n in poses[0].notes)
    assert any("taken to be level" in note for note in poses[0].notes)


def test_h36m_pkl_without_its_fields_is_an_error(tmp_path: Path) -> None:
    path = write_pickle(tmp_path / "a.pkl", {"train": {"joint_2d": np.zeros((3, 17, 2))}})
    with pytest.raises(
        FormatError, match=r"'train': has no 'joints_2\.5d_image'; it has: joint_2d"
    ):
        h36m_pkl.read(path, ReadOptions())


# MPI-INF-3DHP


def test_3dhp_train_is_each_sequence_once_with_its_own_rate(tmp_path: Path) -> None:
    points = in_3dhp_order(walking())
    upside_down = points * [-1, -1, 1]
    sequences = {"S1 Seq1": {"0": upside_down, "4": points}, "S1 Seq2": {"0": points}}
    path = write_3dhp_train(tmp_path / "data_train_3dhp.npz", sequences)
    assert mpi_3dhp.FORMAT.sniff(path)
    first, second = mpi_3dhp.read(path, ReadOptions())
    _assert_walking(first, head=False)
    assert (first.person, first.fps) == ("S1 Seq1", 25)
    assert (second.person, second.fps) == ("S1 Seq2", 50)
    assert any("camera 4; its other 1 cameras were skipped" in note for note in first.notes)


def test_3dhp_test_leaves_out_frames_that_are_not_valid(tmp_path: Path) -> None:
    valid = np.ones((12, 1))
    valid[3:5] = 0
    sequences = {"TS1": in_3dhp_order(walking())}
    path = write_3dhp_test(tmp_path / "data_test_3dhp.npz", sequences, valid=valid)
    assert mpi_3dhp.FORMAT.sniff(path)
    (pose,) = mpi_3dhp.read(path, ReadOptions())
    assert np.isnan(pose.positions[3:5]).all()
    assert np.isfinite(pose.positions[[0, 2, 5]]).all()
    assert pose.fps is None
    assert mpi_3dhp.read(path, ReadOptions(fps=25.0))[0].fps == 25


# Fit3D


def test_fit3d_is_read_with_up_found(tmp_path: Path) -> None:
    (pose,) = fit3d.read(write_fit3d(tmp_path / "squat.json", [walking()]), ReadOptions())
    _assert_walking(pose)
    assert pose.fps == 50
    assert any("up axis found to be z" in note for note in pose.notes)


def test_notes_say_the_rate_and_unit_that_were_given(tmp_path: Path) -> None:
    bodies = {"S1 Walking": {name: 100 * path for name, path in walking().items()}}
    given = ReadOptions(fps=25, metres_per_unit=0.01)
    for read, path in (
        (h36m_npz.read, write_h36m_npz(tmp_path / "a.npz", bodies, joints=17)),
        (h36m_pkl.read, _h36m_pkl(tmp_path)),
        (fit3d.read, write_fit3d(tmp_path / "squat.json", list(bodies.values()))),
    ):
        pose = read(path, given)[0]
        assert pose.fps == 25
        assert {"unit given: 0.01 m", "frames a second given: 25"} <= set(pose.notes)
        assert not any("50" in note and "second" in note for note in pose.notes)
        assert any(
            "50 frames a second, as in" in note for note in read(path, ReadOptions())[0].notes
        )


def test_two_people_in_a_file_are_two_people(tmp_path: Path) -> None:
    other = {name: path + np.array([1, 0, 0]) for name, path in walking().items()}
    one, two = fit3d.read(write_fit3d(tmp_path / "hug.json", [walking(), other]), ReadOptions())
    assert (one.person, two.person) == ("0", "1")
    assert_allclose(two.positions, one.positions + np.array([1, 0, 0]), atol=1e-9)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"joints3d_25": [[[1, 2, 3]]]}', r"has shape \(1, 1, 3\)"),
        ('{"joints3d_25": [[[1, 2], [3]]]}', "holds other things too"),
        ('{"joints3d_25": "none"}', "holds other things too"),
        ('{"joints": []}', "no 'joints3d_25'"),
        ("[", "not valid JSON"),
    ],
)
def test_other_json_is_an_error(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(FormatError, match=message):
        fit3d.read(path, ReadOptions())


# MotionBERT's clips


def test_one_clip_of_amass_has_its_size_in_metres(tmp_path: Path) -> None:
    folder = _amass_clips(tmp_path, (0, 12))
    (pose,) = clip_folder.read(folder / "train" / "00000000.pkl", ReadOptions())
    _assert_walking(pose)
    assert pose.fps == 60
    assert any("taken to be the usual 60" in note for note in pose.notes)


def test_overlapping_clips_are_put_together_and_others_stay_apart(tmp_path: Path) -> None:
    folder = _amass_clips(tmp_path, (0, 12), (4, 16), (8, 20), (25, 37))
    first, second = clip_folder.read(folder, ReadOptions())
    assert (first.num_frames, second.num_frames) == (20, 12)
    whole = to_camera(_clip(0, 40, scale=1.0))
    hip = H36M17.index("left_hip")
    assert_allclose(first.joint("left_hip"), whole[:20, hip], atol=1e-5)
    assert_allclose(second.joint("left_hip"), whole[25:37, hip], atol=1e-5)
    assert (first.person, second.person) == ("train/00000000", "train/00000003")


def test_a_clip_without_frames_is_one_line(tmp_path: Path) -> None:
    folder = _amass_clips(tmp_path, (0, 12), (4, 4), (8, 20))
    with pytest.raises(FormatError, match=r"00000001\.pkl: no 'data_label' of shape"):
        clip_folder.read(folder, ReadOptions())


def test_clips_of_h36m_need_to_be_told_their_metres(tmp_path: Path) -> None:
    label = _clip(0, 12, scale=0.4)
    path = write_pickle(tmp_path / "0.pkl", {"data_input": label, "data_label": label})
    with pytest.raises(FormatError, match=r"halves of the picture's width, .* --metres-per-unit"):
        clip_folder.read(path, ReadOptions())
    (pose,) = clip_folder.read(path, ReadOptions(metres_per_unit=2.5))
    _assert_walking(pose)
    assert pose.fps == 50


# All of them

_WRITERS: dict[str, Callable[[Path], Path]] = {
    "h36m-npz": lambda folder: write_h36m_npz(folder / "a.npz", {"S1 Walking": walking(4)}),
    "h36m-pkl": lambda folder: _h36m_pkl(folder, frames=2),
    "mpi-3dhp": lambda folder: write_3dhp_train(
        folder / "a.npz", {"S1 Seq1": {"0": in_3dhp_order(walking(40))}}
    ),
    "fit3d": lambda folder: write_fit3d(folder / "a.json", [walking(3)]),
    "clip-folder": lambda folder: _amass_clips(folder, (0, 6)) / "train" / "00000000.pkl",
}


@pytest.mark.parametrize("name", _WRITERS)
def test_each_is_recognised_by_its_content(tmp_path: Path, name: str) -> None:
    path = _WRITERS[name](tmp_path)
    assert find_format(path.rename(path.with_suffix(".dat")), kind="motion").name == name


class _Malice:
    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch /tmp/motionlift-was-run",)


@pytest.mark.parametrize("name", ["h36m-npz", "h36m-pkl", "mpi-3dhp", "clip-folder"])
def test_malicious_pickles_are_refused_and_not_run(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.npz"
    if name.endswith(("npz", "3dhp")):
        field = "positions_3d" if name == "h36m-npz" else "data"
        np.savez(path, **{field: np.array({"data_3d": _Malice()}, dtype=object)})
    else:
        path.write_bytes(pickle.dumps({"data_label": _Malice(), "train": None}))
    reader = FORMATS.get(name).read_motion
    assert reader is not None
    with pytest.raises(FormatError, match=r"names '(posix|nt)\.system'; expected arrays"):
        reader(path, ReadOptions())
    assert not Path("/tmp/motionlift-was-run").exists()


@pytest.mark.parametrize("count", [150, pytest.param(10_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", _WRITERS)
def test_damaged_files_give_clear_errors(tmp_path: Path, name: str, count: int) -> None:
    path = _WRITERS[name](tmp_path)
    reader = FORMATS.get(name).read_motion
    assert reader is not None
    if path.suffix != ".npz":
        assert_survives(lambda: reader(path, ReadOptions()), path, count=count)
        return
    # Checksums guard the outside of archives.
    ((member, data),) = unpacked(path).items()
    assert_survives(
        lambda: reader(path, ReadOptions()),
        path,
        count=count,
        inside=data,
        wrap=lambda damaged: packed({member: damaged}),
    )
