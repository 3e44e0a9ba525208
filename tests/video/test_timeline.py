"""Times of pictures become frame numbers at a constant rate, and what was changed is said."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from motionlift.video.timeline import time_line


def at(*frames: float, fps: float = 30.0) -> np.ndarray:
    return np.array(frames) / fps


@pytest.mark.parametrize("fps", [24000 / 1001, 25, 30000 / 1001, 30, 60, 120, 240])
def test_a_constant_rate_is_one_frame_a_picture_without_a_word(fps: float) -> None:
    line = time_line(np.arange(500) / fps + 3.5, declared=[fps])
    assert_array_equal(line.frame, np.arange(500))
    assert line.fps == pytest.approx(fps, rel=1e-9)
    assert line.is_constant
    assert line.notes == ()


@pytest.mark.parametrize("fps", [30000 / 1001, 60, 120])
def test_times_in_thousandths_of_a_second_are_a_constant_rate(fps: float) -> None:
    times = np.round(np.arange(2000) / fps, 3)
    line = time_line(times, declared=[1000.0])
    assert_array_equal(line.frame, np.arange(2000))
    assert line.fps == pytest.approx(fps, rel=1e-4)
    assert line.is_constant
    assert line.notes == ()


def test_a_declared_rate_that_the_times_contradict_is_not_believed() -> None:
    assert time_line(np.arange(100) / 60, declared=[120.0]).fps == 60


def test_missing_pictures_leave_their_frames_empty() -> None:
    line = time_line(at(0, 1, 2, 3, 6, 7, 8, 12), declared=[30.0])
    assert_array_equal(line.frame, [0, 1, 2, 3, 6, 7, 8, 12])
    assert line.fps == 30
    assert not line.is_constant
    assert line.notes == ("5 of 13 frames have no picture; they stay empty",)


def test_a_camera_that_slows_down_keeps_its_time() -> None:
    # Two seconds at 30, two at 15, as phones do in the dark.
    times = np.concatenate([np.arange(60) / 30, 2 + np.arange(30) / 15])
    line = time_line(times, declared=[22.5])
    assert line.fps == 30
    assert_array_equal(line.frame, [*range(60), *range(60, 120, 2)])
    assert "29 of 119 frames have no picture" in line.notes[0]


def test_pictures_between_frames_go_to_the_nearest_and_it_is_said() -> None:
    line = time_line(at(0, 1, 2.3, 3, 4, 4.8, 9, 10), declared=[30.0])
    assert_array_equal(line.frame, [0, 1, 2, 3, 4, 5, 9, 10])
    assert line.notes[0].startswith("the frame rate varies: pictures are 23 to 140 ms apart")
    assert line.notes[0].endswith("at most 10 ms away")


def test_of_two_pictures_in_one_frame_the_second_is_left_out() -> None:
    line = time_line(at(0, 1, 2, 2.2, 3, 4, 5, 6, 7, 8), declared=[30.0])
    assert line.frame.tolist() == [0, 1, 2, -1, 3, 4, 5, 6, 7, 8]
    assert any("1 pictures fall into the same frame" in note for note in line.notes)


@pytest.mark.parametrize(
    "times",
    [
        [0, np.nan, 2, 3],
        [0, 1, 1, 2],
        [5, 4, 3, 2],
        [0, 1, 2, 1e9],
        [np.nan] * 4,
        [np.inf] * 4,
    ],
)
def test_damaged_times_are_replaced_by_counting(times: list[float]) -> None:
    line = time_line(np.array(times), declared=[50.0])
    assert_array_equal(line.frame, np.arange(4))
    assert line.fps == 50
    assert "counted instead, at the declared 50 frames a second" in line.notes[0]


def test_counted_pictures_of_no_declared_rate_have_none() -> None:
    line = time_line(np.full(3, np.nan), declared=[])
    assert line.fps is None
    assert "unknown rate" in line.notes[0]


@pytest.mark.parametrize("count", [0, 1])
def test_less_than_two_pictures_have_no_rate(count: int) -> None:
    line = time_line(np.zeros(count), declared=[25.0])
    assert line.fps is None
    assert len(line.frame) == count


def test_frame_numbers_never_decrease_whatever_the_times(
    rng: np.random.Generator = np.random.default_rng(0),  # noqa: B008
) -> None:
    for _ in range(300):
        times = np.cumsum(rng.exponential(rng.uniform(0.001, 0.2), rng.integers(2, 60)))
        line = time_line(times, declared=[float(rng.uniform(1, 100))])
        kept = line.frame[line.frame >= 0]
        assert kept[0] == 0
        assert (np.diff(kept) > 0).all()
        assert line.fps is not None
        if not any("counted" in note for note in line.notes):
            assert np.abs(times - times[0] - line.frame / line.fps)[line.frame >= 0].max() <= (
                0.51 / line.fps
            )
