"""A made-up recording, whole: somebody walks and turns before a camera, and a detector watches.

The motion comes from textbook curves of normal gait on a body of textbook proportions, so it
belongs to nobody. The camera has perspective, and the detector errs as detectors do: jitter, and
more of it where a limb is behind the trunk; doubtful and missing keypoints; legs taken for each
other; frames in which it finds nobody. Every frame is the same each time it is made.

World space is metres, y up; the camera stands on the +z side.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy.random import Generator

from motionlift.camera import look_rotation
from motionlift.kinematics import joints_from_landmarks
from motionlift.poses import Pose2D, Pose3D
from motionlift.skeletons import COCO17, H36M17

FPS = 50.0
NUM_FRAMES = 400
IMAGE_SIZE = (1280, 720)
_SEED = 7
_CYCLE = 1.1  # seconds from one heel strike to the next of the same foot

# Joint angles of walking, in degrees of flexion, at every tenth of a cycle that begins with the
# foot's heel strike; after the curves in Perry & Burnfield, Gait Analysis, 2nd ed. (2010).
_HIP = (30, 27, 20, 10, 0, -9, -4, 14, 26, 32)
_KNEE = (5, 17, 16, 9, 5, 9, 36, 60, 44, 13)

# Segment lengths in metres for a stature of 1.75, after Drillis & Contini (1966).
_THIGH, _SHANK, _ANKLE_HEIGHT = 0.430, 0.425, 0.080
_UPPER_ARM, _FOREARM = 0.300, 0.255
_HALF_HIPS, _HALF_SHOULDERS = 0.090, 0.180
_TRUNK, _NECK, _HEAD = 0.480, 0.050, 0.110

# When the walker's heading changes, and to what: (second, angle). At 0 it is towards the camera,
# at 90 degrees to the right of the picture.
_HEADINGS = ((0.0, 95.0), (1.6, 90.0), (3.9, -90.0), (5.3, -95.0), (7.2, -215.0), (8.0, -225.0))
_START = (-1.35, -0.6)  # x and z, metres

_CAMERA_AT = (0.0, 1.5, 7.0)
_CAMERA_PITCH, _CAMERA_ROLL = 0.07, 0.01
_FOCAL = 1450.0  # pixels

# Jitter of a keypoint that is in plain sight, as a share of the body's height in the picture.
_JITTER = {"nose": 0.004, "eye": 0.004, "ear": 0.005, "shoulder": 0.006, "elbow": 0.007}
_JITTER |= {"wrist": 0.008, "hip": 0.009, "knee": 0.007, "ankle": 0.008}
_JITTER_STAYS = 0.75  # how much of a frame's jitter the next frame keeps
_FRAMES_WITHOUT_ANYBODY = slice(212, 221)
_FRAMES_WITH_SWAPPED_LEGS = slice(61, 65)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Example:
    """What the detector reports, and what was really there.

    Attributes:
        keypoints: in `COCO17`, in pixels.
        truth: the joints in the camera's axes, metres; the root's path kept.
    """

    keypoints: Pose2D
    truth: Pose3D


def make_example() -> Example:
    """The recording, made anew."""
    landmarks, head_axes = _walk(np.arange(NUM_FRAMES) / FPS)
    joints = joints_from_landmarks(landmarks, head_rotation=head_axes)
    points = _coco_points(landmarks, head_axes, nose=joints[:, H36M17.index("nose")])
    in_camera = _to_camera(points)
    keypoints, confidence = _detect(in_camera, facing=_facing(head_axes))
    frames = np.arange(NUM_FRAMES)
    return Example(
        keypoints=Pose2D(
            skeleton=COCO17,
            keypoints=keypoints,
            confidence=confidence,
            frame_index=frames,
            fps=FPS,
            image_size=IMAGE_SIZE,
            source="motionlift example: a made-up walk",
        ),
        truth=Pose3D(
            skeleton=H36M17,
            positions=_to_camera(joints),
            confidence=np.ones(joints.shape[:2]),
            frame_index=frames,
            fps=FPS,
            space="camera",
            source="motionlift example: a made-up walk",
        ),
    )


def _walk(
    time: Float[np.ndarray, " frame"],
) -> tuple[dict[str, Float[np.ndarray, "frame 3"]], Float[np.ndarray, "frame 3 3"]]:
    """Landmarks of a walker in world space, and the axes of the head (left, up, forward)."""
    phase = {"right": time / _CYCLE, "left": time / _CYCLE + 0.5}
    heading = _smooth_path(time, _HEADINGS)
    swing = np.cos(2 * np.pi * phase["right"])
    pelvis_axes = _axes(yaw=heading + np.radians(4) * swing, lean=np.radians(2))
    trunk_axes = _axes(yaw=heading - np.radians(6) * swing, lean=np.radians(4))
    look = np.radians(0.25) * np.gradient(np.degrees(heading), time)
    head_axes = _axes(yaw=heading + look, lean=np.radians(5) + 0 * time)
    legs = {side: _leg(phase[side], pelvis_axes, side) for side in phase}
    pelvis = _pelvis_path(time, heading, legs)
    landmarks = {}
    for side, (hip, knee, ankle) in legs.items():
        for name, offset in (("hip", hip), ("knee", knee), ("ankle", ankle)):
            landmarks[f"{side}_{name}"] = pelvis + offset
    thorax = pelvis + _TRUNK * trunk_axes[..., 1]
    landmarks["spine_1"] = pelvis + 0.45 * _TRUNK * (trunk_axes[..., 1] - 0.06 * trunk_axes[..., 2])
    for side in phase:
        # An arm swings with the other side's leg.
        points = _arm(phase[side] + 0.5, trunk_axes, side)
        for name, offset in zip(("shoulder", "elbow", "wrist"), points, strict=True):
            landmarks[f"{side}_{name}"] = thorax + offset
    landmarks["neck"] = thorax + _NECK * trunk_axes[..., 1]
    landmarks["head"] = landmarks["neck"] + _HEAD * (
        0.93 * head_axes[..., 1] + 0.36 * head_axes[..., 2]
    )
    return landmarks, head_axes


def _leg(
    phase: Float[np.ndarray, " frame"], axes: Float[np.ndarray, "frame 3 3"], side: str
) -> tuple[Float[np.ndarray, "frame 3"], ...]:
    """Hip, knee and ankle of one leg, from the middle of the hips."""
    thigh = _gait_curve(_HIP, phase)
    shank = thigh - _gait_curve(_KNEE, phase)
    hip = _outward(side) * _HALF_HIPS * axes[..., 0]
    knee = hip + _THIGH * _swung(axes, thigh, outward=-0.02 * _outward(side))
    return hip, knee, knee + _SHANK * _swung(axes, shank, outward=-0.02 * _outward(side))


def _arm(
    phase: Float[np.ndarray, " frame"], axes: Float[np.ndarray, "frame 3 3"], side: str
) -> tuple[Float[np.ndarray, "frame 3"], ...]:
    """Shoulder, elbow and wrist of one arm, from the middle of the shoulders."""
    forward = np.cos(2 * np.pi * phase)
    upper = np.radians(-4 + 20 * forward)
    lower = upper + np.radians(24 + 10 * forward)
    shoulder = _outward(side) * _HALF_SHOULDERS * axes[..., 0]
    elbow = shoulder + _UPPER_ARM * _swung(axes, upper, outward=0.14 * _outward(side))
    return shoulder, elbow, elbow + _FOREARM * _swung(axes, lower, outward=0.04 * _outward(side))


def _pelvis_path(
    time: Float[np.ndarray, " frame"],
    heading: Float[np.ndarray, " frame"],
    legs: dict[str, tuple[Float[np.ndarray, "frame 3"], ...]],
) -> Float[np.ndarray, "frame 3"]:
    """The middle of the hips: as high as the lower foot needs, as fast as strides are long."""
    ankles = np.stack([legs[side][2] for side in ("left", "right")])
    height = _ANKLE_HEIGHT - ankles[..., 1].min(axis=0)
    forward = np.stack([np.sin(heading), np.zeros_like(heading), np.cos(heading)], axis=-1)
    stride = max(np.ptp((ankle * forward).sum(axis=-1)) for ankle in ankles)
    speed = 2 * stride / _CYCLE
    path = np.array([_START[0], 0.0, _START[1]]) + np.cumsum(speed / FPS * forward, axis=0)
    path[:, 1] = np.convolve(np.pad(height, 4, mode="edge"), np.ones(9) / 9, mode="valid")
    return path


def _coco_points(
    landmarks: dict[str, Float[np.ndarray, "frame 3"]],
    head_axes: Float[np.ndarray, "frame 3 3"],
    *,
    nose: Float[np.ndarray, "frame 3"],
) -> Float[np.ndarray, "frame 17 3"]:
    """The `COCO17` keypoints in world space; eyes and ears stand in the head's own frame."""
    points = {**landmarks, "nose": nose}
    for side in ("left", "right"):
        for name, offset in (("eye", (0.032, 0.045, 0.105)), ("ear", (0.072, 0.020, 0.010))):
            own = np.array(offset) * [_outward(side), 1, 1]
            points[f"{side}_{name}"] = landmarks["head"] + head_axes @ own
    return np.stack([points[name] for name in COCO17.joints], axis=1)


