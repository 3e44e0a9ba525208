"""How soon each optimiser sees depth, and how far it gets in the same processor time.

    python scripts/optimizers.py --store STORE --out OUT

The image gives x and y for nothing. An answer with exact x and y and no depth has a certain loss,
the mean depth of the joints; a training has left that plateau when the mean of its last 40 joint
losses is below three quarters of it. `--steps` are Muon's; the others get as many as fit into the
same seconds. Adam's rate is the best of three on the validation people, with seed 0, and AdamW
(decay 0.01) has the same.
"""

import argparse
import json
import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from study_runs import (
    Variant,
    parser_of,
    recipe_of,
    spread,
    table_of,
    train_and_score,
    write_json,
    write_study,
)

from motionlift.data.store import Store
from motionlift.network.compute import Compute
from motionlift.training.optimizers import build_optimizers
from motionlift.training.plan import Plan
from motionlift.training.start import build_network

MUON = Variant(name="full procedure")
RATES = (5e-4, 2e-3, 5e-3)  # the first is the paper's
TIMED, UNTIMED = 20, 5  # steps
WINDOW, LEFT = 40, 0.75


def main() -> None:
    """Measure a step, train, and write the tables."""
    asked = parser_of("Adam, AdamW and Muon in the same processor time.").parse_args()
    torch.set_num_threads(1)
    store = Store.open(asked.store)
    costs = measured_costs(asked, store)
    flat = loss_without_depth(asked, store)
    runs = [train_and_score(MUON, asked, store=store, seed=0)]
    screened = [
        train_and_score(adam(rate, asked, costs), asked, store=store, seed=0) for rate in RATES
    ]
    runs += screened
    known = [each for each in screened if each is not None]
    if len(known) == len(RATES):
        best = min(known, key=lambda each: each["validation"]["loss"])
        rate = best["settings"]["optimizer.learning_rate"]
        variants = (MUON, adam(rate, asked, costs), adamw(rate, asked, costs))
        runs += [
            train_and_score(each, asked, store=store, seed=seed)
            for seed in range(asked.seeds)
            for each in variants
        ]
    # Of seed 0 most runs were asked for twice.
    results = list({(each["variant"], each["seed"]): each for each in runs if each}.values())
    text = table_of(results) + "\n" + plateau_table(results, asked, costs=costs, flat=flat)
    write_study("optimizers", asked, results=results, text=text)


def adam(rate: float, asked: argparse.Namespace, costs: Mapping[str, float]) -> Variant:
    """Adam with this rate, for the seconds that Muon has."""
    return _variant("adam", rate, {}, asked, costs)


def adamw(rate: float, asked: argparse.Namespace, costs: Mapping[str, float]) -> Variant:
    """AdamW with this rate and the published decay."""
    return _variant("adamw", rate, {"optimizer.weight_decay": 0.01}, asked, costs)


def _variant(
    kind: str,
    rate: float,
    more: Mapping[str, Any],
    asked: argparse.Namespace,
    costs: Mapping[str, float],
) -> Variant:
    return Variant(
        name=f"{kind} {rate:g}",
        settings={"optimizer.kind": kind, "optimizer.learning_rate": rate, **more},
        steps=round(asked.steps * costs["muon"] / costs[kind]),
    )


def measured_costs(asked: argparse.Namespace, store: Store) -> dict[str, float]:
    """Processor seconds of a step with each kind of optimiser, measured once for a folder."""
    path = asked.out / "costs.json"
    if path.is_file():
        return json.loads(path.read_text("utf-8"))
    costs = {kind: step_seconds(kind, asked, store) for kind in ("muon", "adam", "adamw")}
    write_json(path, costs)
    return costs


def step_seconds(kind: str, asked: argparse.Namespace, store: Store) -> float:
    """The median over some steps: batch, loss, gradient and step, as the loop does them."""
    variant = Variant(name=kind, settings={"optimizer.kind": kind})
    recipe = recipe_of(variant, asked, store=store, seed=0)
    model = build_network(recipe, store)
    optimizers = build_optimizers(model, recipe.optimizer).values()
    compute = Compute.choose(device="cpu", precision=recipe.precision)
    plan = Plan(recipe, store)
    epoch = plan.epochs[0]
    seconds = []
    for samples in plan.batches(epoch, step=0)[: UNTIMED + TIMED]:
        before = time.process_time()
        batch = epoch.samples.batch(samples, seed=0, epoch=0, device=compute.device)
        with compute.autocast():
            answer = model(batch.inputs)
        loss, _ = recipe.task.loss(answer.float(), batch)
        for optimizer in optimizers:
            optimizer.zero_grad()
        torch.autograd.backward(loss)
        for optimizer in optimizers:
            optimizer.step()
        seconds.append(time.process_time() - before)
    return statistics.median(seconds[UNTIMED:])


def loss_without_depth(asked: argparse.Namespace, store: Store) -> float:
    """The joint loss of an answer with exact x and y and no depth, over some batches."""
    recipe = recipe_of(MUON, asked, store=store, seed=0)
    plan = Plan(recipe, store)
    epoch = plan.epochs[0]
    losses = []
    for samples in plan.batches(epoch, step=0)[:TIMED]:
        batch = epoch.samples.batch(samples, seed=0, epoch=0, device=torch.device("cpu"))
        flat = batch.target * torch.tensor([1.0, 1.0, 0.0])
        _, terms = recipe.task.loss(flat, batch)
        losses.append(terms["position"].item())
    return statistics.fmean(losses)


def left_at(result: Mapping[str, Any], asked: argparse.Namespace, *, flat: float) -> int | None:
    """The step at which a run left the plateau, or None."""
    name = Variant(name=result["variant"]).run_name(result["seed"])
    lines = (asked.out / "runs" / name / "metrics.jsonl").read_text("utf-8").splitlines()
    rows = [row for row in map(json.loads, lines) if row["split"] == "train"]
    losses = np.array([row["position"] for row in rows])
    means = np.convolve(losses, np.ones(WINDOW) / WINDOW, mode="valid")
    below = np.flatnonzero(means < LEFT * flat)
    return int(below[0]) + WINDOW if below.size else None


def plateau_table(
    results: Sequence[Mapping[str, Any]],
    asked: argparse.Namespace,
    *,
    costs: Mapping[str, float],
    flat: float,
) -> str:
    """When each optimiser left the plateau, in steps and in seconds of these steps."""
    text = f"Loss without depth: {flat:.3f}; left below {LEFT * flat:.3f}.\n\n"
    text += "| variant | ms a step | runs that left | left at step | after CPU s |\n"
    text += "| --- | ---: | ---: | ---: | ---: |\n"
    for name in dict.fromkeys(each["variant"] for each in results):
        own = [each for each in results if each["variant"] == name]
        kind = own[0]["settings"].get("optimizer.kind", "muon")
        steps = [left_at(each, asked, flat=flat) for each in own]
        left = [step for step in steps if step is not None]
        when = spread(left) if left else "-"
        after = spread([step * costs[kind] for step in left]) if left else "-"
        text += f"| {name} | {1000 * costs[kind]:.0f} | {len(left)} of {len(own)} "
        text += f"| {when} | {after} |\n"
    return text


if __name__ == "__main__":
    main()
