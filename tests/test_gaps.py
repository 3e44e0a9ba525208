"""Gaps are bridged no farther than asked, and frames that no detector was run on by themselves."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from motionlift.gaps import between_detections, fill_gaps
from motionlift.poses import Pose2D
from tests.samples import swinging, without


def test_short_gaps_are_filled_near_the_truth_and_long_ones_stay() -> None:
    whole = swinging()
    broken = without(without(whole, slice(10, 13), 4), slice(30, 34), 4)
    filled = fill_gaps(broken, max_frames=3)
    assert_allclose(filled.keypoints[10:13, 4], whole.keypoints[10:13, 4], atol=2.0)
    assert_allclose(filled.confidence[10:13, 4], whole.confidence[10, 4])
    assert np.isnan(filled.keypoints[30:34, 4]).all()
    assert filled.notes[-1] == "3 keypoints in gaps of at most 3 frames are interpolated"
    others = np.delete(np.arange(17), 4)
    assert_array_equal(filled.keypoints[:, others], whole.keypoints[:, others])


def test_gaps_at_the_ends_are_not_filled() -> None:
    broken = without(without(swinging(), slice(0, 2), 4), slice(58, 60), 4)
    assert_array_equal(fill_gaps(broken, max_frames=9).keypoints, broken.keypoints)


def test_frames_that_the_file_leaves_out_count_into_a_gap() -> None:
    whole = swinging(10)
    jumping = replace(whole, frame_index=np.array([0, 1, 2, 3, 20, 21, 22, 23, 24, 25]))
    broken = without(jumping, slice(3, 4), 4)  # frames 3 to 19 are missing: 17
    assert np.isnan(fill_gaps(broken, max_frames=16).keypoints[3, 4]).all()
    assert np.isfinite(fill_gaps(broken, max_frames=17).keypoints[3, 4]).all()


def only(pose: Pose2D, rows: np.ndarray) -> Pose2D:
    """A detector that ran on these rows only."""
    is_run = np.isin(np.arange(pose.num_frames), rows)
    return replace(
        pose,
        keypoints=np.where(is_run[:, None, None], pose.keypoints, np.nan),
        confidence=np.where(is_run[:, None], pose.confidence, 0.0),
    )


@pytest.mark.parametrize(
    "rows",
    [
        np.arange(0, 60, 2),
        np.arange(2, 60, 3),
        np.r_[10:30:2],  # somebody who is there for a third of the clip
        np.r_[0:20:2, 21:60:2],  # a video that lost a frame
        np.sort(np.r_[0:60:2, 33]),  # one more
        np.unique((np.arange(24) * 2.5).astype(int)),  # 12 of 30 frames a second
    ],
)
@pytest.mark.parametrize("fps", [30.0, None])
def test_between_frames_that_a_detector_was_run_on_there_are_keypoints(
    rows: np.ndarray, fps: float | None
) -> None:
    whole = swinging()
    filled = between_detections(only(replace(whole, fps=fps), rows))
    seen = np.flatnonzero(filled.is_visible.all(axis=1))
    assert_array_equal(seen, np.arange(rows[0], rows[-1] + 1))
    assert_allclose(filled.keypoints[seen], whole.keypoints[seen], atol=4.0)
    assert_array_equal(filled.keypoints[rows], whole.keypoints[rows])
    usual = f"{np.median(np.diff(rows)):g}"
    assert f"keypoints are on one frame in {usual}" in filled.notes[-1]
    assert f"in the {len(seen) - len(rows)} frames between" in filled.notes[-1]


def test_over_a_time_in_which_nobody_was_seen_nothing_is_laid() -> None:
    filled = between_detections(only(swinging(), np.r_[0:20:2, 40:60:2]))
    assert_array_equal(np.flatnonzero(~filled.is_visible.all(axis=1)), np.r_[19:40, 59])


def test_a_joint_that_was_missed_stays_missing() -> None:
    broken = without(swinging(), slice(20, 21), 4)
    filled = between_detections(only(broken, np.arange(0, 60, 2)))
    assert_array_equal(np.flatnonzero(~filled.is_visible[:, 4]), [19, 20, 21, 59])


@pytest.mark.parametrize(
    "rows",
    [
        np.arange(60),
        np.r_[0:10, 20:30, 50:60],  # somebody who comes and goes
        np.array([10, 50]),
        np.array([50]),
        np.array([], int),
        np.arange(0, 60, 20),  # two thirds of a second
    ],
)
def test_what_is_no_detector_of_every_kth_frame_stays(rows: np.ndarray) -> None:
    pose = only(swinging(), rows)
    assert between_detections(pose) is pose
