"""Errors and averages by hand: who counts, how often, and what a failure costs."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from motionlift.evaluation.scoring import Tally, errors_of, pooled
from motionlift.skeletons import H36M17
from tests.evaluation.stores import standing


def answers(*, views: int = 2, frames: int = 5) -> np.ndarray:
    pose = standing(frames)
    return np.repeat((pose - pose[:, [H36M17.root]])[None], views, axis=0)


def tally_of(predicted: np.ndarray, target: np.ndarray, *, rate: float = 1.0) -> Tally:
    tally = Tally()
    tally.add(errors_of(predicted, target, rate=rate))
    return tally


def test_a_perfect_answer_has_no_error() -> None:
    tally = tally_of(answers(), answers())
    means = tally.means()
    assert_allclose([means[name] for name in means if name not in ("pck", "auc")], 0, atol=1e-12)
    assert_allclose([means["pck"], means["auc"]], [1, 30 / 31])
    assert (tally.frames, tally.poses, tally.failures, tally.without_truth) == (5, 10, 0, 0)


def test_one_joint_17_mm_off_is_a_mean_of_1_mm() -> None:
    predicted = answers()
    predicted[..., H36M17.index("nose"), 2] += 0.017
    tally = tally_of(predicted, answers())
    assert_allclose(tally.mean("mpjpe"), 0.001)
    assert_allclose(tally.joint_means()["nose"], 0.017)
    assert_allclose(tally.joint_means()["left_knee"], 0)


def test_a_failure_is_counted_and_costs_as_much_as_all_joints_on_the_root() -> None:
    predicted = answers(views=1)
    predicted[0, 2, H36M17.index("nose"), 1] = np.nan
    tally = tally_of(predicted, answers(views=1))
    distance = np.linalg.norm(answers()[0, 0], axis=-1).mean()
    assert tally.failures == 1
    assert (tally.frames, tally.poses) == (5, 5)
    assert_allclose(tally.mean("mpjpe"), distance / 5)
    assert np.isfinite(list(tally.means().values())).all()


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_no_answer_at_all_is_as_many_failures_as_poses(value: float) -> None:
    tally = tally_of(np.full_like(answers(), value), answers())
    assert tally.failures == tally.poses == 10


def test_a_frame_without_truth_is_neither_scored_nor_failed() -> None:
    target, predicted = answers(), answers()
    target[:, 3] = np.nan
    predicted[:, 3] = np.nan
    tally = tally_of(predicted, target)
    assert (tally.frames, tally.poses, tally.without_truth, tally.failures) == (4, 8, 1, 0)
    assert_allclose(tally.mean("mpjpe"), 0)


def test_a_store_at_25_frames_a_second_is_scored_per_frame_of_50() -> None:
    time = np.arange(5)[None, :, None, None]
    moving = answers() + 0.1 * time**2 * np.array([1.0, 0.0, 0.0])
    # Steps of 1, 3, 5, 7 tenths, all changing by 2 tenths.
    tally = tally_of(moving, answers(), rate=0.5)
    assert_allclose(tally.mean("mpjve"), 0.4 / 2)
    assert_allclose(tally.mean("accel"), 0.2 / 4)


def test_every_pose_weighs_the_same_in_a_dataset_and_every_dataset_in_the_pool() -> None:
    long, short = Tally(), Tally()
    long.add(errors_of(answers(frames=30) + 0.01, answers(frames=30)))
    long.add(errors_of(answers(frames=10) + 0.05, answers(frames=10)))
    short.add(errors_of(answers(frames=2) + 0.06, answers(frames=2)))
    root_3 = np.sqrt(3)
    assert_allclose(long.mean("mpjpe"), root_3 * 0.02)
    assert_allclose(pooled([long, short])["mpjpe"], root_3 * 0.04)


def test_views_can_be_counted_by_themselves() -> None:
    predicted = answers()
    predicted[1] += 0.01
    errors = errors_of(predicted, answers())
    first, second = Tally(), Tally()
    first.add(errors, slice(0, 1))
    second.add(errors, slice(1, 2))
    assert_allclose([first.mean("mpjpe"), second.mean("mpjpe")], [0, 0.01 * np.sqrt(3)])
    assert first.frames == second.poses == 5


def test_a_single_frame_has_no_velocity_to_average() -> None:
    tally = tally_of(answers(frames=1), answers(frames=1))
    assert np.isnan(tally.mean("mpjve")) and np.isnan(tally.mean("accel"))
