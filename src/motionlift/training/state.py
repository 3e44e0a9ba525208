"""What a checkpoint holds: everything that a training needs to go on as if it had not stopped.

One safetensors file: parameters, their moving average and the optimisers' tensors; the plain
numbers stand as JSON in its header. It is replaced as a whole, so that a kill or a full disk leaves
the one before. Nothing in it is ever executed. There is no random state: every draw is a function
of the seed, the step and the sample.
"""

import copy
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from motionlift.data.store import Store
from motionlift.errors import MotionliftError, WeightsError
from motionlift.files import written_beside
from motionlift.training.optimizers import build_optimizers
from motionlift.training.recipe import Recipe
from motionlift.training.start import backbone_scale, build_network

_HEADER = "motionlift-training-state"


@dataclass(slots=True, kw_only=True, eq=False)
class TrainingState:
    """The moving parts of a training.

    Attributes:
        model: the network as the optimisers move it.
        average: a network with the moving average of its parameters, or None.
        optimizers: by name.
        step: optimiser steps done.
        is_stopped: whether it was asked to stop before its last step; not kept.
        best: lowest validation error so far, on samples of `best_frames` frames.
    """

    model: nn.Module
    average: nn.Module | None
    optimizers: dict[str, Optimizer]
    step: int = 0
    is_stopped: bool = False
    best: float = float("inf")
    best_frames: int = 0

    @property
    def answering(self) -> nn.Module:
        """The network that is validated and kept."""
        return self.model if self.average is None else self.average

    @torch.no_grad()
    def follow(self, *, decay: float) -> None:
        """Move the average towards the parameters; early on it follows faster."""
        if self.average is None:
            return
        now = min(decay, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(
            list(self.average.parameters()), list(self.model.parameters()), 1 - now
        )
        # What is counted rather than learned, such as the statistics of a batch normalisation.
        for ours, theirs in zip(self.average.buffers(), self.model.buffers(), strict=True):
            ours.copy_(theirs)

    def save(self, path: Path) -> None:
        """Write all of it to `path`, whole or not at all.

        Raises:
            MotionliftError: if it cannot be written; what was there before is there still.
        """
        tensors: dict[str, Tensor] = {}
        header: dict[str, Any] = {
            "step": self.step,
            "best": self.best,
            "best_frames": self.best_frames,
            "optimizers": {},
        }
        for part, module in (("model", self.model), ("average", self.average)):
            if module is not None:
                tensors |= {f"{part}/{name}": value for name, value in module.state_dict().items()}
        for name, optimizer in self.optimizers.items():
            stored = optimizer.state_dict()
            header["optimizers"][name] = stored["param_groups"]
            for number, entries in stored["state"].items():
                for key, value in entries.items():
                    tensors[f"optimizer/{name}/{number}/{key}"] = value
        plain = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
        try:
            with written_beside(path) as beside:
                save_file(plain, beside, metadata={_HEADER: json.dumps(header)})
        except (MotionliftError, safetensors.SafetensorError) as error:
            before = _step_of(path)
            left = "there was none before" if before is None else f"that of step {before} is good"
            raise MotionliftError(
                f"{path}: the checkpoint of step {self.step} could not be written "
                f"({_reason(error)}); {left}; make room, then go on with --resume"
            ) from error

    def load(self, path: Path) -> None:
        """Take up what `save` wrote.

        Raises:
            WeightsError: if the file is damaged, or of another network or optimiser.
        """
        try:
            with safetensors.safe_open(path, framework="pt") as opened:
                header = json.loads((opened.metadata() or {})[_HEADER])
                tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
            self._take(header, tensors)
        except (OSError, safetensors.SafetensorError, KeyError, ValueError, RuntimeError) as error:
            raise WeightsError(
                f"{path}: not a checkpoint of this training ({error}); use another folder"
            ) from error

    def _take(self, header: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        for part, module in (("model", self.model), ("average", self.average)):
            if module is not None:
                start = f"{part}/"
                module.load_state_dict(
                    {n[len(start) :]: value for n, value in tensors.items() if n.startswith(start)}
                )
        for name, optimizer in self.optimizers.items():
            state: dict[int, dict[str, Tensor]] = {}
            for key, value in tensors.items():
                kind, _, rest = key.partition("/")
                if kind == "optimizer" and rest.startswith(f"{name}/"):
                    _, number, entry = rest.split("/")
                    state.setdefault(int(number), {})[entry] = value
            groups = header["optimizers"][name]
            optimizer.load_state_dict({"state": state, "param_groups": groups})
        self.step = header["step"]
        self.best, self.best_frames = header["best"], header["best_frames"]


def first_state(recipe: Recipe, store: Store, *, device: torch.device) -> TrainingState:
    """Before the first step: the network that a recipe begins with, and its optimisers."""
    model = build_network(recipe, store).to(device)
    return TrainingState(
        model=model,
        average=copy.deepcopy(model) if recipe.average > 0 else None,
        optimizers=build_optimizers(model, recipe.optimizer, backbone_scale=backbone_scale(recipe)),
    )


def _step_of(path: Path) -> int | None:
    """The step of the checkpoint there; None if there is none that can be read."""
    try:
        with safetensors.safe_open(path, framework="pt") as opened:
            return int(json.loads((opened.metadata() or {})[_HEADER])["step"])
    except (OSError, safetensors.SafetensorError, KeyError, ValueError):
        return None


def _reason(error: Exception) -> str:
    """What the system said, of which `written_beside` and safetensors each make a sentence."""
    found = re.search(r"could not be written \((.+)\)|I/O error: (.+) \(os error", str(error))
    return next(filter(None, found.groups())) if found else str(error)
