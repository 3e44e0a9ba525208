"""Parses a training's flags, which are the fields of its recipe, and starts it."""

import argparse
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from motionlift.data.store import Store
from motionlift.network.compute import Compute
from motionlift.recipes import RECIPES
from motionlift.training.config import read_toml
from motionlift.training.curves import draw_curves
from motionlift.training.loop import Limits, train
from motionlift.training.processes import Processes
from motionlift.training.recipe import Recipe
from motionlift.training.run import Run


@dataclass(frozen=True, kw_only=True)
class _Arguments:
    store: Path
    """folder of the store to learn from, as `motionlift data build` makes it"""
    out: Path
    """folder of the run; new, or with --resume one that was started with the same settings"""
    recipe: str = "small"
    """settings to start from; the flags below show and change them"""
    config: Path | None = None
    """TOML file with settings that replace the recipe's, such as a run's config.toml"""
    resume: bool = False
    """go on from the last checkpoint of --out; from the start if there is none"""
    max_steps: int | None = None
    """stop after so many steps in all; the schedule stays the recipe's"""
    global_batch: int | None = None
    """clips a step over all processes, in every stage"""
    checkpoint_minutes: float = 5.0
    """time between checkpoints"""
    device: str | None = None
    """cpu, cuda, cuda:1 ...; the best there is if not given"""
    settings: Annotated[Recipe, tyro.conf.arg(name="")]


def pretrain(arguments: Sequence[str]) -> None:
    """Run `motionlift pretrain` with these arguments."""
    asked = _parse(arguments)
    recipe = _with_global_batch(asked.settings, asked.global_batch)
    processes = Processes.start()
    compute = Compute.choose(device=asked.device, precision=recipe.precision)
    store = Store.open(asked.store)
    run = Run(asked.out)
    say = _say if processes.is_first else _say_nothing
    if asked.resume and run.config_path.exists():
        run.check(recipe)
    elif processes.is_first:
        run.create(recipe, store=asked.store)
    say(f"recipe {recipe.name}: {recipe.summary}")
    say(f"on {compute.reason}; {processes.count} process{'es' * (processes.count > 1)}")
    limits = Limits(max_steps=asked.max_steps, checkpoint_minutes=asked.checkpoint_minutes)
    try:
        train(
            recipe,
            store=store,
            run=run,
            compute=compute,
            resume=asked.resume,
            limits=limits,
            processes=processes,
            say=say,
        )
        if processes.is_first:
            draw_curves(run)
            say(
                f"weights: {run.path / 'best'} and {run.path / 'last'}; metrics: {run.metrics_path}"
            )
    finally:
        processes.stop()


def _parse(arguments: Sequence[str]) -> _Arguments:
    """Two passes: the recipe decides what the defaults of all other flags are."""
    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    first.add_argument("--recipe", default="small")
    first.add_argument("--config", type=Path)
    known, _ = first.parse_known_args(list(arguments))
    recipe = RECIPES.get(known.recipe)
    if known.config is not None:
        recipe = read_toml(known.config, like=recipe)
    return tyro.cli(
        _Arguments,
        args=list(arguments),
        prog="motionlift pretrain",
        description="Train a motion encoder on a store, by a recipe.",
        default=_Arguments(
            store=tyro.MISSING, out=tyro.MISSING, recipe=known.recipe, settings=recipe
        ),
    )


def _with_global_batch(recipe: Recipe, batch: int | None) -> Recipe:
    if batch is None:
        return recipe
    stages = tuple(dataclasses.replace(stage, batch=batch) for stage in recipe.stages)
    return dataclasses.replace(recipe, stages=stages)


def _say(line: str) -> None:
    print(line, flush=True)


def _say_nothing(line: str) -> None:
    pass
