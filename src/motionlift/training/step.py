"""One step: a batch's gradients, in parts that fit into memory, and what the optimisers do then."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor, nn

from motionlift.network.compute import Compute
from motionlift.training.microbatch import MicroBatches
from motionlift.training.optimizers import rate_factor, set_rates
from motionlift.training.plan import Epoch, Plan
from motionlift.training.processes import Processes, gradients_shared
from motionlift.training.recipe import Recipe
from motionlift.training.run import Run
from motionlift.training.state import TrainingState
from motionlift.training.stopping import Stop, check_finite


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Step:
    """What a step needs beside its samples.

    Attributes:
        wrapped: the state's model, with gradients averaged over processes.
        forward: the same, compiled if the recipe asks for it.
        stop: whether the user wants the training to end.
    """

    recipe: Recipe
    run: Run
    plan: Plan
    state: TrainingState
    wrapped: nn.Module
    forward: Callable[[Tensor], Tensor]
    micro_batches: MicroBatches
    compute: Compute
    processes: Processes
    stop: Stop

    def take(self, epoch: Epoch, samples: Int[np.ndarray, " batch"]) -> dict[str, Any] | None:
        """The row of the metrics; None if the training was stopped, and this step is done anew.

        Raises:
            MotionliftError: if the loss is not finite; it names the step and the samples.
        """
        recipe, state = self.recipe, self.state
        factor = rate_factor(
            recipe.optimizer,
            step=state.step,
            epoch=epoch.number,
            total_steps=self.plan.total_steps,
        )
        rates = set_rates(state.optimizers, recipe.optimizer, factor=factor)
        means = self._gradients(epoch, samples)
        if means is None:
            state.is_stopped = True
            return None
        check_finite(means["loss"], map(epoch.samples.name, samples), self.run, step=state.step)
        if recipe.optimizer.clip > 0:
            nn.utils.clip_grad_norm_(state.model.parameters(), recipe.optimizer.clip)
        for optimizer in state.optimizers.values():
            optimizer.step()
        state.step += 1
        state.follow(decay=recipe.average)
        return {"step": state.step, "epoch": epoch.number, "split": "train"} | means | rates

    def _gradients(
        self, epoch: Epoch, samples: Int[np.ndarray, " batch"]
    ) -> dict[str, float] | None:
        """Leave the batch's gradients in the parameters; the mean of the loss and of each term."""
        seed, device = self.recipe.seed, self.compute.device
        most = self.micro_batches.size(epoch)
        for optimizer in self.state.optimizers.values():
            optimizer.zero_grad()
        # Dropout too is a function of the step, and differs between processes.
        torch.manual_seed(seed_of_step(seed, self.state.step, self.processes.rank))
        losses = []
        for part in self.processes.parts(samples, most=most):
            if self.processes.any(self.stop.asked, device=device):
                return None
            batch = epoch.samples.batch(part.samples, seed=seed, epoch=epoch.number, device=device)
            with gradients_shared(self.wrapped, part):
                with self.compute.autocast():
                    answer = self.forward(batch.inputs)
                loss, terms = self.recipe.task.loss(answer.float(), batch)
                torch.autograd.backward(loss * part.weight)
            losses.append(part.weight * torch.stack([loss, *terms.values()]).detach())
        numbers = self.processes.mean(torch.stack(losses).sum(dim=0)).tolist()
        return dict(zip(("loss", *terms), numbers, strict=True))


def seed_of_step(seed: int, step: int, rank: int) -> int:
    """A number of its own for each step of each process."""
    return int(np.random.SeedSequence([seed, step, rank]).generate_state(1, np.uint64)[0])
