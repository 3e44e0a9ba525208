"""One process or many: what torchrun started, and how they agree.

Many processes run the same loop; each takes its share of every batch, gradients are averaged by
DistributedDataParallel, and only the first writes. A share that does not fit into memory is taken
in parts, whose gradients add up; processes wait for each other at the last one only.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.distributed as dist
from jaxtyping import Float, Int
from torch import nn
from torch.distributed import PrefixStore, Store, TCPStore  # type: ignore[attr-defined]
from torch.nn.parallel import DistributedDataParallel

from motionlift.errors import MotionliftError, OptionError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """Samples whose loss and gradients are computed at once.

    Attributes:
        samples: their numbers.
        weight: what their mean loss counts in the batch's, times the number of processes.
        is_last: whether the gradients are complete, here, with this part.
    """

    samples: Int[np.ndarray, " part"]
    weight: float
    is_last: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Processes:
    """Which of how many processes this is."""

    rank: int = 0
    count: int = 1

    @classmethod
    def start(cls, device: str | None = None) -> "Processes":
        """Join the processes that torchrun started; a single one if it did not.

        Each takes the GPU of its place on the node, and after that "cuda" means this one.

        Raises:
            OptionError: if many processes are asked to use one GPU, or there are fewer than
                processes.
        """
        if "RANK" not in os.environ:
            return cls()
        on_gpu = _uses_gpu(device)
        if on_gpu:
            place, here = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
            if place >= here:
                raise OptionError(
                    f"process {place + 1} of this machine has no GPU of its own: it has {here}; "
                    f"start torchrun with --nproc-per-node {here}, or train with --device cpu"
                )
            torch.cuda.set_device(place)
        rank, count = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
        if not dist.is_initialized():
            backend = "nccl" if on_gpu else "gloo"
            dist.init_process_group(backend, store=_store(), rank=rank, world_size=count)
        return cls(rank=rank, count=count)

    def stop(self) -> None:
        """Leave the group, if there is one."""
        if dist.is_initialized():
            dist.destroy_process_group()

    def were_restarted(self, *, device: torch.device) -> bool:
        """Whether torchrun started them anew after one had died; each node counts its own."""
        return self.any(_restarts() > 0, device=device)

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def wrap(self, model: nn.Module) -> nn.Module:
        """The model, with gradients averaged over all processes."""
        return DistributedDataParallel(model) if self.count > 1 else model

    def parts(self, samples: Int[np.ndarray, " sample"], *, most: int) -> list[Part]:
        """This process's share of a batch, in parts of at most `most` samples.

        Every process has as many parts as the others, and shares differ by one sample at most. A
        part that would get none does the first sample with weight 0, so that all take part in
        every step.
        """
        own = np.array_split(samples, self.count)[self.rank]
        largest_share = -(-len(samples) // self.count)
        number = -(-largest_share // most)
        return [
            Part(
                samples=part if len(part) else samples[:1],
                weight=len(part) * self.count / len(samples),
                is_last=place == number - 1,
            )
            for place, part in enumerate(np.array_split(own, number))
        ]

    def any(self, flag: bool, *, device: torch.device) -> bool:
        """Whether the flag is set in any process."""
        return self._agreed(float(flag), dist.ReduceOp.MAX, device=device) > 0

    def least(self, number: int, *, device: torch.device) -> int:
        """The smallest of the processes' numbers."""
        return int(self._agreed(float(number), dist.ReduceOp.MIN, device=device))

    def mean(self, values: Float[torch.Tensor, "*value"]) -> Float[torch.Tensor, "*value"]:
        """The mean of each number over all processes."""
        values = values.detach().clone()
        if self.count > 1:
            _all_reduce(values, dist.ReduceOp.SUM)
        return values / self.count

    def _agreed(
        self, number: float, how: dist.ReduceOp.RedOpType, *, device: torch.device
    ) -> float:
        if self.count == 1:
            return number
        value = torch.tensor(number, device=device, dtype=torch.float64)
        _all_reduce(value, how)
        return value.item()


@contextlib.contextmanager
def gradients_shared(model: nn.Module, part: Part) -> Iterator[None]:
    """Around forward and backward: processes add up their gradients if this part is the last.

    Raises:
        MotionliftError: if another process has ended.
    """
    if not isinstance(model, DistributedDataParallel):
        yield
        return
    with _lost_in_one_line(), contextlib.nullcontext() if part.is_last else model.no_sync():
        yield


def _all_reduce(values: torch.Tensor, how: dist.ReduceOp.RedOpType) -> None:
    with _lost_in_one_line():
        dist.all_reduce(values, op=how)


@contextlib.contextmanager
def _lost_in_one_line() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:  # what NCCL and gloo say of it takes many lines
        if not isinstance(error, dist.DistError) and "gloo" not in str(error):
            raise
        raise MotionliftError(
            "another process of this training has ended or cannot be reached; its own message "
            "says why, and --resume goes on from the last checkpoint"
        ) from error


def _restarts() -> int:
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))


def _store() -> Store | None:
    """Where the processes of a node find each other; None for PyTorch's own way.

    torchrun keeps its store over restarts, with the addresses of processes that are no more, and
    whoever is early goes there. The number of the restart keeps them apart, on one node: several
    count differently (docs/scale.md says what is set there).
    """
    if os.environ.get("GROUP_WORLD_SIZE") != "1" or _restarts() == 0:
        return None
    store = TCPStore(os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]), is_master=False)
    return PrefixStore(f"restart {_restarts()}", store)


def _uses_gpu(device: str | None) -> bool:
    kind, _, number = (device or ("cuda" if torch.cuda.is_available() else "cpu")).partition(":")
    if number and kind == "cuda":
        raise OptionError(
            f"--device {device}: each process takes a GPU of its own; leave the number out"
        )
    return kind == "cuda" and torch.cuda.is_available()
