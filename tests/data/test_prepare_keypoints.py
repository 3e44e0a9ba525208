"""Keypoints are cut where the person changes, and hold no point that no detector gave."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from motionlift.data.prepare_keypoints import prepare_keypoints
from motionlift.data.prepare_motion import Prepared
from motionlift.errors import FormatError
from motionlift.formats import ReadOptions, read_keypoints
from motionlift.poses import Pose2D
from motionlift.skeletons import COCO17, H36M17
from tests.data.bodies import moving

FPS = 25.0


def _person(frames: int, *, x: float = 500.0) -> Pose2D:
    """Somebody 350 pixels tall who walks towards the camera, seen by a sure detector."""
    points = moving(frames)[..., :2] * [200, -200] + [x, 600]
    return Pose2D(
        skeleton=H36M17,
        keypoints=points,
        confidence=np.full(points.shape[:2], 0.8),
        frame_index=np.arange(frames),
        fps=FPS,
    )


def _without(pose: Pose2D, frames: slice, joints: slice = slice(None)) -> Pose2D:
    keypoints, confidence = pose.keypoints.copy(), pose.confidence.copy()
    keypoints[frames, joints], confidence[frames, joints] = np.nan, 0.0
    return replace(pose, keypoints=keypoints, confidence=confidence)


def _prepare(pose: Pose2D, *, fps: float = FPS) -> tuple[list[Prepared], tuple[str, ...]]:
    return prepare_keypoints(pose, name="a", fps_source=FPS, fps=fps)


def test_pixels_and_confidence_stand_in_the_positions() -> None:
    pose = _person(30)
    (found,), doubts = _prepare(pose)
    assert_allclose(found.positions[..., :2], pose.keypoints, rtol=1e-6)
    assert_allclose(found.positions[..., 2], 0.8, rtol=1e-6)
    assert found.units == "px" and found.name == "a" and not doubts


def test_a_joint_that_was_missed_stays_unseen() -> None:
    wrist = H36M17.index("left_wrist")
    (found,), _ = _prepare(_without(_person(30), slice(10, 12), slice(wrist, wrist + 1)))
    assert_array_equal(np.flatnonzero(~found.visibility[:, wrist]), [10, 11])
    assert (found.positions[10:12, wrist] == 0).all()
    assert found.visibility[:, H36M17.root].all()


def test_joints_that_the_detector_lacks_are_unseen_and_the_root_may_be() -> None:
    coco = Pose2D(
        skeleton=COCO17,
        keypoints=np.tile(np.arange(17 * 2.0).reshape(17, 2), (30, 1, 1)),
        confidence=np.ones((30, 17)),
        frame_index=np.arange(30),
        fps=FPS,
    )
    (found,), _ = _prepare(_without(coco, slice(0, 5), slice(11, 12)))  # a hip
    assert not found.visibility[:, H36M17.index("spine")].any()
    assert not found.visibility[:5, H36M17.root].any()
    assert found.visibility[:5, H36M17.index("nose")].all()


def test_a_higher_rate_keeps_the_frames_and_the_confidence_between_0_and_1() -> None:
    pose = _person(30)
    confidence = np.where(np.arange(30) % 2, 1.0, 0.01)[:, None].repeat(17, axis=1)
    (found,), _ = _prepare(replace(pose, confidence=confidence), fps=2 * FPS)
    assert len(found.positions) == 59
    assert_allclose(found.positions[::2, :, :2], pose.keypoints, rtol=1e-6)
    assert found.positions[..., 2].min() > 0 and found.positions[..., 2].max() <= 1


@pytest.mark.parametrize(("absent", "names"), [(10, ["a"]), (20, ["a#part1", "a#part2"])])
def test_somebody_who_was_away_for_long_is_another_sequence(absent: int, names: list[str]) -> None:
    found, _ = _prepare(_without(_person(80), slice(30, 30 + absent)))
    assert [each.name for each in found] == names
    assert sum(len(each.positions) for each in found) == (80 if len(names) == 1 else 80 - absent)


def test_a_jump_to_somebody_else_is_cut_and_told() -> None:
    pose = _person(60)
    keypoints = pose.keypoints.copy()
    keypoints[40:] += [400, 0]
    found, doubts = _prepare(replace(pose, keypoints=keypoints))
    assert [len(each.positions) for each in found] == [40, 20]
    assert doubts == ("keypoints jump to another place at frame 40, cut there",)
    assert "frames 40 to 59 of the recording" in found[1].notes


def test_a_fast_walk_past_the_camera_is_no_jump() -> None:
    pose = _person(60)
    path = np.arange(60)[:, None, None] * [200 * 8 / FPS, 0]  # 8 m/s
    found, doubts = _prepare(replace(pose, keypoints=pose.keypoints + path))
    assert len(found) == 1 and not doubts


def test_short_pieces_are_left_out_and_counted() -> None:
    found, doubts = _prepare(_without(_person(60), slice(8, 30)))
    assert [each.name for each in found] == ["a"]
    assert doubts == ("1 piece of less than 0.5 s left out",)
    with pytest.raises(FormatError, match=r"less than 0\.5 s"):
        _prepare(_without(_person(60), slice(8, None)))


def test_frames_that_the_file_lacks_are_frames_without_anybody() -> None:
    pose = _person(60)
    kept = np.r_[0:20, 25:60]
    thinned = replace(
        pose,
        keypoints=pose.keypoints[kept],
        confidence=pose.confidence[kept],
        frame_index=kept + 7,
    )
    (found,), _ = _prepare(thinned)
    assert len(found.positions) == 60
    assert not found.visibility[20:25].any()


def test_every_other_frame_is_a_recording_of_half_the_rate() -> None:
    pose = _person(60)
    (found,), doubts = _prepare(replace(pose, frame_index=np.arange(60) * 2 + 7))
    assert found.fps_source == FPS / 2 and not doubts
    assert found.visibility.all()
    assert_allclose(found.positions[::2, :, :2], pose.keypoints, rtol=1e-6)
    assert "one frame in 2 is there: 12.5 a second" in found.notes


def test_keypoints_in_every_other_row_are_seen_throughout(tmp_path: Path) -> None:
    for frame in range(0, 60, 2):
        points = np.zeros((18, 3))
        points[:, :2], points[:, 2] = [500 + frame, 300], 0.8
        points[:, :2] += np.arange(18)[:, None] * 10
        people = [{"pose_keypoints_2d": points.ravel().tolist()}]
        (tmp_path / f"a_{frame:012d}_keypoints.json").write_text(json.dumps({"people": people}))
    (pose,) = read_keypoints(tmp_path, options=ReadOptions(fps=FPS))
    assert pose.num_frames == 59
    (found,), doubts = _prepare(pose)
    assert found.fps_source == FPS and not doubts
    assert found.visibility[:, H36M17.index("left_wrist")].all()
    assert any("keypoints are on one frame in 2" in note for note in found.notes)


def test_a_jump_in_every_other_frame_is_told_by_the_files_own_number() -> None:
    pose = _person(60)
    keypoints = pose.keypoints.copy()
    keypoints[40:] += [400, 0]
    found, doubts = _prepare(replace(pose, keypoints=keypoints, frame_index=np.arange(60) * 2))
    assert doubts == ("keypoints jump to another place at frame 80, cut there",)
    assert "frames 80 to 118 of the recording" in found[1].notes


def test_a_detector_that_misses_most_joints_is_a_doubt() -> None:
    _, doubts = _prepare(_without(_person(60), slice(None), slice(0, 12)))
    assert doubts == ("71% of all joints are not seen",)
