"""What the study scripts share: short trainings of one recipe, scored, and the table of them.

A study is a list of variants, each the demo recipe with some settings changed, trained with some
seeds. Runs that are done are not repeated, so that a study can be stopped, and gain seeds later.
"""

import argparse
import dataclasses
import json
import platform
import resource
import shutil
import statistics
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from motionlift.data.store import Store
from motionlift.evaluation.network_lifter import NetworkLifter
from motionlift.evaluation.protocols.open import PROTOCOL
from motionlift.evaluation.run import run_protocol
from motionlift.evaluation.samples import SampleLifter, sequences_to_score
from motionlift.files import written_beside
from motionlift.lifting import Lifter, clip_frames
from motionlift.network.compute import Compute
from motionlift.network.weights import load_model
from motionlift.recipes import RECIPES
from motionlift.training.loop import Limits, train
from motionlift.training.recipe import Recipe
from motionlift.training.run import Run

NOTHING_BETWEEN = 10**6  # steps between validations: only the last step is validated


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One line of a study.

    Attributes:
        name: as in the table.
        settings: what is changed in the recipe, by path, such as `optimizer.learning_rate`.
        steps: optimiser steps; the study's own number if 0.
    """

    name: str
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    steps: int = 0

    def run_name(self, seed: int) -> str:
        """The name of a run's folder."""
        return f"{self.name.replace(' ', '_').replace(',', '')}-{seed}"


def parser_of(about: str) -> argparse.ArgumentParser:
    """The flags that every study has."""
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--store", type=Path, required=True, help="made by `motionlift data build`")
    parser.add_argument("--out", type=Path, required=True, help="folder for runs and tables")
    parser.add_argument("--seeds", type=int, default=3, help="seeds 0, 1, ... of each variant")
    parser.add_argument("--steps", type=int, default=450, help="optimiser steps of a training")
    parser.add_argument("--batch", type=int, default=32, help="clips a step")
    parser.add_argument(
        "--share", type=float, default=0.02, help="share of the test split's frames to score"
    )
    parser.add_argument(
        "--page", type=Path, help="page to put the table into, such as docs/studies.md"
    )
    parser.add_argument(
        "--done-only", action="store_true", help="train nothing; make tables of the runs there are"
    )
    return parser


def recipe_of(variant: Variant, asked: argparse.Namespace, *, store: Store, seed: int) -> Recipe:
    """The demo recipe as the variant changes it, with one epoch of about its steps.

    The epoch draws from all clips, so that a short training sees the mixture that a long one does.
    """
    recipe = RECIPES.get("demo")
    stage = dataclasses.replace(recipe.stages[0], batch=asked.batch)
    samples = recipe.task.samples(
        store,
        split="train",
        frames=stage.frames,
        stride=stage.stride,
        data=recipe.data,
        seed=seed,
    )
    # A little more than the steps, since the share is drawn clip by clip; the rest is not used.
    share = 1.02 * (variant.steps or asked.steps) * asked.batch / len(samples)
    datasets = sorted({each.dataset for each in samples.sequences})
    settings = {"data.clips.repeats": dict.fromkeys(datasets, share)} | dict(variant.settings)
    recipe = dataclasses.replace(recipe, stages=(stage,), seed=seed, validate_every=NOTHING_BETWEEN)
    for path, value in settings.items():
        recipe = with_setting(recipe, path, value)
    return recipe


def with_setting(record: Any, path: str, value: Any) -> Any:
    """The record with another value at a dotted path."""
    name, _, rest = path.partition(".")
    inner = with_setting(getattr(record, name), rest, value) if rest else value
    return dataclasses.replace(record, **{name: inner})


def train_and_score(
    variant: Variant, asked: argparse.Namespace, *, store: Store, seed: int
) -> dict[str, Any] | None:
    """One run: its settings, seconds of processor time, validation error, and test scores.

    What stands in the run's `result.json` is returned as it is, but scored anew for another share
    of the test frames. A run without one begins anew, or is None with `--done-only`.
    """
    folder = asked.out / "runs" / variant.run_name(seed)
    done, weights = folder / "result.json", folder / "best" / "model.safetensors"
    if done.is_file():
        result = json.loads(done.read_text("utf-8"))
        if result["share"] != asked.share:
            test = score(load_lifter(weights), store, asked.share)
            result |= {"share": asked.share, "test": test}
            write_json(done, result)
        return result
    if asked.done_only:
        return None
    shutil.rmtree(folder, ignore_errors=True)
    recipe = recipe_of(variant, asked, store=store, seed=seed)
    run = Run(folder)
    run.create(recipe, store=store)
    before, wall = cpu_seconds(), time.monotonic()
    compute = Compute.choose(device="cpu", precision=recipe.precision)
    limits = Limits(max_steps=variant.steps or asked.steps, checkpoint_minutes=1e6)
    say(f"{variant.run_name(seed)}: {limits.max_steps} steps, {compute.reason}")
    state = train(recipe, store=store, run=run, compute=compute, limits=limits, say=lambda _: None)
    if state.step < (limits.max_steps or 0):
        raise SystemExit(f"{variant.run_name(seed)}: stopped at step {state.step}")
    result = {
        "variant": variant.name,
        "settings": dict(variant.settings),
        "seed": seed,
        "steps": limits.max_steps,
        "batch": asked.batch,
        "cpu_seconds": cpu_seconds() - before,
        "wall_seconds": time.monotonic() - wall,
        "validation": run.metrics()[-1],
        "share": asked.share,
        "test": score(load_lifter(weights), store, asked.share),
    }
    write_json(done, result)
    say(f"{variant.run_name(seed)}: {result['cpu_seconds']:.0f} s, " + shown_test(result))
    return result


