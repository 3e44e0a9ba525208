"""The error head: what its loss asks for, what calibration changes, and how it is stored."""

import dataclasses
from pathlib import Path

import pytest
import torch

from motionlift.errors import WeightsError
from motionlift.network.dstformer import DSTformer
from motionlift.network.expected_error import ErrorHead, error_loss
from motionlift.network.weights import load_model, save_weights
from motionlift.skeletons import H36M17
from tests.network.golden import TINY as OTHER

TINY = dataclasses.replace(OTHER, num_joints=17)


def _head(seed: int = 0) -> ErrorHead:
    torch.manual_seed(seed)
    return ErrorHead(TINY.dim_rep, TINY.num_joints, hidden=8)


def test_the_loss_is_lowest_at_the_mean_error_whatever_the_distribution() -> None:
    torch.manual_seed(0)
    error = torch.rand(1, 1, 17000) ** 4  # far from exponential
    weight = torch.ones_like(error)
    log_expected = torch.zeros((), requires_grad=True)
    error_loss(log_expected.expand_as(error), error, weight)
    optimizer = torch.optim.LBFGS([log_expected], max_iter=100)

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        value = error_loss(log_expected.expand_as(error), error, weight)
        torch.autograd.backward(value)
        return value

    optimizer.step(loss)  # type: ignore[arg-type]
    torch.testing.assert_close(log_expected.exp().detach(), error.mean(), rtol=1e-4, atol=0)


def test_joints_of_weight_0_teach_nothing() -> None:
    said, error = torch.zeros(1, 2, 17), torch.ones(1, 2, 17)
    weight = torch.zeros(1, 2, 17)
    weight[:, 0] = 1
    error[:, 1] = 1e6
    assert error_loss(said, error, weight).item() == 0.5


def test_the_root_is_where_it_is_by_definition() -> None:
    expected = _head().expected(torch.randn(2, 3, 17, TINY.dim_rep))
    assert (expected[:, :, H36M17.root] == 0).all()
    assert (expected.sum(dim=(0, 1)) > 0).sum() == 16


def test_calibration_is_a_line_in_the_logarithm() -> None:
    head, seen = _head(), torch.randn(2, 3, 17, TINY.dim_rep)
    before = head(seen)
    head.calibrate(shift=0.25, power=1.5)
    torch.testing.assert_close(head(seen), 0.25 + 1.5 * before)


def test_weights_carry_their_error_head(tmp_path: Path) -> None:
    model = DSTformer(TINY)
    model.error_head = _head()
    save_weights(tmp_path / "tiny.safetensors", model, card={})
    loaded = load_model(tmp_path / "tiny.safetensors")
    seen = torch.randn(1, 2, 17, TINY.dim_rep)
    assert loaded.error_head is not None
    assert torch.equal(loaded.error_head(seen), model.error_head(seen))
    x = torch.randn(1, 2, 17, 3)
    assert torch.equal(loaded(x), model.eval()(x))


def test_weights_without_one_have_none(tmp_path: Path) -> None:
    save_weights(tmp_path / "tiny.safetensors", DSTformer(TINY), card={})
    assert load_model(tmp_path / "tiny.safetensors").error_head is None


@pytest.mark.parametrize("hidden", ["fc1.weight", "fc2.weight", "joint"])
def test_half_a_head_is_refused(tmp_path: Path, hidden: str) -> None:
    model = DSTformer(TINY)
    head = _head()
    model.error_head = head
    part, _, name = hidden.rpartition(".")
    owner = head.get_submodule(part) if part else head
    delattr(owner, name)
    save_weights(tmp_path / "tiny.safetensors", model, card={})
    with pytest.raises(WeightsError, match="error head does not fit"):
        load_model(tmp_path / "tiny.safetensors")
