"""`motionlift bench`: how fast this machine is, and how fast we are on it."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motionlift.cli import Command
from motionlift.cli._parsing import parse
from motionlift.errors import MotionliftError

if TYPE_CHECKING:
    import torch

    from motionlift.bench.scaling import Series


@dataclass(frozen=True, kw_only=True)
class _Arguments:
    json: Path
    """file to write: machine, gemm and results"""
    quick: bool = False
    """only the short measurements, a minute or two; all of them take about ten"""
    only: tuple[str, ...] = ()
    """names of measurements, such as forward/lite/b1 train/small/b96x9@1 loader lift/100, or
    train/lite/b8+compiled for code that torch.compile made"""
    scaling: Path | None = None
    """also measure over clip length, batch and threads, and draw that to this PNG"""
    device: str | None = None
    """cpu, cuda, ...; the best there is if not given"""
    seconds: float = 10.0
    """time for each measurement and its twins"""


def _run(arguments: Sequence[str]) -> None:
    asked = parse(
        _Arguments,
        arguments,
        prog="motionlift bench",
        description="Measure speed and memory beside the plain twins, taken in alternation.",
    )
    from motionlift.bench.cases import check_name
    from motionlift.bench.machine import describe_machine, measure_gemm
    from motionlift.bench.scaling import check_drawing, draw_scaling, series_for
    from motionlift.cli._bench_table import show_table
    from motionlift.files import check_writable, written_beside
    from motionlift.network.compute import Compute

    for name in asked.only:
        check_name(name)
    check_writable(asked.json)
    if asked.scaling is not None:
        check_drawing(asked.scaling)
        check_writable(asked.scaling)
    compute = Compute.choose(device=asked.device)
    machine = describe_machine(compute.device)
    threads = f"{machine['threads']} thread{'s' * (machine['threads'] != 1)}"
    print(f"on {compute.reason}; {machine['processor']}, {threads}", flush=True)
    gemm = measure_gemm(compute.device, seconds=min(5.0, asked.seconds))
    series = series_for(machine["threads"]) if asked.scaling is not None else ()
    results, failures = _measure(asked, series, device=compute.device, gemm=gemm)
    with written_beside(asked.json) as beside:
        found = {"machine": machine, "gemm": gemm, "results": results}
        found |= {"failures": failures} if failures else {}
        beside.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    show_table(gemm, results)
    print(f"wrote {asked.json}")
    if failures:
        raise MotionliftError(
            f"{len(failures)} of {len(failures) + len(results)} measurements failed: "
            f"{', '.join(failures)}; the others stand in {asked.json}"
        )
    if asked.scaling is not None:
        title = f"{machine['processor']}, {compute.precision}, PyTorch {machine['torch']}"
        draw_scaling(series, results, asked.scaling, title=title)
        print(f"wrote {asked.scaling}")


def _measure(
    asked: _Arguments,
    series: "Sequence[Series]",
    *,
    device: "torch.device",
    gemm: dict[str, float],
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """What was asked for, and the points of the series; and why some could not be measured."""
    from motionlift.bench.cases import ALL, CUDA, QUICK
    from motionlift.bench.measure import measure_apart

    every = (*ALL, *CUDA) if device.type == "cuda" else ALL
    # Points of a picture tell their story without the last tenths of precision.
    wanted = {name: asked.seconds / 5 for each in series for _, name in each.points}
    wanted |= dict.fromkeys(asked.only or (QUICK if asked.quick else every), asked.seconds)
    results, failures = [], {}
    for name, seconds in wanted.items():
        print(f"measuring {name}", flush=True)
        try:
            results.append(measure_apart(name, device=device, seconds=seconds, gemm=gemm))
        except MotionliftError as error:  # such as memory that is not enough for the largest
            failures[name] = str(error)
            print(f"motionlift: {error}", file=sys.stderr)
    return results, failures


COMMAND = Command(name="bench", summary="measure speed and memory on this machine", run=_run)
