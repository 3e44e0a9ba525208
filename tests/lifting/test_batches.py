"""Windows cut together are the windows that `image_to_clip` gives one by one."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from motionlift.camera import clip_to_image, image_to_clip
from motionlift.errors import MotionliftError
from motionlift.lifting.batches import average, cut_clips
from motionlift.poses import Pose2D
from tests.lifting.makers import hidden, pose


def one_by_one(seen: Pose2D, starts: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    clips = np.zeros((len(starts), length, 17, 3), dtype=np.float32)
    scale = np.zeros(len(starts), dtype=np.float32)
    for number, start in enumerate(starts):
        frames = slice(start, start + length)
        part = replace(
            seen,
            keypoints=seen.keypoints[frames],
            confidence=seen.confidence[frames],
            frame_index=seen.frame_index[frames],
        )
        try:
            clips[number], placement = image_to_clip(part)
        except MotionliftError:
            continue
        scale[number] = placement.scale
    return clips, scale


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_clips_and_scales_are_the_same_to_the_last_bit(dtype: type[np.floating]) -> None:
    seen = hidden(hidden(pose(60), slice(20, 40)), slice(45, 50), slice(3, 9))
    seen = hidden(seen, slice(40, 41), slice(1, None))  # one point of one frame
    seen = replace(seen, keypoints=seen.keypoints.astype(dtype))
    starts = np.arange(0, 50, 3)
    clips, scale = cut_clips(seen.keypoints, seen.confidence, starts, length=10, apart=1)
    expected, expected_scale = one_by_one(seen, starts, 10)
    assert_array_equal(scale, expected_scale)
    assert 0 < (scale == 0).sum() < len(scale)
    assert_array_equal(clips[scale > 0], expected[scale > 0])


def test_a_window_with_a_single_point_is_not_used() -> None:
    seen = hidden(pose(5), slice(None), slice(1, None))
    seen.keypoints[:] = np.where(np.isnan(seen.keypoints), np.nan, 7.0)
    _, scale = cut_clips(seen.keypoints, seen.confidence, np.array([0]), length=5, apart=1)
    assert_array_equal(scale, [0.0])


def test_clip_space_and_back_is_the_same_pose() -> None:
    seen = hidden(pose(5), 2, slice(3, 6))
    again = clip_to_image(*image_to_clip(seen), like=seen)
    assert_allclose(again.keypoints, seen.keypoints, rtol=1e-12)
    assert (again.confidence == seen.confidence).all()


def test_an_answer_that_ends_fades_out_of_the_mean() -> None:
    long = np.zeros((40, 17, 3), dtype=np.float32)
    short = np.ones((40, 17, 3), dtype=np.float32)
    long[:2], short[20:25] = np.nan, np.nan
    average(long, short, fade=5)
    expected = np.full(40, 0.5)
    expected[:2] = 1.0
    expected[20:25] = 0.0
    expected[15:20] = [0.5, 0.4, 0.3, 0.2, 0.1]
    expected[25:30] = [0.1, 0.2, 0.3, 0.4, 0.5]
    assert_allclose(long[:, 3, 1], expected, atol=1e-6)
