"""The parts of a real person's error: views of the truth itself, and offsets that last."""

from dataclasses import replace
from importlib import import_module
from types import ModuleType

import numpy as np
import pytest
from numpy.testing import assert_allclose

from motionlift.example import make_example
from tests.data.bodies import moving
from tests.scripts.test_studies import SCRIPTS


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return import_module("real_person_parts")


def test_without_perspective_lengths_across_the_view_are_kept(script: ModuleType) -> None:
    seen = moving(5).astype(float) * [1, -1, 1] + [0.0, 1.0, 1000.0]  # far away, straight ahead
    image = script.parallel(seen)
    assert_allclose(np.diff(image, axis=1), 1000 * np.diff(seen[..., :2], axis=1), atol=2)


def test_an_offset_that_lasts_is_taken_off_and_one_that_passes_is_not(script: ModuleType) -> None:
    truth = replace(make_example().truth, frame_index=np.arange(400))
    image = 300 * truth.positions[..., :2].astype(float)
    clean = script.as_keypoints(image, truth)
    lasting, passing = np.zeros((1, 17, 2)), np.zeros((400, 17, 2))
    lasting[0, 4] = (17.0, 0.0)
    passing[:, 7, 1] = np.tile([5.0, -5.0], 200)
    seen = replace(clean, keypoints=image + lasting + passing)
    mended = script.without_offset(seen, image, truth)
    # All joints together are shifted as they were: here by a pixel.
    assert_allclose(
        mended.keypoints - image - passing, np.tile([1.0, 0.0], (400, 17, 1)), atol=1e-6
    )
