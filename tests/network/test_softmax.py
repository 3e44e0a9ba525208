import pytest
import torch
from torch import Tensor, nn

from motionlift.network import softmax
from motionlift.network.softmax import attention, attention_weights, fused_attention

D = 16


def _inputs(length: int) -> tuple[Tensor, Tensor]:
    torch.manual_seed(length)
    q, k = 1.5 * torch.randn(2, 6, 3, length, D)
    return q.bfloat16(), k.bfloat16()


def _twin(q: Tensor, k: Tensor) -> Tensor:
    """The formula in double precision."""
    raised = torch.exp(q.double() @ k.double().transpose(-2, -1) / D**0.5)
    return raised / raised.sum(dim=-1, keepdim=True)


@pytest.mark.parametrize("length", [1, 2, 9, 17, 64, 65])
def test_short_and_long_rows_follow_the_formula(length: int) -> None:
    q, k = _inputs(length)
    weights = attention_weights(q, k)
    assert weights.dtype == torch.bfloat16
    error = (weights.double() - _twin(q, k)).abs()
    assert error.max() < 0.02
    assert error.norm() < 0.01 * _twin(q, k).norm()


@pytest.mark.parametrize("length", [2, 9, 17, 64, 65])
def test_the_gradients_follow_the_formula(length: int) -> None:
    inputs = [each.requires_grad_() for each in _inputs(length)]
    direction = torch.randn(6, 3, length, length).bfloat16()
    attention_weights(*inputs).backward(direction)
    exact = [each.detach().double().requires_grad_() for each in inputs]
    _twin(*exact).backward(direction.double())
    for rounded, expected in zip(inputs, exact, strict=True):
        assert rounded.grad is not None
        assert expected.grad is not None
        error = rounded.grad.double() - expected.grad
        assert error.norm() < 0.01 * expected.grad.norm()


@pytest.mark.parametrize("size", [8.0, 64.0])
def test_products_too_large_to_raise_are_still_right(size: float) -> None:
    # Products are 0, -size and size, each times sqrt(D), which is exact in bf16.
    q = torch.zeros(1, D)
    q[0, 0] = 4.0
    k = torch.zeros(3, D)
    k[1, 0], k[2, 0] = -size, size
    weights = attention_weights(q.bfloat16(), k.bfloat16())
    expected = torch.tensor([[0.0, -size, size]]).softmax(dim=-1)
    torch.testing.assert_close(weights.float(), expected, rtol=2**-7, atol=1e-6)


def test_what_is_not_a_number_stays_so() -> None:
    q, k = _inputs(9)
    q[0, 0, 0, 0] = torch.nan
    weights = attention_weights(q, k)
    assert weights[0, 0, 0].isnan().all()
    assert weights[1].isfinite().all()


def test_single_precision_rounds_as_the_published_code() -> None:
    q, k = (each.float() for each in _inputs(17))
    expected = torch.softmax((q @ k.transpose(-2, -1)) * D**-0.5, dim=-1)
    assert torch.equal(attention_weights(q, k), expected)


def test_short_rows_of_bf16_take_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []

    def apply(products: Tensor) -> Tensor:
        taken.append(products.shape[-1])
        return products

    monkeypatch.setattr(softmax._ShortSoftmax, "apply", apply)
    for length in (17, 64, 65):
        attention_weights(*_inputs(length))
    attention_weights(*(each.float() for each in _inputs(17)))
    assert taken == [17, 64]


@pytest.mark.parametrize("most", [5, 12, 65_535])
def test_fused_attention_in_parts_follows_the_formula(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The kernels of CUDA, on a CPU by another implementation; 12 sequences of 3 heads.
    monkeypatch.setattr(softmax, "_LARGEST_GRID", most)
    torch.manual_seed(0)
    inputs = [torch.randn(2, 6, 3, 17, D, requires_grad=True) for _ in range(3)]
    mixed = fused_attention(*inputs)
    q, k, v = (each.detach().double().requires_grad_() for each in inputs)
    expected = _twin(q, k) @ v
    assert torch.equal(torch.tensor(mixed.shape), torch.tensor(expected.shape))
    torch.testing.assert_close(mixed.double(), expected, rtol=1e-5, atol=1e-5)
    direction = torch.randn_like(mixed)
    mixed.backward(direction)
    expected.backward(direction.double())
    for each, exact in zip(inputs, (q, k, v), strict=True):
        assert each.grad is not None and exact.grad is not None
        torch.testing.assert_close(each.grad.double(), exact.grad, rtol=1e-4, atol=1e-5)


def test_a_batch_beyond_the_grid_is_split_into_as_few_calls_as_can_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes = []

    def record(q: Tensor, k: Tensor, v: Tensor, *, dropout_p: float) -> Tensor:
        sizes.append(len(q))
        assert dropout_p == 0.25
        return v

    monkeypatch.setattr(softmax, "scaled_dot_product_attention", record)
    # 270 clips of 243 frames.
    q = torch.zeros(270, 243, 1, 1, 1)
    assert fused_attention(q, q, q, dropout=0.25).shape == q.shape
    assert sizes == [65_535, 75]


def test_a_cpu_takes_products_and_dropout_falls_on_the_weights() -> None:
    q, k = _inputs(9)
    v = torch.eye(9).bfloat16().expand(6, 3, 9, 9)
    torch.testing.assert_close(
        attention(q, k, v, dropout=nn.Dropout(0.5).eval()), attention_weights(q, k)
    )
    torch.manual_seed(0)
    dropped = attention(q, k, v, dropout=nn.Dropout(0.5))
    share = (dropped == 0).float().mean()
    assert 0.4 < share < 0.6
