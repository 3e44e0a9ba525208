"""`motionlift lift`: 2D keypoints in, 3D motion out, one frame for one frame."""

from collections.abc import Sequence

from motionlift.cli import Command


def run(arguments: Sequence[str]) -> None:
    """Parse, lift and print what was done."""
    from motionlift.cli._lifting import lift

    lift(arguments)


COMMAND = Command(name="lift", summary="lift 2D keypoints, or a video, to 3D motion", run=run)
