"""`motionlift pretrain`: a recipe, a store, and a run folder that holds all that comes of it."""

from collections.abc import Sequence

from motionlift.cli import Command


def _run(arguments: Sequence[str]) -> None:
    from motionlift.cli._training import pretrain

    pretrain(arguments)


COMMAND = Command(
    name="pretrain",
    summary="train a motion encoder on a store, by a recipe",
    run=_run,
)
