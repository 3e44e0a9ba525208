"""`motionlift data merge`: several stores become one."""

from collections.abc import Sequence

from motionlift.cli import Command


def run(arguments: Sequence[str]) -> None:
    """Parse, merge and print."""
    from motionlift.cli._data import merge

    merge(arguments)


COMMAND = Command(name="data-merge", summary="merge training stores", run=run)
