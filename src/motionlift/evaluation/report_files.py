"""Scores of published test sets, and of one motion against another, as JSON and as tables."""

from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from motionlift.evaluation.comparison import Comparison
from motionlift.evaluation.published import PublishedScores
from motionlift.evaluation.report import COLUMNS, COUNTS, MM, in_units, number, shown

_ALIGNMENTS = {
    "p_mpjpe_mm": "P-MPJPE, each frame aligned",
    "mpjpe_mm": "MPJPE, one alignment",
}


def published_as_json(scores: PublishedScores, *, about: Mapping[str, Any]) -> dict[str, Any]:
    """Scores on a published test set, ready for `json.dumps`."""
    protocol = scores.protocol
    return {
        **about,
        "protocol": {
            "name": protocol.name,
            "headline": [COLUMNS[name][0] for name in protocol.headline],
            "mean_of_actions": protocol.mean_of_actions,
            "excluded": scores.excluded,
        },
        "published": {
            **in_units(scores.published_means()),
            **{key: getattr(scores.published, key) for key in COUNTS},
        },
        "plain": {
            **in_units(scores.plain.means()),
            **{key: getattr(scores.plain, key) for key in COUNTS},
        },
        "by_action": {
            action: in_units(tally.means()) for action, tally in sorted(scores.actions.items())
        },
        "by_joint_mm": {
            joint: number(MM * mean) for joint, mean in scores.plain.joint_means().items()
        },
    }


def print_published(scores: PublishedScores, console: Console) -> None:
    """The published number, the plain one, and every action."""
    headline = scores.protocol.headline
    table = Table(title=scores.protocol.title, box=SIMPLE_HEAD, padding=(0, 1))
    table.add_column("")
    for name in headline:
        table.add_column(COLUMNS[name][1], justify="right")
    for column in ("frames", "failures"):
        table.add_column(column, justify="right")
    rows = (
        ("as published", scores.published_means(), scores.published),
        ("every frame", scores.plain.means(), scores.plain),
        *((f"  {action}", tally.means(), tally) for action, tally in scores.actions.items()),
    )
    for title, means, tally in rows:
        averages = in_units(means)
        cells = (shown(COLUMNS[name][0], averages[COLUMNS[name][0]]) for name in headline)
        table.add_row(title, *cells, str(tally.frames), str(tally.failures))
    console.print(table)


def comparison_as_json(comparison: Comparison) -> dict[str, Any]:
    """A comparison ready for `json.dumps`."""
    errors_mm = MM * comparison.frame_errors
    return {
        "frames": len(errors_mm),
        "failures": int(comparison.is_failure.sum()),
        "p_mpjpe_mm": number(float(errors_mm.mean())),
        "mpjpe_mm": number(MM * comparison.clip_error),
        "by_joint_mm": {name: number(MM * mean) for name, mean in comparison.joint_means.items()},
        "by_frame": {
            "frame_index": comparison.frame_index.tolist(),
            "p_mpjpe_mm": errors_mm.tolist(),
            "mpjpe_mm": [number(MM * error) for error in comparison.clip_errors.tolist()],
        },
        "notes": list(comparison.notes),
    }


def print_comparison(comparison: Comparison, console: Console, *, title: str) -> None:
    """The error of the whole and of each joint."""
    values = comparison_as_json(comparison)
    console.print(
        f"{title}: {values['frames']} frames, {values['failures']} failures", highlight=False
    )
    table = Table(box=SIMPLE_HEAD, padding=(0, 1))
    table.add_column("")
    table.add_column("mm", justify="right")
    for key, title in _ALIGNMENTS.items():
        table.add_row(title, shown(key, values[key]))
    table.add_section()
    table.add_row("P-MPJPE of each joint", "")
    for joint, mean_mm in values["by_joint_mm"].items():
        table.add_row(f"  {joint.replace('_', ' ')}", f"{mean_mm:.1f}")
    console.print(table)
