"""Validation while training runs, and what is kept of it: the best weights, the last, pictures."""

import contextlib
import time
from dataclasses import dataclass, field

from motionlift.data.store import Store
from motionlift.errors import WeightsError
from motionlift.network.compute import Compute
from motionlift.training.card import make_card
from motionlift.training.curves import draw_curves
from motionlift.training.pictures import draw_samples
from motionlift.training.plan import Plan
from motionlift.training.progress import Progress
from motionlift.training.recipe import Recipe
from motionlift.training.run import Run
from motionlift.training.state import TrainingState
from motionlift.training.stopping import check_finite_weights

_VALIDATION_SAMPLES = 512
# Pictures take a second or two: a training that is over sooner draws them at its end.
_SECONDS_BEFORE_PICTURES = 60.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Keeper:
    """Validates a training and keeps its checkpoints; in the first process only.

    Attributes:
        writes: whether this process does any of it.
        begun: when, by the monotonic clock.
    """

    recipe: Recipe
    store: Store
    run: Run
    plan: Plan
    compute: Compute
    progress: Progress
    writes: bool
    begun: float = field(default_factory=time.monotonic)

    def check_best(self, state: TrainingState) -> None:
        """After a kill while the best weights were written, the next to be validated are best."""
        best = self.run.path / "best"
        if self.writes and best.is_dir():
            with contextlib.suppress(WeightsError):
                self.recipe.task.load(best, self.store)
                return
            state.best = float("inf")

    def validate(self, state: TrainingState, *, frames: int) -> None:
        """Score the held-out people; keep the weights if they are the best so far."""
        if not self.writes or not self.store.select(split="val", units="m"):
            return
        task = self.recipe.task
        samples = self.recipe.samples(self.store, split="val", frames=frames)
        scores = task.validate(state.answering, samples, self.compute, most=_VALIDATION_SAMPLES)
        state.model.train()
        error = task.error(scores)
        row = {"step": state.step, "split": "val", "loss": error, "frames": frames} | scores
        self.run.log(row)
        self.progress.show_validation(row)
        # Stages see clips of their own length, and their errors are not comparable.
        if error < state.best or frames != state.best_frames:
            state.best, state.best_frames = error, frames
            self._keep(state, name="best", frames=frames, scores=scores)

    def keep_last(self, state: TrainingState, *, frames: int) -> None:
        """Write the checkpoint that `--resume` goes on from, its weights, and pictures."""
        if not self.writes:
            return
        check_finite_weights(state.model, self.run, step=state.step)
        state.save(self.run.state_path)
        self._keep(state, name="last", frames=frames, scores={})
        self.progress.flush()
        if time.monotonic() - self.begun > _SECONDS_BEFORE_PICTURES:
            draw_curves(self.run)
            draw_samples(
                self.run.samples_path, state.answering, self.recipe, self.store, self.compute
            )

    def finish(self, state: TrainingState, *, frames: int) -> None:
        """After a kill while the last weights were written, all that the last step leaves."""
        if state.best == float("inf"):
            self.validate(state, frames=frames)
        self.keep_last(state, frames=frames)

    def _keep(
        self, state: TrainingState, *, name: str, frames: int, scores: dict[str, float]
    ) -> None:
        # Lifting cuts windows as long as the clips so far: later frames have untrained embeddings.
        card = make_card(
            self.recipe,
            self.store,
            model=state.answering,
            sequences=self.plan.sequences,
            step=state.step,
            clip_frames=frames,
            validation=scores,
        )
        card |= self.recipe.task.card(state.answering)
        self.recipe.task.save(self.run.path / name, state.answering, card=card)
