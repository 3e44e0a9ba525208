"""Carries out `motionlift evaluate --predictions A --truth B`."""

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from motionlift.cli._evaluate import opened_json
from motionlift.errors import MotionliftError
from motionlift.evaluation.comparison import compare
from motionlift.evaluation.report_files import comparison_as_json, print_comparison
from motionlift.formats import ReadOptions, read_motion
from motionlift.poses import Pose3D

if TYPE_CHECKING:
    from motionlift.cli.evaluate import Arguments


def compare_files(asked: "Arguments") -> None:
    """Score one motion against another; print by joint, and write the JSON if asked."""
    assert asked.predictions is not None and asked.truth is not None
    with opened_json(asked.json) as write:
        console = Console()
        options = asked.reading.options()
        predicted = _first(asked.predictions, options, console)
        truth = _first(asked.truth, options, console)
        if truth.units != "m":
            raise MotionliftError(
                f"{asked.truth}: is in '{truth.units}'; errors need a truth in metres"
            )
        comparison = compare(predicted, truth)
        title = f"{asked.predictions.name} against {asked.truth.name}"
        print_comparison(comparison, console, title=title)
        for note in comparison.notes:
            console.print(f"note: {note}", highlight=False)
        write(comparison_as_json(comparison))


def _first(path: Path, options: ReadOptions, console: Console) -> Pose3D:
    people = read_motion(path, options)
    if len(people) > 1:
        console.print(f"note: {path} holds {len(people)} people; the first is used")
    return people[0]
