"""What every task is: its samples, its network, its loss, its validation, and what is kept.

The training loop knows nothing else of a task. A task is a record of its own settings, which are
flags like all settings; adding one is adding one file with one constant, `TASK`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from motionlift.data.batch import DataSettings
from motionlift.data.store import Sequence, Store
from motionlift.network.compute import Compute
from motionlift.network.dstformer import DSTformer


class HasInputs(Protocol):
    """A batch of any task: what the network is given, beside what it should answer."""

    @property
    def inputs(self) -> Float[Tensor, "B F J 3"]: ...


B = TypeVar("B", bound=HasInputs)


class Samples(ABC, Generic[B]):
    """The samples of one split of a store, each with a number.

    Attributes:
        sequences: those that the samples are taken from.
        frames: length of a sample.
        notes: what was left out and why, a sentence each.
    """

    sequences: tuple[Sequence, ...]
    frames: int
    notes: tuple[str, ...] = ()

    @abstractmethod
    def __len__(self) -> int: ...

    def seen(self, *, epochs: int) -> tuple[Sequence, ...]:
        """The sequences that a training of so many epochs learns from."""
        return self.sequences

    @abstractmethod
    def order(self, *, seed: int, epoch: int) -> Int[np.ndarray, " sample"]:
        """The samples of an epoch, shuffled."""

    @abstractmethod
    def name(self, sample: int) -> str:
        """Where a sample comes from, for messages."""

    @abstractmethod
    def batch(
        self, samples: Int[np.ndarray, " sample"], *, seed: int, epoch: int, device: torch.device
    ) -> B:
        """What a step learns from; every draw is a function of seed, epoch and sample."""


class Task(ABC, Generic[B]):
    """What a network is trained for."""

    @property
    @abstractmethod
    def has_new_head(self) -> bool:
        """Whether a network that has learned already gets new layers, named `head`."""

    @abstractmethod
    def samples(
        self, store: Store, *, split: str, frames: int, stride: int, data: DataSettings, seed: int
    ) -> Samples[B]:
        """The samples of a split.

        Raises:
            StoreError: if there are none.
        """

    @abstractmethod
    def build(self, backbone: DSTformer, store: Store) -> nn.Module:
        """The network with this task's head; the names of new parameters begin with `head.`."""

    @abstractmethod
    def loss(
        self, answer: Tensor, batch: B
    ) -> tuple[Float[Tensor, ""], dict[str, Float[Tensor, ""]]]:
        """What is minimised, and its terms by name before they are weighted.

        Each is a mean in which every sample counts the same: the losses of a batch's parts,
        weighted by how many samples they have, add up to that of the batch.
        """

    @abstractmethod
    def validate(
        self, model: nn.Module, samples: Samples[B], compute: Compute, *, most: int | None
    ) -> dict[str, float]:
        """Scores on held-out people, the same views each time; `most` bounds the samples."""

    @abstractmethod
    def error(self, scores: Mapping[str, float]) -> float:
        """The one number, lower is better, by which `best` is chosen."""

    @abstractmethod
    def card(self, model: nn.Module) -> dict[str, Any]:
        """What the weights' card says about this task."""

    @abstractmethod
    def save(self, folder: Path, model: nn.Module, *, card: Mapping[str, Any]) -> None:
        """Write the weights into `folder`, as `model.safetensors` and what else is needed."""

    @abstractmethod
    def load(self, folder: Path, store: Store) -> nn.Module:
        """The network that `save` wrote there."""

    @abstractmethod
    def without_effect(self) -> Mapping[str, str]:
        """Settings of a recipe that this task does not look at, with the reason."""
