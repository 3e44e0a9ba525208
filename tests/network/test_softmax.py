import pytest
import torch
from torch import Tensor

from motionlift.network import softmax
from motionlift.network.softmax import attention_weights

SCALE = 0.25


def _products(length: int, *, spread: float = 4.0) -> Tensor:
    torch.manual_seed(length)
    return (spread * torch.randn(6, 2, length, length)).bfloat16()


def _twin(products: Tensor) -> Tensor:
    """The formula in double precision."""
    raised = torch.exp(SCALE * products.double())
    return raised / raised.sum(dim=-1, keepdim=True)


@pytest.mark.parametrize("length", [1, 2, 9, 17, 64, 65])
def test_short_and_long_rows_follow_the_formula(length: int) -> None:
    products = _products(length)
    weights = attention_weights(products, scale=SCALE)
    assert weights.dtype == torch.bfloat16
    torch.testing.assert_close(weights.double(), _twin(products), rtol=2**-6, atol=1e-6)


@pytest.mark.parametrize("length", [1, 9, 17, 64, 65])
def test_the_gradient_follows_the_formula(length: int) -> None:
    products = _products(length).requires_grad_()
    direction = torch.randn(products.shape)
    attention_weights(products, scale=SCALE).backward(direction.bfloat16())
    exact = products.detach().double().requires_grad_()
    _twin(exact).backward(direction.bfloat16().double())
    assert products.grad is not None
    assert exact.grad is not None
    error = (products.grad.double() - exact.grad).norm() / exact.grad.norm().clamp(min=1)
    assert error < 0.01


def test_products_too_large_to_raise_are_still_right() -> None:
    products = torch.tensor([[4000.0, 3984.0, -4000.0], [-4000.0, -4000.0, -4000.0]]).bfloat16()
    weights = attention_weights(products, scale=SCALE)
    expected = torch.tensor([[0.0, -4.0, -2000.0], [0.0, 0.0, 0.0]]).softmax(dim=-1)
    torch.testing.assert_close(weights.float(), expected, rtol=2**-7, atol=1e-6)


def test_what_is_not_a_number_stays_so() -> None:
    products = _products(9)
    products[0, 0, 0, 0] = torch.nan
    weights = attention_weights(products, scale=SCALE)
    assert weights[0, 0, 0].isnan().all()
    assert weights[1].isfinite().all()


def test_single_precision_is_left_to_pytorch() -> None:
    products = _products(17).float()
    expected = torch.softmax(products * SCALE, dim=-1)
    assert torch.equal(attention_weights(products, scale=SCALE), expected)


def test_the_short_way_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []

    def apply(products: Tensor, scale: float) -> Tensor:
        taken.append(products.shape[-1])
        return products

    monkeypatch.setattr(softmax._ShortSoftmax, "apply", apply)
    for length in (17, 64, 65):
        attention_weights(_products(length), scale=SCALE)
    attention_weights(_products(17).float(), scale=SCALE)
    assert taken == [17, 64]
