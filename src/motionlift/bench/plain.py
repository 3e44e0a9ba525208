"""The plain twin: the published arithmetic in eager PyTorch, against which speed is stated.

The same formulas as `network.dstformer`, written the obvious way with batched matrix products, and
never tuned. Dropout and post-norm, which no published weights use, are left out.
"""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import gelu, layer_norm, linear

from motionlift.network.dstformer import EPSILON, DSTformer, keypoints_from_root


class PlainTwin(nn.Module):
    """A network's parameters, used the plain way."""

    def __init__(self, network: DSTformer) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Float[Tensor, "B F J C_in"]) -> Float[Tensor, "B F J C_out"]:
        """What the network answers."""
        weights = dict(self.network.named_parameters())
        tokens = _affine(x, weights, "joints_embed") + weights["pos_embed"]
        tokens = tokens + weights["temp_embed"][:, : x.shape[1]]
        heads = self.network.config.num_heads
        for level in range(self.network.config.depth):
            st = _half(tokens, weights, f"blocks_st.{level}", axis="s", heads=heads)
            st = _half(st, weights, f"blocks_st.{level}", axis="t", heads=heads)
            ts = _half(tokens, weights, f"blocks_ts.{level}", axis="t", heads=heads)
            ts = _half(ts, weights, f"blocks_ts.{level}", axis="s", heads=heads)
            both = torch.cat((st, ts), dim=-1)
            a = torch.softmax(_affine(both, weights, f"ts_attn.{level}"), dim=-1)
            tokens = a[..., 0:1] * st + a[..., 1:2] * ts
        features = torch.tanh(_affine(_norm(tokens, weights, "norm"), weights, "pre_logits.fc"))
        joints = _affine(features, weights, "head")
        config = self.network.config
        return joints + keypoints_from_root(x, config) if config.residual else joints


def _half(
    x: Float[Tensor, "B F J C"], weights: Mapping[str, Tensor], block: str, *, axis: str, heads: int
) -> Float[Tensor, "B F J C"]:
    normed = _norm(x, weights, f"{block}.norm1_{axis}")
    x = x + _attention(normed, weights, f"{block}.attn_{axis}", axis=axis, heads=heads)
    normed = _norm(x, weights, f"{block}.norm2_{axis}")
    hidden = gelu(_affine(normed, weights, f"{block}.mlp_{axis}.fc1"))
    return x + _affine(hidden, weights, f"{block}.mlp_{axis}.fc2")


def _attention(
    x: Float[Tensor, "B F J C"], weights: Mapping[str, Tensor], name: str, *, axis: str, heads: int
) -> Float[Tensor, "B F J C"]:
    B, F, J, C = x.shape
    qkv = _affine(x, weights, f"{name}.qkv").view(B, F, J, 3, heads, C // heads)
    order = (3, 0, 1, 4, 2, 5) if axis == "s" else (3, 0, 2, 4, 1, 5)
    q, k, v = qkv.permute(order).unbind(0)
    attention = torch.softmax((q @ k.transpose(-2, -1)) * (C // heads) ** -0.5, dim=-1)
    back = (0, 1, 3, 2, 4) if axis == "s" else (0, 3, 1, 2, 4)
    return _affine((attention @ v).permute(back).reshape(B, F, J, C), weights, f"{name}.proj")


def _affine(x: Tensor, weights: Mapping[str, Tensor], name: str) -> Tensor:
    return linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])


def _norm(x: Tensor, weights: Mapping[str, Tensor], name: str) -> Tensor:
    scale, shift = weights[f"{name}.weight"], weights[f"{name}.bias"]
    return layer_norm(x, scale.shape, scale, shift, EPSILON)
