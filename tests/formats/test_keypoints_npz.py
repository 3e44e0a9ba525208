"""The library's own keypoints come back as they were, from their file or from lifted motion."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from motionlift.errors import FormatError
from motionlift.formats import find_format, read_keypoints
from motionlift.formats.keypoints_npz import write_keypoints
from motionlift.formats.npz import write
from motionlift.poses import Pose2D
from motionlift.skeletons import HALPE26
from tests.formats.motion import lifted


def _pose() -> Pose2D:
    rng = np.random.default_rng(0)
    keypoints, confidence = rng.normal(500, 100, (3, 26, 2)), rng.uniform(0.1, 1, (3, 26))
    keypoints[1, 2], confidence[1, 2] = np.nan, 0
    return Pose2D(
        skeleton=HALPE26,
        keypoints=keypoints,
        confidence=confidence,
        frame_index=np.array([4, 5, 9]),
        fps=29.97,
        image_size=(640, 480),
        source="v.mp4",
        person="2",
        notes=("a note",),
    )


def test_keypoints_come_back_exactly(tmp_path: Path) -> None:
    pose, path = _pose(), tmp_path / "k.npz"
    write_keypoints(pose, path)
    assert find_format(path, kind="keypoints").name == "keypoints-npz"
    (back,) = read_keypoints(path)
    for name in ("keypoints", "confidence", "frame_index"):
        assert_array_equal(getattr(back, name), getattr(pose, name))
    for name in ("skeleton", "fps", "image_size", "source", "person", "notes"):
        assert getattr(back, name) == getattr(pose, name)


def test_a_source_whose_name_is_no_text_can_be_read_again(tmp_path: Path) -> None:
    pose, path = replace(_pose(), source=os.fsdecode(b"\xdcbung.mp4")), tmp_path / "k.npz"
    write_keypoints(pose, path)
    (back,) = read_keypoints(path)
    assert back.source == "?bung.mp4"


def test_keypoints_of_lifted_motion_can_be_read_again(tmp_path: Path) -> None:
    motion, path = lifted(), tmp_path / "m.npz"
    write(motion, path)
    (pose,) = read_keypoints(path)
    assert motion.lifted_from is not None
    assert_array_equal(pose.keypoints, motion.lifted_from.keypoints)
    assert pose.image_size == motion.lifted_from.image_size


def test_notes_on_how_motion_was_lifted_are_not_its_keypoints(tmp_path: Path) -> None:
    motion, path = lifted(), tmp_path / "m.npz"
    write(motion, path)
    (pose,) = read_keypoints(path)
    assert motion.notes
    assert not set(motion.notes) & set(pose.notes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"keypoints": np.ones((3, 25, 3))}, "'keypoints' has shape (3, 25, 3)"),
        ({"joint_names": np.array(["a", "b"])}, "no known skeleton"),
        ({"frame_index": np.array([1, 1, 2])}, "frame numbers must increase"),
    ],
)
def test_damage_is_one_line(tmp_path: Path, change: dict[str, np.ndarray], message: str) -> None:
    path = tmp_path / "k.npz"
    write_keypoints(_pose(), path)
    with np.load(path) as arrays:
        changed = {**arrays, **change}
    np.savez(path, **changed)
    with pytest.raises(FormatError) as caught:
        read_keypoints(path)
    assert message in str(caught.value)


def test_a_size_that_is_no_pair_is_no_size(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    write_keypoints(_pose(), path)
    with np.load(path) as stored:
        arrays = dict(stored)
    np.savez(path, **{**arrays, "image_size": np.array(640)})
    (pose,) = read_keypoints(path)
    assert pose.image_size is None
