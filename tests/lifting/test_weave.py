"""Weaving averages the curves of slower sequences: less jitter, no lag, nothing made up."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from motionlift.data.resample import at_times
from motionlift.lifting.weave import Weave


def woven(answers: np.ndarray, *, apart: int) -> np.ndarray:
    weave = Weave(apart=apart, shape=answers.shape[1:])
    return weave.add(answers.astype(np.float32), is_end=True)


def noise(frames: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(frames, 17, 3)).astype(np.float32)


@pytest.mark.parametrize("apart", [2, 3, 5])
def test_away_from_the_ends_it_is_the_mean_of_the_curves_through_each_sequence(apart: int) -> None:
    answers, time = noise(60), np.arange(2 * apart, 60 - 2 * apart)
    curves = [
        at_times(answers[first::apart].astype(float), (time - first) / apart)
        for first in range(apart)
    ]
    found = woven(answers, apart=apart)[2 * apart : 60 - 2 * apart]
    assert_allclose(found, np.mean(curves, axis=0), atol=1e-5)


def test_sequences_that_are_not_slower_stay_as_they_are_and_wait_for_nothing() -> None:
    answers = noise(20)
    weave = Weave(apart=1, shape=(17, 3))
    assert weave.reach == 0
    assert_array_equal(weave.add(answers), answers)


@pytest.mark.parametrize("apart", [2, 3, 4])
def test_a_parabola_stays_where_it_is_up_to_the_ends(apart: int) -> None:
    time = np.arange(40.0)[:, None, None]
    line = np.broadcast_to(0.3 * time - 2, (40, 17, 3))
    assert_allclose(woven(line, apart=apart), line, atol=1e-4)
    parabola = line + 0.01 * time**2
    middle = slice(2 * apart, -2 * apart)
    assert_allclose(woven(parabola, apart=apart)[middle], parabola[middle], atol=1e-4)


@pytest.mark.parametrize(("apart", "share"), [(2, 0.75), (3, 0.6), (5, 0.5)])
def test_jitter_shrinks(apart: int, share: float) -> None:
    answers = noise(400)
    assert woven(answers, apart=apart).std() < share * answers.std()


def test_frames_without_an_answer_stay_so_and_pull_at_nobody() -> None:
    answers = np.broadcast_to(np.arange(30.0)[:, None, None], (30, 17, 3)).copy()
    answers[10:14] = answers[20] = np.nan
    found = woven(answers, apart=3)
    assert_array_equal(np.isnan(found), np.isnan(answers))
    is_known = ~np.isnan(answers)
    assert_allclose(found[is_known], answers[is_known], atol=1e-4)


@given(
    st.integers(0, 60), st.integers(1, 6), st.lists(st.integers(0, 20), max_size=8), st.booleans()
)
def test_it_makes_no_difference_in_which_pieces_frames_come(
    frames: int, apart: int, cuts: list[int], has_gap: bool
) -> None:
    answers = noise(frames)
    if has_gap:
        answers[frames // 3 : frames // 2] = np.nan
    weave = Weave(apart=apart, shape=(17, 3))
    ends = np.minimum(np.cumsum(cuts), frames).astype(int).tolist()
    parts = [weave.add(answers[first:last]) for first, last in zip([0, *ends], ends, strict=False)]
    parts.append(weave.add(answers[ends[-1] if ends else 0 :], is_end=True))
    assert_allclose(np.concatenate(parts), woven(answers, apart=apart), atol=1e-6)
