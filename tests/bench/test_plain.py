"""The twin that speed is stated against does the same arithmetic."""

import pytest
import torch

from motionlift.bench.cases import QUICK, SMALL, forward_flop
from motionlift.bench.plain import PlainTwin
from motionlift.network.dstformer import FULL, LITE, DSTformer, DSTformerConfig
from motionlift.recipes import RECIPES


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("frames", [1, 9])
def test_the_plain_twin_answers_what_the_network_answers(frames: int, residual: bool) -> None:
    torch.manual_seed(0)
    config = DSTformerConfig(
        dim_feat=32,
        dim_rep=48,
        depth=2,
        num_heads=4,
        mlp_ratio=2,
        max_frames=20,
        residual=residual,
    )
    network = DSTformer(config)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    x = torch.randn(2, frames, 17, 3)
    torch.testing.assert_close(PlainTwin(network)(x), network(x), atol=2e-6, rtol=1e-5)


@pytest.mark.parametrize(("config", "flop"), [(FULL, 370_805_962_752), (LITE, 142_092_652_032)])
def test_arithmetic_is_counted_as_it_was_for_the_published_code(
    config: DSTformerConfig, flop: int
) -> None:
    assert forward_flop(config, frames=243) == pytest.approx(flop, rel=1e-3)


def test_small_is_measured_as_its_recipe_trains_it() -> None:
    recipe = RECIPES.get("small")
    assert recipe.network == SMALL
    stage = max(recipe.stages, key=lambda each: each.epochs)
    assert f"train/small/b{stage.batch}x{stage.frames}" in QUICK
