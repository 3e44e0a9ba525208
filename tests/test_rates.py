"""A lift at a rate that the network knows has a frame for each frame that came in."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from motionlift.poses import Pose2D, to_h36m17
from motionlift.rates import lift_at_a_known_rate
from motionlift.skeletons import H36M17
from tests.flat_lifts import keypoints, lifter


@pytest.mark.parametrize("fps", [35.0, 50.0, 60.0, None, 1.0])
def test_known_rates_are_lifted_as_they_are(fps: float | None) -> None:
    seen: list[Pose2D] = []
    lift_at_a_known_rate(lifter(seen), keypoints(fps=fps))
    assert seen[0].fps == fps
    assert seen[0].num_frames == 100


def test_keypoints_with_hardly_any_of_their_frames_are_lifted_as_they_are() -> None:
    seen: list[Pose2D] = []
    sparse = replace(keypoints(fps=240.0, frames=3), frame_index=np.array([0, 5, 10**9]))
    lift_at_a_known_rate(lifter(seen), sparse)
    assert seen[0].num_frames == 3


@pytest.mark.parametrize("fps", [12.0, 34.0, 120.0, 240.0])
def test_the_last_frame_comes_back_where_it_was(fps: float) -> None:
    pose = keypoints(fps=fps)
    done = lift_at_a_known_rate(lifter(), pose)
    assert_allclose(done.root_xy[-1], to_h36m17(pose).keypoints[-1, H36M17.root])  # type: ignore[index]


@pytest.mark.parametrize("fps", [12.0, 34.0, 65.0, 240.0])
def test_other_rates_go_by_way_of_the_training_and_back(fps: float) -> None:
    seen: list[Pose2D] = []
    pose = replace(keypoints(fps=fps), frame_index=np.arange(7, 107))
    done = lift_at_a_known_rate(lifter(seen), pose)
    assert seen[0].fps == 50
    assert seen[0].num_frames == int(np.ceil(99 * 50 / fps)) + 1
    assert done.fps == fps
    assert_array_equal(done.frame_index, pose.frame_index)
    assert_array_equal(done.lifted_from.keypoints, pose.keypoints)  # type: ignore[union-attr]
    assert f"{fps:g} frames a second is far from what the network was trained for" in done.notes[-1]
    if fps < 50:  # slower rates lose nothing on the way
        plain = lifter().lift_pose(pose)
        assert_allclose(done.positions[:-1], plain.positions[:-1], atol=4)


def _only(pose: Pose2D, frames: np.ndarray) -> Pose2D:
    """A detector that ran on these rows only."""
    seen = np.isin(np.arange(pose.num_frames), frames)
    return replace(
        pose,
        keypoints=np.where(seen[:, None, None], pose.keypoints, np.nan),
        confidence=np.where(seen[:, None], pose.confidence, 0.0),
    )


@pytest.mark.parametrize(("fps", "step"), [(50.0, 2), (60.0, 2), (60.0, 4), (240.0, 4)])
def test_keypoints_on_every_kth_frame_are_a_file_of_a_kth_of_the_rate(
    fps: float, step: int
) -> None:
    seen: list[Pose2D] = []
    pose = replace(keypoints(fps=fps), frame_index=np.arange(3, 103))
    given = _only(pose, np.arange(step - 1, 100, step))
    done = lift_at_a_known_rate(lifter(seen, trained_fps=15.0), given)
    (lifted,) = seen
    assert lifted.is_visible.all()
    assert_array_equal(lifted.frame_index, pose.frame_index[step - 1 :: step])
    assert done.fps == fps
    assert_array_equal(done.frame_index, pose.frame_index)
    assert done.lifted_from is not None
    assert_array_equal(np.isnan(done.lifted_from.keypoints), np.isnan(given.keypoints))
    # Between them the joints move on; before the first of them nobody was seen.
    assert_array_equal(np.flatnonzero((done.confidence > 0).all(axis=1)), np.arange(step - 1, 100))
    whole = lifter().lift_pose(pose)
    assert_allclose(done.positions[step - 1 :], whole.positions[step - 1 :], atol=3)
    assert f"one frame in {step} has keypoints: lifted at {fps / step:g} frames" in done.notes[-2]
    assert done.notes[-1].startswith(f"{step - 1} frames before the first")


def test_keypoints_on_every_kth_frame_of_a_fast_file_go_by_way_of_another_rate() -> None:
    seen: list[Pose2D] = []
    pose = keypoints(fps=240.0)
    done = lift_at_a_known_rate(lifter(seen), _only(pose, np.arange(1, 100, 2)))
    assert seen[0].fps == 50 and seen[0].is_visible.all()
    assert_array_equal(np.flatnonzero(~(done.confidence > 0).all(axis=1)), [0])
    assert_allclose(done.positions[1:], lifter().lift_pose(pose).positions[1:], atol=5)


def test_over_a_time_in_which_nobody_was_seen_nothing_is_laid() -> None:
    pose = keypoints(fps=50.0)
    given = _only(pose, np.r_[0:40:2, 80:100:2])
    kept = np.r_[0:41, 79:100]
    given = replace(
        given,
        keypoints=given.keypoints[kept],
        confidence=given.confidence[kept],
        frame_index=given.frame_index[kept],
    )
    done = lift_at_a_known_rate(lifter(), given)
    missing = done.frame_index[~(done.confidence > 0).all(axis=1)]
    assert set(missing) <= {39, 40, 79, 99}


@pytest.mark.parametrize("frames", [[10, 70], [0, 2, 4, 90], [50], list(range(0, 100, 30))])
def test_a_few_sightings_are_no_rate(frames: list[int]) -> None:
    seen: list[Pose2D] = []
    given = _only(keypoints(fps=30.0), np.array(frames))
    lift_at_a_known_rate(lifter(seen, trained_fps=15.0), given)
    assert seen[0].num_frames == 100
