"""Trainings of seconds, for tests."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from motionlift.data.store import Store
from motionlift.network.compute import Compute
from motionlift.network.dstformer import DSTformerConfig
from motionlift.recipes import RECIPES
from motionlift.training.loop import Limits, train
from motionlift.training.recipe import Recipe, Stage
from motionlift.training.run import Run
from motionlift.training.state import TrainingState

TINY = replace(
    RECIPES.get("demo"),
    name="tiny",
    network=DSTformerConfig(
        dim_feat=16, dim_rep=16, depth=1, num_heads=2, mlp_ratio=2, max_frames=9
    ),
    stages=(
        Stage(frames=3, stride=3, batch=8, epochs=1),
        Stage(frames=9, stride=9, batch=5, epochs=2),
    ),
    precision="fp32",
    average=0.9,
    validate_every=6,
)


def train_tiny(
    path: Path, store: Store, *, recipe: Recipe = TINY, limits: Limits | None = None, **more: Any
) -> tuple[Run, TrainingState]:
    """Train in the folder; a new run unless `resume` is given."""
    run = Run(path)
    if not more.get("resume"):
        run.create(recipe, store=store)
    compute = Compute.choose(device="cpu", precision=recipe.precision)
    state = train(
        recipe, store=store, run=run, compute=compute, limits=limits, say=lambda line: None, **more
    )
    return run, state
