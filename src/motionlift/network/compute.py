"""Device and precision together, as a training needs them."""

import contextlib
from dataclasses import dataclass
from typing import Literal

import torch

from motionlift.network.device import autocast, choose_device, choose_precision

Precision = Literal["auto", "fp32", "bf16"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compute:
    """Where a network runs and how its matrix products are rounded.

    Attributes:
        device: a torch device.
        precision: "fp32", or "bf16" for autocast to bfloat16.
        reason: why, for people.
    """

    device: torch.device
    precision: str
    reason: str

    @classmethod
    def choose(cls, *, device: str | None = None, precision: Precision = "auto") -> "Compute":
        """What was asked for, or the best that is here.

        Raises:
            OptionError: if the device asked for is not here.
        """
        where = choose_device(device)
        how = choose_precision(where.value, None if precision == "auto" else precision)
        return cls(device=torch.device(where.value), precision=how.value, reason=f"{where}, {how}")

    def autocast(self) -> contextlib.AbstractContextManager[None]:
        """The context under which the network's forward pass runs."""
        return autocast(self.device.type, self.precision)
