"""Parses a training's flags, which are the fields of its recipe, and starts it."""

import argparse
import dataclasses
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from motionlift.cli._named_recipe import command_of, name_in
from motionlift.cli._parsing import parse
from motionlift.data.store import Store
from motionlift.errors import OptionError, StoreError
from motionlift.files import written_beside
from motionlift.network.compute import Compute
from motionlift.recipes import RECIPES
from motionlift.recipes.finetuning import FINETUNING
from motionlift.tasks.lift import Lift
from motionlift.training.config import read_toml
from motionlift.training.curves import draw_curves
from motionlift.training.effect import check_effect, check_effect_on
from motionlift.training.loop import Limits, train
from motionlift.training.pictures import draw_samples
from motionlift.training.processes import Processes
from motionlift.training.recipe import Recipe
from motionlift.training.run import Run
from motionlift.training.start import check_samples, check_tools, with_network_of_model


@dataclass(frozen=True, kw_only=True)
class _Options:
    store: Path
    """folder of the store to learn from, as `motionlift data build` makes it"""
    out: Path
    """folder of the run; new, or with --resume one that was started with the same settings"""
    config: Path | None = None
    """TOML file with settings that replace the recipe's, such as a run's config.toml"""
    resume: bool = False
    """go on from the last checkpoint of --out; from the start if there is none"""
    max_steps: int | None = None
    """stop after so many steps in all; the schedule stays the recipe's"""
    global_batch: int | None = None
    """samples a step over all processes, in every stage"""
    checkpoint_minutes: float = 5.0
    """time between checkpoints"""
    device: str | None = None
    """cpu, cuda, cuda:1 ...; the best there is if not given"""


@dataclass(frozen=True, kw_only=True)
class _Pretraining:
    recipe: str = "small"
    """settings to start from; the flags below show and change them"""
    options: Annotated[_Options, tyro.conf.arg(name="")]
    settings: Annotated[Recipe, tyro.conf.arg(name="")]


@dataclass(frozen=True, kw_only=True)
class _Finetuning:
    task: str
    """action, expected-error or pose; the flags below show and change its settings"""
    options: Annotated[_Options, tyro.conf.arg(name="")]
    settings: Annotated[Recipe, tyro.conf.arg(name="")]


_UNSET = _Options(store=tyro.MISSING, out=tyro.MISSING)


def pretrain(arguments: Sequence[str]) -> None:
    """Run `motionlift pretrain` with these arguments."""
    known = _first_pass(arguments, "--recipe", known_to="pretrain", default="small")
    base = RECIPES.get(known.chosen)
    asked = parse(
        _Pretraining,
        arguments,
        prog="motionlift pretrain",
        description="Train a motion encoder on a store, by a recipe.",
        default=_Pretraining(
            recipe=known.chosen, options=_UNSET, settings=_configured(base, known.config)
        ),
    )
    _run(asked.settings, asked.options, base=base, after=lambda *_: None)


def finetune(arguments: Sequence[str]) -> None:
    """Run `motionlift finetune` with these arguments."""
    known = _first_pass(arguments, "--task", known_to="finetune", default="action")
    base = FINETUNING.get(known.chosen)
    asked = parse(
        _Finetuning,
        arguments,
        prog="motionlift finetune",
        description="Train a head, and slowly the encoder below it, for a task on a store.",
        default=_Finetuning(
            task=known.chosen if known.is_given else tyro.MISSING,
            options=_UNSET,
            settings=_configured(base, known.config),
        ),
    )
    if not asked.settings.model:
        raise OptionError(
            "--model is empty, but finetuning begins from weights; --from-scratch takes only "
            "their sizes"
        )
    _run(asked.settings, asked.options, base=base, after=_score_on_test)


