"""`motionlift export`: a network for other runtimes, and a page that runs it in a browser."""

from collections.abc import Sequence

from motionlift.cli import Command


def run(arguments: Sequence[str]) -> None:
    """Parse, export, check and print what was done."""
    from motionlift.cli._exporting import export

    export(arguments)


COMMAND = Command(name="export", summary="write a network as ONNX, or as a web page", run=run)
