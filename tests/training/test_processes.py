"""Two processes with the same global batch do what one does."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from motionlift.training.processes import Processes
from motionlift.training.run import Run
from tests.data.bodies import write_store

STEPS = 20


def test_two_processes_give_the_losses_of_one(tmp_path: Path) -> None:
    write_store(tmp_path / "store", lengths={"train": [95, 61, 44], "val": [20]})
    losses = {}
    for count in (1, 2):
        out = tmp_path / f"run{count}"
        launcher = [sys.executable, "-m"]
        if count > 1:
            launcher += ["torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"]
        done = subprocess.run(
            [*launcher, "motionlift", "pretrain", *_flags(tmp_path / "store", out)],
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        assert done.returncode == 0, done.stderr[-2000:]
        rows = [row for row in Run(out).metrics() if row["split"] == "train"]
        assert [row["step"] for row in rows] == list(range(1, STEPS + 1))
        losses[count] = np.array([row["loss"] for row in rows])
    np.testing.assert_allclose(losses[1], losses[2], rtol=1e-5)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_shares_are_disjoint_complete_and_weighted_to_the_mean(count: int) -> None:
    samples = np.arange(7)
    parts = [Processes(rank=rank, count=count).share(samples) for rank in range(count)]
    assert sorted(np.concatenate([own for own, _ in parts])) == list(samples)
    values = samples.astype(float) ** 2
    mean = sum(values[own].mean() * weight for own, weight in parts) / count
    assert mean == pytest.approx(values.mean())


def test_a_process_without_samples_takes_part_with_weight_0() -> None:
    own, weight = Processes(rank=2, count=3).share(np.array([8, 9]))
    assert (own.tolist(), weight) == ([8], 0.0)


def _flags(store: Path, out: Path) -> list[str]:
    # Batches of 5 do not split evenly over two processes, nor does the last one of an epoch.
    return [
        *("--recipe", "demo", "--store", str(store), "--out", str(out), "--precision", "fp32"),
        *("--network.dim-feat", "16", "--network.dim-rep", "16", "--network.depth", "1"),
        *("--stages.0.epochs", "6", "--global-batch", "5", "--max-steps", str(STEPS)),
        *("--optimizer.kind", "adam", "--device", "cpu"),
    ]
