"""The training loop, in one place to read: batches in, steps taken, errors watched, state kept."""

import copy
import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

import numpy as np
import torch
from jaxtyping import Int
from torch import nn

from motionlift.data.batch import make_batch
from motionlift.data.clips import Clips
from motionlift.data.draws import Draws
from motionlift.data.store import Store
from motionlift.errors import MotionliftError
from motionlift.network.compute import Compute
from motionlift.network.dstformer import DSTformer
from motionlift.network.weights import save_weights
from motionlift.tasks.lift import loss_terms, total_loss, validate
from motionlift.training.card import make_card
from motionlift.training.optimizers import base_rates, build_optimizers, rate_factor
from motionlift.training.plan import Plan
from motionlift.training.processes import Processes
from motionlift.training.progress import Progress
from motionlift.training.recipe import Recipe
from motionlift.training.run import Run
from motionlift.training.state import TrainingState

VALIDATION_CLIPS = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What bounds a training beside its recipe.

    Attributes:
        max_steps: stop after so many steps in all; the schedule stays the recipe's.
        checkpoint_minutes: time between checkpoints.
    """

    max_steps: int | None = None
    checkpoint_minutes: float = 5.0


def train(
    recipe: Recipe,
    *,
    store: Store,
    run: Run,
    compute: Compute,
    resume: bool = False,
    limits: Limits | None = None,
    processes: Processes | None = None,
    say: Callable[[str], None] = print,
) -> TrainingState:
    """Train by a recipe; the run folder holds all that comes of it.

    With `resume`, it goes on from the last checkpoint, and on a CPU every later line of the metrics
    is what it would have been without the stop. Ctrl-C and SIGTERM save and end it.

    Raises:
        MotionliftError: if the loss is not finite; it names the step and the clips.
    """
    limits, processes = limits or Limits(), processes or Processes()
    plan = Plan(recipe, store)
    last_step = min(plan.total_steps, limits.max_steps or plan.total_steps)
    torch.manual_seed(recipe.seed)
    model = DSTformer(recipe.network).to(compute.device)
    state = TrainingState(
        model=model,
        average=copy.deepcopy(model) if recipe.average > 0 else None,
        optimizers=build_optimizers(model, recipe.optimizer),
    )
    if resume and run.state_path.exists():
        state.load(run.state_path)
    if processes.is_first:
        run.truncate_metrics(step=state.step)
    progress = Progress(
        first_step=state.step, last_step=last_step, plan=plan, compute=compute, say=say
    )
    wrapped = processes.wrap(model)
    saved_at = time.monotonic()
    with _stop_signals() as stop:
        for epoch in plan.from_step(state.step):
            for samples in plan.batches(epoch, step=state.step):
                if state.step >= last_step or processes.any(stop.asked, device=compute.device):
                    break
                own, weight = processes.share(samples)
                numbers = torch.from_numpy(own)
                cpu_draws = Draws.of(numbers, seed=recipe.seed, epoch=epoch.number)
                draws = Draws.of(numbers.to(compute.device), seed=recipe.seed, epoch=epoch.number)
                batch = make_batch(
                    epoch.clips.cut(own, cpu_draws), draws, recipe.data, device=compute.device
                )
                rates = _set_rates(state, recipe, epoch=epoch.number, total_steps=plan.total_steps)
                with compute.autocast():
                    predicted = wrapped(batch.inputs)
                terms = loss_terms(predicted.float(), batch, recipe.losses)
                loss = total_loss(terms, recipe.losses)
                for optimizer in state.optimizers.values():
                    optimizer.zero_grad()
                torch.autograd.backward(loss * weight)
                if recipe.optimizer.clip > 0:
                    nn.utils.clip_grad_norm_(model.parameters(), recipe.optimizer.clip)
                mean = processes.mean(loss.detach() * weight).item()
                if not math.isfinite(mean):
                    raise MotionliftError(_not_finite(run, epoch.clips, own, step=state.step))
                for optimizer in state.optimizers.values():
                    optimizer.step()
                state.step += 1
                state.follow(decay=recipe.average)
                row = {"step": state.step, "epoch": epoch.number, "split": "train", "loss": mean}
                row |= {name: term.item() for name, term in terms.items()} | rates
                if processes.is_first:
                    run.log(row)
                    progress.show(row, clips=len(samples))
                is_last = state.step == last_step
                if state.step % recipe.validate_every == 0 or is_last:
                    _validate_and_keep(
                        state, recipe, store, run, compute, epoch.stage.frames, processes, progress
                    )
                is_due = time.monotonic() - saved_at > 60 * limits.checkpoint_minutes
                if processes.is_first and (is_due or is_last):
                    _keep_last(state, recipe, store, run, epoch.stage.frames)
                    saved_at = time.monotonic()
    if processes.is_first and stop.asked:
        _keep_last(state, recipe, store, run, plan.frames_at(state.step))
        say(f"stopped after step {state.step}; --resume goes on from there")
    return state


@dataclass(slots=True)
class _Stop:
    asked: bool = False


@contextmanager
def _stop_signals() -> Iterator[_Stop]:
    """Ctrl-C and SIGTERM ask for a stop after the step; a second one stops at once."""
    stop = _Stop()

    def ask(number: int, frame: FrameType | None) -> None:
        if stop.asked:
            raise KeyboardInterrupt
        stop.asked = True

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _set_rates(
    state: TrainingState, recipe: Recipe, *, epoch: int, total_steps: int
) -> dict[str, float]:
    factor = rate_factor(recipe.optimizer, step=state.step, epoch=epoch, total_steps=total_steps)
    bases = base_rates(recipe.optimizer)
    rates = {}
    for name, optimizer in state.optimizers.items():
        for group in optimizer.param_groups:
            group["lr"] = bases[name] * factor
        rates[f"rate_{name}"] = bases[name] * factor
    return rates


def _validate_and_keep(
    state: TrainingState,
    recipe: Recipe,
    store: Store,
    run: Run,
    compute: Compute,
    frames: int,
    processes: Processes,
    progress: Progress,
) -> None:
    """Score the held-out people; keep the weights if they are the best so far."""
    if processes.is_first and store.select(split="val"):
        clips = Clips(store, split="val", frames=frames, stride=frames, settings=recipe.data.clips)
        answers = validate(
            state.answering, clips, recipe.data, compute, most_clips=VALIDATION_CLIPS
        )
        score = sum(answers.values()) / len(answers)
        row = {"step": state.step, "split": "val", "loss": score, "frames": frames} | answers
        run.log(row)
        progress.show_validation(row)
        # Stages see clips of their own length, and their errors are not comparable.
        if score < state.best or frames != state.best_frames:
            state.best, state.best_frames = score, frames
            _keep(state, recipe, store, run, name="best", frames=frames, validation=answers)
        state.model.train()


def _keep_last(state: TrainingState, recipe: Recipe, store: Store, run: Run, frames: int) -> None:
    state.save(run.state_path)
    _keep(state, recipe, store, run, name="last", frames=frames, validation={})


def _keep(
    state: TrainingState,
    recipe: Recipe,
    store: Store,
    run: Run,
    *,
    name: str,
    frames: int,
    validation: dict[str, float],
) -> None:
    # Lifting cuts windows as long as the clips so far: later frames have untrained embeddings.
    card = make_card(recipe, store, step=state.step, clip_frames=frames, validation=validation)
    save_weights(run.path / name / "model.safetensors", state.answering, card=card)


def _not_finite(run: Run, clips: Clips, samples: Int[np.ndarray, " sample"], *, step: int) -> str:
    names = ", ".join(clips.name(int(clip)) for clip in samples[:8])
    return (
        f"{run.path}: the loss is not finite at step {step + 1}, on {names}; the last checkpoint "
        f"is good ({run.state_path}); resume with a lower learning rate or optimizer.clip"
    )
