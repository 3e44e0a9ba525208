"""`motionlift demo`: lifts the keypoints that ship in the package, and shows the result."""

from collections.abc import Sequence

from motionlift.cli import Command


def run(arguments: Sequence[str]) -> None:
    """Parse, lift, write and print what was done."""
    from motionlift.cli._demo import demo

    demo(arguments)


COMMAND = Command(name="demo", summary="lift the example that ships, and show it", run=run)
