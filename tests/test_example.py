"""The made-up walk is a possible walk, seen as a detector sees, and the file that ships is it."""

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from motionlift import read
from motionlift.example import IMAGE_SIZE, NUM_FRAMES, Example, make_example
from motionlift.poses import to_h36m17
from motionlift.skeletons import COCO17, H36M17


@pytest.fixture(scope="module")
def example() -> Example:
    return make_example()


def test_the_file_that_ships_is_what_the_procedure_makes(example: Example) -> None:
    (shipped,) = read(Path(str(files("motionlift.examples"))) / "walk.npz", kind="keypoints")
    # A tenth of a pixel is how finely it is written; a sum may round differently elsewhere.
    assert_allclose(shipped.keypoints, example.keypoints.keypoints, atol=0.11)
    assert_allclose(shipped.confidence, example.keypoints.confidence, atol=0.011)
    assert shipped.skeleton is COCO17
    assert shipped.fps == example.keypoints.fps
    assert shipped.image_size == IMAGE_SIZE


def test_bones_keep_their_length(example: Example) -> None:
    for side in ("left", "right"):
        for parent, joint in (("hip", "knee"), ("knee", "ankle"), ("elbow", "wrist")):
            bone = example.truth.joint(f"{side}_{joint}") - example.truth.joint(f"{side}_{parent}")
            length = np.linalg.norm(bone, axis=1)
            assert np.ptp(length) < 1e-9
            assert 0.2 < length[0] < 0.5


def test_knees_bend_forwards(example: Example) -> None:
    truth = example.truth
    for side in ("left", "right"):
        hip, knee, ankle = (truth.joint(f"{side}_{name}") for name in ("hip", "knee", "ankle"))
        nose, head_top = truth.joint("nose"), truth.joint("head_top")
        forward = nose - head_top
        bend = knee - (hip + ankle) / 2
        assert ((bend * forward).sum(axis=1) > -0.01).all()


def test_the_walker_turns_right_round(example: Example) -> None:
    across = example.truth.joint("left_hip") - example.truth.joint("right_hip")
    heading = np.unwrap(np.arctan2(across[:, 2], across[:, 0]))
    assert np.degrees(np.ptp(heading)) > 270


def test_keypoints_lie_near_the_truth_where_the_detector_is_sure(example: Example) -> None:
    seen = to_h36m17(example.keypoints)
    truth = example.truth.positions
    exact = truth[..., :2] / truth[..., 2:]
    is_sure = seen.confidence > 0.8
    # The camera is a straight line from these to pixels.
    for axis in (0, 1):
        x, y = exact[..., axis][is_sure], seen.keypoints[..., axis][is_sure]
        slope, start = np.polyfit(x, y, 1)
        residual = y - (slope * x + start)
        assert 1000 < slope < 2000
        assert np.percentile(np.abs(residual), 90) < 6


def test_the_detector_misses_doubts_and_loses(example: Example) -> None:
    confidence = example.keypoints.confidence
    assert (confidence == 0).all(axis=1).sum() == 9
    assert 0.02 < (confidence == 0).mean() < 0.2
    assert 0.05 < ((confidence > 0) & (confidence < 0.5)).mean() < 0.3
    seen = example.keypoints.keypoints[confidence > 0]
    assert (seen >= 0).all()
    assert (seen <= IMAGE_SIZE).all()


def test_it_is_the_same_each_time(example: Example) -> None:
    assert example.keypoints.num_frames == NUM_FRAMES
    assert_array_equal(make_example().keypoints.keypoints, example.keypoints.keypoints)
    assert example.truth.skeleton is H36M17
