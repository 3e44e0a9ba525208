"""A wider network of one that has learned: the same function at first, and all of it learns."""

from importlib import import_module
from types import ModuleType

import pytest
import torch

from motionlift.network.dstformer import DSTformer, DSTformerConfig
from tests.conftest import ROOT

CONFIG = DSTformerConfig(
    dim_feat=64, dim_rep=64, depth=2, num_heads=4, mlp_ratio=2, max_frames=9, residual=True
)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return import_module("widen")


def _network() -> DSTformer:
    torch.manual_seed(0)
    network = DSTformer(CONFIG).eval()
    with torch.no_grad():
        for name, each in network.named_parameters():
            # As large as what has learned, and with biases, so that nothing is 0 by chance.
            if "norm" not in name:
                each.copy_(torch.randn(each.shape) * (0.1 if each.ndim > 1 else 0.02))
    return network


def test_a_wider_network_answers_nearly_the_same(script: ModuleType) -> None:
    old = _network()
    new = script.widened(old, channels=96)
    assert (new.config.dim_feat, new.config.num_heads, new.config.hidden) == (96, 6, 192)
    x = torch.randn(3, 9, 17, 3)
    x[..., 2] = 1
    with torch.inference_mode():
        moved = (new(x) - old(x)).norm() / (old(x) - DSTformer(CONFIG).eval()(x)).norm()
    assert moved < 0.15


def test_everything_that_is_new_learns(script: ModuleType) -> None:
    new = script.widened(_network(), channels=96).train()
    optimizer = torch.optim.SGD(new.parameters(), lr=1e-2)
    x, y = torch.randn(3, 9, 17, 3), torch.randn(3, 9, 17, 3)
    for _ in range(2):  # columns that are 0 keep the gradient from what they read, for one step
        optimizer.zero_grad()
        (new(x) - y).norm(dim=-1).mean().backward()
        optimizer.step()
    for name, each in new.named_parameters():
        assert each.grad is not None
        if each.ndim > 1 and "embed" not in name:
            assert (each.grad.abs().sum(dim=tuple(range(each.ndim - 1))) > 0).all(), name
