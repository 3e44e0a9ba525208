"""Attention weights, by the fastest way that this device has for rows of this length.

PyTorch's CPU kernels take a row of a softmax at a time, and a row of 9 frames or 17 joints fills
no vector register: in bf16, a training step of a small network spent a seventh of its time there.
Written as whole-tensor operations the same formulas take a third of that.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

# Longer rows fill the registers (measured: even at 81, slower from there on).
_LONGEST_SHORT_ROW = 64
# exp stays within single precision below this, summed over a row, without taking off the maximum.
_LARGEST_EXPONENT = 60.0


def attention_weights(
    products: Float[Tensor, "*batch query key"], *, scale: float
) -> Float[Tensor, "*batch query key"]:
    """softmax(scale * products), row by row. Here is decided how."""
    is_short = products.shape[-1] <= _LONGEST_SHORT_ROW
    is_cpu_bf16 = products.device.type == "cpu" and products.dtype == torch.bfloat16
    # A compiler fuses the plain form itself, and cannot look at values as the other does.
    if is_short and is_cpu_bf16 and not torch.compiler.is_compiling():
        return _ShortSoftmax.apply(products, scale)  # type: ignore[no-untyped-call]
    return torch.softmax(products * scale, dim=-1)


class _ShortSoftmax(torch.autograd.Function):
    """P = exp(s X) / rowsum(exp(s X)), computed in single precision, kept in that of X."""

    @staticmethod
    def forward(ctx: Any, products: Tensor, scale: float) -> Tensor:
        x = products.float().mul_(scale)
        low, high = (bound.item() for bound in torch.aminmax(x))
        if max(-low, high) < _LARGEST_EXPONENT:
            weights = x.exp_()
            weights.div_(weights.sum(dim=-1, keepdim=True))
        else:
            weights = torch.softmax(x, dim=-1)
        weights = weights.to(products.dtype)
        ctx.save_for_backward(weights)
        ctx.scale = scale
        return weights

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """dX = s P (G - rowsum(P G))."""
        (kept,) = ctx.saved_tensors
        weights = kept.float()
        product = weights * gradient
        inner = product.sum(dim=-1, keepdim=True)
        change = product.sub_(weights.mul_(inner)).mul_(ctx.scale)
        return change.to(kept.dtype), None
