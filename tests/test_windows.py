"""Windows cover every frame, and stitching what was cut gives it back."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from motionlift.errors import OptionError
from motionlift.windows import blend_weights, cut, stitch, window_starts


@st.composite
def cuttings(draw: st.DrawFn) -> tuple[int, int, int]:
    """(num_frames, length, stride) as any caller may ask for them."""
    length = draw(st.integers(1, 60))
    return draw(st.integers(1, 400)), length, draw(st.integers(1, length))


def coverage(num_frames: int, length: int, stride: int) -> np.ndarray:
    starts = window_starts(num_frames, length=length, stride=stride)
    count = np.zeros(num_frames, dtype=int)
    for start in starts:
        count[start : start + min(length, num_frames)] += 1
    return count


@given(cuttings())
def test_every_frame_is_in_a_window_and_no_window_leaves_the_sequence(
    cutting: tuple[int, int, int],
) -> None:
    num_frames, length, stride = cutting
    starts = window_starts(num_frames, length=length, stride=stride)
    assert (coverage(*cutting) >= 1).all()
    assert starts[0] == 0
    assert starts[-1] + min(length, num_frames) == num_frames
    assert (np.diff(starts) > 0).all()
    assert (np.diff(starts) <= stride).all()


@given(cuttings())
def test_weights_of_a_frame_sum_to_one(cutting: tuple[int, int, int]) -> None:
    num_frames, length, stride = cutting
    starts = window_starts(num_frames, length=length, stride=stride)
    length = min(length, num_frames)
    weights = blend_weights(starts, length=length, num_frames=num_frames)
    total = np.zeros(num_frames)
    for start, weight in zip(starts, weights, strict=True):
        total[start : start + length] += weight
    assert_allclose(total, 1)
    assert (weights > 0).all()


@given(cuttings())
def test_stitching_what_was_cut_gives_it_back(cutting: tuple[int, int, int]) -> None:
    num_frames, length, stride = cutting
    frames = np.random.default_rng(0).normal(size=(num_frames, 3, 2))
    starts = window_starts(num_frames, length=length, stride=stride)
    length = min(length, num_frames)
    weights = blend_weights(starts, length=length, num_frames=num_frames)
    windows = cut(frames, starts, length=length)
    assert windows.shape == (len(starts), length, 3, 2)
    assert_allclose(
        stitch(windows, starts, weights=weights, num_frames=num_frames), frames, atol=1e-12
    )


@pytest.mark.parametrize(
    ("num_frames", "expected"),
    [
        (1, [0]),
        (9, [0]),
        (10, [0]),
        (11, [0, 1]),
        (15, [0, 5]),
        (16, [0, 5, 6]),
        (20, [0, 5, 10]),
    ],
)
def test_starts_of_windows_of_ten_every_five(num_frames: int, expected: list[int]) -> None:
    assert_array_equal(window_starts(num_frames, length=10, stride=5), expected)


def test_a_stride_beyond_the_window_leaves_frames_out_but_never_the_last() -> None:
    assert_array_equal(window_starts(40, length=10, stride=20), [0, 20, 30])
    assert_array_equal(np.flatnonzero(coverage(40, 10, 20) == 0), np.arange(10, 20))


def test_windows_of_a_whole_stride_do_not_overlap() -> None:
    assert (coverage(40, 10, 10) == 1).all()


def test_a_day_of_video_is_cut_in_no_time() -> None:
    num_frames = 24 * 3600 * 50
    starts = window_starts(num_frames, length=243, stride=121)
    weights = blend_weights(starts, length=243, num_frames=num_frames)
    assert starts[-1] == num_frames - 243
    # The middle of a window is the edge of both its neighbours: 122 parts against 1 and 1.
    assert_allclose(weights[5][121], 122 / 124)


def test_windows_that_disagree_fade_into_each_other() -> None:
    # Neighbours answer 0 and 1 in turn: the worst that two windows can disagree.
    starts = window_starts(200, length=20, stride=10)
    weights = blend_weights(starts, length=20, num_frames=200)
    answers = np.tile((np.arange(len(starts)) % 2)[:, None, None], (1, 20, 1)).astype(float)
    joined = stitch(answers, starts, weights=weights, num_frames=200)
    assert np.abs(np.diff(joined, axis=0)).max() <= 0.1 + 1e-9
    # The middle of a window has 10 parts of its own and 1 of its neighbour.
    assert_allclose([joined[20, 0], joined[29, 0]], [10 / 11, 1 - 10 / 11])


def test_neighbours_take_over_the_frames_of_a_window_without_an_answer() -> None:
    starts = window_starts(30, length=10, stride=5)
    answers = np.ones((len(starts), 10, 1))
    answers[2] = np.nan
    is_used = np.arange(len(starts)) != 2
    weights = blend_weights(starts, length=10, num_frames=30, is_used=is_used)
    assert_allclose(stitch(answers, starts, weights=weights, num_frames=30), 1)


def test_frames_without_any_answer_are_missing() -> None:
    starts = window_starts(30, length=10, stride=10)
    is_used = np.array([True, False, True])
    weights = blend_weights(starts, length=10, num_frames=30, is_used=is_used)
    joined = stitch(np.ones((3, 10, 2)), starts, weights=weights, num_frames=30)
    assert_array_equal(np.isnan(joined).all(axis=1), np.repeat([False, True, False], 10))
    assert not np.isnan(joined[:10]).any()


def test_tensors_are_cut_and_stitched_as_arrays_are() -> None:
    frames = np.random.default_rng(1).normal(size=(37, 17, 3)).astype(np.float32)
    starts = window_starts(37, length=9, stride=4)
    weights = blend_weights(starts, length=9, num_frames=37)
    windows = cut(torch.from_numpy(frames), starts, length=9)
    assert_array_equal(windows.numpy(), cut(frames, starts, length=9))
    joined = stitch(iter(windows), starts, weights=weights, num_frames=37)
    assert isinstance(joined, torch.Tensor)
    assert_array_equal(
        joined.numpy(),
        stitch(cut(frames, starts, length=9), starts, weights=weights, num_frames=37),
    )
    assert_allclose(joined.numpy(), frames, atol=1e-6)


@pytest.mark.parametrize(("num_frames", "length", "stride"), [(0, 10, 5), (10, 10, 0), (10, 0, 5)])
def test_windows_of_nothing_are_refused(num_frames: int, length: int, stride: int) -> None:
    with pytest.raises(OptionError):
        window_starts(num_frames, length=length, stride=stride)
