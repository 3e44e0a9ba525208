"""The loss of lifting is the published one, term by term, and computes nothing for nothing."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from motionlift.data.batch import Batch
from motionlift.errors import RecipeError
from motionlift.tasks import lift
from motionlift.tasks.lift import Lift, LossWeights

PUBLISHED = {
    "position": "loss_mpjpe",
    "velocity": "loss_velocity",
    "scale": "n_mpjpe",
    "limb_gt": "loss_limb_gt",
    "limb_var": "loss_limb_var",
    "angle": "loss_angle",
    "angle_velocity": "loss_angle_velocity",
}
NOTHING = dict.fromkeys(PUBLISHED, 0.0)


@pytest.fixture(scope="module")
def golden(shared: Path) -> dict[str, np.ndarray]:
    with np.load(shared / "reference" / "losses.npz", allow_pickle=False) as file:
        return dict(file)


def _loss(weights: Mapping[str, float], golden: dict[str, np.ndarray]) -> tuple[float, set[str]]:
    target = torch.from_numpy(golden["gt"])
    ones = torch.ones(target.shape[:3])
    batch = Batch(inputs=target, target=target, weight=ones, scale=ones[:, 0, 0])
    task = Lift(losses=LossWeights(**{**NOTHING, **weights}))
    total, terms = task.loss(torch.from_numpy(golden["pred"]), batch)
    return total.item(), set(terms)


@pytest.mark.parametrize("name", PUBLISHED)
def test_each_term_is_the_published_one_times_its_weight(
    golden: dict[str, np.ndarray], name: str
) -> None:
    total, terms = _loss({name: 3.0}, golden)
    np.testing.assert_allclose(total, 3 * golden[f"{PUBLISHED[name]}/value64"], rtol=1e-12)
    assert terms == {name}


def test_the_published_total_is_a_choice_of_weights(golden: dict[str, np.ndarray]) -> None:
    total, _ = _loss({"position": 1.0, "scale": 0.5, "velocity": 20.0}, golden)
    np.testing.assert_allclose(total, golden["total_3d_published/value64"], rtol=1e-12)


def test_a_term_of_weight_0_is_not_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Tensor) -> Tensor:
        raise AssertionError("computed")

    monkeypatch.setattr(lift, "_TERMS", {**lift._TERMS, "angle": fail})
    target = torch.randn(1, 3, 17, 3)
    batch = Batch(inputs=target, target=target, weight=torch.ones(1, 3, 17), scale=torch.ones(1))
    Lift().loss(target, batch)
    with pytest.raises(AssertionError, match="computed"):
        Lift(losses=LossWeights(angle=0.1)).loss(target, batch)


@pytest.mark.parametrize("lacking", [slice(None), slice(1, 2)])
def test_joints_that_the_capture_lacks_add_nothing(lacking: slice) -> None:
    target = torch.zeros(1, 5, 17, 3)
    answer = target.clone()
    answer[0, lacking, 5] = 7.0
    weight = torch.ones(1, 5, 17)
    weight[0, lacking, 5] = 0
    batch = Batch(inputs=target, target=target, weight=weight, scale=torch.ones(1))
    assert Lift().loss(answer, batch)[0].item() == 0


def test_steps_over_a_frame_that_the_capture_lacks_add_no_velocity() -> None:
    target = torch.zeros(1, 5, 17, 3)
    answer = target.clone()
    answer[0, :, 5, 0] = 1.0
    weight = torch.ones(1, 5, 17)
    weight[0, 2, 5] = 0
    batch = Batch(inputs=target, target=target, weight=weight, scale=torch.ones(1))
    _, terms = Lift().loss(answer, batch)
    assert terms["velocity"].item() == 0
    assert terms["position"].item() == pytest.approx(4 / 5 / 17)


@pytest.mark.parametrize("weights", [NOTHING, {"position": -1.0}, {"velocity": float("nan")}])
def test_weights_that_teach_nothing_or_are_negative_are_refused(weights: dict[str, float]) -> None:
    with pytest.raises(RecipeError, match=r"losses"):
        LossWeights(**weights)
