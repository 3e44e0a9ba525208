"""Attention, by the fastest way that this device has for rows of this length.

On CUDA it is PyTorch's fused attention. On a CPU that takes half of a training step in its
backward alone, with tokens by the dozen and sequences by the thousand, so there it is two batched
products and a softmax; but PyTorch's CPU kernels take a row of a softmax at a time, and a row
of 9 frames or 17 joints fills no vector register: in bf16, a training step of a small network spent
a seventh of its time there. As whole-tensor operations the same formulas take a third of that.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

# Longer rows fill the registers (measured: even at 81, slower from there on).
_LONGEST_SHORT_ROW = 64
# CUDA's fused kernels number the sequences of a batch by a side of their grid, which ends here.
_LARGEST_GRID = 65_535
# exp stays within single precision below this, summed over a row, without taking off the maximum.
_LARGEST_EXPONENT = 60.0


def attention(
    q: Float[Tensor, "*batch head query D"],
    k: Float[Tensor, "*batch head key D"],
    v: Float[Tensor, "*batch head key D"],
    *,
    dropout: nn.Dropout,
) -> Float[Tensor, "*batch head query D"]:
    """softmax(q k^T / sqrt(D)) v, with dropout on the weights. Here is decided how."""
    if q.device.type == "cuda":
        return fused_attention(q, k, v, dropout=dropout.p if dropout.training else 0.0)
    return dropout(attention_weights(q, k)) @ v


def fused_attention(
    q: Float[Tensor, "*batch head query D"],
    k: Float[Tensor, "*batch head key D"],
    v: Float[Tensor, "*batch head key D"],
    *,
    dropout: float = 0.0,
) -> Float[Tensor, "*batch head query D"]:
    """The same by PyTorch's fused kernels, in as many calls as their grids need."""
    shape = (*v.shape[:-2], q.shape[-2], v.shape[-1])
    q, k, v = (each.reshape(-1, *each.shape[-3:]) for each in (q, k, v))
    parts = [slice(first, first + _LARGEST_GRID) for first in range(0, len(q), _LARGEST_GRID)]
    mixed = [scaled_dot_product_attention(q[p], k[p], v[p], dropout_p=dropout) for p in parts]
    return (mixed[0] if len(mixed) == 1 else torch.cat(mixed)).reshape(shape)


def attention_weights(
    q: Float[Tensor, "*batch query D"], k: Float[Tensor, "*batch key D"]
) -> Float[Tensor, "*batch query key"]:
    """softmax(q k^T / sqrt(D)), row by row; short rows of bf16 on a CPU by `_ShortSoftmax`."""
    scale = q.shape[-1] ** -0.5
    if q.dtype != torch.bfloat16:
        # Scaled after the product, so that fp32 rounds as the published code does.
        return torch.softmax((q @ k.transpose(-2, -1)) * scale, dim=-1)
    products = (q * scale) @ k.transpose(-2, -1)
    is_short = products.shape[-1] <= _LONGEST_SHORT_ROW
    # A compiler fuses the plain form itself, and cannot look at values as the other does.
    if is_short and q.device.type == "cpu" and not torch.compiler.is_compiling():
        return _ShortSoftmax.apply(products)  # type: ignore[no-untyped-call]
    return torch.softmax(products, dim=-1)


class _ShortSoftmax(torch.autograd.Function):
    """P = exp(X) / rowsum(exp(X)), computed in single precision, kept in that of X."""

    @staticmethod
    def forward(ctx: Any, products: Tensor) -> Tensor:
        x = products.float()
        low, high = (bound.item() for bound in torch.aminmax(x))
        if max(-low, high) < _LARGEST_EXPONENT:
            weights = x.exp_()
            weights.div_(weights.sum(dim=-1, keepdim=True))
        else:
            weights = torch.softmax(x, dim=-1)
        weights = weights.to(products.dtype)
        ctx.save_for_backward(weights)
        return weights

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        """dX = P (G - rowsum(P G))."""
        (kept,) = ctx.saved_tensors
        weights = kept.float()
        product = weights * gradient
        inner = product.sum(dim=-1, keepdim=True)
        return product.sub_(weights.mul_(inner)).to(kept.dtype)
