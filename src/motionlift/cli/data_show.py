"""`motionlift data show`: what a store holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from motionlift.cli import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """Show what a training store holds: sequences, minutes, what was skipped and why.

    Attributes:
        store: the store, a folder.
        json: write the same to this JSON file.
        verify: read all of it and compare with its checksums.
    """

    store: Path
    json: Path | None = None
    verify: bool = False


def run(arguments: Sequence[str]) -> None:
    """Parse, summarise and print."""
    import json

    import tyro

    parsed = tyro.cli(
        Arguments,
        args=arguments,
        prog="motionlift data show",
        config=(tyro.conf.PositionalRequiredArgs,),
    )

    from motionlift.cli._data_tables import print_summary
    from motionlift.data.store import Store
    from motionlift.data.summary import summary
    from motionlift.files import written_beside

    store = Store.open(parsed.store)
    if parsed.verify:
        store.verify()
    values = summary(store)
    if parsed.json is not None:
        with written_beside(parsed.json) as beside:
            beside.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print_summary(values)
    if parsed.verify:
        print("verified: every file is as it was written")


COMMAND = Command(name="data-show", summary="show what a training store holds", run=run)
