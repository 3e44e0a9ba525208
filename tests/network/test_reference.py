import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from motionlift.network import reference
from motionlift.network.dstformer import DSTformer, Norm
from tests.network.golden import TINY, arrays, load


def test_the_twin_gives_the_published_outputs(shared: Path) -> None:
    golden, model = arrays(shared, "tiny_a"), load(shared, "tiny_a").double()
    x = torch.from_numpy(golden["x_T9"]).double()
    with torch.inference_mode():
        out = reference.lift(x, model.state_dict(), model.config)
    assert np.abs(out.numpy() - golden["out64_T9"]).max() < 1e-12


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("norm", ["pre", "post"])
def test_the_network_and_its_twin_agree_in_value_and_gradient(norm: Norm, residual: bool) -> None:
    torch.manual_seed(0)
    model = DSTformer(dataclasses.replace(TINY, norm=norm, residual=residual)).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    x = torch.randn(2, 5, 4, 3, dtype=torch.float64)
    direction = torch.randn(2, 5, 4, 3, dtype=torch.float64)
    weights = {name: value.detach().requires_grad_() for name, value in model.named_parameters()}
    twin = reference.lift(x, weights, model.config)
    out = model(x)
    torch.testing.assert_close(out, twin, rtol=0, atol=1e-12)
    (out * direction).sum().backward()
    (twin * direction).sum().backward()
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter.grad, weights[name].grad, rtol=1e-9, atol=1e-12)


def test_the_place_of_the_norm_matters() -> None:
    torch.manual_seed(1)
    pre = DSTformer(dataclasses.replace(TINY, dim_feat=64))
    post = DSTformer(dataclasses.replace(pre.config, norm="post"))
    post.load_state_dict(pre.state_dict())
    x = torch.randn(1, 5, 4, 3)
    assert (pre(x) - post(x)).abs().max() > 1e-4


def test_after_a_post_norm_half_every_token_is_normalised() -> None:
    torch.manual_seed(2)
    model = DSTformer(dataclasses.replace(TINY, norm="post"))
    tokens = model.blocks_st[0](torch.randn(1, 5, 4, 8))
    torch.testing.assert_close(tokens.mean(dim=-1), torch.zeros(1, 5, 4), rtol=0, atol=1e-5)
    torch.testing.assert_close(tokens.std(dim=-1, correction=0), torch.ones(1, 5, 4))
