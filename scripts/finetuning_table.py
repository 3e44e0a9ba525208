"""The table of `docs/finetuning.md`: what pretraining is worth to labels of a whole repetition.

    python scripts/finetuning_table.py --store STORE --model default --out DIR

Each run is `motionlift finetune --task action --labels action` on the classes `m01_correct`,
`m01_incorrect` ... of the store's repetitions: with all or a tenth of the labels; finetuned from
the model, with a frozen backbone, or from scratch. What is best by the validation people is scored
on the test people under the open benchmark's views and noise, every view of a repetition by itself.
DIR gets `runs/NAME/`, `finetuning.json` and `finetuning.md`; runs that are done are not done again,
and the table is written after each.
"""

import argparse
import json
import platform
import shutil
import statistics
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from study_runs import cpu_seconds, say, spread, write_json

from motionlift.data.store import Sequence, Store
from motionlift.evaluation.protocols.open import PROTOCOL
from motionlift.evaluation.samples import make_sample
from motionlift.files import written_beside
from motionlift.network.compute import Compute
from motionlift.network.weights import load_model
from motionlift.poses import Pose2D
from motionlift.recipes.finetuning import FINETUNING
from motionlift.skeletons import H36M17
from motionlift.tasks._recognition import execution_scores
from motionlift.tasks._repetitions import Repetitions
from motionlift.tasks.action import Action, Classifier, repetition_to_clip
from motionlift.training.loop import Limits, train
from motionlift.training.plan import Plan
from motionlift.training.recipe import Recipe
from motionlift.training.run import Run
from motionlift.training.start import with_network_of_model

CONDITION = "noise"
STARTS: Mapping[str, Mapping[str, Any]] = {
    "finetuned": {},
    "frozen backbone": {"freeze": "backbone"},
    "from scratch": {"from_scratch": True},
}
# A tenth of the labels, five times as often: half as many steps.
EPOCHS_OF_SHARE = {1.0: 1, 0.1: 5}
VALIDATIONS = 3
SAID = ("exercise_top1", "exercise_macro_f1", "correctness")


