"""`motionlift detect`: find people in a video."""

from collections.abc import Sequence

from motionlift.cli import Command


def run(arguments: Sequence[str]) -> None:
    """Parse, detect and print who was found."""
    from motionlift.cli._detecting import detect

    detect(arguments)


COMMAND = Command(name="detect", summary="find people in a video, for lift", run=run)
