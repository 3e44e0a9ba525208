"""The training loop, in one place to read: batches in, steps taken, errors watched, state kept."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from motionlift.data.store import Store
from motionlift.errors import OptionError
from motionlift.network.compute import Compute
from motionlift.training.cost import Cost
from motionlift.training.keeping import Keeper
from motionlift.training.microbatch import MicroBatches
from motionlift.training.plan import Plan
from motionlift.training.processes import Processes
from motionlift.training.progress import Progress
from motionlift.training.recipe import Recipe
from motionlift.training.run import Run
from motionlift.training.start import compiled, describe_parts
from motionlift.training.state import TrainingState, first_state
from motionlift.training.step import Step
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

    def __post_init__(self) -> None:
        if self.max_steps is not None and self.max_steps < 1:
            raise OptionError(f"--max-steps is {self.max_steps}, but at least 1")
        if not self.checkpoint_minutes >= 0:
            raise OptionError(f"--checkpoint-minutes is {self.checkpoint_minutes}, but at least 0")


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
    state = first_state(recipe, store, device=compute.device)
    model = state.model
    if resume and run.state_path.exists():
        state.load(run.state_path)
        say(f"resumed at step {state.step}")
    if processes.is_first:
        run.truncate_metrics(step=state.step)
    if recipe.model:
        say(describe_parts(recipe, store, model))
    progress = Progress(
        first_step=state.step,
        last_step=last_step,
        plan=plan,
        compute=compute,
        say=say,
        run=run if processes.is_first else None,
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
    keeper.check_best(state)
    if resume and state.step >= last_step:
        keeper.finish(state, frames=plan.frames_before(state.step))
    cost = Cost(plan, first_step=state.step, last_step=last_step, say=say)
    wrapped = processes.wrap(model)
    saved_at = time.monotonic()
    with stop_signals() as stop:
        step = Step(
            recipe=recipe,
            run=run,
            plan=plan,
            state=state,
            wrapped=wrapped,
            forward=compiled(wrapped) if recipe.compile else wrapped,
            micro_batches=MicroBatches(
                recipe, model, compute=compute, processes=processes, say=say
            ),
            compute=compute,
            processes=processes,
            stop=stop,
        )
        for epoch, samples in plan.steps(state.step, last_step):
            row = step.take(epoch, samples)
            if row is None:
                break
            if processes.is_first:
                run.log(row)
                progress.show(row, clips=len(samples))
            cost.step_done(state.step, epoch, clips=len(samples))
            is_last = state.step == last_step
            if state.step % recipe.validate_every == 0 or is_last:
                keeper.validate(state, frames=epoch.stage.frames)
            is_due = time.monotonic() - saved_at > 60 * limits.checkpoint_minutes
            if is_due or is_last:
                keeper.keep_last(state, frames=epoch.stage.frames)
                saved_at = time.monotonic()
    if processes.is_first and state.is_stopped:
        keeper.keep_last(state, frames=plan.frames_before(state.step))
        say(f"stopped after step {state.step}; --resume goes on from there")
    return state
