"""The noise that was put in is the noise that is found."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from motionlift.calibration import PinholeCamera
from motionlift.data.fit_noise import Residuals, fit_noise, residuals
from motionlift.data.noise import METRES_PER_UNIT, SHIPPED, noise_model
from motionlift.errors import FormatError, MotionliftError
from motionlift.poses import Pose2D, Pose3D
from motionlift.skeletons import H36M17
from tests.data.bodies import moving

CAMERA = PinholeCamera(
    name="cam",
    matrix=np.array([[1000.0, 0.0, 500.0], [0.0, 1000.0, 500.0], [0.0, 0.0, 1.0]]),
    rotation=np.diag([-1.0, -1.0, 1.0]),
    translation=np.array([0.0, 1.0, 6.0]),
)


def _truth(frames: int) -> Pose3D:
    positions = moving(frames).astype(float)
    positions[..., 2] -= positions[:, :1, 2]
    return Pose3D(
        skeleton=H36M17,
        positions=positions,
        confidence=np.ones(positions.shape[:2]),
        frame_index=np.arange(frames),
        fps=50.0,
    )


def _detections(truth: Pose3D, offset_px: np.ndarray, confidence: np.ndarray) -> Pose2D:
    image = CAMERA.to_image(CAMERA.to_camera(truth.positions))
    return Pose2D(
        skeleton=H36M17,
        keypoints=image + offset_px,
        confidence=confidence,
        frame_index=truth.frame_index,
    )


def test_offsets_come_back_in_the_published_unit() -> None:
    truth = _truth(40)
    offset = np.zeros((40, 17, 2))
    wrist = H36M17.index("left_wrist")
    offset[:, wrist] = (12.0, -6.0)
    found = residuals(_detections(truth, offset, np.ones((40, 17))), truth, CAMERA)
    # 12 pixels at 6 metres and a focal length of 1000 pixels are 72 millimetres.
    expected = np.array([0.072, -0.036]) / METRES_PER_UNIT
    np.testing.assert_allclose(found.offset[:, wrist].mean(axis=0), expected, rtol=0.02)
    assert found.shift_px == pytest.approx((0.0, 0.0), abs=1e-9)


def test_a_shift_of_all_joints_is_taken_off_as_calibration() -> None:
    truth = _truth(30)
    shifted = _detections(truth, np.full((30, 17, 2), 9.0), np.ones((30, 17)))
    found = residuals(shifted, truth, CAMERA)
    assert found.shift_px == pytest.approx((9.0, 9.0))
    assert np.abs(found.offset).max() < 1e-9


def test_the_parameters_put_in_are_found(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    count, mean, deviation, weight, jitter = 4000, 0.004, 0.006, 0.8, 0.001
    is_gaussian = generator.random((count, 17, 1)) < weight
    gaussian = mean + deviation * generator.normal(size=(count, 17, 2))
    uniform = generator.uniform(-0.03, 0.03, size=(count, 17, 2))
    # Held for 20 frames each: noise that drifts, on which the jitter can be told apart.
    held = np.repeat(np.where(is_gaussian, gaussian, uniform), 20, axis=0)
    offset = held + jitter * generator.normal(size=held.shape)
    distance = np.linalg.norm(offset, axis=-1)
    confidence = 0.03 / (distance + 0.03) + 0.02 * generator.normal(size=distance.shape)
    found = Residuals(
        frame_index=np.arange(len(offset)),
        offset=offset,
        confidence=confidence,
        is_known=np.ones(distance.shape, dtype=bool),
        shift_px=(0.0, 0.0),
    )
    model = fit_noise(found)
    assert np.mean(model["mean"]) == pytest.approx(mean, rel=0.1)
    assert np.mean(model["std"]) == pytest.approx(deviation, rel=0.1)
    assert np.mean(model["weight"]) == pytest.approx(weight, abs=0.05)
    assert model["jitter"] == pytest.approx(jitter, rel=0.1)
    assert model["a"] == pytest.approx(0.03, rel=0.1)
    assert model["s"] == pytest.approx(0.02, rel=0.1)
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(model))
    assert noise_model(torch.device("cpu"), str(path)).jitter == model["jitter"]


def test_drift_over_frames_that_are_left_out_is_no_jitter() -> None:
    """Of every fifth frame nothing can be said, and of pairs with a gap between nothing either."""
    generator = np.random.default_rng(2)
    frames = np.delete(np.arange(900), np.arange(4, 900, 5))
    drift = 0.02 * np.sin(2 * np.pi * frames / 11.0)[:, None, None]
    offset = drift + 0.0005 * generator.normal(size=(len(frames), 17, 2))
    rest = {"confidence": np.ones((len(frames), 17)), "shift_px": (0.0, 0.0)}
    found = Residuals(
        frame_index=frames, offset=offset, is_known=np.ones((len(frames), 17), dtype=bool), **rest
    )
    in_a_row = replace(found, frame_index=np.arange(len(frames)))
    assert fit_noise(found)["jitter"] < fit_noise(in_a_row)["jitter"]


def test_a_joint_that_the_detector_lacks_gets_the_mean_of_the_others() -> None:
    generator = np.random.default_rng(1)
    offset = 0.005 * generator.normal(size=(200, 17, 2))
    is_known = np.ones((200, 17), dtype=bool)
    spine = H36M17.index("spine")
    is_known[:, spine] = False
    offset[:, spine] = np.nan
    confidence = np.where(is_known, 0.9, 0.0)
    found = Residuals(
        frame_index=np.arange(len(offset)),
        offset=offset,
        confidence=confidence,
        is_known=is_known,
        shift_px=(0.0, 0.0),
    )
    model = fit_noise(found)
    assert model["mean"][spine] == [0.0, 0.0]
    others = np.delete(np.array(model["std"]), spine, axis=0).mean(axis=0)
    np.testing.assert_allclose(model["std"][spine], others, rtol=1e-6)


def test_too_few_common_frames_are_an_error() -> None:
    truth = _truth(30)
    pose = _detections(truth, np.zeros((30, 17, 2)), np.ones((30, 17)))
    late = replace(pose, frame_index=pose.frame_index + 15)
    with pytest.raises(MotionliftError, match="15 frames are also in"):
        residuals(late, truth, CAMERA)


def test_a_noise_file_of_another_form_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "noise.json"
    path.write_text('{"mean": [[1, 2]]}')
    with pytest.raises(FormatError, match="not a noise model"):
        noise_model(torch.device("cpu"), str(path))


def test_the_model_that_ships_is_the_published_one(shared: Path) -> None:
    published = json.loads((shared / "reference" / "noise_params.json").read_text())
    shipped = json.loads(SHIPPED.read_text())
    for name in ("mean", "std", "weight"):
        np.testing.assert_allclose(shipped[name], published["keypoint_noise"][name], atol=1e-8)


def test_joints_that_are_all_known_too_rarely_are_an_error() -> None:
    is_known = np.zeros((30, 17), dtype=bool)
    is_known[::2] = True
    found = Residuals(
        frame_index=np.arange(30),
        offset=np.full((30, 17, 2), 0.01),
        confidence=np.ones((30, 17)),
        is_known=is_known,
        shift_px=(0.0, 0.0),
    )
    with pytest.raises(MotionliftError, match="no joint is known in 20 frames"):
        fit_noise(found)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("weight", [0.5], "a weight for each joint"),
        ("weight", [1.5] * 17, "weight outside"),
        ("jitter", float("nan"), "not finite"),
        ("std", [[-0.1, 0.1]] * 17, "deviation is below 0"),
        ("weight", [None] * 17, "not a noise model"),
        ("jitter", -0.1, r"jitter is -0\.1"),
        ("a", 0, r"a is 0\.0"),
    ],
)
def test_a_noise_file_with_wrong_numbers_is_refused(
    tmp_path: Path, name: str, value: object, message: str
) -> None:
    path = tmp_path / "noise.json"
    path.write_text(json.dumps(json.loads(SHIPPED.read_text()) | {name: value}))
    with pytest.raises(FormatError, match=message):
        noise_model(torch.device("cpu"), str(path))
