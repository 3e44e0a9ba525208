"""Small stores of made-up motion, and what is true of them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from motionlift.data.store import Store
from motionlift.data.store_writer import create_store
from motionlift.skeletons import H36M17

# A person of 1.7 m who stands with arms a little out, facing +z: left is +x.
STANDING = {
    "pelvis": (0.0, 0.95, 0.0),
    "right_hip": (-0.12, 0.94, 0.0),
    "right_knee": (-0.13, 0.5, 0.02),
    "right_ankle": (-0.13, 0.08, -0.02),
    "left_hip": (0.12, 0.94, 0.0),
    "left_knee": (0.13, 0.5, 0.02),
    "left_ankle": (0.13, 0.08, -0.02),
    "spine": (0.0, 1.18, -0.02),
    "thorax": (0.0, 1.42, 0.0),
    "nose": (0.0, 1.56, 0.1),
    "head_top": (0.0, 1.7, 0.02),
    "left_shoulder": (0.18, 1.42, 0.0),
    "left_elbow": (0.32, 1.18, 0.02),
    "left_wrist": (0.38, 0.95, 0.1),
    "right_shoulder": (-0.18, 1.42, 0.0),
    "right_elbow": (-0.32, 1.18, 0.02),
    "right_wrist": (-0.38, 0.95, 0.1),
}


def standing(frames: int = 1) -> np.ndarray:
    """The standing person, (frame, 17, 3), y up."""
    pose = np.array([STANDING[joint] for joint in H36M17.joints])
    return np.repeat(pose[None], frames, axis=0)


def moving(frames: int, *, seed: int = 0) -> np.ndarray:
    """Someone who walks along +x while limbs sway, each seed another way."""
    rng = np.random.default_rng(seed)
    time = np.arange(frames)[:, None, None] / 50
    rate, phase = rng.uniform(0.5, 2, (17, 3)), rng.uniform(0, 6, (17, 3))
    sway = 0.1 * np.sin(2 * np.pi * rate * time + phase)
    return standing(frames) + sway + time * np.array([1.0, 0.0, 0.0])


def make_store(
    path: Path,
    *,
    lengths: tuple[int, ...] = (40, 25, 40, 1),
    motion: Callable[..., np.ndarray] = moving,
    fps: float = 50.0,
) -> Store:
    """A store with train and test sequences of two datasets, "a" and "b"."""
    with create_store(path, fps=fps) as writer:
        for dataset in ("a", "b"):
            for split in ("train", "test"):
                for number, frames in enumerate(lengths):
                    writer.add(
                        f"{dataset}/{split}/{number}.bvh",
                        motion(frames, seed=number + 10 * (split == "test")),
                        dataset=dataset,
                        split=split,
                        action="walk" if number % 2 else "run",
                    )
    return Store.open(path)
