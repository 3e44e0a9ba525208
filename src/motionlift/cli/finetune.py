"""`motionlift finetune`: weights that have learned, a task, a store, and a run folder."""

from collections.abc import Sequence

from motionlift.cli import Command


def _run(arguments: Sequence[str]) -> None:
    from motionlift.cli._training import finetune

    finetune(arguments)


COMMAND = Command(
    name="finetune",
    summary="train a head for a task, and slowly the encoder below it",
    run=_run,
)
