"""Scores as JSON and as a table: the one place where metres become millimetres."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from motionlift.evaluation.protocols import StoreProtocol
from motionlift.evaluation.run import Scores
from motionlift.evaluation.scoring import Tally, pooled

MM = 1000.0
# Name in the JSON, heading in the table, and what an average is multiplied by.
COLUMNS: dict[str, tuple[str, str, float]] = {
    "mpjpe": ("mpjpe_mm", "MPJPE", MM),
    "p_mpjpe": ("p_mpjpe_mm", "P-MPJPE", MM),
    "n_mpjpe": ("n_mpjpe_mm", "N-MPJPE", MM),
    "mpjve": ("mpjve_mm", "MPJVE", MM),
    "accel": ("accel_mm", "accel.", MM),
    "pck": ("pck150", "PCK", 1.0),
    "auc": ("auc", "AUC", 1.0),
}
MODEL = "model"
COUNTS = ("frames", "poses", "without_truth", "failures")
_CAPTION = "root-relative; mm, mm/frame, mm/frame²; pooled over datasets, and the MPJPE of each"


def as_json(
    scores: Mapping[str, Mapping[str, Scores]],
    *,
    protocol: StoreProtocol,
    about: Mapping[str, Any],
    notes: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Everything that was scored, ready for `json.dumps`; the same run gives the same.

    Args:
        scores: by condition and lifter; the lifter `MODEL` is the one under test, the others are
            baselines.
        about: what was scored: model, store, versions.
    """
    lifters = list(next(iter(scores.values())))
    own = {name: lifter[MODEL] for name, lifter in scores.items() if MODEL in lifter}
    return {
        **about,
        "protocol": asdict(protocol),
        "conditions": {name: _datasets(each) for name, each in own.items()},
        "baselines": {
            lifter: {"conditions": {name: _datasets(each[lifter]) for name, each in scores.items()}}
            for lifter in lifters
            if lifter != MODEL
        },
        "by_action": {name: _tallies(each.actions) for name, each in own.items()},
        "by_view": {
            name: {
                protocol.views[view].label: in_units(tally.means())
                for view, tally in sorted(each.views.items())
            }
            for name, each in own.items()
        },
        "by_joint_mm": {
            name: {
                dataset: {joint: number(MM * mean) for joint, mean in tally.joint_means().items()}
                for dataset, tally in sorted(each.datasets.items())
            }
            for name, each in own.items()
        },
        "notes": list(notes),
    }


def in_units(means: Mapping[str, float]) -> dict[str, float | None]:
    """Averages under their names in the JSON, in the units these names say."""
    return {key: number(factor * means[name]) for name, (key, _, factor) in COLUMNS.items()}


def print_table(
    scores: Mapping[str, Mapping[str, Scores]], console: Console, *, title: str, model: str
) -> None:
    """The pooled numbers of every lifter under every condition, and MPJPE by dataset."""
    table = Table(title=title, box=SIMPLE_HEAD, padding=(0, 1), caption=_CAPTION)
    table.add_column("")
    for _, heading, _ in COLUMNS.values():
        table.add_column(heading, justify="right")
    some = next(iter(next(iter(scores.values())).values()))
    datasets = sorted(some.datasets)
    for dataset in datasets:
        table.add_column(dataset, justify="right")
    table.add_column("failures", justify="right")
    for condition, lifters in scores.items():
        table.add_row(f"[bold]{condition}[/bold]")
        for lifter, each in lifters.items():
            averages = each.pooled
            table.add_row(
                f"  {model if lifter == MODEL else lifter.replace('_', ' ')}",
                *(shown(name, averages[name]) for name in COLUMNS),
                *(shown("mpjpe", each.datasets[dataset].mean("mpjpe")) for dataset in datasets),
                str(sum(tally.failures for tally in each.datasets.values())),
            )
        table.add_section()
    console.print(table)


def _datasets(scores: Scores) -> dict[str, Any]:
    tallies = list(scores.datasets.values())
    together = {key: sum(getattr(tally, key) for tally in tallies) for key in COUNTS}
    return {
        "pooled": {**in_units(pooled(tallies)), **together},
        **_tallies(scores.datasets),
    }


def _tallies(tallies: Mapping[str, Tally]) -> dict[str, Any]:
    return {
        name: {**in_units(tally.means()), **{key: getattr(tally, key) for key in COUNTS}}
        for name, tally in sorted(tallies.items())
    }


def number(value: float) -> float | None:
    """JSON has no NaN: an average over nothing is null."""
    return value if math.isfinite(value) else None


def shown(name: str, value: float) -> str:
    _, _, factor = COLUMNS[name]
    if not math.isfinite(value):
        return "-"
    return f"{factor * value:.1f}" if factor != 1 else f"{value:.3f}"
