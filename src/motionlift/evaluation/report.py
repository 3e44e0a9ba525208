"""Scores as JSON and as a table: the one place where metres become millimetres."""

import math
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from motionlift.evaluation.expectation import DECILES, Expectation
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
    models: tuple[str, ...] = (MODEL,),
) -> dict[str, Any]:
    """Everything that was scored, ready for `json.dumps`; the same run gives the same.

    Args:
        scores: by condition and lifter.
        about: what was scored: model, store, versions.
        models: the lifters under test; the others are baselines. Several are one recipe under
            several seeds: their mean is given, and beside it their standard deviation.
    """
    lifters = list(next(iter(scores.values())))
    own = [_of_lifter(scores, name, protocol=protocol) for name in models]
    values = {**about, "protocol": asdict(protocol), **combined(own, _mean)}
    if len(own) > 1:
        values["deviation"] = combined([each["conditions"] for each in own], _deviation)
    values["baselines"] = {
        name: {"conditions": _of_lifter(scores, name, protocol=protocol)["conditions"]}
        for name in lifters
        if name not in models
    }
    values["notes"] = list(notes)
    return values


def combined(values: Sequence[Any], how: Callable[[list[int | float]], float]) -> Any:
    """Several dicts of one shape as one, with `how` over the numbers that stand in one place."""
    if isinstance(values[0], dict):
        # What only some have, such as expected errors, is nothing of all.
        common = [key for key in values[0] if all(key in each for each in values)]
        return {key: combined([each[key] for each in values], how) for key in common}
    return None if None in values else how(list(values))


def in_units(means: Mapping[str, float]) -> dict[str, float | None]:
    """Averages under their names in the JSON, in the units these names say."""
    return {key: number(factor * means[name]) for name, (key, _, factor) in COLUMNS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A lifter's line in the table.

    Attributes:
        condition: what it was scored under.
        lifter: as people read it.
        is_model: whether it is under test, and not a baseline.
        cells: one for each of `headings`.
    """

    condition: str
    lifter: str
    is_model: bool
    cells: tuple[str, ...]


def headings(values: Mapping[str, Any]) -> tuple[str, ...]:
    """What stands over the cells of `rows`."""
    return (*(heading for _, heading, _ in COLUMNS.values()), *_names_of(values), "failures")


def rows(values: Mapping[str, Any]) -> Iterator[Row]:
    """The pooled numbers of every lifter under every condition, and MPJPE by dataset.

    Args:
        values: what `as_json` gave.
    """
    for condition, own in values["conditions"].items():
        deviation = values.get("deviation", {}).get(condition)
        name = values["model"]["name"]
        yield _row(condition, name, own, values, deviation=deviation, is_model=True)
        for name, baseline in values["baselines"].items():
            yield _row(condition, name.replace("_", " "), baseline["conditions"][condition], values)


def print_table(values: Mapping[str, Any], console: Console, *, title: str) -> None:
    """The table of `rows`.

    Args:
        values: what `as_json` gave.
    """
    table = Table(title=title, box=SIMPLE_HEAD, padding=(0, 1), caption=_CAPTION)
    table.add_column("")
    for heading in headings(values):
        table.add_column(heading, justify="right")
    for row in rows(values):
        if row.is_model:
            table.add_section()
            table.add_row(f"[bold]{row.condition}[/bold]")
        table.add_row(f"  {row.lifter}", *row.cells)
    console.print(table)


def _row(
    condition: str,
    lifter: str,
    scores: Mapping[str, Any],
    values: Mapping[str, Any],
    *,
    deviation: Mapping[str, Any] | None = None,
    is_model: bool = False,
) -> Row:
    keys = [("pooled", key) for key, _, _ in COLUMNS.values()]
    keys += [(dataset, COLUMNS["mpjpe"][0]) for dataset in _names_of(values)]
    cells = []
    for group, key in keys:
        cell = shown(key, scores[group][key])
        if deviation is not None and cell != "-":
            cell += f" ±{shown(key, deviation[group][key])}"
        cells.append(cell)
    cells.append(f"{scores['pooled']['failures']:g}")
    return Row(condition=condition, lifter=lifter, is_model=is_model, cells=tuple(cells))


def _names_of(values: Mapping[str, Any]) -> list[str]:
    some = next(iter(values["conditions"].values()))
    return [name for name in some if name != "pooled"]


def _of_lifter(
    scores: Mapping[str, Mapping[str, Scores]], lifter: str, *, protocol: StoreProtocol
) -> dict[str, Any]:
    own = {name: lifters[lifter] for name, lifters in scores.items()}
    expected = {
        name: _expected_errors(each.expectation)
        for name, each in own.items()
        if not each.expectation.is_empty
    }
    return {
        "conditions": {name: _datasets(each) for name, each in own.items()},
        **({"expected_error": expected} if expected else {}),
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
    }


def _expected_errors(expectation: Expectation) -> dict[str, Any]:
    deciles = expectation.deciles()
    return {
        "deciles": {
            str(place): {
                "expected_mm": MM * expected,
                "true_mm": MM * true,
                "ratio": number(expected / true) if true else None,
            }
            for place, (expected, true) in enumerate(deciles.tolist(), 1)
        },
        "largest_gap": float(np.abs(deciles[:, 0] / deciles[:, 1] - 1).max()),
    }


def print_expected_errors(values: Mapping[str, Any], console: Console) -> None:
    """For each condition, what the model expected of its joints against what came, by decile.

    Args:
        values: what `as_json` gave; nothing is printed where the model tells no expected errors.
    """
    if "expected_error" not in values:
        return
    table = Table(title="expected and true error of the joints, mm", box=SIMPLE_HEAD)
    for heading in ("", *(f"{place}." for place in range(1, DECILES + 1)), "largest gap"):
        table.add_column(heading, justify="right" if heading else "left")
    for condition, own in values["expected_error"].items():
        deciles = own["deciles"].values()
        cells = [f"{each['expected_mm']:.0f}/{each['true_mm']:.0f}" for each in deciles]
        table.add_row(condition, *cells, f"{100 * own['largest_gap']:.0f} %")
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


def shown(key: str, value: float | None) -> str:
    """A number of the JSON as it stands in tables."""
    if value is None:
        return "-"
    return f"{value:.1f}" if key.endswith("_mm") else f"{value:.3f}"


def _mean(values: list[int | float]) -> int | float:
    # Counts that agree stay whole numbers.
    return values[0] if len(set(values)) == 1 else statistics.fmean(values)


def _deviation(values: list[int | float]) -> float:
    return statistics.stdev(values)
