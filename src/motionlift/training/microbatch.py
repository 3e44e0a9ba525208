"""Micro-batches: how many clips a process holds in memory at once; beyond that, gradients add up.

Nearly all the memory of a step is what the forward pass keeps for the backward pass, and that
grows with every clip. It is measured, on one clip, and not estimated from sizes: precision, device
and head all matter. The memory that is there is counted whole, not as it happens to be free, so
that a resumed run on the same machine adds up its gradients in the same order.
"""

import copy
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from motionlift.network.compute import Compute
from motionlift.tasks import Task
from motionlift.training.plan import Epoch
from motionlift.training.processes import Processes
from motionlift.training.recipe import Recipe

# The rest is for parameters, optimiser, the backward pass's own tensors, and whoever else is there.
_SHARE_OF_CPU = 0.35
_SHARE_OF_GPU = 0.7
_CONTROL_GROUP = Path("/sys/fs/cgroup/memory.max")


class MicroBatches:
    """The largest that fit, stage by stage; says what was chosen, and why."""

    def __init__(
        self,
        recipe: Recipe,
        model: nn.Module,
        *,
        compute: Compute,
        processes: Processes,
        say: Callable[[str], None],
    ) -> None:
        self._recipe, self._model, self._say = recipe, model, say
        self._compute, self._processes = compute, processes
        self._known: dict[tuple[int, int], int] = {}

    def size(self, epoch: Epoch) -> int:
        """The most clips at once of an epoch's; the same in every process."""
        key = (epoch.stage.frames, epoch.stage.batch)
        if key not in self._known:
            self._known[key] = self._choose(epoch)
        return self._known[key]

    def _choose(self, epoch: Epoch) -> int:
        share = -(-epoch.stage.batch // self._processes.count)
        if self._recipe.clips_at_once:
            most, reason = self._recipe.clips_at_once, "as asked"
        else:
            clip = bytes_of_a_clip(
                self._model,
                task=self._recipe.task,
                epoch=epoch,
                compute=self._compute,
                seed=self._recipe.seed,
            )
            there, what = memory(self._compute.device)
            most = self._processes.least(max(1, there // clip), device=self._compute.device)
            reason = f"{_gb(clip)} each, {_gb(there)} for them: {what}"
        if most < share:
            parts = -(-share // most)
            text = f"{share} clips a step in {parts} parts of at most {most} ({reason})"
            self._say(text + _caution(self._model, sees="part"))
        elif self._processes.count > 1 and (caution := _caution(self._model, sees="share")):
            self._say(f"{share} clips a step in each of {self._processes.count} processes{caution}")
        return most


def bytes_of_a_clip(
    model: nn.Module, *, task: Task[Any], epoch: Epoch, compute: Compute, seed: int
) -> int:
    """What one clip of the epoch makes the forward pass keep; the network stays as it is."""
    first = epoch.samples.order(seed=seed, epoch=epoch.number)[:1]
    batch = epoch.samples.batch(first, seed=seed, epoch=epoch.number, device=compute.device)
    trial = copy.deepcopy(model)
    own = {each.untyped_storage().data_ptr() for each in trial.parameters()}
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(note, lambda tensor: tensor), compute.autocast():
        loss, _ = task.loss(trial(batch.inputs).float(), batch)
    del loss
    return max(1, sum(kept.values()))


def memory(device: torch.device) -> tuple[int, str]:
    """Bytes that clips may take on this device, for one process; and in words, of what."""
    if device.type == "cuda":
        whole = torch.cuda.get_device_properties(device).total_memory
        return int(_SHARE_OF_GPU * whole), f"{_SHARE_OF_GPU:.0%} of the GPU's {_gb(whole)}"
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = _CONTROL_GROUP.read_text("ascii").strip() if _CONTROL_GROUP.is_file() else "max"
    if limit.isdigit():
        whole = min(whole, int(limit))
    sharing = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    text = f"{_SHARE_OF_CPU:.0%} of {_gb(whole)} of memory"
    return (
        int(_SHARE_OF_CPU * whole / sharing),
        f"{text}, shared by {sharing} processes" if sharing > 1 else text,
    )


def _caution(model: nn.Module, *, sees: str) -> str:
    if any(
        isinstance(each, (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d))
        for each in model.modules()
    ):
        return (
            f"; batch normalisation sees one {sees} at a time, so this is not quite the whole batch"
        )
    return ""


def _gb(count: float) -> str:
    return f"{count / 2**30:.1f} GB" if count >= 2**30 else f"{count / 2**20:.1f} MB"