def load_lifter(weights: Path) -> SampleLifter:
    """A trained network as the benchmark lifts with it: each frame once."""
    model = load_model(weights)
    return NetworkLifter(
        Lifter(
            model,
            device="cpu",
            precision="fp32",
            stride=clip_frames(model),
            confidences="simulated",
        )
    )


def score(lifter: SampleLifter, store: Store, share: float) -> dict[str, dict[str, float]]:
    """Pooled errors in mm by condition, on a share of the open benchmark's frames."""
    protocol = dataclasses.replace(PROTOCOL, quick_share=share)
    sequences = sequences_to_score(store, protocol, quick=True)
    scores = run_protocol(store, sequences, {"it": lifter}, protocol=protocol)
    return {
        condition: {
            f"{name}_mm": 1000 * lifters["it"].pooled[name]
            for name in ("mpjpe", "p_mpjpe", "mpjve", "accel")
        }
        for condition, lifters in scores.items()
    }


def all_runs(
    variants: Iterable[Variant], asked: argparse.Namespace, *, store: Store
) -> list[dict[str, Any]]:
    """Every variant with every seed, seed by seed, so that an early stop leaves whole seeds."""
    torch.set_num_threads(1)
    chosen = list(variants)
    runs = [
        train_and_score(variant, asked, store=store, seed=seed)
        for seed in range(asked.seeds)
        for variant in chosen
    ]
    return [each for each in runs if each is not None]


def table_of(results: Sequence[Mapping[str, Any]]) -> str:
    """Mean and standard deviation over seeds of each variant, in the order of the runs."""
    if not results:
        raise SystemExit("no run is done yet: leave out --done-only")
    conditions = list(results[0]["test"])
    head = ["variant", "seeds", "steps", "CPU s", "val clean", *conditions, "MPJVE, clean"]
    rows = [head, ["---"] + ["---:"] * (len(head) - 1)]
    for name in dict.fromkeys(each["variant"] for each in results):
        own = [each for each in results if each["variant"] == name]
        cells = [f"{statistics.fmean(each['cpu_seconds'] for each in own):.0f}"]
        known = all(each["validation"] for each in own)
        cells.append(spread([each["validation"]["mpjpe_mm"] for each in own]) if known else "-")
        cells += [spread([each["test"][c]["mpjpe_mm"] for each in own]) for c in conditions]
        cells.append(spread([each["test"]["clean"]["mpjve_mm"] for each in own]))
        rows.append([name, str(len(own)), str(own[0]["steps"]), *cells])
    return "".join("| " + " | ".join(row) + " |\n" for row in rows)


def spread(values: Sequence[float]) -> str:
    """Mean and, of several, the standard deviation of a sample."""
    mean = f"{statistics.fmean(values):.1f}"
    return mean if len(values) < 2 else f"{mean} ± {statistics.stdev(values):.1f}"


def write_study(
    name: str, asked: argparse.Namespace, *, results: Sequence[Mapping[str, Any]], text: str
) -> None:
    """`OUT/NAME.json` with every number, and `OUT/NAME.md` with what people read."""
    command = f"python scripts/{Path(sys.argv[0]).name} --store STORE --out OUT --seeds "
    command += f"{asked.seeds} --steps {asked.steps} --batch {asked.batch} --share {asked.share:g}"
    about = {
        "command": command,
        "machine": f"{platform.machine()}, 1 thread, torch {torch.__version__}",
        "runs": list(results),
    }
    write_json(asked.out / f"{name}.json", about)
    with written_beside(asked.out / f"{name}.md") as beside:
        beside.write_text(f"{text}\n`{command}`\n", "utf-8")
    if asked.page is not None:
        put_into_page(asked.page, name, text=text)
    say(text)


def put_into_page(page: Path, name: str, *, text: str) -> None:
    """What stands between the page's markers for this study, written anew; prose stays."""
    begin, end = f"<!-- begin: {name} -->\n", f"<!-- end: {name} -->\n"
    before, _, rest = page.read_text("utf-8").partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"{page}: has no place for the study, from {begin.strip()} to its end")
    with written_beside(page) as beside:
        beside.write_text(f"{before}{begin}{text.rstrip()}\n{end}{after}", "utf-8")


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """The file as a whole, or not at all."""
    with written_beside(path) as beside:
        beside.write_text(json.dumps(values, indent=1) + "\n", "utf-8")


def cpu_seconds() -> float:
    """Processor time of this process so far: what a quiet machine's clock would show."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def shown_test(result: Mapping[str, Any]) -> str:
    """The test scores in a line."""
    return ", ".join(f"{name} {each['mpjpe_mm']:.1f}" for name, each in result["test"].items())


def say(line: str) -> None:
    """A line of the log, at once."""
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stdout.flush()
