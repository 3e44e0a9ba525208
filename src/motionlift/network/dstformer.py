"""The network: a dual-stream spatio-temporal transformer (Zhu et al., ICCV 2023, section 3.2).

B clips, F frames, J joints, C channels, H heads. A token is one joint in one frame; tokens keep
the axes (B, F, J, C) from one end to the other. Tensors have the names that the published
checkpoints give them. `reference.py` says the same in formulas, slowly, and the tests hold this
file to it; `docs/network.md` says it in words.
"""

import contextlib
import math
from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from motionlift.errors import MotionliftError, WeightsError
from motionlift.network.expected_error import ErrorHead
from motionlift.network.softmax import attention
from motionlift.skeletons import H36M17

Norm = Literal["pre", "post"]
Axis = Literal["joints", "frames"]
EPSILON = 1e-6
_WEIGHT_DEVIATION = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class DSTformerConfig:
    """The sizes of a network, and where its LayerNorms stand.

    Attributes:
        dim_feat: channels of a token, C_f in the paper.
        dim_rep: channels of the representation, C_e.
        depth: number of dual-stream modules, N.
        num_heads: attention heads; divides `dim_feat`.
        mlp_ratio: hidden channels of an MLP over `dim_feat`.
        max_frames: longest clip, T_max.
        norm: "pre", LayerNorm before attention and MLP, as the published weights have it;
            "post", after each residual sum, as the paper's text has it.
        dropout: probability to drop an embedding, an attention weight or a channel in training.
        drop_path: probability to drop a residual branch of the last module in training; rises
            linearly to it from 0 in the first.
        residual: whether the head answers with what to add to the keypoints, taken relative to
            the root: x and y are nearly known, depth is what there is to learn. The published
            weights have none.
    """

    dim_feat: int
    dim_rep: int
    depth: int
    num_heads: int
    mlp_ratio: float
    max_frames: int
    num_joints: int = 17
    dim_in: int = 3
    dim_out: int = 3
    norm: Norm = "pre"
    dropout: float = 0.0
    drop_path: float = 0.0
    residual: bool = False

    def __post_init__(self) -> None:
        if not math.isfinite(self.mlp_ratio):
            raise WeightsError(f"network: mlp_ratio is {self.mlp_ratio}, but a finite number")
        sizes = ("dim_feat", "dim_rep", "depth", "num_heads", "hidden", "max_frames")
        for name in (*sizes, "num_joints", "dim_in", "dim_out"):
            if getattr(self, name) < 1:
                raise WeightsError(f"network: {name} is {getattr(self, name)}, but at least 1")
        if self.dim_feat % self.num_heads:
            raise WeightsError(
                f"network: num_heads={self.num_heads} does not divide its {self.dim_feat} channels"
                "; give one that does (of weights, the one that they were trained with)"
            )
        if self.norm not in ("pre", "post"):
            raise WeightsError(f"network: norm is '{self.norm}'; there are: pre, post")
        if not (0 <= self.dropout < 1 and 0 <= self.drop_path < 1):
            raise WeightsError("network: dropout and drop_path lie in [0, 1)")

    @property
    def hidden(self) -> int:
        """Hidden channels of an MLP."""
        return int(self.dim_feat * self.mlp_ratio)


FULL = DSTformerConfig(dim_feat=512, dim_rep=512, depth=5, num_heads=8, mlp_ratio=2, max_frames=243)
LITE = DSTformerConfig(dim_feat=256, dim_rep=512, depth=5, num_heads=8, mlp_ratio=4, max_frames=243)


