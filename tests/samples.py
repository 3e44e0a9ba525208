"""Small inputs that several tests of lifting need: weights of a tiny network, keypoint folders."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from motionlift.example import make_example
from motionlift.network.dstformer import DSTformer, DSTformerConfig
from motionlift.network.weights import save_weights
from motionlift.poses import Pose2D, Pose3D, to_h36m17
from motionlift.skeletons import COCO17, H36M17

BODY_25_POINTS = 25


def write_tiny_weights(folder: Path) -> Path:
    """A network with random weights that takes clips of 9 frames."""
    torch.manual_seed(0)
    config = DSTformerConfig(
        dim_feat=16, dim_rep=8, depth=1, num_heads=2, mlp_ratio=1, max_frames=9
    )
    path = folder / "tiny.safetensors"
    save_weights(path, DSTformer(config), card={"note": "random"})
    return path


def write_openpose(folder: Path, *, people: int = 1, frames: int = 12) -> Path:
    """A folder as OpenPose writes it, with people of 25 keypoints walking beside each other."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    bodies = [standing(height=400 - 100 * person) for person in range(people)]
    for frame in range(frames):
        found = []
        for person, body in enumerate(bodies):
            moved = body + np.array([300 * person + 5 * frame, 0])
            points = moved + rng.normal(size=body.shape)
            flat = np.concatenate([points, np.full((len(points), 1), 0.8)], axis=1)
            found.append({"pose_keypoints_2d": flat.reshape(-1).round(2).tolist()})
        name = f"cam_{frame:012d}_keypoints.json"
        (folder / name).write_text(json.dumps({"version": 1.3, "people": found}))
    return folder


def standing(*, height: float) -> np.ndarray:
    """BODY_25 keypoints of somebody who stands and faces the camera, feet at y = 500."""
    # Person's left is the image's right; (x, y up) in heights.
    points = {
        0: (0, 0.92),
        1: (0, 0.82),
        2: (-0.11, 0.82),
        3: (-0.14, 0.64),
        4: (-0.15, 0.48),
        5: (0.11, 0.82),
        6: (0.14, 0.64),
        7: (0.15, 0.48),
        8: (0, 0.52),
        9: (-0.06, 0.52),
        10: (-0.06, 0.28),
        11: (-0.06, 0.05),
        12: (0.06, 0.52),
        13: (0.06, 0.28),
        14: (0.06, 0.05),
        15: (-0.02, 0.94),
        16: (0.02, 0.94),
        17: (-0.05, 0.93),
        18: (0.05, 0.93),
        19: (0.09, 0.0),
        20: (0.11, 0.0),
        21: (0.05, 0.02),
        22: (-0.09, 0.0),
        23: (-0.11, 0.0),
        24: (-0.05, 0.02),
    }
    xy = np.array([points[k] for k in range(BODY_25_POINTS)])
    return np.stack([200 + height * xy[:, 0], 500 - height * xy[:, 1]], axis=1)


def lifted_walk(*, frames: slice = slice(None), person: str = "") -> Pose3D:
    """The example's walk as if it had been lifted without error, 240 px a metre."""
    example = make_example()
    seen = to_h36m17(example.keypoints)
    truth = example.truth.positions
    positions = (240 * (truth - truth[:, [H36M17.root]])).astype(np.float32)[frames]
    seen = replace(
        seen,
        keypoints=seen.keypoints[frames],
        confidence=seen.confidence[frames],
        frame_index=seen.frame_index[frames],
    )
    return Pose3D(
        skeleton=H36M17,
        positions=positions,
        confidence=np.ones(positions.shape[:2]),
        frame_index=seen.frame_index,
        fps=seen.fps,
        units="px",
        space="camera",
        source="walk.npz",
        person=person,
        lifted_from=seen,
        root_xy=np.nanmean(seen.keypoints, axis=(0, 1)) + np.zeros((len(positions), 2)),
        model="truth",
        notes=("made up for a test",),
    )


def swinging(num_frames: int = 60, *, fps: float = 30.0, first: int = 0) -> Pose2D:
    """Keypoints that swing to and fro at 1 Hz, each with a phase of its own."""
    frames = np.arange(first, first + num_frames)
    phase = 2 * np.pi * frames[:, None] / fps + np.arange(17)
    return Pose2D(
        skeleton=COCO17,
        keypoints=np.stack([300 + 50 * np.sin(phase), 200 + 20 * np.cos(phase)], axis=-1),
        confidence=np.linspace(0.5, 1.0, 17) * np.ones((num_frames, 1)),
        frame_index=frames,
        fps=fps,
    )


def without(pose: Pose2D, frames: slice, joint: int) -> Pose2D:
    keypoints, confidence = pose.keypoints.copy(), pose.confidence.copy()
    keypoints[frames, joint], confidence[frames, joint] = np.nan, 0.0
    return replace(pose, keypoints=keypoints, confidence=confidence)
