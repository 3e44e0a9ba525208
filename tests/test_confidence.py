"""What a detector's confidences become before a network sees them."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from motionlift.confidence import FOUND, SURE, believed
from motionlift.data.noise import METRES_PER_UNIT, confidence_at, noise_model


def test_what_a_detector_found_counts_alike_and_what_is_missing_stays_so() -> None:
    said = np.array([0.0, 0.05, 0.1, 0.2, 0.65, 0.8, 1.0])
    assert_allclose(believed(said), FOUND * np.array([0.0, 0.25, 0.5, 1.0, 1.0, 1.0, 1.0]))
    assert_allclose(believed(torch.from_numpy(said)).numpy(), believed(said))
    assert np.all(np.diff(believed(np.linspace(0, SURE, 20))) > 0)


def test_it_is_the_noise_models_confidence_of_a_keypoint_that_is_18_mm_off() -> None:
    model = noise_model(torch.device("cpu"), "")
    distance = torch.tensor(0.018 / METRES_PER_UNIT)
    assert float(confidence_at(distance, torch.tensor(0.0), model=model)) == pytest.approx(
        FOUND, abs=0.01
    )
