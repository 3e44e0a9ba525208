"""A person to test with, and a store of them."""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from motionlift.data.store import Store
from motionlift.data.store_writer import create_store
from motionlift.skeletons import H36M17

# Metres, y up; the person faces +z, and its left is +x.
STANDING = {
    "pelvis": (0.0, 0.95, 0.0),
    "right_hip": (-0.1, 0.95, 0.0),
    "right_knee": (-0.1, 0.5, 0.02),
    "right_ankle": (-0.1, 0.08, 0.0),
    "left_hip": (0.1, 0.95, 0.0),
    "left_knee": (0.1, 0.5, 0.02),
    "left_ankle": (0.1, 0.08, 0.0),
    "spine": (0.0, 1.2, -0.02),
    "thorax": (0.0, 1.45, 0.0),
    "nose": (0.0, 1.62, 0.11),
    "head_top": (0.0, 1.75, 0.02),
    "left_shoulder": (0.18, 1.45, 0.0),
    "left_elbow": (0.22, 1.15, 0.0),
    "left_wrist": (0.24, 0.9, 0.08),
    "right_shoulder": (-0.18, 1.45, 0.0),
    "right_elbow": (-0.22, 1.15, 0.0),
    "right_wrist": (-0.24, 0.9, 0.08),
}


def standing() -> Float[np.ndarray, "17 3"]:
    """The person, standing."""
    return np.array([STANDING[joint] for joint in H36M17.joints], dtype=np.float32)


def moving(frames: int, *, seed: int = 0) -> Float[np.ndarray, "frame 17 3"]:
    """The person walking along +z at 1 m/s and 50 frames a second, each joint swaying smoothly."""
    generator = np.random.default_rng(seed)
    time = np.arange(frames)[:, None, None] / 50
    phase = generator.uniform(0, 2 * np.pi, size=(1, 17, 3))
    sway = 0.05 * np.sin(2 * np.pi * 0.8 * time + phase)
    path = time * np.array([0.0, 0.0, 1.0])
    return (standing() + sway + path).astype(np.float32)


def seen_flat(frames: int, *, seed: int = 0) -> Float[np.ndarray, "frame 17 3"]:
    """x and y of the person in pixels, seen from the side, and the confidence of a detector.

    The pelvis is never seen, nor is the left wrist in every third frame.
    """
    world = moving(frames, seed=seed)
    points = np.stack([400 - 300 * world[..., 2], 700 - 300 * world[..., 1]], axis=-1)
    confidence = np.random.default_rng(seed).uniform(0.3, 1.0, size=(frames, 17, 1))
    flat = np.concatenate([points, confidence], axis=-1)
    flat[:, H36M17.root] = np.nan
    flat[::3, H36M17.index("left_wrist")] = np.nan
    return flat.astype(np.float32)


def write_store(
    path: Path,
    *,
    lengths: dict[str, list[int]],
    flat: dict[str, list[int]] | None = None,
    fps: float = 50.0,
) -> Store:
    """A store with a sequence for each length, by split; of `flat`, sequences that are 2D only."""
    with create_store(path, fps=fps) as writer:
        for split, frames in lengths.items():
            for number, count in enumerate(frames):
                writer.add(
                    f"{split}/{number}.npz",
                    moving(count, seed=number),
                    dataset="even" if number % 2 == 0 else "odd",
                    split=split,
                    fps_source=fps,
                )
        for split, frames in (flat or {}).items():
            for number, count in enumerate(frames):
                name = f"{split}/{number}.json"
                writer.add(name, seen_flat(count, seed=number), split=split, units="px")
    return Store.open(path)
