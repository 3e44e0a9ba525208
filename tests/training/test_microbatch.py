"""A batch in parts is the same batch: losses, gradients, and what follows from them."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from motionlift.data.store import Store
from motionlift.errors import RecipeError
from motionlift.network.compute import Compute
from motionlift.training import microbatch
from motionlift.training.loop import Limits
from motionlift.training.microbatch import MicroBatches, bytes_of_a_clip
from motionlift.training.plan import Plan
from motionlift.training.processes import Processes
from motionlift.training.recipe import OptimizerSettings
from motionlift.training.start import build_network
from tests.data.bodies import write_store
from tests.training.small_runs import TINY, train_tiny

CPU = Compute(device=torch.device("cpu"), precision="fp32", reason="")
# Batches of 8 and 5, and what is left at the end of an epoch: parts of 3 fit none of them.
PARTS = replace(TINY, clips_at_once=3, optimizer=OptimizerSettings(kind="adam"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return write_store(tmp_path / "store", lengths={"train": [60, 45, 33], "val": [30]})


@pytest.mark.parametrize("most", [1, 3, 7])
def test_gradients_of_parts_add_up_to_those_of_the_batch(tmp_path: Path, most: int) -> None:
    """Of clips that lack a joint, of clips that are 2D only, and of all others."""
    lengths = {"train": [60, 45, 33]}
    store = write_store(tmp_path / "mixed", lengths=lengths, flat={"train": [50, 40]})
    epoch = Plan(TINY, store).epochs[0]
    samples = np.array([3, len(epoch.samples) - 1, 7, 12, len(epoch.samples) - 4, 20, 9, 5])
    found = []
    for size in (len(samples), most):
        model = build_network(TINY, store)
        total = torch.zeros(())
        for part in Processes().parts(samples, most=size):
            batch = epoch.samples.batch(part.samples, seed=0, epoch=0, device=CPU.device)
            batch.weight[batch.target[:, 0, 1, 0] > 0, :, 4] = 0
            loss, _ = TINY.task.loss(model(batch.inputs), batch)
            torch.autograd.backward(loss * part.weight)
            total = total + loss.detach() * part.weight
        gradients = [each.grad.flatten() for each in model.parameters() if each.grad is not None]
        found.append((total, torch.cat(gradients)))
    (whole, gradient), (parts, sum_of_parts) = found
    torch.testing.assert_close(parts, whole, rtol=1e-5, atol=0)
    assert (sum_of_parts - gradient).abs().max() < 1e-5 * gradient.abs().max()


def test_a_training_in_parts_gives_the_losses_of_one_without(tmp_path: Path, store: Store) -> None:
    losses = []
    for name, recipe in (("whole", replace(PARTS, clips_at_once=0)), ("parts", PARTS)):
        run, _ = train_tiny(tmp_path / name, store, recipe=recipe, limits=Limits(max_steps=14))
        rows = [row for row in run.metrics() if row["split"] == "train"]
        losses.append([[row[key] for key in ("loss", "position", "velocity")] for row in rows])
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)


def test_a_training_in_parts_resumes_bit_for_bit(tmp_path: Path, store: Store) -> None:
    whole, _ = train_tiny(tmp_path / "whole", store, recipe=PARTS)
    train_tiny(tmp_path / "cut", store, recipe=PARTS, limits=Limits(max_steps=5))
    cut, _ = train_tiny(tmp_path / "cut", store, recipe=PARTS, resume=True)
    kept = {json.dumps(row) for row in cut.metrics()}
    assert all(json.dumps(row) in kept for row in whole.metrics())


@pytest.mark.parametrize("steps", [0, 2])
def test_a_step_that_a_stop_cuts_short_is_done_anew(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    """With dropout, whose draws come from torch's own state."""
    recipe = replace(PARTS, network=replace(PARTS.network, dropout=0.2))
    whole, _ = train_tiny(tmp_path / "whole", store, recipe=recipe)
    asked = []
    with monkeypatch.context() as patch:
        # Three parts a step: the stop comes before the second part of the first or third step.
        last = 3 * steps + 1
        patch.setattr(Processes, "any", lambda *_, **__: asked.append(1) or len(asked) > last)
        cut, state = train_tiny(tmp_path / "cut", store, recipe=recipe)
    assert (state.step, state.is_stopped) == (steps, True)
    assert cut.state_path.exists()
    cut, _ = train_tiny(tmp_path / "cut", store, recipe=recipe, resume=True)
    assert [json.dumps(row) for row in cut.metrics()] == [
        json.dumps(row) for row in whole.metrics()
    ]


