"""The noise model of a detector of one's own, from its keypoints and a triangulation of the truth.

The truth is projected into the camera that the detector looked through; what is left is noise. It
is fitted in the form of `noise.py`: for each joint a Gaussian and a uniform part that drift, one
jitter for all, and the curve from displacement to confidence.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.optimize import least_squares

from motionlift.calibration import PinholeCamera
from motionlift.data.noise import METRES_PER_UNIT
from motionlift.errors import MotionliftError
from motionlift.poses import Pose2D, Pose3D, to_h36m17
from motionlift.skeletons import H36M17

LEAST_FRAMES = 20
_UNIFORM_RANGE = 0.06
_ROUNDS = 60


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Residuals:
    """Where keypoints are off the truth, in published image units.

    Attributes:
        frame_index: numbers of the frames.
        offset: keypoint minus projected joint.
        confidence: of the keypoints.
        is_known: where both are there.
        shift_px: the median offset of all joints, taken off as a fault of calibration.
    """

    frame_index: Int[np.ndarray, " frame"]
    offset: Float[np.ndarray, "frame 17 2"]
    confidence: Float[np.ndarray, "frame 17"]
    is_known: Bool[np.ndarray, "frame 17"]
    shift_px: tuple[float, float]


def residuals(keypoints: Pose2D, truth: Pose3D, camera: PinholeCamera) -> Residuals:
    """Pair keypoints with the projected truth by frame number.

    Raises:
        MotionliftError: if fewer than 20 frames are in both.
    """
    pose = to_h36m17(keypoints)
    both, ours, theirs = np.intersect1d(pose.frame_index, truth.frame_index, return_indices=True)
    if len(both) < LEAST_FRAMES:
        raise MotionliftError(
            f"{keypoints.source}: {len(both)} frames are also in {truth.source}, at least "
            f"{LEAST_FRAMES} are needed; check that frame numbers mean the same in both"
        )
    seen = camera.to_camera(truth.positions[theirs])
    offset_px = pose.keypoints[ours] - camera.to_image(seen)
    is_known = np.isfinite(offset_px).all(axis=-1)
    if not is_known.any():
        raise MotionliftError(f"{keypoints.source}: no joint is in both it and {truth.source}")
    shift = np.median(offset_px[is_known], axis=0)
    # A pixel is depth / focal metres at the person's distance.
    root_depth = np.nanmedian(seen[..., 2], axis=1)[:, None, None]
    metres = (offset_px - shift) * root_depth / camera.matrix[0, 0]
    return Residuals(
        frame_index=both,
        offset=np.where(is_known[..., None], metres / METRES_PER_UNIT, np.nan),
        confidence=np.where(is_known, pose.confidence[ours], 0.0),
        is_known=is_known,
        shift_px=(float(shift[0]), float(shift[1])),
    )


def fit_noise(found: Residuals) -> dict[str, Any]:
    """The noise model as `noise.json` holds it.

    Joints that the detector lacks get the mean of those it has.

    Raises:
        MotionliftError: if every joint is known in fewer than 20 frames.
    """
    jitter = _jitter(found)
    means = np.full((H36M17.num_joints, 2), np.nan)
    deviations = np.full((H36M17.num_joints, 2), np.nan)
    weights = np.full(H36M17.num_joints, np.nan)
    for joint in range(H36M17.num_joints):
        known = found.offset[found.is_known[:, joint], joint]
        if len(known) >= LEAST_FRAMES:
            means[joint], deviations[joint], weights[joint] = _mixture(known)
    # What jitters from frame to frame is added by itself.
    deviations = np.sqrt(np.maximum(deviations**2 - jitter**2, (0.1 * deviations) ** 2))
    is_fitted = np.isfinite(weights)
    if not is_fitted.any():
        raise MotionliftError(
            f"no joint is known in {LEAST_FRAMES} frames or more; give a longer recording"
        )
    means[~is_fitted] = 0.0
    deviations[~is_fitted] = deviations[is_fitted].mean(axis=0)
    weights[~is_fitted] = weights[is_fitted].mean()
    a, b, m, s = _curve(found)
    return {
        "unit": "published image units: the frame's width spans 2",
        "mean": means.round(9).tolist(),
        "std": deviations.round(9).tolist(),
        "weight": weights.round(9).tolist(),
        "uniform_range": _UNIFORM_RANGE,
        "jitter": round(jitter, 9),
        "a": a,
        "b": b,
        "m": m,
        "s": s,
    }


def _mixture(
    offsets: Float[np.ndarray, "frame 2"],
) -> tuple[Float[np.ndarray, " 2"], Float[np.ndarray, " 2"], float]:
    """Expectation-maximisation of a Gaussian with axes of its own and a uniform of known width."""
    mean, deviation, weight = np.median(offsets, axis=0), offsets.std(axis=0) + 1e-6, 0.9
    is_inside = (np.abs(offsets) <= _UNIFORM_RANGE / 2).all(axis=1)
    uniform = np.where(is_inside, 1 / _UNIFORM_RANGE**2, 1e-12)
    for _ in range(_ROUNDS):
        scaled = (offsets - mean) / deviation
        gaussian = np.exp(-0.5 * (scaled**2).sum(axis=1)) / (2 * np.pi * deviation.prod())
        share = weight * gaussian / (weight * gaussian + (1 - weight) * uniform)
        total = share.sum()
        mean = (share[:, None] * offsets).sum(axis=0) / total
        deviation = np.sqrt((share[:, None] * (offsets - mean) ** 2).sum(axis=0) / total) + 1e-6
        weight = float(np.clip(share.mean(), 0.05, 0.999))
    return mean, deviation, weight


def _jitter(found: Residuals) -> float:
    """Deviation of what is new in each frame: from second differences, robust against drift."""
    # Of neighbouring frames only: over frames that are left out drift adds up.
    in_a_row = found.frame_index[2:] - found.frame_index[:-2] == 2
    second = np.diff(found.offset, n=2, axis=0)[in_a_row]
    known = second[np.isfinite(second)]
    # The second difference of white noise has 6 times its variance; 1.4826 MAD is a deviation.
    return float(1.4826 * np.median(np.abs(known)) / np.sqrt(6)) if len(known) else 0.0


def _curve(found: Residuals) -> tuple[float, float, float, float]:
    """Least squares of the confidence over the displacement."""
    distance = np.linalg.norm(found.offset[found.is_known], axis=-1)
    confidence = found.confidence[found.is_known]

    def error(parameters: Float[np.ndarray, " 3"]) -> Float[np.ndarray, " point"]:
        a, b, m = parameters
        return a / (distance + a) + b * distance + m - confidence

    fit = least_squares(
        error, x0=(0.028, 0.0, 0.0), bounds=([1e-4, -20, -1], [10, 20, 1]), loss="soft_l1"
    )
    a, b, m = (round(float(value), 9) for value in fit.x)
    return a, b, m, round(float(np.std(error(fit.x))), 9)