def main() -> None:
    """Make the runs that are missing, seed by seed, and write the table after each."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--store", type=Path, required=True, help="with repetitions as UI-PRMD's")
    parser.add_argument("--model", default="default", help="weights to begin from")
    parser.add_argument("--out", type=Path, required=True, help="folder for runs and tables")
    parser.add_argument("--seeds", type=int, default=3, help="seeds 0, 1, ... of each run")
    parser.add_argument("--epochs", type=int, default=3, help="with all labels")
    parser.add_argument("--actions", default="m??_*", help="pattern of the actions that take part")
    parser.add_argument(
        "--done-only", action="store_true", help="train nothing; make tables of the runs there are"
    )
    asked = parser.parse_args()
    torch.set_num_threads(1)
    store = Store.open(asked.store)
    compute = Compute.choose()
    test = TestSet(store, actions=asked.actions)
    say(f"on {compute.reason}; test: {test.describe()}")
    results: list[dict[str, Any]] = []
    for seed in range(asked.seeds):
        for share, times in EPOCHS_OF_SHARE.items():
            for start in STARTS:
                recipe = recipe_of(
                    asked.model,
                    start=start,
                    share=share,
                    seed=seed,
                    epochs=asked.epochs * times,
                    actions=asked.actions,
                )
                folder = asked.out / "runs" / recipe.name
                found = result_of(recipe, folder)
                if found is None and not asked.done_only:
                    found = train_and_score(recipe, store, test, compute, folder=folder)
                if found is not None:
                    results.append({"start": start, "labels": share, "seed": seed} | found)
                    said = "  ".join(f"{name} {found[name]:.3f}" for name in SAID)
                    say(f"{recipe.name}: {said}  {found['seconds']:.0f} s")
                    write_table(results, test, model=asked.model, out=asked.out)


class TestSet:
    """The test people's repetitions as the benchmark's cameras see them, and what is true of them.

    Attributes:
        labels: number of the class of each row: of each view of each repetition.
        chance: scores of answering at random.
        majority: scores of always answering the exercise that training shows most.
    """

    def __init__(self, store: Store, *, actions: str) -> None:
        self.samples = _samples(Action(labels="action", actions=actions), store, split="test")
        self.labels = np.repeat(self.samples.labels, PROTOCOL.views_each)
        exercises = _samples(Action(labels="exercise", actions=actions), store, split="test")
        share = float(np.mean(exercises.labels == exercises.most_frequent))
        count = len(np.unique(exercises.labels))
        self.chance = {"exercise_top1": 1 / count, "exercise_macro_f1": 1 / count}
        self.majority = {
            "exercise_top1": share,
            "exercise_macro_f1": 2 * share / (1 + share) / count,
        }
        self.chance["correctness"] = self.majority["correctness"] = 0.5

    @cached_property
    def clips(self) -> Float[torch.Tensor, "row frame 17 3"]:
        """What the network sees: each view of each repetition."""
        sequences = self.samples.sequences
        return torch.from_numpy(np.concatenate([_clips(self.samples.store, s) for s in sequences]))

    def describe(self) -> str:
        """Who and how many, for people."""
        people = sorted({each.subject for each in self.samples.sequences})
        return (
            f"{len(self.samples)} repetitions of {', '.join(people)}, "
            f"{PROTOCOL.views_each} views each"
        )

    @torch.no_grad()
    def score(self, model: Classifier, compute: Compute) -> dict[str, float]:
        """Scores by repetition and view."""
        probabilities = []
        for clips in torch.split(self.clips, 256):
            with compute.autocast():
                answer = model(clips.to(compute.device)).float()
            probabilities.append(answer.softmax(dim=1).cpu().numpy())
        return execution_scores(np.concatenate(probabilities), self.labels, classes=model.classes)


def recipe_of(
    model: str, *, start: str, share: float, seed: int, epochs: int, actions: str
) -> Recipe:
    """One run's settings: the recipe of `motionlift finetune --task action` with a few flags."""
    base = FINETUNING.get("action")
    assert isinstance(base.task, Action)
    recipe = replace(
        base,
        name=f"{start.replace(' ', '-')}_{round(100 * share)}_{seed}",
        model=model,
        seed=seed,
        task=replace(base.task, labels="action", actions=actions, label_share=share),
        stages=(replace(base.stages[0], epochs=epochs),),
        **STARTS[start],
    )
    return with_network_of_model(recipe, base=base)


def result_of(recipe: Recipe, folder: Path) -> dict[str, Any] | None:
    """What a run has reached, if it is done and had the same weights and epochs."""
    path = folder / "result.json"
    if not path.is_file():
        return None
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found if _identity(recipe).items() <= found.items() else None


