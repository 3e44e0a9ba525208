"""`motionlift data show`: what a store holds."""

from collections.abc import Sequence

from motionlift.cli import Command


def run(arguments: Sequence[str]) -> None:
    """Parse, show and print."""
    from motionlift.cli._data import show

    show(arguments)


COMMAND = Command(name="data-show", summary="show what a training store holds", run=run)
