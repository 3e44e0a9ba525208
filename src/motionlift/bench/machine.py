"""What the figures were measured on."""

import os
import platform
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

# Tokens, channels in and out of a qkv product of the full network at 243 frames.
GEMM_SHAPE = (4131, 512, 1536)


def describe_machine(device: torch.device) -> dict[str, Any]:
    """Processor, memory, threads, load and library versions."""
    capabilities = torch.cpu.get_capabilities()
    known = ("amx_bf16", "avx512_bf16", "avx512_f", "avx2")
    machine: dict[str, Any] = {
        "processor": _processor(),
        "instructions": [name for name in known if capabilities.get(name)],
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory_gib": _memory_gib(),
        "load_average": list(os.getloadavg()) if hasattr(os, "getloadavg") else None,
        "system": platform.platform(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "motionlift": version("motionlift"),
        "device": str(device),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    if device.type == "cuda":
        machine["gpu"] = torch.cuda.get_device_name(device)
    return machine


def measure_gemm(device: torch.device, *, seconds: float) -> dict[str, float]:
    """The best rate of one matrix product at the network's shape, in TFLOP/s, by precision."""
    rows, inner, columns = GEMM_SHAPE
    rates = {}
    for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        a = torch.randn(rows, inner, device=device, dtype=dtype)
        b = torch.randn(columns, inner, device=device, dtype=dtype)
        best, end = float("inf"), time.monotonic() + seconds
        while time.monotonic() < end:
            began = time.perf_counter()
            torch.nn.functional.linear(a, b)
            synchronise(device)
            best = min(best, time.perf_counter() - began)
        rates[name] = 2 * rows * inner * columns / best / 1e12
    return rates


def synchronise(device: torch.device) -> None:
    """Wait until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (ValueError, OSError, AttributeError):
        return None
