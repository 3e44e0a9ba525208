"""Windows cover every frame, and stitching what was cut gives it back."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from motionlift.errors import OptionError
from motionlift.windows import Blend, cut, window_length, window_starts


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


@given(cuttings(), st.integers(1, 9))
def test_frames_apart_are_windows_of_slower_sequences_woven_into_each_other(
    cutting: tuple[int, int, int], apart: int
) -> None:
    num_frames, length, stride = cutting
    own = window_length(num_frames, length=length, apart=apart)
    starts = window_starts(num_frames, length=length, stride=stride, apart=apart)
    assert (np.diff(starts) > 0).all()
    for first in range(min(apart, num_frames)):
        slower = len(range(first, num_frames, apart))
        expected = window_starts(slower, length=own, stride=stride)
        assert_array_equal(starts[starts % apart == first], first + apart * expected)


def blended(
    windows: np.ndarray,
    starts: np.ndarray,
    num_frames: int,
    *,
    apart: int = 1,
    batch: int = 3,
) -> np.ndarray:
    """Windows joined a few at a time, frames taken as soon as they are final."""
    blend = Blend(length=windows.shape[1], shape=windows.shape[2:], apart=apart)
    parts = []
    for first in range(0, len(starts), batch):
        last = first + batch
        blend.add(windows[first:last], starts[first:last])
        parts.append(blend.take(int(starts[last]) if last < len(starts) else num_frames))
    return np.concatenate(parts)


@given(cuttings(), st.integers(1, 7), st.integers(1, 6))
def test_joining_what_was_cut_gives_it_back(
    cutting: tuple[int, int, int], batch: int, apart: int
) -> None:
    num_frames, length, stride = cutting
    frames = np.random.default_rng(0).normal(size=(num_frames, 3, 2)).astype(np.float32)
    starts = window_starts(num_frames, length=length, stride=stride, apart=apart)
    own = window_length(num_frames, length=length, apart=apart)
    windows = cut(frames, starts, length=own, apart=apart)
    joined = blended(windows, starts, num_frames, apart=apart, batch=batch)
    assert_allclose(joined, frames, atol=1e-5)


@given(cuttings())
def test_weights_are_a_triangle_over_each_window(cutting: tuple[int, int, int]) -> None:
    num_frames, length, stride = cutting
    starts = window_starts(num_frames, length=length, stride=stride)
    length = min(length, num_frames)
    answers = np.random.default_rng(1).normal(size=(len(starts), length, 1)).astype(np.float32)
    rise = np.arange(1.0, length + 1)
    triangle = np.minimum(rise, rise[::-1])
    total, weight = np.zeros(num_frames), np.zeros(num_frames)
    for start, answer in zip(starts, answers, strict=True):
        total[start : start + length] += triangle * answer[:, 0]
        weight[start : start + length] += triangle
    joined = blended(answers, starts, num_frames)[:, 0]
    assert_allclose(joined, total / weight, rtol=1e-4, atol=1e-5)


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


def test_windows_that_disagree_fade_into_each_other() -> None:
    # Neighbours answer 0 and 1 in turn: the worst that two windows can disagree.
    starts = window_starts(200, length=20, stride=10)
    answers = np.tile((np.arange(len(starts)) % 2)[:, None, None], (1, 20, 1)).astype(np.float32)
    joined = blended(answers, starts, 200)
    assert np.abs(np.diff(joined, axis=0)).max() <= 0.1 + 1e-6
    # The middle of a window has 10 parts of its own and 1 of its neighbour.
    assert_allclose([joined[20, 0], joined[29, 0]], [10 / 11, 1 - 10 / 11], rtol=1e-6)


def test_neighbours_take_over_the_frames_of_a_window_that_is_left_out() -> None:
    starts = np.delete(window_starts(30, length=10, stride=5), 2)
    answers = np.ones((len(starts), 10, 1), dtype=np.float32)
    assert_allclose(blended(answers, starts, 30), 1)


def test_frames_without_any_window_are_missing() -> None:
    blend = Blend(length=10, shape=(2,))
    blend.add(np.ones((2, 10, 2), dtype=np.float32), np.array([0, 20]))
    joined = blend.take(35)
    expected = np.repeat([False, True, False, True], [10, 10, 10, 5])
    assert_array_equal(np.isnan(joined), np.stack([expected, expected], axis=1))


def test_frames_that_are_taken_are_forgotten() -> None:
    blend = Blend(length=10, shape=(1,))
    for start in range(0, 10_000, 5):
        blend.add(np.ones((1, 10, 1), dtype=np.float32), np.array([start]))
        assert_array_equal(blend.take(start + 5), np.ones((5, 1)))
        assert len(blend._sum) <= 10


def test_tensors_are_cut_as_arrays_are() -> None:
    frames = np.random.default_rng(1).normal(size=(37, 17, 3)).astype(np.float32)
    starts = window_starts(37, length=9, stride=4)
    windows = cut(torch.from_numpy(frames), starts, length=9)
    assert_array_equal(windows.numpy(), cut(frames, starts, length=9))


@pytest.mark.parametrize(("num_frames", "length", "stride"), [(0, 10, 5), (10, 10, 0), (10, 0, 5)])
def test_windows_of_nothing_are_refused(num_frames: int, length: int, stride: int) -> None:
    with pytest.raises(OptionError):
        window_starts(num_frames, length=length, stride=stride)
