"""`motionlift bench`: how fast this machine is, and how fast we are on it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from motionlift.cli import Command


@dataclass(frozen=True, kw_only=True)
class _Arguments:
    json: Path
    """file to write: machine, gemm and results"""
    quick: bool = False
    """only the short measurements, about two minutes"""
    only: tuple[str, ...] = ()
    """names of measurements, such as forward/lite/b1 train/small/b96x9 loader lift/100"""
    device: str | None = None
    """cpu, cuda, ...; the best there is if not given"""
    seconds: float = 10.0
    """time for each measurement and its twins"""


def _run(arguments: Sequence[str]) -> None:
    asked = tyro.cli(
        _Arguments,
        args=list(arguments),
        prog="motionlift bench",
        description="Measure speed and memory beside the plain twins, taken in alternation.",
    )
    from motionlift.bench.cases import ALL, QUICK
    from motionlift.bench.machine import describe_machine, measure_gemm
    from motionlift.bench.measure import measure_apart
    from motionlift.cli._bench_table import show_table
    from motionlift.files import check_writable, written_beside
    from motionlift.network.compute import Compute

    check_writable(asked.json)
    compute = Compute.choose(device=asked.device)
    machine = describe_machine(compute.device)
    print(f"on {compute.reason}; {machine['processor']}, {machine['threads']} threads", flush=True)
    gemm = measure_gemm(compute.device, seconds=min(5.0, asked.seconds))
    results = []
    for name in asked.only or (QUICK if asked.quick else ALL):
        print(f"measuring {name}", flush=True)
        results.append(measure_apart(name, device=compute.device, seconds=asked.seconds, gemm=gemm))
    with written_beside(asked.json) as beside:
        found = {"machine": machine, "gemm": gemm, "results": results}
        beside.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    show_table(gemm, results)
    print(f"wrote {asked.json}")


COMMAND = Command(name="bench", summary="measure speed and memory on this machine", run=_run)
