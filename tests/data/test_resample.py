import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from motionlift.data.resample import fill_joint_gaps, resample


def _sine(fps: float, *, seconds: float = 2.0, hertz: float = 3.0) -> np.ndarray:
    time = np.arange(round(seconds * fps) + 1) / fps
    wave = np.sin(2 * np.pi * hertz * time)
    return np.stack([wave, time, 0 * time], axis=-1)[:, None, :]


def test_the_same_rate_changes_nothing() -> None:
    positions = _sine(50)
    assert_array_equal(resample(positions, fps_source=50, fps=50), positions)


def test_every_second_frame_is_taken_as_it_is() -> None:
    positions = _sine(100)
    assert_array_equal(resample(positions, fps_source=100, fps=50), positions[::2])


@pytest.mark.parametrize(("fps_source", "frames"), [(120, 100), (30, 100), (24, 25), (60, 2)])
def test_the_last_frame_never_lies_beyond_the_recording(fps_source: int, frames: int) -> None:
    line = np.arange(frames, dtype=float)[:, None, None] * np.ones(3) / fps_source
    resampled = resample(line, fps_source=fps_source, fps=50)
    # A straight line says its own time.
    assert_allclose(resampled[:, 0, 0], np.arange(len(resampled)) / 50, atol=1e-12)
    assert 0 <= line[-1, 0, 0] - resampled[-1, 0, 0] < 1 / 50


def test_a_swinging_hand_keeps_its_way_from_30_frames_a_second() -> None:
    expected = _sine(50, hertz=2)
    found = resample(_sine(30, hertz=2), fps_source=30, fps=50)
    linear = np.interp(np.arange(101) / 50, np.arange(61) / 30, _sine(30, hertz=2)[:, 0, 0])
    assert np.abs(found - expected)[3:-3].max() < 0.004
    assert np.abs(linear - expected[:, 0, 0])[3:-3].max() > 0.02


def test_one_frame_stays_one_frame() -> None:
    assert resample(np.ones((1, 17, 3)), fps_source=120, fps=50).shape == (1, 17, 3)


def test_a_missing_joint_stays_missing_and_takes_no_other_with_it() -> None:
    positions = _sine(100)
    positions = np.concatenate([positions, positions], axis=1)
    positions[10:60, 1] = np.nan
    resampled = resample(positions, fps_source=100, fps=50)
    assert np.isfinite(resampled[:, 0]).all()
    assert_array_equal(np.isnan(resampled[:, 1, 0]), np.isnan(positions[::2, 1, 0]))


@given(first=st.integers(0, 38), length=st.integers(1, 12), max_frames=st.integers(0, 12))
def test_gaps_are_filled_up_to_the_limit_and_only_between_frames_seen(
    first: int, length: int, max_frames: int
) -> None:
    truth = _sine(40, seconds=1, hertz=1)[:, :, [1, 1, 1]]
    positions = truth.copy()
    positions[first : first + length] = np.nan
    filled = fill_joint_gaps(positions, max_frames=max_frames)
    if first > 0 and first + length < len(truth) and length <= max_frames:
        assert_allclose(filled, truth, atol=1e-9)  # a straight line is filled exactly
    else:
        assert_array_equal(filled, positions)


def test_a_filled_gap_follows_the_arc() -> None:
    truth = _sine(100, hertz=1)
    positions = truth.copy()
    positions[40:60] = np.nan
    assert np.abs(fill_joint_gaps(positions, max_frames=20) - truth).max() < 0.02
