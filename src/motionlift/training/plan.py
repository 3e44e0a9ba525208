"""Which step belongs to which stage, epoch and batch: computed, never remembered."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int

from motionlift.data.store import Sequence as Recording
from motionlift.data.store import Store
from motionlift.tasks import Samples
from motionlift.training.recipe import Recipe, Stage


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Epoch:
    """One pass over the samples of a stage.

    Attributes:
        number: counted over all stages, from 0.
        clips: samples that it sees.
        first_step: the optimiser step it begins with, from 0.
        steps: how many it has.
    """

    number: int
    stage: Stage
    samples: Samples[Any]
    clips: int
    first_step: int
    steps: int


class Plan:
    """All epochs of a recipe on a store."""

    def __init__(self, recipe: Recipe, store: Store) -> None:
        self._seed = recipe.seed
        self.epochs: Sequence[Epoch] = self._laid_out(recipe, store)
        self.total_steps = self.epochs[-1].first_step + self.epochs[-1].steps
        self.total_frames = sum(epoch.clips * epoch.stage.frames for epoch in self.epochs)

    @property
    def sequences(self) -> tuple[Recording, ...]:
        """What the training learns from."""
        return self.epochs[-1].samples.seen(epochs=len(self.epochs))

    def steps(self, first: int, last: int) -> Iterator[tuple[Epoch, Int[np.ndarray, " sample"]]]:
        """Epoch and samples of each step from `first` on, `last` not among them."""
        for epoch in self._from_step(first):
            start = max(first, epoch.first_step)
            batches = self.batches(epoch, step=start)
            yield from ((epoch, samples) for samples in batches[: max(last - start, 0)])
            if epoch.first_step + epoch.steps >= last:
                return

    def frames_before(self, step: int) -> int:
        """Length of the samples that the step before has seen; before the first, of the first."""
        return self._from_step(max(step - 1, 0))[0].stage.frames

    def batches(self, epoch: Epoch, *, step: int) -> list[Int[np.ndarray, " sample"]]:
        """The samples of each step of an epoch, from that step on; the last may have fewer."""
        order = epoch.samples.order(seed=self._seed, epoch=epoch.number)
        size = epoch.stage.batch
        batches = [order[first : first + size] for first in range(0, len(order), size)]
        return batches[max(step - epoch.first_step, 0) :]

    def _from_step(self, step: int) -> list[Epoch]:
        """The epochs that are not over at this step."""
        return [epoch for epoch in self.epochs if epoch.first_step + epoch.steps > step]

    def _laid_out(self, recipe: Recipe, store: Store) -> list[Epoch]:
        epochs: list[Epoch] = []
        first_step = 0
        for stage in recipe.stages:
            samples = recipe.samples(store, split="train", frames=stage.frames, stride=stage.stride)
            for _ in range(stage.epochs):
                number = len(epochs)
                clips = len(samples.order(seed=recipe.seed, epoch=number))
                steps = -(-clips // stage.batch)
                epochs.append(
                    Epoch(
                        number=number,
                        stage=stage,
                        samples=samples,
                        clips=clips,
                        first_step=first_step,
                        steps=steps,
                    )
                )
                first_step += steps
        return epochs
