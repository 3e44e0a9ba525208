"""Make a wider network of one that has learned, so that training can go on with more parameters.

    python scripts/widen.py MODEL.safetensors OUT.safetensors --channels 192

The wider network answers nearly what MODEL answers: a tenth of its error apart, which a few
minutes of training take back. New channels of a token are mixtures of the old ones, so that the
statistics of LayerNorm stay; new heads and hidden channels are noisy copies of old ones; and no
layer reads from what is new until training lets it, because those columns are 0.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from motionlift.network.dstformer import DSTformer
from motionlift.network.weights import load_model, save_weights

_NOISE = 0.5  # of a matrix's deviation: copies that stayed alike would learn alike


def widened(old: DSTformer, *, channels: int, seed: int = 0) -> DSTformer:
    """The network with so many channels, at most twice as many, in heads of the same size."""
    config, random = old.config, torch.Generator().manual_seed(seed)
    C, more = config.dim_feat, channels - config.dim_feat
    size = C // config.num_heads
    if not 0 < more <= C or channels % size or config.dim_rep != C:
        raise SystemExit(f"--channels is a multiple of {size} above {C}, up to {2 * C}")
    heads = channels // size
    new = DSTformer(replace(config, dim_feat=channels, dim_rep=channels, num_heads=heads))
    mixtures = torch.linalg.qr(torch.randn(C, C, generator=random))[0][:more]
    mixing = torch.cat([torch.eye(C), mixtures])

    def written(weight: Tensor) -> Tensor:
        """Rows that write to a token: old channels, and mixtures of them."""
        return torch.einsum("nc,c...->n...", mixing, weight)

    def read(weight: Tensor, width: int) -> Tensor:
        """Columns that read: nothing yet from what is new."""
        return torch.nn.functional.pad(weight, (0, width - weight.shape[-1]))

    def copied(weight: Tensor, rows: int) -> Tensor:
        """Rows of a hidden layer: the old ones, and copies; of a matrix with noise."""
        chosen = torch.randperm(len(weight), generator=random)[: rows - len(weight)]
        fresh = weight[chosen]
        if weight.ndim > 1:
            fresh = fresh + _NOISE * weight.std() * torch.randn(fresh.shape, generator=random)
        return torch.cat([weight, fresh])

    def grown(name: str, weight: Tensor, target: Tensor) -> Tensor:
        is_matrix, layer = weight.ndim > 1, name.rsplit(".", 1)[0].rsplit(".", 1)[-1]
        if name in ("temp_embed", "pos_embed"):
            return torch.einsum("nc,...c->...n", mixing, weight)
        if name.startswith("joints_embed"):
            return written(weight)
        if "norm" in layer:
            return copied(weight, channels)
        if layer == "qkv":
            parts = torch.cat([copied(part, channels) for part in weight.chunk(3)])
            return read(parts, channels) if is_matrix else parts
        if layer in ("proj", "fc2"):
            return read(written(weight), target.shape[-1]) if is_matrix else written(weight)
        if layer in ("fc1", "fc"):
            return (
                read(copied(weight, len(target)), channels)
                if is_matrix
                else copied(weight, len(target))
            )
        if name.startswith("ts_attn") and is_matrix:
            return torch.cat([read(half, channels) for half in weight.chunk(2, dim=-1)], dim=-1)
        return read(weight, channels) if is_matrix else weight  # the head, and the fusion's bias

    theirs = old.state_dict()
    state = {name: grown(name, theirs[name], target) for name, target in new.state_dict().items()}
    new.load_state_dict(state)
    return new.eval()


def main() -> None:
    """Widen, and write with the card of the old weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--channels", type=int, required=True)
    asked = parser.parse_args()
    old = load_model(asked.model)
    old.error_head = None
    new = widened(old, channels=asked.channels)
    keep = {name: each for name, each in (old.card or {}).items() if name != "benchmark"}
    save_weights(asked.out, new, card=keep)
    print(f"{asked.out}: {sum(each.numel() for each in new.parameters()):,} parameters")


if __name__ == "__main__":
    main()