def _detect(
    points: Float[np.ndarray, "frame 17 3"], *, facing: Float[np.ndarray, " frame"]
) -> tuple[Float[np.ndarray, "frame 17 2"], Float[np.ndarray, "frame 17"]]:
    """What a detector makes of points in the camera's axes: pixels and confidences."""
    rng = np.random.default_rng(_SEED)
    exact = _FOCAL * points[..., :2] / points[..., 2:] + np.array(IMAGE_SIZE) / 2
    height = np.ptp(exact[..., 1], axis=1)
    hidden = _is_hidden(points, facing=facing)
    share = np.array([_JITTER[name.split("_")[-1]] for name in COCO17.joints])
    scale = height[:, None] * share * np.where(hidden, 3.0, 1.0)
    jitter = _lasting_noise(rng, exact.shape)
    found = exact + scale[..., None] * jitter
    doubt = 0.03 * np.linalg.norm(jitter, axis=-1) + 0.02 * rng.exponential(size=hidden.shape)
    confidence = np.where(hidden, 0.45, 0.96) - doubt - 0.12 * hidden * np.abs(jitter[..., 0])
    is_missing = confidence < 0.25
    is_missing[_FRAMES_WITHOUT_ANYBODY] = True
    legs = [COCO17.index(f"left_{name}") for name in ("knee", "ankle")]
    other = [COCO17.mirror[joint] for joint in legs]
    rows = np.arange(NUM_FRAMES)[_FRAMES_WITH_SWAPPED_LEGS, None]
    found[rows, legs + other] = found[rows, other + legs]
    found[is_missing] = np.nan
    confidence = np.where(is_missing, 0.0, confidence.clip(0.0, 1.0))
    # Rounded as detectors write them; a small file is the reason for single precision.
    return found.round(1).astype(np.float32), confidence.round(2).astype(np.float32)


