"""The library's functions: read, lift, encode, write."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import motionlift
from motionlift.errors import FormatError, MotionliftError, OptionError
from motionlift.network.weights import load_model
from motionlift.skeletons import BODY_25, H36M17
from tests.samples import write_openpose, write_tiny_weights


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_openpose(tmp_path_factory.mktemp("source") / "keypoints", people=2)


def test_reading_gives_the_people_largest_first(folder: Path) -> None:
    people = motionlift.read(folder, kind="keypoints")
    assert [pose.skeleton for pose in people] == [BODY_25, BODY_25]
    heights = [np.ptp(pose.keypoints[0, :, 1]) for pose in people]
    assert heights[0] > heights[1]


def test_a_path_is_lifted_as_its_first_person_is(folder: Path, tiny: Path) -> None:
    from_path = motionlift.lift(folder, model=tiny)
    from_pose = motionlift.lift(
        motionlift.read(folder, kind="keypoints")[0], model=load_model(tiny)
    )
    assert_array_equal(from_path.positions, from_pose.positions)
    other = motionlift.lift(folder, model=tiny, person="2")
    assert not np.allclose(other.positions, from_path.positions)


def test_what_was_lifted_is_written_and_read_back(folder: Path, tiny: Path, tmp_path: Path) -> None:
    lifted = motionlift.lift(folder, model=tiny)
    motionlift.write(lifted, tmp_path / "new" / "out.npz")
    (back,) = motionlift.read(tmp_path / "new" / "out.npz", kind="motion")
    assert_array_equal(back.positions, lifted.positions)
    assert back.skeleton is H36M17
    assert back.model == "tiny"
    assert back.notes == lifted.notes
    (same,) = motionlift.read(tmp_path / "new" / "out.npz")
    assert_array_equal(same.positions, lifted.positions)


def test_encoding_gives_the_same_features_for_a_path_and_a_pose(folder: Path, tiny: Path) -> None:
    features = motionlift.encode(folder, model=tiny)
    pose = motionlift.read(folder, kind="keypoints")[0]
    assert features.shape == (pose.num_frames, 17, 8)
    assert_allclose(motionlift.encode(pose, model=tiny), features)


def test_lifted_motion_can_be_lifted_again_from_its_keypoints(
    folder: Path, tiny: Path, tmp_path: Path
) -> None:
    lifted = motionlift.lift(folder, model=tiny)
    motionlift.write(lifted, tmp_path / "out.npz")
    again = motionlift.lift(tmp_path / "out.npz", model=tiny)
    assert_array_equal(again.positions, lifted.positions)


def test_a_format_of_the_other_kind_is_refused(folder: Path, tiny: Path) -> None:
    with pytest.raises(FormatError, match="format openpose holds no motion"):
        motionlift.read(folder, kind="motion", format="openpose")
    with pytest.raises(FormatError, match="format bvh holds no keypoints"):
        motionlift.read(folder, kind="keypoints", format="bvh")


def test_one_person_at_a_time_is_lifted(folder: Path, tiny: Path) -> None:
    with pytest.raises(OptionError, match="one person at a time"):
        motionlift.lift(folder, model=tiny, person="all")


def test_a_failed_write_leaves_nothing(folder: Path, tiny: Path, tmp_path: Path) -> None:
    lifted = motionlift.lift(folder, model=tiny)
    for out in (tmp_path, tmp_path / "out.docx"):
        with pytest.raises(MotionliftError):
            motionlift.write(lifted, out)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fps": 0.0}, "0 frames a second; a rate is above 0"),
        ({"fps": float("nan")}, "nan frames a second"),
        ({"fps": 1e9}, "1e.09 frames a second; a rate is above 0 and at most 100000"),
        ({"image_size": (0, 0)}, "a picture of .0, 0. pixels is none"),
    ],
)
def test_a_record_that_cannot_be_is_refused(
    folder: Path, change: dict[str, object], message: str
) -> None:
    pose = motionlift.read(folder, kind="keypoints")[0]
    with pytest.raises(MotionliftError, match=message):
        replace(pose, **change)  # type: ignore[arg-type]


def test_of_no_frame_there_is_nothing_to_lift(folder: Path, tiny: Path) -> None:
    pose = motionlift.read(folder, kind="keypoints")[0]
    none = replace(
        pose,
        keypoints=pose.keypoints[:0],
        confidence=pose.confidence[:0],
        frame_index=pose.frame_index[:0],
    )
    with pytest.raises(MotionliftError, match="nothing to lift"):
        motionlift.lift(none, model=tiny)


def test_a_stream_is_of_a_rate_that_can_be(tiny: Path) -> None:
    with pytest.raises(MotionliftError, match="-3 frames a second"):
        motionlift.Lifter(load_model(tiny)).stream(skeleton=H36M17, fps=-3)


def test_what_a_file_does_not_say_of_its_keypoints_can_be_said(tiny: Path, folder: Path) -> None:
    assert motionlift.lift(folder, model=tiny, fps=12.0).fps == 12.0
    pose = motionlift.read(folder, kind="keypoints")[0]
    with pytest.raises(OptionError, match="these keypoints have their own"):
        motionlift.lift(pose, model=tiny, fps=12.0)
