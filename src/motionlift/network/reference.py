"""The network once more, slowly, as the paper's formulas read: what the fast paths are held to.

B clips, F frames, J joints, C channels. Plain functions over the named tensors of a network, in
whatever precision these have, one token sequence and one head at a time. Nothing but the tests
and the benchmark calls this. Numbers in brackets are equations of Zhu et al., ICCV 2023.
"""

import math
from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from motionlift.network.dstformer import EPSILON, Axis, DSTformerConfig
from motionlift.skeletons import H36M17

Weights = Mapping[str, Tensor]


def lift(
    x: Float[Tensor, "B F J C_in"], weights: Weights, config: DSTformerConfig
) -> Float[Tensor, "B F J C_out"]:
    """Root-relative joints in clip space: X = W E + b."""
    joints = _linear(encode(x, weights, config), weights, "head")
    if config.residual:
        for joint in range(config.num_joints):
            is_seen = x[:, :, joint, 2] > 0
            for axis in (0, 1):
                from_root = x[:, :, joint, axis] - x[:, :, H36M17.root, axis]
                joints[:, :, joint, axis] += torch.where(is_seen, from_root, 0.0)
    return joints


def encode(
    x: Float[Tensor, "B F J C_in"], weights: Weights, config: DSTformerConfig
) -> Float[Tensor, "B F J C_e"]:
    """The representation: E = tanh(W norm(F_N) + b)."""
    F = x.shape[1]
    # F_0 = W x + b + P_spatial + P_temporal
    tokens = _linear(x, weights, "joints_embed")
    tokens = tokens + weights["pos_embed"][0] + weights["temp_embed"][0, :F]
    for level in range(config.depth):
        # F_i = a_st * T(S(F_i-1)) + a_ts * S(T(F_i-1)), products token by token (4)
        st = _block(tokens, weights, f"blocks_st.{level}", config, order=("joints", "frames"))
        ts = _block(tokens, weights, f"blocks_ts.{level}", config, order=("frames", "joints"))
        # (a_st, a_ts) = softmax(W [st, ts] + b) (5)
        a = _softmax(_linear(torch.cat((st, ts), dim=-1), weights, f"ts_attn.{level}"))
        tokens = a[..., 0, None] * st + a[..., 1, None] * ts
    return torch.tanh(_linear(_norm(tokens, weights, "norm"), weights, "pre_logits.fc"))


def _block(
    x: Tensor, weights: Weights, name: str, config: DSTformerConfig, *, order: tuple[Axis, Axis]
) -> Tensor:
    for axis in order:
        suffix = {"joints": "s", "frames": "t"}[axis]
        norm1, norm2 = f"{name}.norm1_{suffix}", f"{name}.norm2_{suffix}"
        attention, mlp = f"{name}.attn_{suffix}", f"{name}.mlp_{suffix}"
        if config.norm == "pre":
            x = x + _attention(_norm(x, weights, norm1), weights, attention, config, axis=axis)
            x = x + _mlp(_norm(x, weights, norm2), weights, mlp)
        else:
            x = _norm(x + _attention(x, weights, attention, config, axis=axis), weights, norm1)
            x = _norm(x + _mlp(x, weights, mlp), weights, norm2)
    return x


def _attention(
    x: Tensor, weights: Weights, name: str, config: DSTformerConfig, *, axis: Axis
) -> Tensor:
    """Attention within each frame (axis "joints") or along each joint's path ("frames")."""
    if axis == "frames":
        swapped = x.transpose(1, 2)
        return _attention(swapped, weights, name, config, axis="joints").transpose(1, 2)
    sequences = [_self_attention(s, weights, name, config.num_heads) for s in x.flatten(0, 1)]
    return torch.stack(sequences).view(x.shape)


def _self_attention(
    tokens: Float[Tensor, "token C"], weights: Weights, name: str, num_heads: int
) -> Float[Tensor, "token C"]:
    """head_i = softmax(Q_i K_i^T / sqrt(d)) V_i; MSA = concat(head_1, ..., head_h) W_p (1, 2)."""
    C = tokens.shape[-1]
    d = C // num_heads
    q, k, v = _linear(tokens, weights, f"{name}.qkv").chunk(3, dim=-1)
    heads = []
    for i in range(num_heads):
        of_head = slice(i * d, (i + 1) * d)
        attention = _softmax(q[:, of_head] @ k[:, of_head].T / math.sqrt(d))
        heads.append(attention @ v[:, of_head])
    return _linear(torch.cat(heads, dim=-1), weights, f"{name}.proj")


def _mlp(x: Tensor, weights: Weights, name: str) -> Tensor:
    hidden = _linear(x, weights, f"{name}.fc1")
    gelu = hidden * (1 + torch.erf(hidden / math.sqrt(2))) / 2
    return _linear(gelu, weights, f"{name}.fc2")


def _norm(x: Tensor, weights: Weights, name: str) -> Tensor:
    centred = x - x.mean(dim=-1, keepdim=True)
    deviation = torch.sqrt((centred**2).mean(dim=-1, keepdim=True) + EPSILON)
    return centred / deviation * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def _linear(x: Tensor, weights: Weights, name: str) -> Tensor:
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def _softmax(x: Tensor) -> Tensor:
    raised = torch.exp(x - x.amax(dim=-1, keepdim=True))
    return raised / raised.sum(dim=-1, keepdim=True)
