"""`motionlift evaluate`: a model against a store, or a file of predictions against the truth."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated

import tyro

from motionlift.cli import Command
from motionlift.cli._parsing import parse
from motionlift.cli._reading import MotionReading
from motionlift.errors import OptionError


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """Score a model on motion whose 3D joints are known, next to baselines.

    Three ways to use it: a model and a store (--store); a model and a published test set
    (--protocol h36m or 3dhp, with --data); or one motion against another of the same person
    (--predictions, --truth), such as a lift against a triangulation.

    Attributes:
        store: the store that holds the motion, a folder; see `motionlift data build`.
        data: the file of a published test set; which one, the protocol says.
        model: a file of weights, or the name of weights that ship; several are taken for one
            recipe under several seeds, and give a mean and a standard deviation.
        protocol: what is scored, and how.
        json: write all numbers to this JSON file.
        html: write a report with pictures to this HTML file.
        quick: score a tenth of the frames, chosen by the protocol's seed.
        split: score this split of the store instead of the protocol's; `all` for every sequence.
        conditions: score only these conditions of the protocol.
        baselines: score the baselines too.
        stride: frames from one window to the next; as many as a window has if not given, so that
            each frame is lifted once.
        clip_frames: cut each sequence into clips of so many frames, and lift each by itself: what
            a network makes of short recordings.
        flip: lift the mirror image too, and average; takes twice the time.
        precision: `fp32`, or `bf16` where the device has it.
        device: `cpu`, `cuda`, `cuda:1` ...; the fastest that is here if not given.
        predictions: a file of 3D motion to score, such as `motionlift lift` writes.
        truth: the file of 3D motion that it is held to, in metres; any format with 3D motion.
        reading: what these two files do not say.
    """

    store: Path | None = None
    data: Path | None = None
    model: tuple[str, ...] = ("default",)
    protocol: str = "open"
    json: Path | None = None
    html: Path | None = None
    quick: bool = False
    split: str | None = None
    conditions: tuple[str, ...] | None = None
    baselines: bool = True
    stride: int | None = None
    clip_frames: int | None = None
    flip: bool = False
    precision: str = "fp32"
    device: str | None = None
    predictions: Path | None = None
    truth: Path | None = None
    reading: Annotated[MotionReading, tyro.conf.arg(name="")] = field(default_factory=MotionReading)


def run(arguments: Sequence[str]) -> None:
    """Parse, score, print and write."""
    asked = parse(Arguments, arguments, prog="motionlift evaluate")

    from motionlift.evaluation.protocols import PROTOCOLS, StoreProtocol

    if asked.predictions is not None or asked.truth is not None:
        reading = {each.name for each in fields(MotionReading)}
        _check(asked, needed={"predictions", "truth"}, useful={"json"} | reading)
        from motionlift.cli._compare import compare_files

        compare_files(asked)
        return
    for name in ("model", "conditions"):
        if getattr(asked, name) == ():
            raise OptionError(f"--{name}: give one or more")
    if asked.json is not None and asked.html is not None and asked.json == asked.html:
        raise OptionError(f"{asked.json}: is both --json and --html; give two names")
    protocol = PROTOCOLS.get(asked.protocol)
    how = {"protocol", "model", "json", "stride", "flip", "precision", "device"}
    if isinstance(protocol, StoreProtocol):
        which = {"quick", "split", "conditions", "baselines", "html", "clip_frames"}
        _check(asked, needed={"store"}, useful=how | which)
        from motionlift.cli._evaluate import evaluate_on_store

        evaluate_on_store(asked, protocol)
    else:
        _check(asked, needed={"data"}, useful=how)
        from motionlift.cli._evaluate import evaluate_on_file

        evaluate_on_file(asked, protocol)


def _check(asked: Arguments, *, needed: set[str], useful: set[str]) -> None:
    """All options that this way of using the command needs, and none that it ignores."""
    reading = asked.reading
    given = {each.name for each in fields(reading) if getattr(reading, each.name) is not None}
    given |= {
        each.name
        for each in fields(asked)
        if each.name != "reading" and getattr(asked, each.name) != each.default
    }
    if asked.predictions or asked.truth:
        way = "with --predictions and --truth"
    else:
        way = f"with --protocol {asked.protocol}"
    for name in sorted(needed - given):
        raise OptionError(f"evaluate {way}: --{_typed(name)} is missing")
    for name in sorted(given - needed - useful):
        raise OptionError(f"evaluate {way}: --{_typed(name)} does nothing; leave it out")


def _typed(name: str) -> str:
    return name.replace("_", "-")


COMMAND = Command(
    name="evaluate",
    summary="score a model, or a file of predictions, where the joints are known",
    run=run,
)
