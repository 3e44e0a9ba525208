"""Optimisers and learning rates, as a recipe names them."""

from torch import nn
from torch.optim import Adam, AdamW, Muon, Optimizer

from motionlift.training.recipe import OptimizerSettings


def build_optimizers(model: nn.Module, settings: OptimizerSettings) -> dict[str, Optimizer]:
    """The optimisers of a model's parameters, by name; together they hold each parameter once."""
    if settings.kind == "adam":
        return {"adam": Adam(model.parameters(), lr=settings.learning_rate)}
    if settings.kind == "adamw":
        return {"adamw": _adamw(list(model.parameters()), settings)}
    # Muon orthogonalises the step of a matrix; what is not a matrix, and the embedding and the
    # head, whose rows and columns are not alike, stay with AdamW.
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        is_block_matrix = name.startswith("blocks_") and parameter.ndim == 2
        (matrices if is_block_matrix else others).append(parameter)
    return {
        "muon": Muon(
            matrices,
            lr=settings.muon_learning_rate,
            weight_decay=settings.weight_decay,
            momentum=0.95,
            nesterov=True,
        ),
        "adamw": _adamw(others, settings),
    }


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


def _adamw(parameters: list[nn.Parameter], settings: OptimizerSettings) -> AdamW:
    return AdamW(parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay)
