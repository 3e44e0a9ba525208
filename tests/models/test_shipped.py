"""The weights that ship are whole, say what they are, and lift."""

import numpy as np
import pytest

from motionlift.example import make_example
from motionlift.lifting import Lifter
from motionlift.network.weights import MODELS, load_model, model_names
from motionlift.poses import to_h36m17
from motionlift.skeletons import H36M17


@pytest.mark.parametrize("name", model_names())
def test_a_card_says_what_the_weights_learned_from_and_how_far_they_came(name: str) -> None:
    card = load_model(name).card
    assert card is not None
    assert {"data", "notices", "retrain", "limits", "compute", "conventions"} <= set(card)
    assert sum(entry["minutes"] for entry in card["data"]) > 60
    assert any("mocap.cs.cmu.edu" in notice for notice in card["notices"])
    pooled = card["benchmark"]["conditions"]["clean"]["pooled"]
    assert 0 < pooled["mpjpe_mm"] < 100


@pytest.mark.parametrize("name", model_names())
def test_weights_fit_a_wheel(name: str) -> None:
    assert (MODELS / f"{name}.safetensors").stat().st_size < 8e6


def test_the_default_is_small() -> None:
    assert load_model("default").name == "small"


def test_the_example_is_lifted_a_third_better_than_flat() -> None:
    example = make_example()
    lifted = Lifter(load_model("default"), precision="fp32").lift_pose(example.keypoints)
    truth = example.truth.positions - example.truth.positions[:, [H36M17.root]]
    # Keypoints are in pixels and the truth in metres: one scale for the whole recording.
    flat = to_h36m17(example.keypoints).keypoints
    flat = np.concatenate([flat - flat[:, [H36M17.root]], np.zeros((*flat.shape[:2], 1))], axis=-1)
    known = np.isfinite(flat).all(axis=-1)
    assert _error(lifted.positions[known], truth[known]) < 0.67 * _error(flat[known], truth[known])


def _error(ours: np.ndarray, theirs: np.ndarray) -> float:
    scale = (ours * theirs).sum() / (ours**2).sum()
    return float(np.linalg.norm(scale * ours - theirs, axis=-1).mean())
