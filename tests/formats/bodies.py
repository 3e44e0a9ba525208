"""A person who takes a few steps, to write into files of every format and to find again."""

import numpy as np
from jaxtyping import Float
from numpy.testing import assert_allclose

from motionlift.kinematics import joints_from_landmarks
from motionlift.poses import Pose3D

# Metres; the person's left is +x, up is +y, they face and walk +z. No two sides are quite alike.
_STANDING = {
    "left_hip": (0.09, 0.90, 0.00),
    "left_knee": (0.10, 0.48, 0.02),
    "left_ankle": (0.10, 0.08, -0.02),
    "right_hip": (-0.09, 0.90, 0.00),
    "right_knee": (-0.11, 0.48, 0.06),
    "right_ankle": (-0.10, 0.09, 0.01),
    "left_shoulder": (0.18, 1.40, 0.00),
    "left_elbow": (0.21, 1.12, -0.02),
    "left_wrist": (0.23, 0.88, 0.05),
    "right_shoulder": (-0.18, 1.40, 0.00),
    "right_elbow": (-0.20, 1.12, 0.01),
    "right_wrist": (-0.24, 0.89, 0.08),
    "spine_1": (0.00, 1.02, -0.02),
    "spine_2": (0.00, 1.18, -0.03),
    "neck": (0.00, 1.43, -0.02),
    "head": (0.00, 1.53, 0.015),
}

Landmarks = dict[str, Float[np.ndarray, "frame 3"]]


def walking(num_frames: int = 12) -> Landmarks:
    """Landmarks in world space; every frame differs from the others."""
    steps = np.arange(num_frames)
    shift = np.stack([0.01 * np.sin(steps), 0.02 * np.cos(steps), 0.05 * steps], axis=-1)
    landmarks = {mark: np.array(point) + shift for mark, point in _STANDING.items()}
    landmarks["left_wrist"] = landmarks["left_wrist"] + 0.1 * np.sin(steps)[:, None] * [0, 0, 1.0]
    return landmarks


def to_z_up(points: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
    """The same body in axes with z up: it walks along -y."""
    return np.stack([points[..., 0], -points[..., 2], points[..., 1]], axis=-1)


def assert_is_walking(pose: Pose3D, landmarks: Landmarks, *, atol: float = 1e-5) -> None:
    """The pose is what the landmarks are defined to be, nose and head included."""
    assert_allclose(pose.positions, joints_from_landmarks(landmarks), atol=atol)
    assert (pose.units, pose.space) == ("m", "world")
