"""Two processes with the same global batch do what one does."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from jaxtyping import Float

from motionlift.training.processes import Processes
from motionlift.training.run import Run
from tests.data.bodies import write_store

STEPS = 20


def test_two_processes_give_the_losses_of_one(tmp_path: Path) -> None:
    """As they are, and with shares that are taken clip by clip; some clips are 2D only."""
    lengths = {"train": [95, 61, 44], "val": [20]}
    write_store(tmp_path / "store", lengths=lengths, flat={"train": [70]})
    alone = _terms(tmp_path, "alone", count=1)
    for name, more in (("two", []), ("parts", ["--clips-at-once", "1"])):
        np.testing.assert_allclose(_terms(tmp_path, name, *more, count=2), alone, rtol=1e-5)


def _terms(folder: Path, name: str, *more: str, count: int) -> Float[np.ndarray, "step term"]:
    """Loss and its terms, step by step."""
    launcher = [sys.executable, "-m"]
    if count > 1:
        launcher += ["torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"]
    done = subprocess.run(
        [*launcher, "motionlift", "pretrain", *_flags(folder / "store", folder / name), *more],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[:4000]
    rows = [row for row in Run(folder / name).metrics() if row["split"] == "train"]
    assert [row["step"] for row in rows] == list(range(1, STEPS + 1))
    terms = ("loss", "position", "velocity", "reprojection")
    return np.array([[row[term] for term in terms] for row in rows])


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("most", [1, 2, 7])
def test_parts_are_disjoint_complete_and_weighted_to_the_mean(count: int, most: int) -> None:
    samples = np.arange(7)
    parts = [Processes(rank=rank, count=count).parts(samples, most=most) for rank in range(count)]
    assert len({len(own) for own in parts}) == 1
    assert all([part.is_last for part in own] == [False] * (len(own) - 1) + [True] for own in parts)
    seen = [part for own in parts for part in own if part.weight > 0]
    assert sorted(np.concatenate([part.samples for part in seen])) == list(samples)
    assert max(len(part.samples) for part in seen) <= most
    values = samples.astype(float) ** 2
    mean = sum(values[part.samples].mean() * part.weight for part in seen) / count
    assert mean == pytest.approx(values.mean())


def test_a_process_without_samples_takes_part_with_weight_0() -> None:
    (part,) = Processes(rank=2, count=3).parts(np.array([8, 9]), most=4)
    assert (part.samples.tolist(), part.weight) == ([8], 0.0)


_LOST = """
import os, sys
import torch
import torch.distributed as dist
from motionlift.errors import MotionliftError
from motionlift.training.processes import Part, Processes, gradients_shared

rank, store = int(sys.argv[1]), dist.FileStore(sys.argv[2], 2)
dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
model = Processes(rank=rank, count=2).wrap(torch.nn.Linear(1, 1))
store.set(str(rank), "ready")
store.wait(["0", "1"])
if rank == 1:
    os._exit(0)  # as if it were killed
try:
    with gradients_shared(model, Part(samples=None, weight=1.0, is_last=True)):
        model(torch.ones(1, 1)).sum().backward()
except MotionliftError as error:
    print(error)
os._exit(0)  # the group cannot be left without the other
"""


def test_a_process_that_died_during_the_backward_pass_is_one_line(tmp_path: Path) -> None:
    ranks = [
        subprocess.Popen(
            [sys.executable, "-c", _LOST, str(rank), str(tmp_path / "meeting")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    said, wrong = ranks[0].communicate(timeout=200)
    ranks[1].communicate(timeout=200)
    assert said.startswith("another process of this training has ended"), wrong
    assert len(said.splitlines()) == 1


def test_other_errors_between_processes_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr("torch.distributed.all_reduce", fails)
    with pytest.raises(RuntimeError, match="out of memory"):
        Processes(count=2).any(False, device=torch.device("cpu"))


def _flags(store: Path, out: Path) -> list[str]:
    # Batches of 5 do not split evenly over two processes, nor does the last one of an epoch.
    return [
        *("--recipe", "demo", "--store", str(store), "--out", str(out), "--precision", "fp32"),
        *("--network.dim-feat", "16", "--network.dim-rep", "16", "--network.depth", "1"),
        *("--stages.0.epochs", "6", "--global-batch", "5", "--max-steps", str(STEPS)),
        *("--optimizer.kind", "adam", "--device", "cpu"),
    ]
