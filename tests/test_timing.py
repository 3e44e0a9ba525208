"""Other rates keep time."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from motionlift.errors import OptionError
from motionlift.skeletons import H36M17
from motionlift.timing import errors_at, keypoints_at, motion_at
from tests.samples import lifted_walk, swinging, without


@pytest.mark.parametrize("fps", [50.0, 10.0, 29.0])
def test_keypoints_at_another_rate_lie_on_the_same_paths(fps: float) -> None:
    pose = keypoints_at(swinging(), fps)
    expected = swinging(pose.num_frames, fps=fps)
    assert pose.fps == fps
    assert pose.num_frames == int(np.ceil(59 / 30 * fps - 1e-6)) + 1
    assert_allclose(pose.keypoints[:-1], expected.keypoints[:-1], atol=0.5)
    # The last one is the last there is.
    assert_allclose(pose.keypoints[-1], swinging().keypoints[-1])


def test_a_keypoint_between_a_seen_and_a_missing_one_is_missing() -> None:
    pose = keypoints_at(without(swinging(), slice(20, 21), 4), 60.0)
    assert_array_equal(np.flatnonzero(pose.confidence[:, 4] == 0), [39, 40, 41])


@pytest.mark.parametrize("frames", [1, 2])
def test_shortest_clips_can_be_resampled(frames: int) -> None:
    assert keypoints_at(swinging(frames), 50.0).num_frames == frames + (frames > 1)


def test_motion_keeps_its_time() -> None:
    walk = lifted_walk()  # 400 frames at 50 a second
    moved = replace(walk, frame_index=walk.frame_index + 25)
    half = motion_at(moved, 25.0)
    # Frame 13 at 25 a second is at 0.52 s: frame 26 at 50.
    assert_array_equal(half.frame_index[:3], [13, 14, 15])
    assert_allclose(half.positions, moved.positions[1::2], atol=1e-3)
    assert half.lifted_from is not None and half.root_xy is not None
    assert moved.root_xy is not None
    assert half.lifted_from.num_frames == half.num_frames == len(half.root_xy)
    assert_allclose(half.root_xy, moved.root_xy[1::2])
    assert half.notes[-1] == "resampled from 50 to 25 frames a second"


def test_there_and_back_is_where_it_began() -> None:
    walk = lifted_walk()
    back = motion_at(motion_at(walk, 120.0), 50.0)
    # The last frame of 50 a second lies behind the last of 120.
    assert_array_equal(back.frame_index, walk.frame_index[:-1])
    thigh = np.linalg.norm(walk.joint("left_hip")[0] - walk.joint("left_knee")[0])
    assert np.abs(back.positions - walk.positions[:-1]).max() < 0.02 * thigh


def test_missing_frames_are_missing_at_any_rate() -> None:
    walk = lifted_walk()
    positions, confidence = walk.positions.copy(), walk.confidence.copy()
    positions[100:110], confidence[100:110] = np.nan, 0
    slow = motion_at(replace(walk, positions=positions, confidence=confidence), 25.0)
    is_missing = np.isnan(slow.positions[:, H36M17.root, 0])
    assert_array_equal(np.flatnonzero(is_missing), range(50, 55))


def test_frames_that_the_file_leaves_out_are_missing_at_any_rate() -> None:
    kept = np.r_[0:20, 40:60]
    whole = swinging()
    jumping = replace(
        whole,
        keypoints=whole.keypoints[kept],
        confidence=whole.confidence[kept],
        frame_index=kept,
    )
    pose = keypoints_at(jumping, 50.0)
    seconds = np.arange(pose.num_frames) / 50
    is_left_out = (seconds > 19 / 30 + 1e-6) & (seconds < 40 / 30 - 1e-6)
    assert_array_equal(pose.confidence[:, 0] == 0, is_left_out)
    # Before and after it is as if nothing were missing: what is far is not drawn upon.
    expected = keypoints_at(whole, 50.0).keypoints
    assert_allclose(pose.keypoints[~is_left_out], expected[~is_left_out], atol=1.5)


def test_motion_of_frames_that_the_file_leaves_out_is_missing() -> None:
    walk = lifted_walk()
    kept = np.r_[0:100, 140:400]
    assert walk.lifted_from is not None and walk.root_xy is not None
    jumping = replace(
        walk,
        positions=walk.positions[kept],
        confidence=walk.confidence[kept],
        frame_index=kept,
        root_xy=walk.root_xy[kept],
        lifted_from=None,
    )
    slow = motion_at(jumping, 25.0)
    assert_array_equal(slow.frame_index, range(200))
    # Frame 50 would be at frame 100 of the source, frame 70 is at its 140.
    assert_array_equal(np.flatnonzero(slow.confidence[:, 0] == 0), range(50, 70))
    assert_allclose(slow.positions[70:], walk.positions[140::2])


def test_every_other_frame_is_a_rate_and_no_gap() -> None:
    half = swinging(30, fps=15.0)
    sparse = replace(half, frame_index=2 * half.frame_index, fps=30.0)
    assert_allclose(keypoints_at(sparse, 50.0).keypoints, keypoints_at(half, 50.0).keypoints)


def test_motion_without_a_rate_cannot_be_resampled() -> None:
    with pytest.raises(OptionError, match="no frame rate; give --fps as well"):
        motion_at(replace(lifted_walk(), fps=None), 25.0)


def test_a_rate_without_a_frame_in_the_motion_is_refused() -> None:
    instant = replace(lifted_walk(frames=slice(3, 4)))
    with pytest.raises(OptionError, match="no frame of that rate"):
        motion_at(instant, 30.0)


def test_more_frames_than_fit_are_refused() -> None:
    instants = replace(lifted_walk(frames=slice(0, 2)), frame_index=np.array([0, 10**9]))
    with pytest.raises(OptionError, match="would have 1000000001 frames"):
        motion_at(replace(instants, lifted_from=None), 50.0)


def test_an_expected_error_is_never_below_0() -> None:
    expected = np.array([0.02, 0.02, 1.0, 1.0])[:, None] * np.ones((1, 17))
    place = np.linspace(0, 3, 31)
    found = errors_at(expected, place, np.ones((31, 17), dtype=bool))
    assert found is not None
    assert found.min() == 0
    assert_allclose(found[[0, 10, 20, 30]], expected)
