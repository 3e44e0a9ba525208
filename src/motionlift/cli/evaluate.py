"""`motionlift evaluate`: a model against a store."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from motionlift.cli import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """Score a model on motion whose 3D joints are known, next to baselines.

    Attributes:
        store: the store that holds the motion, a folder; see `motionlift data build`.
        model: a file of weights, or a name of `motionlift info`.
        protocol: what is scored, and how.
        json: write all numbers to this JSON file.
        quick: score a tenth of the frames, chosen by the protocol's seed.
        split: score this split of the store instead of the protocol's; `all` for every sequence.
        conditions: score only these conditions of the protocol.
        baselines: score the baselines too.
        stride: frames from one window to the next; as many as a window has if not given, so that
            each frame is lifted once.
        flip: lift the mirror image too, and average; takes twice the time.
        precision: `fp32`, or `bf16` where the device has it.
        device: `cpu`, `cuda`, `cuda:1` ...; the fastest that is here if not given.
    """

    store: Path
    model: str = "default"
    protocol: str = "open"
    json: Path | None = None
    quick: bool = False
    split: str | None = None
    conditions: tuple[str, ...] | None = None
    baselines: bool = True
    stride: int | None = None
    flip: bool = False
    precision: str = "fp32"
    device: str | None = None


def run(arguments: Sequence[str]) -> None:
    """Parse, score, print and write."""
    import tyro

    asked = tyro.cli(Arguments, args=arguments, prog="motionlift evaluate")

    from motionlift.cli._evaluate import evaluate_model

    evaluate_model(asked)


COMMAND = Command(
    name="evaluate",
    summary="score a model on motion whose joints are known",
    run=run,
)
