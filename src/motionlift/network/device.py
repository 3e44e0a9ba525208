"""Which device to run on and in which precision, each with the reason, in one place."""

from dataclasses import dataclass
from typing import Literal

import torch

from motionlift.errors import OptionError

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
    precision: Literal["fp32", "bf16"]
    reason: str

    def autocast(self) -> torch.autocast:
        """The context under which the network's forward pass runs."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16")


def choose_compute(*, device: str | None = None, precision: Precision = "auto") -> Compute:
    """The device asked for, or CUDA if there is one, else the CPU; bf16 where the chip has it.

    Raises:
        OptionError: if the device asked for is not here.
    """
    if device is None:
        device, why_device = (
            ("cuda", "a CUDA device is here")
            if torch.cuda.is_available()
            else ("cpu", "no CUDA device is here")
        )
    else:
        why_device = "asked for"
    try:
        chosen = torch.device(device)
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError) as error:
        raise OptionError(
            f"device '{device}' is not available here; use 'cpu' or leave it out"
        ) from error
    if precision != "auto":
        return Compute(
            device=chosen,
            precision=precision,
            reason=f"{chosen} ({why_device}), {precision} (asked for)",
        )
    has_bf16, why = _bf16_hardware(chosen)
    name: Literal["fp32", "bf16"] = "bf16" if has_bf16 else "fp32"
    return Compute(device=chosen, precision=name, reason=f"{chosen} ({why_device}), {name} ({why})")


def _bf16_hardware(device: torch.device) -> tuple[bool, str]:
    if device.type == "cuda":
        major, _ = torch.cuda.get_device_capability(device)
        return major >= 8, f"compute capability {major}.x"
    if device.type != "cpu":
        return False, f"not tried on {device.type}"
    # Without such instructions a CPU emulates bf16, far slower than fp32.
    capabilities = torch.cpu.get_capabilities()
    for name, title in (("amx_bf16", "AMX"), ("avx512_bf16", "AVX-512")):
        if capabilities.get(name, False):
            return True, f"the CPU has {title} instructions for bf16"
    return False, "the CPU has no bf16 instructions"
