"""A motion laid over another: turned and scaled once, so that what is left is error."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from motionlift.errors import MotionliftError
from motionlift.example import make_example
from motionlift.poses import Pose3D
from motionlift.skeletons import H36M17
from motionlift.viewer.comparison import compare
from tests.samples import lifted_walk


def filmed() -> Pose3D:
    """The same walk in metres, in a world that is turned against the camera."""
    truth = make_example().truth
    angle = np.radians(70)
    turn = np.array(
        [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    )
    positions = truth.positions * [1, -1, -1] @ turn.T + [3, 0, 5]
    return replace(truth, positions=positions, space="world", source="world.trc")


def test_a_perfect_lift_lies_on_the_world_it_was_filmed_in() -> None:
    found = compare(lifted_walk(), filmed())
    assert found.unit == "mm"
    assert_allclose(found.error, 0, atol=1e-3)
    assert_allclose(found.reference.positions, lifted_walk().positions, atol=1e-3)
    assert (found.reference.units, found.reference.space) == ("px", "camera")
    assert "1 m as 240 px" in found.reference.notes[-1]


def test_the_error_is_in_millimetres_at_the_size_of_the_reference() -> None:
    motion = lifted_walk()
    wrist = H36M17.index("left_wrist")
    moved = motion.positions.copy()
    moved[7, wrist, 2] += 24  # a tenth of a metre
    found = compare(replace(motion, positions=moved), filmed())
    assert_allclose(found.error[7], 100 / 17, rtol=0.01)
    assert_allclose(np.delete(found.error, 7), 0, atol=0.2)


def test_two_lifts_of_one_picture_are_neither_turned_nor_scaled() -> None:
    motion = lifted_walk()
    larger = replace(motion, positions=motion.positions * np.float32(1.5))
    found = compare(motion, larger)
    assert found.unit == "px"
    assert_array_equal(found.reference.positions, larger.positions)
    expected = np.linalg.norm(0.5 * motion.positions, axis=-1).mean(axis=-1)
    assert_allclose(found.error, expected, rtol=1e-4)


def test_frames_are_matched_by_their_numbers() -> None:
    found = compare(lifted_walk(frames=slice(100, 200)), filmed())
    assert_array_equal(found.frame_index, np.arange(100, 200))
    assert_allclose(found.error, 0, atol=1e-3)


def test_joints_that_the_reference_lacks_do_not_count() -> None:
    reference = filmed()
    positions, confidence = reference.positions.copy(), reference.confidence.copy()
    positions[:, H36M17.index("spine")] = np.nan
    confidence[:, H36M17.index("spine")] = 0
    positions[5], confidence[5] = np.nan, 0
    found = compare(lifted_walk(), replace(reference, positions=positions, confidence=confidence))
    assert 5 not in found.frame_index
    assert_allclose(found.error, 0, atol=1e-3)


def test_a_frame_without_an_answer_counts_as_a_body_in_one_point() -> None:
    motion = lifted_walk()
    positions, confidence = motion.positions.copy(), motion.confidence.copy()
    positions[7], confidence[7] = np.nan, 0
    found = compare(replace(motion, positions=positions, confidence=confidence), filmed())
    truth = filmed().positions[7]
    assert found.failures == 1
    assert_allclose(found.error[7], 1000 * np.linalg.norm(truth - truth[0], axis=-1).mean())
    assert_allclose(np.delete(found.error, 7), 0, atol=1e-3)


def test_a_reference_without_a_root_is_refused() -> None:
    reference = filmed()
    positions, confidence = reference.positions.copy(), reference.confidence.copy()
    positions[:, 0], confidence[:, 0] = np.nan, 0
    with pytest.raises(MotionliftError, match=r"world\.trc: has no pelvis to lay on"):
        compare(lifted_walk(), replace(reference, positions=positions, confidence=confidence))


def test_motions_without_a_common_frame_are_refused() -> None:
    with pytest.raises(MotionliftError, match=r"world\.trc frames 50 to 449: none can be compared"):
        compare(lifted_walk(frames=slice(0, 5)), replace(filmed(), frame_index=np.arange(400) + 50))
