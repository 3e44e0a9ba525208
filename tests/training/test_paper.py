"""The paper's recipe starts on a machine without a GPU: its batch and its clips, in parts."""

import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from motionlift.network.compute import Compute
from motionlift.network.dstformer import DSTformerConfig
from motionlift.recipes import RECIPES
from motionlift.training import microbatch
from motionlift.training.cost import duration
from motionlift.training.loop import Limits, train
from motionlift.training.microbatch import bytes_of_a_clip
from motionlift.training.plan import Plan
from motionlift.training.run import Run
from motionlift.training.start import build_network
from tests.data.bodies import write_store

PAPER = RECIPES.get("paper")
SMALL = DSTformerConfig(dim_feat=8, dim_rep=8, depth=1, num_heads=2, mlp_ratio=1, max_frames=243)


def test_a_batch_of_64_clips_of_243_frames_is_taken_in_parts_and_its_cost_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the recipe only the network is made small, and the machine's memory with it."""
    recipe = replace(PAPER, network=SMALL, precision="fp32")
    store = write_store(tmp_path / "store", lengths={"train": [243 + 81 * 63]})
    compute = Compute.choose(device="cpu", precision="fp32")
    plan, model = Plan(recipe, store), build_network(recipe, store)
    assert (plan.total_steps, plan.epochs[0].clips) == (90, 64)
    clip = bytes_of_a_clip(model, task=recipe.task, epoch=plan.epochs[0], compute=compute, seed=0)
    monkeypatch.setattr(microbatch, "memory", lambda device: (7 * clip, "of a small machine"))
    run, said = Run(tmp_path / "run"), []
    run.create(recipe, store=store)
    state = train(
        recipe, store=store, run=run, compute=compute, limits=Limits(max_steps=1), say=said.append
    )
    assert state.step == 1
    assert any(line.startswith("64 clips a step in 10 parts of at most 7 (") for line in said)
    assert any(line.startswith("the whole recipe: 90 epochs, 90 steps, about ") for line in said)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_papers_network_learns_from_clips_of_243_frames_on_a_cpu(tmp_path: Path) -> None:
    """Two clips of the 64, one at a time; the whole batch is in benchmarks/."""
    store = write_store(tmp_path / "store", lengths={"train": [243 + 81]})
    done = subprocess.run(
        [
            *(sys.executable, "-m", "motionlift", "pretrain", "--recipe", "paper"),
            *("--store", str(store.path), "--out", str(tmp_path / "run"), "--device", "cpu"),
            *("--global-batch", "2", "--clips-at-once", "1", "--max-steps", "1"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "2 clips a step in 2 parts of at most 1 (as asked)" in done.stdout
    assert "the whole recipe: 90 epochs, 90 steps, about " in done.stdout
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 20 * 2**20  # kB
    assert [row["step"] for row in Run(tmp_path / "run").metrics()] == [1]


def test_the_memory_that_is_taken_leaves_most_of_a_machine() -> None:
    """A batch in parts keeps, beside the clips, four numbers a parameter and its own workings."""
    there, _ = microbatch.memory(torch.device("cpu"))
    whole = Path("/proc/meminfo").read_text().split()[1]
    assert there < 0.4 * int(whole) * 1024


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(90, "1.5 minutes"), (3600, "60 minutes"), (86400, "24 hours"), (1e6, "278 hours (12 days)")],
)
def test_durations_are_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text