def _run(
    recipe: Recipe,
    options: _Options,
    *,
    base: Recipe,
    after: Callable[[Recipe, Store, Run, Compute, Callable[[str], None]], None],
) -> None:
    limits = Limits(max_steps=options.max_steps, checkpoint_minutes=options.checkpoint_minutes)
    recipe = _with_global_batch(recipe, options.global_batch, base=base)
    check_effect(recipe, base=base)
    recipe = with_network_of_model(recipe, base=base)
    processes = Processes.start(options.device)
    compute = Compute.choose(device=options.device, precision=recipe.precision)
    was_restarted = processes.were_restarted(device=compute.device)
    resume = options.resume or was_restarted
    store = Store.open(options.store)
    check_effect_on(store, recipe, base=base)
    notes = check_samples(recipe, store)
    check_tools(recipe, device=compute.device)
    run = Run(options.out)
    say = _say if processes.is_first else _say_nothing
    if resume and run.config_path.exists():
        run.check(recipe, store=store)
    elif processes.is_first:
        run.create(recipe, store=store)
    say(f"recipe {recipe.name}: {recipe.summary}")
    say(f"on {compute.reason}; {processes.count} process{'es' * (processes.count > 1)}")
    if was_restarted:
        say("started anew by torchrun after a process had died: --resume is understood")
    for note in notes:
        say(note)
    try:
        state = train(
            recipe,
            store=store,
            run=run,
            compute=compute,
            resume=resume,
            limits=limits,
            processes=processes,
            say=say,
        )
        if processes.is_first:
            if state.step:
                _draw(recipe, store, run, compute, say)
            if not state.is_stopped:
                after(recipe, store, run, compute, say)
            kept = [str(run.path / name) for name in ("best", "last") if (run.path / name).is_dir()]
            say(f"weights: {' and '.join(kept) or 'none yet'}; metrics: {run.metrics_path}")
    finally:
        processes.stop()


def _draw(
    recipe: Recipe, store: Store, run: Run, compute: Compute, say: Callable[[str], None]
) -> None:
    """The curves, and what the best weights make of clips of held-out people."""
    if draw_curves(run) is None:
        say("no pictures: matplotlib is not here; pip install motionlift[plot]")
    elif isinstance(recipe.task, Lift) and (run.path / "best" / "model.safetensors").is_file():
        model = recipe.task.load(run.path / "best", store).to(compute.device)
        draw_samples(run.samples_path, model, recipe, store, compute)


def _score_on_test(
    recipe: Recipe, store: Store, run: Run, compute: Compute, say: Callable[[str], None]
) -> None:
    """Scores of the best weights on the people that nothing was chosen by, in `test.json`."""
    folder = run.path / "best"
    if not store.select(split="test", units="m") or not (folder / "model.safetensors").is_file():
        say("no test split, or no best weights: nothing to score")
        return
    frames = recipe.stages[-1].frames
    try:
        samples = recipe.samples(store, split="test", frames=frames)
    except StoreError as error:  # such as labels that nobody in training has
        say(f"nothing to score: {error}")
        return
    for note in samples.notes:
        say(note)
    model = recipe.task.load(folder, store).to(compute.device)
    scores = recipe.task.validate(model, samples, compute, most=None)
    with written_beside(run.path / "test.json") as beside:
        beside.write_text(json.dumps({"samples": len(samples)} | scores, indent=2) + "\n", "utf-8")
    say("test, best weights: " + "  ".join(f"{name} {each:.4g}" for name, each in scores.items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    chosen: str
    is_given: bool
    config: Path | None


def _first_pass(arguments: Sequence[str], flag: str, *, known_to: str, default: str) -> _Known:
    """What decides the defaults of all other flags: the flag, or the name in a settings file."""
    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    first.add_argument(flag, dest="chosen")
    first.add_argument("--config", type=Path)
    known, _ = first.parse_known_args(list(arguments))
    named = name_in(known.config)
    chosen = known.chosen or (named if command_of(named) == known_to else None)
    return _Known(chosen=chosen or default, is_given=chosen is not None, config=known.config)


def _configured(base: Recipe, config: Path | None) -> Recipe:
    return base if config is None else read_toml(config, like=base)


def _with_global_batch(recipe: Recipe, batch: int | None, *, base: Recipe) -> Recipe:
    if batch is None:
        return recipe
    before = [stage.batch for stage in recipe.stages]
    if before not in ([stage.batch for stage in base.stages], [batch] * len(before)):
        raise OptionError(
            "stages.*.batch has no effect with --global-batch, which sets it in every stage; "
            "give one of them"
        )
    stages = tuple(dataclasses.replace(stage, batch=batch) for stage in recipe.stages)
    return dataclasses.replace(recipe, stages=stages)


def _say(line: str) -> None:
    print(line, flush=True)


def _say_nothing(line: str) -> None:
    pass
