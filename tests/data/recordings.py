"""Small recordings of a person who walks, written to files that the readers know."""

from pathlib import Path

import numpy as np
from jaxtyping import Float

# Metres; the person's left is +x, up is +y, they face and walk +z.
_STANDING = {
    "left_hip": (0.09, 0.90, 0.00),
    "left_knee": (0.10, 0.48, 0.02),
    "left_ankle": (0.10, 0.08, -0.02),
    "right_hip": (-0.09, 0.90, 0.00),
    "right_knee": (-0.10, 0.48, 0.02),
    "right_ankle": (-0.10, 0.08, -0.02),
    "left_shoulder": (0.18, 1.40, 0.00),
    "left_elbow": (0.21, 1.12, -0.02),
    "left_wrist": (0.23, 0.88, 0.05),
    "right_shoulder": (-0.18, 1.40, 0.00),
    "right_elbow": (-0.21, 1.12, -0.02),
    "right_wrist": (-0.23, 0.88, 0.05),
    "chest": (0.00, 1.18, -0.03),
    "neck": (0.00, 1.43, -0.02),
    "head": (0.00, 1.53, 0.015),
}
NAMES = tuple(_STANDING)


def walking(
    *, seconds: float = 1.0, fps: float = 50.0, pace: float = 1.0
) -> Float[np.ndarray, "frame joint 3"]:
    """A walk along +z at 1.2 m/s, arms and legs swinging `pace` times a second."""
    time = np.arange(round(seconds * fps) + 1) / fps
    positions = np.tile(np.array(list(_STANDING.values())), (len(time), 1, 1))
    positions[..., 2] += 1.2 * time[:, None]
    swing = np.sin(2 * np.pi * pace * time)
    for joint, reach in (("ankle", 0.25), ("knee", 0.12), ("wrist", -0.2), ("elbow", -0.1)):
        positions[:, NAMES.index(f"left_{joint}"), 2] += reach * swing
        positions[:, NAMES.index(f"right_{joint}"), 2] -= reach * swing
    return positions


def write_recording(
    path: Path,
    positions: Float[np.ndarray, "frame joint 3"] | None = None,
    *,
    fps: float | None = 50.0,
) -> Path:
    """An `.npz` of joint positions, as `motionlift.formats.mocap_npz` reads it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {
        "positions": walking() if positions is None else positions,
        "names": np.array(NAMES),
    }
    if fps is not None:
        arrays["fps"] = np.array(fps)
    np.savez(path, **arrays)
    return path


def write_table(path: Path, rows: list[dict[str, object]]) -> Path:
    """A split table with the columns that the rows have."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = [",".join(columns)]
    lines += [",".join(str(row.get(name, "")) for name in columns) for row in rows]
    path.write_text("\n".join(lines) + "\n")
    return path
