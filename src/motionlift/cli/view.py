"""`motionlift view`: motion as a web page, or as a still picture."""

from collections.abc import Sequence

from motionlift.cli import Command


def run(arguments: Sequence[str]) -> None:
    """Parse, draw and print where it is."""
    from motionlift.cli._viewing import view

    view(arguments)


COMMAND = Command(name="view", summary="show motion in a web page or a picture", run=run)
