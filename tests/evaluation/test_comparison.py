"""One motion against another: what is aligned, matched, counted and said."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from motionlift.errors import MotionliftError
from motionlift.evaluation.comparison import compare
from motionlift.formats import ReadOptions, read_keypoints, read_motion
from motionlift.poses import Pose3D, to_h36m17
from motionlift.skeletons import COCO17, H36M17
from tests.evaluation.stores import moving


def motion(positions: np.ndarray, *, first: int = 0, **fields: object) -> Pose3D:
    return Pose3D(
        skeleton=H36M17,
        positions=positions,
        confidence=(~np.isnan(positions).any(axis=-1)).astype(float),
        frame_index=np.arange(first, first + len(positions)),
        **{"fps": 50.0, **fields},  # type: ignore[arg-type]
    )


def lifted(positions: np.ndarray, **fields: object) -> Pose3D:
    """What a perfect lift of it gives: root-relative, in another space, in pixels."""
    relative = positions - positions[:, [H36M17.root]]
    turn = Rotation.from_euler("yx", [2.0, 0.3]).as_matrix()
    return motion(400 * relative @ turn.T, units="px", space="camera", **fields)


def test_a_perfect_lift_has_no_error_in_whatever_space_and_unit() -> None:
    result = compare(lifted(moving(8)), motion(moving(8)))
    assert_allclose(result.frame_errors, 0, atol=1e-9)
    assert_allclose(result.clip_error, 0, atol=1e-9)
    assert result.joints == H36M17.joints
    assert not result.is_failure.any() and result.notes == ()


def test_frames_are_matched_by_number() -> None:
    result = compare(lifted(moving(8)[3:6], first=3), motion(moving(8)))
    assert result.frame_index.tolist() == [3, 4, 5]
    assert_allclose(result.frame_errors, 0, atol=1e-9)
    shifted = compare(lifted(moving(8)[3:6], first=2), motion(moving(8)))
    assert (shifted.frame_errors > 1e-3).all()


def test_only_joints_that_both_have_count() -> None:
    truth, answer = moving(4), moving(4)
    truth[:, H36M17.index("spine")] = np.nan
    answer[:, H36M17.index("nose")] = np.nan
    truth[1, H36M17.index("left_knee")] = np.nan
    result = compare(lifted(answer), motion(truth))
    assert set(H36M17.joints) - set(result.joints) == {"spine", "nose"}
    assert result.notes == ("not in both, so not scored: spine, nose",)
    assert_allclose(result.frame_errors, 0, atol=1e-9)
    knee = result.joint_errors[:, result.joints.index("left_knee")]
    assert np.isnan(knee).tolist() == [False, True, False, False]
    assert np.isfinite(list(result.joint_means.values())).all()


def test_truth_beside_the_prediction_is_said_and_does_not_count() -> None:
    truth = moving(100)
    truth[:20, H36M17.index("left_wrist")] = np.nan
    result = compare(lifted(moving(100)[:10]), motion(truth))
    assert "left_wrist" not in result.joints
    assert all(np.isfinite(list(result.joint_means.values())))
    assert result.notes == (
        "90 of 100 frames of the truth lie before the prediction's first or after its last, and "
        "are not scored",
        "not in both, so not scored: left_wrist",
    )


def test_a_frame_without_a_prediction_is_a_failure_that_costs_the_spread_of_the_truth() -> None:
    answer = lifted(moving(5))
    kept = [0, 1, 4]
    gappy = replace(
        answer,
        positions=answer.positions[kept],
        confidence=answer.confidence[kept],
        frame_index=answer.frame_index[kept],
    )
    truth = moving(5)
    result = compare(gappy, motion(truth))
    assert result.is_failure.tolist() == [False, False, True, True, False]
    spread = np.linalg.norm(truth - truth.mean(axis=1, keepdims=True), axis=-1).mean(axis=-1)
    assert_allclose(result.frame_errors[2:4], spread[2:4])


def test_a_body_that_turns_wrongly_is_forgiven_frame_by_frame_but_not_over_the_clip() -> None:
    truth = moving(20)
    relative = truth - truth[:, [H36M17.root]]
    turns = Rotation.from_euler("y", np.linspace(0, 1, 20)[:, None]).as_matrix()
    turning = np.einsum("frc,fjc->fjr", turns, relative)
    result = compare(motion(turning), motion(truth))
    assert_allclose(result.frame_errors, 0, atol=1e-9)
    assert result.clip_error > 0.02


def test_a_wrong_size_is_forgiven_only_where_the_units_differ() -> None:
    larger = motion(1.1 * moving(8))
    as_large = compare(larger, motion(moving(8)))
    relative = moving(8) - moving(8)[:, [H36M17.root]]
    mean_distance = np.linalg.norm(relative, axis=-1).mean()
    assert as_large.alignment.factor == 1
    assert_allclose(as_large.clip_error, 0.1 * mean_distance, rtol=1e-6)
    assert_allclose(as_large.frame_errors, 0, atol=1e-9)
    in_pixels = compare(replace(larger, units="px"), motion(moving(8)))
    assert_allclose(in_pixels.alignment.factor, 1 / 1.1)
    assert_allclose(in_pixels.clip_error, 0, atol=1e-9)


def test_a_wrong_direction_counts_where_both_say_how_the_camera_stood() -> None:
    turn = Rotation.from_euler("y", 0.2).as_matrix()
    turned, truth = motion(moving(8) @ turn.T), motion(moving(8))
    assert_allclose(compare(turned, truth).clip_error, 0, atol=1e-9)
    in_camera = (replace(each, space="camera") for each in (turned, truth))
    result = compare(*in_camera)
    assert_allclose(result.alignment.turn, np.eye(3))
    assert result.clip_error > 0.02


def test_frames_whose_truth_has_no_root_do_not_count_over_the_clip() -> None:
    truth = moving(4)
    truth[1, H36M17.root] = np.nan
    result = compare(lifted(moving(4)), motion(truth))
    assert np.isnan(result.clip_errors).tolist() == [False, True, False, False]
    assert_allclose(result.clip_error, 0, atol=1e-9)
    truth[:, H36M17.root] = np.nan
    assert np.isnan(compare(lifted(moving(4)), motion(truth)).clip_error)


def test_what_cannot_be_compared_is_said() -> None:
    with pytest.raises(MotionliftError, match=r"frames 100 to 103.*frames 0 to 3: none"):
        compare(lifted(moving(4), first=100), motion(moving(4)))
    few = np.full((4, 17, 3), np.nan)
    few[:, :3] = moving(4)[:, :3]
    with pytest.raises(
        MotionliftError, match=r"3 joints in common \(pelvis, right_hip, right_knee"
    ):
        compare(lifted(few), motion(moving(4)))
    with pytest.raises(MotionliftError, match="joints of COCO17"):
        compare(replace(lifted(moving(4)), skeleton=COCO17), motion(moving(4)))


def test_other_rates_and_frames_without_truth_are_noted() -> None:
    result = compare(lifted(moving(6), fps=30.0), motion(moving(4)))
    assert "2 predicted frames have no truth" in result.notes[0]
    assert "30 frames a second and the truth 50" in result.notes[1]


def test_a_real_person_without_depth_is_133_mm_off_the_triangulation(shared: Path) -> None:
    """Detections and triangulation of the same video, with their own joints and frame numbers."""
    folder = shared / "keypoints" / "pose2sim"
    (seen,) = read_keypoints(
        folder / "openpose_body25b" / "single_cam01_associated",
        ReadOptions(skeleton="BODY_25B"),
    )
    keypoints = to_h36m17(seen).keypoints
    flat = np.concatenate([keypoints, 0 * keypoints[..., :1]], axis=-1)
    (truth,) = read_motion(folder / "trc" / "S00_P00_T01_BalancingTrial_0-100.trc")
    result = compare(motion(flat, fps=60.0), truth)
    assert (len(result.frame_index), int(result.is_failure.sum())) == (100, 2)
    assert "spine" in result.notes[0]
    errors_mm = 1000 * result.frame_errors[~result.is_failure]
    assert_allclose(errors_mm.mean(), 133, atol=1)