class DSTformer(nn.Module):
    """Maps keypoints in clip space, with confidence, to root-relative joints in clip space.

    Attributes:
        name: of the weights, "" for those of a new network.
        card: what the weights' JSON says about them; None where there is none.
        error_head: tells the expected error of each joint, for weights that come with one.
    """

    def __init__(self, config: DSTformerConfig) -> None:
        super().__init__()
        self.config = config
        self.name = ""
        self.card: dict[str, Any] | None = None
        self.error_head: ErrorHead | None = None
        C = config.dim_feat
        self.temp_embed = nn.Parameter(torch.zeros(1, config.max_frames, 1, C))
        self.pos_embed = nn.Parameter(torch.zeros(1, config.num_joints, C))
        self.joints_embed = nn.Linear(config.dim_in, C)
        self.embed_dropout = nn.Dropout(config.dropout)
        self.blocks_st = nn.ModuleList(
            Block(config, order=("joints", "frames"), level=level) for level in range(config.depth)
        )
        self.blocks_ts = nn.ModuleList(
            Block(config, order=("frames", "joints"), level=level) for level in range(config.depth)
        )
        self.norm = nn.LayerNorm(C, eps=EPSILON)
        self.pre_logits = nn.ModuleDict({"fc": nn.Linear(C, config.dim_rep)})
        self.head = nn.Linear(config.dim_rep, config.dim_out)
        self.ts_attn = nn.ModuleList(nn.Linear(2 * C, 2) for _ in range(config.depth))
        self._initialise()

    def forward(self, x: Float[Tensor, "B F J C_in"]) -> Float[Tensor, "B F J C_out"]:
        """Root-relative joints in clip space.

        `x` holds (x, y, confidence) in clip space, and (0, 0, 0) where a joint is missing.

        Raises:
            MotionliftError: if the clip is longer than the network was made for, or has another
                number of joints or channels.
        """
        return self.answer(self.encode(x), x)

    def lift(self, x: Float[Tensor, "B F J C_in"]) -> Float[Tensor, "B F J channel"]:
        """The joints as `forward` has them; with an error head, a last channel of expected errors.

        All of them in clip space.
        """
        if self.error_head is None:
            return self(x)
        representation = self.encode(x)
        joints = self.answer(representation, x)
        with _unrounded(x):
            expected = self.error_head.expected(representation)
            return torch.cat([joints, expected[..., None]], dim=-1)

    def answer(
        self, representation: Float[Tensor, "B F J C_e"], x: Float[Tensor, "B F J C_in"]
    ) -> Float[Tensor, "B F J C_out"]:
        """The joints that the head reads from a representation of `x`."""
        with _unrounded(x):
            joints = self.head(representation)
            return joints + keypoints_from_root(x, self.config) if self.config.residual else joints

    def encode(self, x: Float[Tensor, "B F J C_in"]) -> Float[Tensor, "B F J C_e"]:
        """The representation: values in -1..1 for each joint and frame."""
        self._check(x)
        tokens = self.joints_embed(x) + self.pos_embed + self.temp_embed[:, : x.shape[1]]
        tokens = self.embed_dropout(tokens)
        for st, ts, fusion in zip(self.blocks_st, self.blocks_ts, self.ts_attn, strict=True):
            tokens = fuse(st(tokens), ts(tokens), *fusion.parameters())
        with _unrounded(x):
            tokens = self.norm(tokens.to(self.norm.weight.dtype))
            return torch.tanh(self.pre_logits["fc"](tokens))

    def _check(self, x: Tensor) -> None:
        config = self.config
        if x.ndim != 4 or x.shape[2:] != (config.num_joints, config.dim_in):
            raise MotionliftError(
                f"the network takes (clips, frames, {config.num_joints} joints, {config.dim_in} "
                f"channels), but the input has shape {tuple(x.shape)}"
            )
        if not 1 <= x.shape[1] <= config.max_frames:
            raise MotionliftError(
                f"the clip has {x.shape[1]} frames, this network takes 1 to {config.max_frames}; "
                "cut it into windows, as motionlift.lift does"
            )

    def _initialise(self) -> None:
        """Normals for weights and embeddings, zeros for biases, halves for the fusion."""
        if self.pos_embed.is_meta:
            return  # no memory to fill, and a draw would import the compiler: a second of start-up
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=_WEIGHT_DEVIATION)
                nn.init.zeros_(module.bias)
        nn.init.normal_(self.temp_embed, std=_WEIGHT_DEVIATION)
        nn.init.normal_(self.pos_embed, std=_WEIGHT_DEVIATION)
        for fusion in self.ts_attn.children():
            nn.init.zeros_(fusion.get_parameter("weight"))
            nn.init.constant_(fusion.get_parameter("bias"), 0.5)


class Block(nn.Module):
    """One stream of a dual-stream module: a spatial and a temporal half, in the order given."""

    def __init__(self, config: DSTformerConfig, *, order: tuple[Axis, Axis], level: int) -> None:
        super().__init__()
        self.order = order
        self.norm_first = config.norm == "pre"
        C = config.dim_feat
        self.norm1_s, self.norm1_t = nn.LayerNorm(C, eps=EPSILON), nn.LayerNorm(C, eps=EPSILON)
        self.attn_s = Attention(config, over="joints")
        self.attn_t = Attention(config, over="frames")
        self.norm2_s, self.norm2_t = nn.LayerNorm(C, eps=EPSILON), nn.LayerNorm(C, eps=EPSILON)
        self.mlp_s, self.mlp_t = MLP(config), MLP(config)
        self.drop_path = DropPath(config.drop_path * level / max(config.depth - 1, 1))

    def forward(self, x: Float[Tensor, "B F J C"]) -> Float[Tensor, "B F J C"]:
        for axis in self.order:
            if axis == "joints":
                x = self._half(x, self.norm1_s, self.attn_s, self.norm2_s, self.mlp_s)
            else:
                x = self._half(x, self.norm1_t, self.attn_t, self.norm2_t, self.mlp_t)
        return x

    def _half(
        self, x: Tensor, norm1: nn.Module, attention: nn.Module, norm2: nn.Module, mlp: nn.Module
    ) -> Tensor:
        if self.norm_first:
            x = x + self.drop_path(attention(norm1(x)))
            return x + self.drop_path(mlp(norm2(x)))
        x = norm1(x + self.drop_path(attention(x)))
        return norm2(x + self.drop_path(mlp(x)))


