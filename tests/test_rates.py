"""A lift at a rate that the network knows has a frame for each frame that came in."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from motionlift.poses import Pose2D, to_h36m17
from motionlift.rates import lift_at_a_known_rate
from motionlift.skeletons import H36M17
from tests.flat_lifts import keypoints, lifter
from tests.test_gaps import only


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


@pytest.mark.parametrize(("fps", "at"), [(30.0, 30.0), (60.0, 60.0), (100.0, 45.0), (None, None)])
@pytest.mark.parametrize("step", [2, 4])
def test_keypoints_on_every_kth_frame_are_lifted_in_all(
    fps: float | None, at: float | None, step: int
) -> None:
    seen: list[Pose2D] = []
    pose = keypoints(fps=fps)
    given = only(pose, np.arange(0, 100, step))
    done = lift_at_a_known_rate(lifter(seen, trained_fps=15.0), given)
    last = 90  # those at the end have a neighbour that nobody saw
    assert seen[0].fps == at
    assert done.fps == fps
    assert_array_equal(done.frame_index, pose.frame_index)
    assert_allclose(done.positions[:last], lifter().lift_pose(pose).positions[:last], atol=5)
    assert any(f"on one frame in {step}" in note for note in done.notes)
    # What came in is kept, and not what was laid between.
    assert done.lifted_from is not None
    assert_array_equal(np.isnan(done.lifted_from.keypoints), np.isnan(given.keypoints))
