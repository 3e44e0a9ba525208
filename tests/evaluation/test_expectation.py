"""Expected errors held against true ones, decile by decile."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from rich.console import Console

from motionlift.evaluation.expectation import Expectation
from motionlift.evaluation.protocols import PROTOCOLS
from motionlift.evaluation.report import MODEL, as_json, print_expected_errors
from motionlift.evaluation.run import run_protocol
from motionlift.evaluation.samples import Sample, sequences_to_score
from motionlift.skeletons import H36M17
from tests.evaluation.stores import make_store

OPEN = PROTOCOLS.get("open")


def _expectation(expected: np.ndarray, true: np.ndarray) -> Expectation:
    expectation = Expectation()
    for part in range(len(expected)):
        expectation.add(expected[part : part + 1], true[part : part + 1])
    return expectation


def test_deciles_are_ordered_by_what_was_expected() -> None:
    rng = np.random.default_rng(0)
    expected = rng.uniform(0.01, 0.2, (3, 40, 17))
    deciles = _expectation(expected, 2 * expected).deciles()
    assert (np.diff(deciles[:, 0]) > 0).all()
    assert_allclose(deciles[:, 1], 2 * deciles[:, 0], rtol=1e-5)
    assert_allclose(deciles[0, 0], 0.01 + 0.19 / 20, rtol=0.1)


def test_the_root_and_what_has_no_answer_or_no_truth_are_left_out() -> None:
    expected, true = np.full((2, 30, 17), 0.05), np.full((2, 30, 17), 0.06)
    expected[..., H36M17.root], true[..., H36M17.root] = 0.0, 0.0
    expected[0, :5], true[1, :5] = np.nan, np.nan
    assert_allclose(_expectation(expected, true).deciles(), [[0.05, 0.06]] * 10, rtol=1e-6)


def test_a_lifter_that_knows_its_errors_has_no_gap_and_one_that_halves_them_has_half(
    tmp_path: Path,
) -> None:
    store = make_store(tmp_path / "s")

    def knowing(sample: Sample, share: float = 1.0) -> np.ndarray:
        target = np.nan_to_num(sample.target)
        error = np.random.default_rng(0).uniform(0.01, 0.1, (*target.shape[:3], 1))
        error[:, :, H36M17.root] = 0.0
        return np.concatenate([target + error * [1, 0, 0], share * error], axis=-1)

    def halving(sample: Sample) -> np.ndarray:
        return knowing(sample, share=0.5)

    scores = run_protocol(
        store,
        sequences_to_score(store, OPEN),
        {MODEL: knowing, "model 2": halving},
        protocol=OPEN,
    )
    gaps = {}
    for model in (MODEL, "model 2"):
        about = {"model": {"name": "mine"}}
        values = as_json(scores, protocol=OPEN, about=about, models=(model,))
        assert list(values["expected_error"]) == ["clean", "noise", "noise+masks"]
        gaps[model] = [each["largest_gap"] for each in values["expected_error"].values()]
        json.dumps(values, allow_nan=False)
        out = io.StringIO()
        print_expected_errors(values, Console(file=out, width=140))
        assert "largest gap" in out.getvalue()
    assert max(gaps[MODEL]) < 1e-4
    assert gaps["model 2"] == pytest.approx([0.5] * 3, abs=1e-4)
    together = as_json(scores, protocol=OPEN, about={}, models=(MODEL, "model 2"))
    assert together["expected_error"]["clean"]["largest_gap"] == pytest.approx(0.25, abs=1e-4)
