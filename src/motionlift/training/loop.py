"""The training loop, in one place to read: batches in, steps taken, errors watched, state kept."""

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import nn

from motionlift.data.store import Store
from motionlift.errors import MotionliftError
from motionlift.network.compute import Compute
from motionlift.tasks import Samples
from motionlift.training.keeping import Keeper
from motionlift.training.optimizers import build_optimizers, rate_factor, set_rates
from motionlift.training.plan import Plan
from motionlift.training.processes import Processes
from motionlift.training.progress import Progress
from motionlift.training.recipe import Recipe
from motionlift.training.run import Run
from motionlift.training.start import backbone_scale, build_network, describe_parts
from motionlift.training.state import TrainingState
from motionlift.training.stopping import stop_signals


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
        MotionliftError: if the loss is not finite; it names the step and the samples.
    """
    limits, processes = limits or Limits(), processes or Processes()
    plan = Plan(recipe, store)
    last_step = min(plan.total_steps, limits.max_steps or plan.total_steps)
    model = build_network(recipe, store).to(compute.device)
    state = TrainingState(
        model=model,
        average=copy.deepcopy(model) if recipe.average > 0 else None,
        optimizers=build_optimizers(model, recipe.optimizer, backbone_scale=backbone_scale(recipe)),
    )
    if resume and run.state_path.exists():
        state.load(run.state_path)
    if processes.is_first:
        run.truncate_metrics(step=state.step)
    if recipe.model:
        say(describe_parts(recipe, model))
    progress = Progress(
        first_step=state.step, last_step=last_step, plan=plan, compute=compute, say=say
    )
    keeper = Keeper(
        recipe=recipe,
        store=store,
        run=run,
        plan=plan,
        compute=compute,
        progress=progress,
        writes=processes.is_first,
    )
    wrapped = processes.wrap(model)
    saved_at = time.monotonic()
    with stop_signals() as stop:
        for epoch in plan.from_step(state.step):
            for samples in plan.batches(epoch, step=state.step):
                if state.step >= last_step or processes.any(stop.asked, device=compute.device):
                    break
                own, weight = processes.share(samples)
                batch = epoch.samples.batch(
                    own, seed=recipe.seed, epoch=epoch.number, device=compute.device
                )
                factor = rate_factor(
                    recipe.optimizer,
                    step=state.step,
                    epoch=epoch.number,
                    total_steps=plan.total_steps,
                )
                rates = set_rates(state.optimizers, recipe.optimizer, factor=factor)
                with compute.autocast():
                    answer = wrapped(batch.inputs)
                loss, terms = recipe.task.loss(answer.float(), batch)
                for optimizer in state.optimizers.values():
                    optimizer.zero_grad()
                torch.autograd.backward(loss * weight)
                if recipe.optimizer.clip > 0:
                    nn.utils.clip_grad_norm_(model.parameters(), recipe.optimizer.clip)
                mean = processes.mean(loss.detach() * weight).item()
                if not math.isfinite(mean):
                    raise MotionliftError(_not_finite(run, epoch.samples, own, step=state.step))
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
                    keeper.validate(state, frames=epoch.stage.frames)
                is_due = time.monotonic() - saved_at > 60 * limits.checkpoint_minutes
                if is_due or is_last:
                    keeper.keep_last(state, frames=epoch.stage.frames)
                    saved_at = time.monotonic()
    if processes.is_first and stop.asked:
        keeper.keep_last(state, frames=plan.frames_at(state.step))
        say(f"stopped after step {state.step}; --resume goes on from there")
    return state


def _not_finite(
    run: Run, samples: Samples[Any], own: Int[np.ndarray, " sample"], *, step: int
) -> str:
    names = ", ".join(samples.name(int(sample)) for sample in own[:8])
    return (
        f"{run.path}: the loss is not finite at step {step + 1}, on {names}; the last checkpoint "
        f"is good ({run.state_path}); resume with a lower learning rate or optimizer.clip"
    )
