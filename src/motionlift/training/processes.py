"""One process or many: what torchrun started, and how they agree.

Many processes run the same loop; each takes its share of every batch, gradients are averaged by
DistributedDataParallel, and only the first writes.
"""

import os
from dataclasses import dataclass

import numpy as np
import torch
import torch.distributed as dist
from jaxtyping import Int
from torch import nn
from torch.nn.parallel import DistributedDataParallel


@dataclass(frozen=True, slots=True, kw_only=True)
class Processes:
    """Which of how many processes this is."""

    rank: int = 0
    count: int = 1
    local_rank: int = 0

    @classmethod
    def start(cls) -> "Processes":
        """Join the processes that torchrun started; a single one if it did not."""
        if "RANK" not in os.environ:
            return cls()
        if not dist.is_initialized():
            dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
        return cls(
            rank=dist.get_rank(),
            count=dist.get_world_size(),
            local_rank=int(os.environ.get("LOCAL_RANK", "0")),
        )

    def stop(self) -> None:
        """Leave the group, if there is one."""
        if self.count > 1:
            dist.destroy_process_group()

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def wrap(self, model: nn.Module) -> nn.Module:
        """The model, with gradients averaged over all processes."""
        return DistributedDataParallel(model) if self.count > 1 else model

    def share(self, samples: Int[np.ndarray, " sample"]) -> tuple[Int[np.ndarray, " own"], float]:
        """This process's part of a batch, and what its mean loss counts in the mean over all.

        Parts differ by one sample at most. A process that would get none does the first sample
        with weight 0, so that all take part in every step.
        """
        own = np.array_split(samples, self.count)[self.rank]
        if len(own) == 0:
            return samples[:1], 0.0
        return own, len(own) * self.count / len(samples)

    def any(self, flag: bool, *, device: torch.device) -> bool:
        """Whether the flag is set in any process."""
        if self.count == 1:
            return flag
        value = torch.tensor(float(flag), device=device)
        dist.all_reduce(value, op=dist.ReduceOp.MAX)
        return bool(value.item())

    def mean(self, value: torch.Tensor) -> torch.Tensor:
        """The mean of a number over all processes."""
        if self.count == 1:
            return value
        value = value.detach().clone()
        dist.all_reduce(value)
        return value / self.count