def _is_hidden(
    points: Float[np.ndarray, "frame 17 3"], *, facing: Float[np.ndarray, " frame"]
) -> Bool[np.ndarray, "frame 17"]:
    """Keypoints behind the trunk, or on the far side of the head."""
    middle = points[:, [COCO17.index(f"left_{name}") for name in ("hip", "shoulder")]]
    middle = (middle + points[:, [COCO17.index(f"right_{n}") for n in ("hip", "shoulder")]]) / 2
    low, high = middle[:, :1], middle[:, 1:]
    is_beside = (points[..., 1] < low[..., 1] + 0.1) & (points[..., 1] > high[..., 1] - 0.05)
    share = ((points[..., 1] - low[..., 1]) / (high - low)[..., 1]).clip(0, 1)
    trunk = low + share[..., None] * (high - low)
    is_near = np.abs(points[..., 0] - trunk[..., 0]) < 0.13
    hidden = is_beside & is_near & (points[..., 2] > trunk[..., 2] + 0.07)
    head = [name in ("nose", "left_eye", "right_eye") for name in COCO17.joints]
    hidden[:, head] = (facing < -0.15)[:, None]
    ears = [COCO17.index(f"{side}_ear") for side in ("left", "right")]
    is_farther = points[:, ears, 2] > points[:, ears[::-1], 2] + 0.06
    hidden[:, ears] = is_farther
    return hidden


