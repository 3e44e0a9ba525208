"""Where a network runs and how precisely, each with the reason, which the command line prints.

And how much memory that took.
"""

import contextlib
import re
import sys
from dataclasses import dataclass

import torch

from motionlift.errors import OptionError

PRECISIONS = ("fp32", "bf16")
_AMPERE = (8, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What was chosen, and why."""

    value: str
    reason: str

    def __str__(self) -> str:
        return f"{self.value} ({self.reason})"


def choose_device(wanted: str | None = None) -> Choice:
    """The device asked for, or the fastest that is here.

    Raises:
        OptionError: if the device asked for is not a device, or not here.
    """
    if wanted is not None:
        _check_device(wanted)
        return Choice(value=wanted, reason="as asked")
    if torch.cuda.is_available():
        return Choice(value="cuda", reason=f"found {torch.cuda.get_device_name()}")
    if torch.backends.mps.is_available():
        return Choice(value="mps", reason="found an Apple GPU")
    threads = torch.get_num_threads()
    return Choice(value="cpu", reason=f"no GPU found; {threads} thread{'s' * (threads != 1)}")


def choose_precision(device: str, wanted: str | None = None) -> Choice:
    """The precision asked for, or bf16 where the device multiplies it in hardware, else fp32.

    Raises:
        OptionError: if the precision asked for is unknown.
    """
    if wanted is not None:
        if wanted not in PRECISIONS:
            raise OptionError(f"no precision is named '{wanted}'; there are: {_list(PRECISIONS)}")
        return Choice(value=wanted, reason="as asked")
    kind = torch.device(device).type
    if kind == "cuda":
        if torch.cuda.get_device_capability(device) >= _AMPERE:
            return Choice(value="bf16", reason="the GPU has bf16 units")
        return Choice(value="fp32", reason="the GPU is older than bf16 units")
    if kind == "cpu":
        found = _bf16_units_of_the_cpu()
        if found:
            return Choice(value="bf16", reason=f"the CPU has {found}")
        return Choice(value="fp32", reason="the CPU has neither avx512_bf16 nor amx_bf16")
    return Choice(value="fp32", reason=f"bf16 is untested on {kind}")


def autocast(device: str, precision: str) -> contextlib.AbstractContextManager[None]:
    """The context in which a network runs at that precision; its parameters stay fp32."""
    if precision == "fp32":
        return contextlib.nullcontext()
    return torch.autocast(torch.device(device).type, dtype=torch.bfloat16)


def _check_device(wanted: str) -> None:
    named = re.fullmatch(r"(cpu|cuda|mps)(?::(0|[1-9][0-9]*))?", wanted)
    if named is None:
        raise OptionError(f"no device is named '{wanted}'; there are: cpu, cuda, cuda:1, ..., mps")
    kind, number = named.groups()
    here = {
        "cpu": 1,
        "cuda": torch.cuda.device_count(),
        "mps": int(torch.backends.mps.is_available()),
    }
    if int(number or 0) >= here[kind]:
        raise OptionError(f"device '{wanted}' is not here; without --device the best one is taken")


def _bf16_units_of_the_cpu() -> str:
    """Names of the CPU's bf16 instructions, "" without any (or if PyTorch is too old to tell)."""
    probe = getattr(torch.cpu, "get_capabilities", None)
    capabilities = probe() if probe is not None else {}
    return _list([name for name in ("avx512_bf16", "amx_bf16") if capabilities.get(name)])


def _list(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(names)


def peak_memory_mb(device: torch.device) -> float:
    """The most memory that this process has held: of the GPU, or resident."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
