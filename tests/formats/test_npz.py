"""The library's own file gives back what was written, and refuses anything else."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from motionlift.errors import FormatError
from motionlift.formats import ReadOptions, find_format, read_motion
from motionlift.formats.npz import write
from motionlift.poses import Pose2D, Pose3D
from motionlift.skeletons import COCO17, H36M17
from tests.formats.motion import assert_same_motion, lifted


@pytest.mark.parametrize("fps", [None, 29.97])
def test_lifted_motion_comes_back_exactly(tmp_path: Path, fps: float | None) -> None:
    motion = lifted(fps=fps)
    write(motion, tmp_path / "out.npz")
    assert find_format(tmp_path / "out.npz", kind="motion").name == "npz"
    (back,) = read_motion(tmp_path / "out.npz")
    assert_same_motion(back, motion)


def test_motion_that_was_not_lifted_comes_back_too(tmp_path: Path) -> None:
    motion = replace(lifted(), lifted_from=None, root_xy=None, units="m", space="world", model="")
    write(motion, tmp_path / "out.npz")
    (back,) = read_motion(tmp_path / "out.npz")
    assert_same_motion(back, motion)


def test_keys_are_those_of_the_design(tmp_path: Path) -> None:
    write(lifted(), tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz", allow_pickle=False) as arrays:
        assert arrays["positions"].dtype == np.float32
        assert arrays["positions"].shape == (4, 17, 3)
        assert arrays["root_xy"].shape == (4, 2)
        assert arrays["keypoints"].shape == (4, 17, 3)
        assert tuple(arrays["joint_names"]) == H36M17.joints
        assert tuple(arrays["parents"]) == H36M17.parents
        assert arrays["fps"] == 30
        assert_array_equal(arrays["frame_index"], [5, 6, 7, 8])
        assert str(arrays["source"]) == "clip.json"
        assert str(arrays["model"]) == "small"
        assert str(arrays["units"]) == "px"


def test_given_frame_rate_wins(tmp_path: Path) -> None:
    write(lifted(), tmp_path / "out.npz")
    assert read_motion(tmp_path / "out.npz", ReadOptions(fps=50))[0].fps == 50


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"joint_names": np.array(H36M17.joints[::-1])}, "'joint_names' are not those of H36M17"),
        ({"positions": np.zeros((4, 16, 3), np.float32)}, "'positions' has shape (4, 16, 3)"),
        ({"frame_index": np.array([1, 1, 2, 3])}, "frame numbers must increase"),
        ({"frame_index": np.zeros(0, int), "positions": np.zeros((0, 17, 3))}, "confidence"),
        ({"units": np.array("miles")}, "units are"),
        ({"root_xy": np.zeros((3, 2))}, "'root_xy' has shape (3, 2)"),
        ({"fps": np.array("fast")}, "'fps' has shape ()"),
    ],
)
def test_arrays_of_another_kind_are_refused(
    tmp_path: Path, change: dict[str, np.ndarray], message: str
) -> None:
    path = tmp_path / "out.npz"
    write(lifted(), path)
    with np.load(path) as arrays:
        changed = {**arrays, **change}
    np.savez(path, **changed)
    with pytest.raises(FormatError) as caught:
        read_motion(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_cut_file_is_refused(tmp_path: Path) -> None:
    write(lifted(), tmp_path / "out.npz")
    whole = (tmp_path / "out.npz").read_bytes()
    (tmp_path / "out.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FormatError, match=r"out\.npz: not"):
        read_motion(tmp_path / "out.npz")


def test_other_skeletons_are_not_written(tmp_path: Path) -> None:
    pose = Pose3D(
        skeleton=COCO17,
        positions=np.zeros((1, 17, 3)),
        confidence=np.ones((1, 17)),
        frame_index=np.arange(1),
        fps=None,
    )
    with pytest.raises(FormatError, match="not those of COCO17"):
        write(pose, tmp_path / "out.npz")


def test_keypoints_without_a_picture_size_come_back(tmp_path: Path) -> None:
    motion = lifted()
    assert isinstance(motion.lifted_from, Pose2D)
    motion = replace(motion, lifted_from=replace(motion.lifted_from, image_size=None))
    write(motion, tmp_path / "out.npz")
    assert_same_motion(read_motion(tmp_path / "out.npz")[0], motion)
