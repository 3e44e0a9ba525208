"""`motionlift encode`: the network's representation of each joint and frame."""

from collections.abc import Sequence

from motionlift.cli import Command


def run(arguments: Sequence[str]) -> None:
    """Parse, encode and print what was done."""
    from motionlift.cli._lifting import encode

    encode(arguments)


COMMAND = Command(name="encode", summary="write the encoder's features of 2D keypoints", run=run)
