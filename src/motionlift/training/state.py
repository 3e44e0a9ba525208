"""What a checkpoint holds: everything that a training needs to go on as if it had not stopped.

One safetensors file: parameters, their moving average, the optimisers' tensors and torch's random
state; the plain numbers stand as JSON in its header. It is replaced as a whole, so that a kill or a
full disk leaves the one before. Nothing in it is ever executed.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from motionlift.errors import WeightsError
from motionlift.files import written_beside

_HEADER = "motionlift-training-state"


@dataclass(slots=True, kw_only=True, eq=False)
class TrainingState:
    """The moving parts of a training.

    Attributes:
        model: the network as the optimisers move it.
        average: a network with the moving average of its parameters, or None.
        optimizers: by name.
        step: optimiser steps done.
        best: lowest validation error so far, on samples of `best_frames` frames.
    """

    model: nn.Module
    average: nn.Module | None
    optimizers: dict[str, Optimizer]
    step: int = 0
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
        """Write all of it to `path`, whole or not at all."""
        tensors: dict[str, Tensor] = {"rng": torch.get_rng_state()}
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
        with written_beside(path) as beside:
            save_file(plain, beside, metadata={_HEADER: json.dumps(header)})

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
        torch.set_rng_state(tensors["rng"])
        self.step = header["step"]
        self.best, self.best_frames = header["best"], header["best_frames"]
