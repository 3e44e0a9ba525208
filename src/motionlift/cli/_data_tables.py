"""How the `data` commands print: a progress bar, and tables of what a store holds."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

# As many names as fit a screen; the JSON file and the report have them all.
NAMED = 8


@contextlib.contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int, str], None]]:
    """A bar on stderr while the block runs; the callback says how far it is, and at which file."""
    columns = (
        TextColumn(title),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    console = Console(stderr=True)
    is_seen = console.is_terminal  # elsewhere a bar would only leave empty lines
    with Progress(*columns, console=console, transient=True, disable=not is_seen) as progress:
        bar = progress.add_task("", total=None)

        def on_progress(done: int, total: int, file: str) -> None:
            progress.update(bar, completed=done, total=total, description=file)

        yield on_progress


def print_summary(values: dict[str, Any]) -> None:
    """The store by data set, source and split; what was skipped and why; what was not asked for."""
    console = Console(highlight=False)
    columns = {"sequences": "sequences", "sequences_2d": "2D only", "minutes": "minutes"}
    if not values["sequences_2d"]:
        del columns["sequences_2d"]
    for heading in ("dataset", "source", "split"):
        table = Table(title=f"by {heading}", title_justify="left")
        for name in (heading, *columns.values(), "skipped"):
            table.add_column(name, justify="left" if name == heading else "right")
        for name, counts in values[f"by_{heading}"].items():
            table.add_row(name or "(none)", *_cells(counts, list(columns)))
        table.add_section()
        table.add_row("all", *_cells(values, list(columns)))
        console.print(table)
    reasons = Counter(each["reason"] for each in values["skipped"])
    for reason, count in reasons.most_common():
        files = [each["file"] for each in values["skipped"] if each["reason"] == reason]
        console.print(f"skipped {count}: {reason}\n    {_named(files)}", markup=False)
    if values["not_in_table"]:
        files = values["not_in_table"]
        console.print(
            f"not in the table, not read: {len(files)}\n    {_named(files)}", markup=False
        )
    for each in values["warnings"][:NAMED]:
        console.print(f"{each['file']}: {each['warning']}", markup=False)
    if len(values["warnings"]) > NAMED:
        console.print(f"and {len(values['warnings']) - NAMED} more warnings")
    if values["takes"]:
        several = sum(len(names) for names in values["takes"].values())
        console.print(
            f"{several} sequences are conversions or cuts of {len(values['takes'])} takes"
        )
    for take in values["takes_in_two_splits"]:
        console.print(f"{take} is in two splits: {', '.join(values['takes'][take])}", markup=False)


def _cells(counts: dict[str, Any], columns: list[str]) -> list[str]:
    cells = [f"{counts[each]:.1f}" if each == "minutes" else str(counts[each]) for each in columns]
    return [*cells, str(len(counts["skipped"])) if counts["skipped"] else ""]


def _named(files: list[str]) -> str:
    more = f" and {len(files) - NAMED} more" if len(files) > NAMED else ""
    return ", ".join(files[:NAMED]) + more
