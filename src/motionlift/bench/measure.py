"""Times a case beside its twins, in alternation, in a process of its own."""

import json
import subprocess
import sys
import time
from typing import Any

import torch

from motionlift.bench.cases import Work, make_case
from motionlift.bench.machine import synchronise
from motionlift.errors import MotionliftError
from motionlift.network.device import peak_memory_mb

_LEAST_ROUNDS = 2


def measure(
    name: str, *, device: torch.device, seconds: float, gemm: dict[str, float]
) -> dict[str, Any]:
    """One entry of `results`; see `docs/speed.md` for what its fields mean."""
    case = make_case(name, device=device)
    began = time.perf_counter()
    case.work()
    synchronise(device)
    first = time.perf_counter() - began
    # Before the twins run: the peak is then of our work alone.
    peak = peak_memory_mb(device)
    works = {"ours": case.work, **case.twins}
    best = _alternate(works, device=device, seconds=seconds)
    ours = best.pop("ours")
    rate = case.flop / ours / 1e12
    return {
        "name": name,
        "seconds": ours,
        "first_seconds": first,
        "per_second": case.count / ours,
        "precision": case.precision,
        "gemm_fraction": rate / gemm[case.precision] if case.flop else None,
        "peak_mb": peak,
        "ratio_to_fp32_twin": best["fp32"] / ours if "fp32" in best else None,
        "ratio_to_bf16_twin": best["bf16"] / ours if "bf16" in best else None,
        "twin_seconds": best,
    }


def measure_apart(
    name: str, *, device: torch.device, seconds: float, gemm: dict[str, float]
) -> dict[str, Any]:
    """`measure` in a new process, so that its peak memory is its own.

    Raises:
        MotionliftError: if the measurement failed, out of memory for instance.
    """
    asked = {"name": name, "device": str(device), "seconds": seconds, "gemm": gemm}
    done = subprocess.run(
        [sys.executable, "-m", "motionlift.bench.measure", json.dumps(asked)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise MotionliftError(f"bench: {name} failed ({last})")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def _alternate(works: dict[str, Work], *, device: torch.device, seconds: float) -> dict[str, float]:
    """The best time of each, taken turn by turn; a twin that does not fit into memory has none."""
    best: dict[str, float] = {name: float("inf") for name in works}
    end, rounds = time.monotonic() + seconds, 0
    while rounds < _LEAST_ROUNDS or time.monotonic() < end:
        for name in list(best):
            began = time.perf_counter()
            try:
                works[name]()
                synchronise(device)
            except torch.OutOfMemoryError:
                if name == "ours":
                    raise
                del best[name]
                continue
            best[name] = min(best[name], time.perf_counter() - began)
        rounds += 1
    return best


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    print(json.dumps(measure(**{**asked, "device": torch.device(asked["device"])})))  # noqa: T201
