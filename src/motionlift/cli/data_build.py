"""`motionlift data build`: motion capture in, a training store out."""

from collections.abc import Sequence

from motionlift.cli import Command


def run(arguments: Sequence[str]) -> None:
    """Parse, build and print."""
    from motionlift.cli._data import build

    build(arguments)


COMMAND = Command(name="data-build", summary="make a training store from motion capture", run=run)
