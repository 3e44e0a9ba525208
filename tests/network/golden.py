"""The three published-form checkpoints with known outputs."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from motionlift.network.dstformer import DSTformer, DSTformerConfig
from motionlift.network.weights import load_model

NUM_HEADS = {"tiny_a": 4, "tiny_b": 4, "tiny_c": 8}
TINY = DSTformerConfig(
    dim_feat=8, dim_rep=6, depth=2, num_heads=2, mlp_ratio=2, max_frames=5, num_joints=4
)


def load(shared: Path, name: str) -> DSTformer:
    return load_model(shared / "reference" / f"{name}.bin", num_heads=NUM_HEADS[name])


def arrays(shared: Path, name: str) -> dict[str, NDArray[np.float64]]:
    with np.load(shared / "reference" / f"golden_{name}.npz", allow_pickle=False) as file:
        return dict(file)


def clip_lengths(golden: dict[str, NDArray[np.float64]]) -> list[int]:
    return [int(key.removeprefix("x_T")) for key in golden if key.startswith("x_T")]