def test_what_a_clip_takes_is_measured_and_leaves_no_trace(store: Store) -> None:
    recipe = replace(TINY, network=replace(TINY.network, dropout=0.2))
    model = build_network(recipe, store)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    short, long = (
        bytes_of_a_clip(model, task=recipe.task, epoch=epoch, compute=CPU, seed=0)
        for epoch in (Plan(recipe, store).epochs[0], Plan(recipe, store).epochs[-1])
    )
    tokens, channels = 3 * 17, recipe.network.dim_feat
    # At least the inputs of a block's linear layers, in four bytes; nothing as big as the network.
    assert short > 4 * tokens * channels * 16
    assert 2.5 * short < long < 4 * short
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(each.grad is None for each in model.parameters())


def test_clips_that_do_not_fit_are_said_with_the_reason(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, plan, said = build_network(TINY, store), Plan(TINY, store), []
    choice = MicroBatches(TINY, model, compute=CPU, processes=Processes(), say=said.append)
    assert choice.size(plan.epochs[0]) >= 8
    assert said == []
    clip = bytes_of_a_clip(model, task=TINY.task, epoch=plan.epochs[0], compute=CPU, seed=0)
    monkeypatch.setattr(
        microbatch, "memory", lambda device: (3 * clip + 1, "three clips of memory")
    )
    choice = MicroBatches(TINY, model, compute=CPU, processes=Processes(), say=said.append)
    assert [choice.size(plan.epochs[0]) for _ in range(2)] == [3, 3]
    assert len(said) == 1
    assert said[0].startswith("8 clips a step in 3 parts of at most 3 (")
    assert said[0].endswith("three clips of memory)")


@pytest.mark.parametrize("is_normalised", [True, False])
def test_batch_normalisation_in_several_processes_is_said(
    store: Store, is_normalised: bool
) -> None:
    recipe, said = replace(TINY, clips_at_once=8), []
    model, plan = build_network(recipe, store), Plan(recipe, store)
    if is_normalised:
        model.add_module("norm", torch.nn.BatchNorm1d(4))
    two = Processes(rank=0, count=2)
    MicroBatches(recipe, model, compute=CPU, processes=two, say=said.append).size(plan.epochs[0])
    expected = "4 clips a step in each of 2 processes; batch normalisation sees one share at a time"
    assert [line.split(", so")[0] for line in said] == [expected] * is_normalised


@pytest.mark.parametrize(
    ("limit", "processes", "expected", "said"),
    [
        ("max", None, 0.35 * 8 * 2**30, "35% of 8.0 GB of memory"),
        (str(2 * 2**30), None, 0.35 * 2 * 2**30, "35% of 2.0 GB of memory"),
        (str(64 * 2**30), "2", 0.35 * 4 * 2**30, "8.0 GB of memory, shared by 2 processes"),
    ],
)
def test_memory_is_that_of_the_machine_or_of_its_control_group_and_shared(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
    processes: str | None,
    expected: float,
    said: str,
) -> None:
    """And not what happens to be free: a resumed run adds up its gradients as before."""
    pages = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 8 * 2**30 // 4096}
    monkeypatch.setattr(microbatch.os, "sysconf", pages.__getitem__)
    monkeypatch.setattr(microbatch, "_CONTROL_GROUP", tmp_path / "memory.max")
    (tmp_path / "memory.max").write_text(limit)
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    if processes:
        monkeypatch.setenv("LOCAL_WORLD_SIZE", processes)
    there, what = microbatch.memory(torch.device("cpu"))
    assert there == int(expected)
    assert said in what


def test_fewer_than_no_clips_at_once_is_an_error() -> None:
    with pytest.raises(RecipeError, match="clips-at-once is -1"):
        replace(TINY, clips_at_once=-1)