class Attention(nn.Module):
    """Attention among the joints of a frame, or among the frames of a joint."""

    def __init__(self, config: DSTformerConfig, *, over: Axis) -> None:
        super().__init__()
        self.over = over
        self.num_heads = config.num_heads
        C = config.dim_feat
        self.proj = nn.Linear(C, C)
        self.qkv = nn.Linear(C, 3 * C)
        self.weight_dropout = nn.Dropout(config.dropout)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Float[Tensor, "B F J C"]) -> Float[Tensor, "B F J C"]:
        axis = 2 if self.over == "joints" else 1
        kind = x.device.type
        is_rounded = torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)
        is_learning = (
            self.training or torch.is_grad_enabled()
        )  # would take longer, and gain nothing
        if is_learning or not is_rounded or x.shape[axis] == 1:
            return self.dropout(self.proj(self._mixed(self.qkv(x))))
        # What all tokens of a sequence share, which of the frames of a joint is most, would cost
        # bf16 the digits that tell them apart. It adds the same to all products of a query, which
        # softmax takes out again; and weights that sum to 1 give it back as it was.
        shared = x.mean(dim=axis, keepdim=True)
        own = nn.functional.linear(x - shared, self.qkv.weight)
        with _unrounded(x):
            query, _, value = self.qkv(shared).chunk(3, dim=-1)
            value = self.proj(value)
        own[..., : x.shape[-1]] += query
        return nn.functional.linear(self._mixed(own), self.proj.weight) + value

    def _mixed(self, qkv: Float[Tensor, "B F J 3*C"]) -> Float[Tensor, "B F J C"]:
        """The values of the sequence, mixed by each token's query."""
        B, F, J, channels = qkv.shape
        heads = qkv.view(B, F, J, 3, self.num_heads, channels // 3 // self.num_heads)
        # The axis attended over goes next to last: (3, B, F, H, J, C/H) or (3, B, J, H, F, C/H).
        order = (3, 0, 1, 4, 2, 5) if self.over == "joints" else (3, 0, 2, 4, 1, 5)
        q, k, v = heads.permute(order).unbind(0)
        mixed = attention(q, k, v, dropout=self.weight_dropout)
        back = (0, 1, 3, 2, 4) if self.over == "joints" else (0, 3, 1, 2, 4)
        return mixed.permute(back).reshape(B, F, J, channels // 3)


class MLP(nn.Module):
    """Two linear layers with an exact GELU between them, token by token."""

    def __init__(self, config: DSTformerConfig) -> None:
        super().__init__()
        self.fc1 = nn.Linear(config.dim_feat, config.hidden)
        self.fc2 = nn.Linear(config.hidden, config.dim_feat)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Float[Tensor, "B F J C"]) -> Float[Tensor, "B F J C"]:
        hidden = self.dropout(nn.functional.gelu(self.fc1(x)))
        return self.dropout(self.fc2(hidden))


class DropPath(nn.Module):
    """Drops a residual branch of whole clips in training, and scales up those it keeps."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, branch: Float[Tensor, "B F J C"]) -> Float[Tensor, "B F J C"]:
        if not self.training or self.probability == 0:
            return branch
        keep = 1 - self.probability
        is_kept = torch.rand(len(branch), 1, 1, 1, device=branch.device) < keep
        return branch * is_kept.to(branch.dtype) / keep


def keypoints_from_root(
    x: Float[Tensor, "B F J C_in"], config: DSTformerConfig
) -> Float[Tensor, "B F J C_out"]:
    """x and y of the input relative to the root's, and depth 0; 0 for a missing joint."""
    image = x[..., :2] - x[..., H36M17.root : H36M17.root + 1, :2]
    # A missing joint stands at (0, 0), the middle of the clip's box: nothing is known of it, so
    # its residual starts from the root.
    image = image * (x[..., 2:3] > 0)
    return nn.functional.pad(image, (0, config.dim_out - 2))


def fuse(
    st: Float[Tensor, "B F J C"],
    ts: Float[Tensor, "B F J C"],
    weight: Float[Tensor, "2 2*C"],
    bias: Float[Tensor, "2"],
) -> Float[Tensor, "B F J C"]:
    """a_st st + a_ts ts with (a_st, a_ts) = softmax(W [st, ts] + b), token by token."""
    # The softmax of two numbers is the sigmoid of their difference.
    of_st, of_ts = (weight[:1] - weight[1:]).chunk(2, dim=-1)
    difference = nn.functional.linear(st, of_st) + nn.functional.linear(ts, of_ts, -bias.diff())
    return torch.lerp(ts, st, torch.sigmoid(difference).to(st.dtype))


def _unrounded(x: Tensor) -> contextlib.AbstractContextManager[None]:
    """Lifts autocast: the last layers cost little, and bf16 in them moves joints by millimetres."""
    if not torch.amp.is_autocast_available(x.device.type):
        return contextlib.nullcontext()
    return torch.autocast(x.device.type, enabled=False)
