"""Carries out `motionlift evaluate`, once its flags are parsed."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from motionlift.data.store import Store
from motionlift.errors import OptionError
from motionlift.evaluation.baselines import fit_baselines
from motionlift.evaluation.drawn_clips import draw_clips
from motionlift.evaluation.network_lifter import NetworkLifter
from motionlift.evaluation.page import page
from motionlift.evaluation.protocols import FileProtocol, StoreProtocol
from motionlift.evaluation.published import score_lifter
from motionlift.evaluation.report import MODEL, as_json, print_expected_errors, print_table
from motionlift.evaluation.report_files import print_published, published_as_json
from motionlift.evaluation.run import chosen_conditions, run_protocol
from motionlift.evaluation.samples import notes_on, sequences_to_score
from motionlift.files import written_beside
from motionlift.lifting import Lifter, clip_frames
from motionlift.network.dstformer import DSTformer
from motionlift.network.weights import load_model

if TYPE_CHECKING:
    from motionlift.cli.evaluate import Arguments


def evaluate_on_store(asked: "Arguments", protocol: StoreProtocol) -> None:
    """Score a model and the baselines on a store; print the table, and write what is asked."""
    assert asked.store is not None
    with opened_json(asked.json) as write, _opened(asked.html) as html:
        conditions = chosen_conditions(protocol, asked.conditions)
        store = Store.open(asked.store)
        sequences = sequences_to_score(store, protocol, split=asked.split, quick=asked.quick)
        tested = _tested(asked, confidences="simulated")
        models = {
            name: NetworkLifter(each.lifter, clip_frames=asked.clip_frames)
            for name, each in tested.items()
        }
        notes = notes_on(store, sequences, protocol=protocol, split=asked.split)
        baselines, missing = fit_baselines(store, protocol) if asked.baselines else ({}, ())
        notes += missing
        if asked.clip_frames is not None:
            notes += (f"clips of {asked.clip_frames} frames, each lifted by itself",)
            notes += ("baselines see whole sequences",) * bool(baselines)
        frames = sum(each.frames for each in sequences)
        console = _console()
        _introduce(console, asked, tested[MODEL].lifter)
        console.print(
            f"{asked.store}: {len(sequences)} sequences, {frames:,} frames, in "
            f"{protocol.views_each} views each",
            highlight=False,
        )
        started = time.perf_counter()
        with _progress(frames * len(conditions)) as advance:
            scores = run_protocol(
                store,
                sequences,
                {**models, **baselines},
                protocol=protocol,
                conditions=conditions,
                on_progress=advance,
            )
        about = {
            **_about_models(tested),
            "store": {
                "sequences_sha256": store.header["sha256"]["sequences.jsonl"],
                "fps": store.fps,
                "split": asked.split or protocol.split,
                "quick": asked.quick,
                "clip_frames": asked.clip_frames,
                "sequences": len(sequences),
                "frames": frames,
            },
        }
        values = as_json(scores, protocol=protocol, about=about, notes=notes, models=tuple(models))
        what = f"{asked.split or protocol.split}{', a tenth' * asked.quick}"
        print_table(values, console, title=f"{protocol.title}: {what}")
        print_expected_errors(values, console)
        _conclude(console, notes, started=started)
        write(values)
        if html is not None:
            clips = draw_clips(store, scores, models[MODEL], protocol=protocol)
            html.write_text(page(values, clips, protocol=protocol), "utf-8")


def evaluate_on_file(asked: "Arguments", protocol: FileProtocol) -> None:
    """Score a model on a published test set; print the table, and write the JSON if asked."""
    assert asked.data is not None
    with opened_json(asked.json) as write:
        sequences = protocol.read(asked.data)
        tested = _tested(asked, confidences=protocol.confidences)
        if len(tested) > 1:
            raise OptionError(f"--protocol {protocol.name} scores one model at a time")
        console = _console()
        _introduce(console, asked, tested[MODEL].lifter)
        started = time.perf_counter()
        scores = score_lifter(tested[MODEL].lifter, sequences, protocol=protocol)
        print_published(scores, console)
        _conclude(console, (), started=started)
        about = {**_about_models(tested), "confidences": protocol.confidences}
        write(published_as_json(scores, about=about))


@contextmanager
def opened_json(path: Path | None) -> Iterator[Callable[[dict[str, Any]], None]]:
    """What writes values to `path` as JSON, or nowhere without one.

    The file is opened first: a path that cannot be written should not cost minutes to find out.
    """
    with _opened(path) as beside:
        yield lambda values: _write(beside, values)


@contextmanager
def _opened(path: Path | None) -> Iterator[Path | None]:
    if path is None:
        yield None
        return
    with written_beside(path) as beside:
        yield beside


def _write(path: Path | None, values: dict[str, Any]) -> None:
    if path is None:
        return
    text = json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", "utf-8")


class _Tested(NamedTuple):
    model: DSTformer
    lifter: Lifter


def _tested(
    asked: "Arguments", *, confidences: Literal["detector", "simulated"]
) -> dict[str, _Tested]:
    """The model under test, and others of the same recipe after it."""
    tested = {}
    for number, name in enumerate(asked.model, 1):
        model = load_model(name)
        stride = clip_frames(model) if asked.stride is None else asked.stride
        lifter = Lifter(
            model,
            device=asked.device,
            precision=asked.precision,
            stride=stride,
            flip=asked.flip,
            confidences=confidences,
        )
        tested[MODEL if number == 1 else f"{MODEL} {number}"] = _Tested(model, lifter)
    return tested


def _console() -> Console:
    # A file or a pipe has no width: the table gets the one it needs.
    return Console(width=None if sys.stdout.isatty() else 110)


def _introduce(console: Console, asked: "Arguments", lifter: Lifter) -> None:
    console.print(
        f"{', '.join(asked.model)}: on {lifter.device}, {lifter.precision}; "
        f"windows of {lifter.window} frames, one every {lifter.stride}",
        highlight=False,
    )


def _conclude(console: Console, notes: tuple[str, ...], *, started: float) -> None:
    for note in notes:
        console.print(f"note: {note}", highlight=False)
    console.print(f"{time.perf_counter() - started:.0f} s", highlight=False)


def _about_models(tested: Mapping[str, _Tested]) -> dict[str, Any]:
    """What was scored. No time and no date: the same run writes the same file."""
    first, *others = [_about(each.model, each.lifter) for each in tested.values()]
    seeds = {"seeds": [first, *others]} if others else {}
    return {"motionlift": version("motionlift"), "model": first, **seeds}


def _about(model: DSTformer, lifter: Lifter) -> dict[str, Any]:
    return {
        "name": model.name,
        "sha256": (model.card or {}).get("sha256"),
        "parameters": sum(each.numel() for each in model.parameters()),
        "window": lifter.window,
        "stride": lifter.stride,
        "flip": lifter.flip,
        "precision": lifter.precision.value,
    }


@contextmanager
def _progress(frames: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal's stderr, told of frames as they are done."""
    columns = (TextColumn("scoring"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("scoring", total=frames)
        yield lambda done: progress.advance(bar, done)
