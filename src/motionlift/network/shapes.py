"""Works out a network's configuration from its tensors, and says what does not fit."""

import dataclasses
import math
from collections.abc import Iterable, Mapping

import torch

from motionlift.errors import WeightsError
from motionlift.network.dstformer import DSTformer, DSTformerConfig, Norm

Shapes = Mapping[str, tuple[int, ...]]
_SMALLEST = DSTformerConfig(dim_feat=1, dim_rep=1, depth=1, num_heads=1, mlp_ratio=1, max_frames=1)
_MOST_NAMES_SHOWN = 3


def config_from_shapes(
    shapes: Shapes, *, num_heads: int, norm: Norm, where: str
) -> DSTformerConfig:
    """The configuration that has these tensors.

    Head count and place of the norms leave no trace in the shapes, so they are given.

    Args:
        where: the file, for messages.

    Raises:
        WeightsError: if the tensors are those of another architecture (with what is missing and
            what is extra), do not fit each other, or cannot have that many heads.
    """
    levels = {name.split(".")[1] for name in shapes if name.startswith("blocks_st.")}
    depth = max(len(levels), 1)
    _check_names(shapes, dataclasses.replace(_SMALLEST, depth=depth), where=where)
    sources = ("temp_embed", "pos_embed", "joints_embed.weight", "pre_logits.fc.weight")
    temp, pos, embed, logits = (_sizes(shapes, name, where) for name in sources)
    dim_feat, hidden = pos[-1], _sizes(shapes, "blocks_st.0.mlp_s.fc1.weight", where)[0]
    try:
        config = DSTformerConfig(
            dim_feat=dim_feat,
            dim_rep=logits[0],
            depth=depth,
            num_heads=num_heads,
            mlp_ratio=_ratio(hidden, dim_feat),
            max_frames=temp[1],
            num_joints=pos[1],
            dim_in=embed[1],
            dim_out=_sizes(shapes, "head.weight", where)[0],
            norm=norm,
        )
    except WeightsError as error:
        raise WeightsError(f"{where}: {error}") from error
    _check_sizes(shapes, config, where=where)
    return config


def empty_network(config: DSTformerConfig) -> DSTformer:
    """A network without memory for its tensors, to be filled by `load_state_dict(assign=True)`."""
    with torch.device("meta"):
        return DSTformer(config)


def _ratio(hidden: int, dim_feat: int) -> float:
    if hidden % dim_feat == 0:
        return hidden // dim_feat
    ratio = hidden / dim_feat
    # Rounding must not lose the last hidden channel in int(dim_feat * ratio).
    return ratio if int(dim_feat * ratio) == hidden else math.nextafter(ratio, math.inf)


def _sizes(shapes: Shapes, name: str, where: str) -> tuple[int, ...]:
    rank = {"temp_embed": 4, "pos_embed": 3}.get(name, 2)
    if len(shapes[name]) != rank or min(shapes[name]) < 1:
        raise WeightsError(
            f"{where}: {name} has shape {shapes[name]}; a DSTformer's has {rank} axes, none empty"
        )
    return shapes[name]


def _check_names(shapes: Shapes, config: DSTformerConfig, *, where: str) -> None:
    expected = empty_network(config).state_dict().keys()
    missing, extra = expected - shapes.keys(), shapes.keys() - expected
    if missing or extra:
        raise WeightsError(
            f"{where}: not the tensors of a DSTformer of depth {config.depth}; "
            f"missing: {_listed(missing)}; extra: {_listed(extra)}"
        )


def _check_sizes(shapes: Shapes, config: DSTformerConfig, *, where: str) -> None:
    expected = {
        name: tuple(value.shape) for name, value in empty_network(config).state_dict().items()
    }
    wrong = [name for name in expected if shapes[name] != expected[name]]
    if wrong:
        name = wrong[0]
        raise WeightsError(
            f"{where}: {len(wrong)} tensors have another size than the rest asks for, such as "
            f"{name}: {shapes[name]}, where {expected[name]} was expected"
        )


def _listed(names: Iterable[str]) -> str:
    ordered = sorted(names)
    shown = ", ".join(ascii(name)[1:-1][:60] for name in ordered[:_MOST_NAMES_SHOWN])
    more = len(ordered) - _MOST_NAMES_SHOWN
    return (shown or "nothing") + (f" and {more} more" if more > 0 else "")