def _lasting_noise(rng: Generator, shape: tuple[int, ...]) -> Float[np.ndarray, "frame joint 2"]:
    """Unit normal noise that fades from frame to frame, as a detector's does."""
    fresh = rng.normal(size=shape)
    noise = fresh.copy()
    for frame in range(1, shape[0]):
        noise[frame] = (
            _JITTER_STAYS * noise[frame - 1] + np.sqrt(1 - _JITTER_STAYS**2) * fresh[frame]
        )
    return noise


def _to_camera(points: Float[np.ndarray, "frame joint 3"]) -> Float[np.ndarray, "frame joint 3"]:
    rotation = look_rotation(
        yaw=np.array(0.0), pitch=np.array(_CAMERA_PITCH), roll=np.array(_CAMERA_ROLL)
    )
    return (points - np.array(_CAMERA_AT)) @ rotation.T


def _facing(head_axes: Float[np.ndarray, "frame 3 3"]) -> Float[np.ndarray, " frame"]:
    """How much the face points to the camera: 1 straight at it, -1 away."""
    return head_axes[:, 2, 2]


def _axes(
    *, yaw: Float[np.ndarray, " frame"], lean: float | Float[np.ndarray, " frame"]
) -> Float[np.ndarray, "frame 3 3"]:
    """A body's left, up and forward axes as columns: heading by `yaw`, bent forward by `lean`."""
    cos, sin = np.cos(yaw), np.sin(yaw)
    zero, one = np.zeros_like(yaw), np.ones_like(yaw)
    left = np.stack([cos, zero, -sin], axis=-1)
    forward = np.stack([sin, zero, cos], axis=-1)
    up = np.stack([zero, one, zero], axis=-1)
    cos_lean, sin_lean = np.cos(lean * one)[:, None], np.sin(lean * one)[:, None]
    return np.stack(
        [left, cos_lean * up + sin_lean * forward, cos_lean * forward - sin_lean * up], axis=-1
    )


def _swung(
    axes: Float[np.ndarray, "frame 3 3"], angle: Float[np.ndarray, " frame"], *, outward: float
) -> Float[np.ndarray, "frame 3"]:
    """The direction of a segment that hangs down, swung forward by an angle and left by a share."""
    left, up, forward = (axes[..., axis] for axis in range(3))
    down = np.sin(angle)[:, None] * forward - np.cos(angle)[:, None] * up
    return np.sqrt(1 - outward**2) * down + outward * left


def _gait_curve(
    degrees: tuple[int, ...], phase: Float[np.ndarray, " frame"]
) -> Float[np.ndarray, " frame"]:
    """A smooth periodic curve through the table's points, in radians."""
    # The table's Fourier series passes through all of its points.
    series = np.fft.rfft(degrees) / len(degrees)
    series[1:] *= 2
    order = np.arange(len(series) - 1)
    waves = np.exp(2j * np.pi * np.outer(phase, order))
    return np.radians((waves @ series[:-1]).real)


def _smooth_path(
    time: Float[np.ndarray, " frame"], stops: tuple[tuple[float, float], ...]
) -> Float[np.ndarray, " frame"]:
    """Angles in radians that pass smoothly from stop to stop, given in seconds and degrees."""
    at, degrees = np.array(stops).T
    before = np.searchsorted(at, time, side="right").clip(1, len(at) - 1) - 1
    share = ((time - at[before]) / (at[before + 1] - at[before])).clip(0, 1)
    eased = share * share * (3 - 2 * share)
    return np.radians(degrees[before] + eased * (degrees[before + 1] - degrees[before]))


def _outward(side: str) -> float:
    """+1 on the left, -1 on the right: the direction away from the middle along the left axis."""
    return 1.0 if side == "left" else -1.0
