"""Carries out `motionlift evaluate`, once its flags are parsed."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from motionlift.data.store import Sequence, Store
from motionlift.evaluation.baselines import fit_baselines
from motionlift.evaluation.network_lifter import NetworkLifter
from motionlift.evaluation.protocols import PROTOCOLS
from motionlift.evaluation.report import MODEL, as_json, print_table
from motionlift.evaluation.run import chosen_conditions, run_protocol
from motionlift.evaluation.samples import sequences_to_score
from motionlift.files import written_beside
from motionlift.lifting import Lifter, clip_frames
from motionlift.network.dstformer import DSTformer
from motionlift.network.weights import load_model

if TYPE_CHECKING:
    from motionlift.cli.evaluate import Arguments


def evaluate_model(asked: "Arguments") -> None:
    """Score a model under a protocol; print the table, and write the JSON if asked."""
    with opened_json(asked.json) as write:
        write(_evaluate_model(asked))


@contextmanager
def opened_json(path: Path | None) -> Iterator[Callable[[dict[str, Any]], None]]:
    """What writes values to `path` as JSON, or nowhere without one.

    The file is opened first: a path that cannot be written should not cost minutes to find out.
    """
    if path is None:
        yield lambda values: None
        return
    with written_beside(path) as beside:
        yield lambda values: _write(beside, values)


def _write(path: Path, values: dict[str, Any]) -> None:
    text = json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", "utf-8")


def _evaluate_model(asked: "Arguments") -> dict[str, Any]:
    assert asked.store is not None
    protocol = PROTOCOLS.get(asked.protocol)
    conditions = chosen_conditions(protocol, asked.conditions)
    store = Store.open(asked.store)
    sequences = sequences_to_score(store, protocol, split=asked.split, quick=asked.quick)
    model = load_model(asked.model)
    lifter = _lifter(model, asked)
    baselines, notes = fit_baselines(store, protocol) if asked.baselines else ({}, ())
    # A file or a pipe has no width: the table gets the one it needs.
    console = Console(width=None if sys.stdout.isatty() else 110)
    frames = sum(each.frames for each in sequences)
    console.print(
        f"{asked.model}: on {lifter.device}, {lifter.precision}; windows of {lifter.window} "
        f"frames, one every {lifter.stride}\n{asked.store}: {len(sequences)} sequences, "
        f"{frames:,} frames, in {protocol.views_each} views each",
        highlight=False,
    )
    started = time.perf_counter()
    with _progress(frames * len(conditions)) as advance:
        scores = run_protocol(
            store,
            sequences,
            {MODEL: NetworkLifter(lifter), **baselines},
            protocol=protocol,
            conditions=conditions,
            on_progress=advance,
        )
    what = f"{asked.split or protocol.split}{', a tenth' * asked.quick}"
    print_table(scores, console, title=f"{protocol.title}: {what}", model=model.name)
    for note in notes:
        console.print(f"note: {note}", highlight=False)
    console.print(f"{time.perf_counter() - started:.0f} s", highlight=False)
    about = _about(asked, store=store, sequences=sequences, model=model, lifter=lifter)
    return as_json(scores, protocol=protocol, about=about, notes=notes)


def _lifter(model: DSTformer, asked: "Arguments") -> Lifter:
    stride = clip_frames(model) if asked.stride is None else asked.stride
    return Lifter(
        model, device=asked.device, precision=asked.precision, stride=stride, flip=asked.flip
    )


def _about(
    asked: "Arguments",
    *,
    store: Store,
    sequences: tuple[Sequence, ...],
    model: DSTformer,
    lifter: Lifter,
) -> dict[str, Any]:
    """What was scored. No time and no date: the same run writes the same file."""
    return {
        "motionlift": version("motionlift"),
        "model": {
            "name": model.name,
            "sha256": (model.card or {}).get("sha256"),
            "parameters": sum(each.numel() for each in model.parameters()),
            "window": lifter.window,
            "stride": lifter.stride,
            "flip": lifter.flip,
            "precision": lifter.precision.value,
        },
        "store": {
            "sequences_sha256": store.header["sha256"]["sequences.jsonl"],
            "fps": store.fps,
            "split": asked.split,
            "quick": asked.quick,
            "sequences": len(sequences),
            "frames": sum(each.frames for each in sequences),
        },
    }


@contextmanager
def _progress(frames: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal's stderr, told of frames as they are done."""
    columns = (TextColumn("scoring"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("scoring", total=frames)
        yield lambda done: progress.advance(bar, done)