def train_and_score(
    recipe: Recipe, store: Store, test: TestSet, compute: Compute, *, folder: Path
) -> dict[str, Any]:
    """One run from its beginning, and its scores on the test people, in `result.json`."""
    shutil.rmtree(folder, ignore_errors=True)
    began = cpu_seconds()
    steps = Plan(recipe, store).total_steps
    recipe = replace(recipe, validate_every=-(-steps // VALIDATIONS))
    run = Run(folder)
    run.create(recipe, store=store)
    state = train(recipe, store=store, run=run, compute=compute, limits=Limits(), say=_quiet)
    if state.step < steps:  # Ctrl-C and SIGTERM end a training without an error
        raise SystemExit(f"stopped in {recipe.name}; the runs before it are kept")
    seconds = cpu_seconds() - began
    model = recipe.task.load(folder / "best", store).to(compute.device)
    assert isinstance(model, Classifier)
    rates = {k: v for k, v in run.metrics()[0].items() if k.startswith("rate_")}
    found = _identity(recipe) | test.score(model, compute)
    found |= {"steps": steps, "rates": rates, "seconds": seconds}
    write_json(folder / "result.json", found)
    return found


def _identity(recipe: Recipe) -> dict[str, Any]:
    weights = (load_model(recipe.model).card or {}).get("sha256")
    return {"sha256": weights, "epochs": recipe.stages[0].epochs}


def write_table(results: list[dict[str, Any]], test: TestSet, *, model: str, out: Path) -> None:
    """`finetuning.json` with every run, means and deviations; `finetuning.md` for people."""
    rows = [
        {"labels": share, "start": start, "runs": runs} | _over_seeds(runs)
        for share in EPOCHS_OF_SHARE
        for start in STARTS
        if (runs := [r for r in results if (r["labels"], r["start"]) == (share, start)])
    ]
    about = {
        "model": model,
        "sha256": results[0]["sha256"],
        "machine": f"{platform.machine()}, 1 thread, torch {torch.__version__}",
        "test": test.describe(),
        "condition": CONDITION,
        "chance": test.chance,
        "majority": test.majority,
    }
    write_json(out / "finetuning.json", about | {"rows": rows})
    text = f"{_main_table(rows, test)}\n\n{_table_by_exercise(rows)}\n"
    with written_beside(out / "finetuning.md") as beside:
        beside.write_text(text, "utf-8")


def _over_seeds(runs: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Mean of each score over seeds, and its deviation where there are several."""
    names = [name for name in runs[0] if name.startswith(("exercise_", "correctness"))]
    values = {name: [run[name] for run in runs] for name in names}
    found = {"mean": {name: statistics.fmean(each) for name, each in values.items()}}
    if len(runs) > 1:
        found["deviation"] = {name: statistics.stdev(each) for name, each in values.items()}
    return found


def _main_table(rows: list[dict[str, Any]], test: TestSet) -> str:
    head = ["labels", "start", "rate of head", "of backbone", "steps", "CPU s", "seeds"]
    head += ["exercise, top-1", "macro-F1", "execution, balanced"]
    lines = [head, ["---"] * len(head)]
    for row in rows:
        runs = row["runs"]
        rates = runs[0]["rates"]
        base = rates.get("rate_adamw_head", rates.get("rate_adamw"))
        backbone = rates.get("rate_adamw_backbone", rates.get("rate_adamw", 0))
        plain = [f"{row['labels']:.0%}", row["start"], f"{base:g}", f"{backbone:g}"]
        seconds = statistics.fmean(run["seconds"] for run in runs)
        plain += [str(runs[0]["steps"]), f"{seconds:.0f}", str(len(runs))]
        lines.append(plain + [spread([100 * run[name] for run in runs]) for name in SAID])
    for name, scores in (("majority", test.majority), ("chance", test.chance)):
        lines.append(["", name, *[""] * 5, *(f"{100 * scores[each]:.1f}" for each in SAID)])
    return _markdown(lines)


def _table_by_exercise(rows: list[dict[str, Any]]) -> str:
    names = [name for name in rows[0]["mean"] if name.startswith("correctness_")]
    head = ["labels", "start", *(name.removeprefix("correctness_") for name in names)]
    lines = [head, ["---"] * len(head)]
    for row in rows:
        scores = [f"{100 * row['mean'][name]:.0f}" for name in names]
        lines.append([f"{row['labels']:.0%}", row["start"], *scores])
    return _markdown(lines)


def _markdown(lines: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _samples(task: Action, store: Store, *, split: str) -> Repetitions:
    base = FINETUNING.get("action")
    frames = base.stages[0].frames
    return task.samples(store, split=split, frames=frames, stride=frames, data=base.data, seed=0)


def _clips(store: Store, sequence: Sequence) -> Float[np.ndarray, "view frame 17 3"]:
    """A repetition as the network sees it in the benchmark's views."""
    seen = make_sample(store, sequence, protocol=PROTOCOL, condition=PROTOCOL.conditions[CONDITION])
    poses = [
        Pose2D(
            skeleton=H36M17,
            keypoints=keypoints.astype(np.float32),
            confidence=confidence.astype(np.float32),
            frame_index=np.arange(len(keypoints)),
            source=sequence.name,
        )
        for keypoints, confidence in zip(seen.keypoints, seen.confidence, strict=True)
    ]
    frames = FINETUNING.get("action").stages[0].frames
    return np.stack([repetition_to_clip(pose, frames=frames) for pose in poses])


def _quiet(line: str) -> None:
    pass


if __name__ == "__main__":
    main()
