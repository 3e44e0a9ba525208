"""Optimisers and learning rates, as a recipe names them."""

from collections.abc import Mapping
from typing import Any

from torch import nn
from torch.optim import Adam, AdamW, Muon, Optimizer

from motionlift.training.recipe import OptimizerSettings
from motionlift.training.start import is_head

Named = Mapping[str, nn.Parameter]


def build_optimizers(
    model: nn.Module, settings: OptimizerSettings, *, backbone_scale: float | None = None
) -> dict[str, Optimizer]:
    """The optimisers of what learns, by name; together they hold each parameter once.

    With `backbone_scale`, head and backbone are groups of their own, and the backbone's rate is
    scaled by it.
    """
    learning = {name: each for name, each in model.named_parameters() if each.requires_grad}
    if settings.kind == "adam":
        groups = _groups(learning, backbone_scale)
        return {"adam": Adam(groups, lr=settings.learning_rate, fused=_fused(learning))}
    if settings.kind == "adamw":
        return {"adamw": _adamw(learning, settings, backbone_scale)}
    # Muon orthogonalises the step of a matrix; what is not a matrix, and the embedding and the
    # head, whose rows and columns are not alike, stay with AdamW.
    matrices = {
        name: each for name, each in learning.items() if "blocks_" in name and each.ndim == 2
    }
    others = {name: each for name, each in learning.items() if name not in matrices}
    if not matrices:
        return {"adamw": _adamw(others, settings, backbone_scale)}
    muon = Muon(
        _groups(matrices, backbone_scale),
        lr=settings.muon_learning_rate,
        weight_decay=settings.weight_decay,
        momentum=0.95,
        nesterov=True,
    )
    return {"muon": muon, "adamw": _adamw(others, settings, backbone_scale)}


def set_rates(
    optimizers: Mapping[str, Optimizer], settings: OptimizerSettings, *, factor: float
) -> dict[str, float]:
    """Set the learning rates of a step; returns them by optimiser, and by group where there are."""
    rates = {}
    bases = base_rates(settings)
    for name, optimizer in optimizers.items():
        for group in optimizer.param_groups:
            group["lr"] = bases[name] * factor * group.get("scale", 1.0)
            part = f"_{group['part']}" if "part" in group else ""
            rates[f"rate_{name}{part}"] = group["lr"]
    return rates


def rate_factor(settings: OptimizerSettings, *, step: int, epoch: int, total_steps: int) -> float:
    """What the base learning rates are multiplied by for this step (counted from 0)."""
    warm = min(1.0, (step + 1) / settings.warmup) if settings.warmup else 1.0
    if settings.schedule == "exponential":
        return warm * settings.epoch_factor**epoch
    return warm * max(0.0, 1 - step / total_steps)


def base_rates(settings: OptimizerSettings) -> dict[str, float]:
    """The learning rate of each optimiser before any schedule, by name."""
    return {
        "adam": settings.learning_rate,
        "adamw": settings.learning_rate,
        "muon": settings.muon_learning_rate,
    }


def _adamw(parameters: Named, settings: OptimizerSettings, scale: float | None) -> AdamW:
    groups = _groups(parameters, scale)
    return AdamW(
        groups,
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
        fused=_fused(parameters),
    )


def _fused(parameters: Named) -> bool | None:
    """Whether a step is one kernel for all parameters: on CUDA; PyTorch decides elsewhere."""
    return True if all(each.is_cuda for each in parameters.values()) else None


def _groups(parameters: Named, scale: float | None) -> list[dict[str, Any]]:
    if scale is None:
        return [{"params": list(parameters.values())}]
    head = [each for name, each in parameters.items() if is_head(name)]
    backbone = [each for name, each in parameters.items() if not is_head(name)]
    groups = [
        {"params": head, "part": "head", "scale": 1.0},
        {"params": backbone, "part": "backbone", "scale": scale},
    ]
    return [group for group in groups if group["params"]]
