"""Learning rates by their formulas, and which parameters each optimiser moves."""

import pytest
import torch
from torch import nn

from motionlift.network.dstformer import DSTformer
from motionlift.training.optimizers import build_optimizers, rate_factor, set_rates
from motionlift.training.recipe import OptimizerSettings
from motionlift.training.state import TrainingState
from tests.training.small_runs import TINY


def factors(settings: OptimizerSettings, *, steps: int) -> list[float]:
    """Of a training of so many steps, five an epoch."""
    return [
        rate_factor(settings, step=step, epoch=step // 5, total_steps=steps)
        for step in range(steps)
    ]


def test_the_papers_rate_falls_by_its_factor_after_each_epoch() -> None:
    settings = OptimizerSettings(schedule="exponential", epoch_factor=0.99)
    assert factors(settings, steps=12) == [1.0] * 5 + [0.99] * 5 + [0.99**2] * 2


def test_a_linear_rate_is_nearly_0_at_the_last_step() -> None:
    found = factors(OptimizerSettings(schedule="linear"), steps=10)
    assert found == pytest.approx([1 - step / 10 for step in range(10)])
    assert found[-1] == pytest.approx(1 / 10)


def test_the_warmup_rises_from_its_first_step_to_the_whole_rate() -> None:
    found = factors(OptimizerSettings(schedule="linear", warmup=4), steps=100)
    assert found[:4] == pytest.approx([(k + 1) / 4 * (1 - k / 100) for k in range(4)])
    assert found[4] == pytest.approx(1 - 4 / 100)


@pytest.mark.parametrize("kind", ["adam", "adamw", "muon"])
def test_each_parameter_is_moved_by_one_optimiser_at_its_rate(kind: str) -> None:
    model = DSTformer(TINY.network)
    settings = OptimizerSettings(kind=kind, learning_rate=1e-3, muon_learning_rate=0.02)  # type: ignore[arg-type]
    optimizers = build_optimizers(model, settings, backbone_scale=0.1)
    moved = [
        parameter
        for optimizer in optimizers.values()
        for group in optimizer.param_groups
        for parameter in group["params"]
    ]
    assert sorted(map(id, moved)) == sorted(map(id, model.parameters()))
    rates = set_rates(optimizers, settings, factor=0.5)
    base = "adam" if kind == "adam" else "adamw"
    assert rates[f"rate_{base}_head"] == pytest.approx(0.5e-3)
    assert rates[f"rate_{base}_backbone"] == pytest.approx(0.5e-4)
    if kind == "muon":
        assert rates["rate_muon_backbone"] == pytest.approx(0.5 * 0.02 * 0.1)
        matrices = {id(each) for each in optimizers["muon"].param_groups[0]["params"]}
        names = {name for name, each in model.named_parameters() if id(each) in matrices}
        assert all("blocks_" in name for name in names)
        assert all(each.ndim == 2 for each in optimizers["muon"].param_groups[0]["params"])


def test_the_average_follows_faster_early_on() -> None:
    model, average = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
    state = TrainingState(model=model, average=average, optimizers={})
    value = 0.0
    with torch.no_grad():
        model.weight.fill_(1.0)
        average.weight.fill_(0.0)
    for step in range(30):
        state.step = step
        state.follow(decay=0.7)
        now = min(0.7, (1 + step) / (10 + step))
        value = now * value + (1 - now)
        assert average.weight.item() == pytest.approx(value)
