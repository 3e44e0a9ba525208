"""Under torchrun: signals, workers that die, two nodes, and recognition of actions."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from motionlift.data.store import Store
from motionlift.errors import MotionliftError, OptionError
from motionlift.network.dstformer import DSTformer
from motionlift.network.weights import save_weights
from motionlift.training.processes import Processes
from motionlift.training.run import Run
from tests.data.bodies import write_store
from tests.tasks.test_action import CONFIG, write_repetitions

STEPS = 12
_PATIENCE = 400  # seconds; the machine may be busy


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return write_store(tmp_path / "store", lengths={"train": [95, 61, 44], "val": [20]})


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_torchrun_saves_and_ends(tmp_path: Path, store: Store, number: int) -> None:
    agent = _start(tmp_path / "run", store, "--stages.0.epochs", "900")
    _wait_for_lines(tmp_path / "run", count=3)
    agent.send_signal(number)
    output, _ = agent.communicate(timeout=_PATIENCE)
    assert "--resume goes on from there" in output
    run = Run(tmp_path / "run")
    saved = _steps(run)[-1]
    done = _start(tmp_path / "run", store, "--stages.0.epochs", "900", "--resume", steps=saved + 2)
    output, _ = done.communicate(timeout=_PATIENCE)
    assert done.returncode == 0, output
    assert _steps(run) == list(range(1, saved + 3))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_worker_goes_on_from_the_last_checkpoint(
    tmp_path: Path, store: Store, rank: int
) -> None:
    """Without --resume: torchrun starts the same command line again."""
    agent = _start(
        *(tmp_path / "run", store, "--checkpoint-minutes", "0", "--stages.0.epochs", "60"),
        launcher=["--standalone", "--nproc-per-node", "2", "--max-restarts", "1"],
        steps=60,
    )
    _wait_for_lines(tmp_path / "run", count=4)
    os.kill(_workers(agent)[rank], signal.SIGKILL)
    output, _ = agent.communicate(timeout=_PATIENCE)
    assert agent.returncode == 0, output
    assert "started anew by torchrun" in output
    at = int(output.split("resumed at step ")[1].split()[0])
    assert at >= 3
    assert _steps(Run(tmp_path / "run")) == list(range(1, 61))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_nodes_give_the_losses_of_one_process(tmp_path: Path, store: Store) -> None:
    """Two torchrun agents that meet at a local address, each with a worker."""
    alone = _start(tmp_path / "alone", store, launcher=["--standalone", "--nproc-per-node", "1"])
    output, _ = alone.communicate(timeout=_PATIENCE)
    assert alone.returncode == 0, output
    meeting = ["--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:29513", "--rdzv-id", "7"]
    agents = [
        _start(
            *(tmp_path / "nodes", store),
            launcher=["--nnodes", "2", "--nproc-per-node", "1", *meeting, "--local-addr", address],
        )
        for address in ("localhost", "localhost")
    ]
    outputs = [agent.communicate(timeout=_PATIENCE)[0] for agent in agents]
    assert [agent.returncode for agent in agents] == [0, 0], outputs
    assert sum("2 processes" in output for output in outputs) == 1  # only the first speaks
    losses = [
        [row["loss"] for row in Run(tmp_path / name).metrics() if row["split"] == "train"]
        for name in ("alone", "nodes")
    ]
    assert len(losses[0]) == STEPS
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_actions_are_learned_by_two_processes(tmp_path: Path) -> None:
    store = write_repetitions(tmp_path / "store", each=3)
    weights = tmp_path / "start.safetensors"
    save_weights(weights, DSTformer(CONFIG), card={})
    out = tmp_path / "run"
    command = ["finetune", "--task", "action", "--model", str(weights), "--store", str(store.path)]
    more = ["--stages.0.frames", "9", "--hidden", "16", "--clips-at-once", "2"]
    agent = _launch(
        [*command, "--out", str(out), *more, "--global-batch", "6", "--max-steps", "5"],
        launcher=["--standalone", "--nproc-per-node", "2"],
    )
    output, _ = agent.communicate(timeout=_PATIENCE)
    assert agent.returncode == 0, output
    assert "batch normalisation sees one part at a time" in output
    run = Run(out)
    assert _steps(run) == [1, 2, 3, 4, 5]
    assert all(np.isfinite(row["loss"]) for row in run.metrics())
    assert (out / "best" / "head.safetensors").is_file()


def test_a_gpu_by_number_is_not_for_many_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    with pytest.raises(OptionError, match="--device cuda:1: each process takes a GPU of its own"):
        Processes.start("cuda:1")


def test_processes_that_lose_one_another_say_so_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("[../gloo/transport/tcp/pair.cc:547] Connection closed by peer\n  stack")

    monkeypatch.setattr("torch.distributed.all_reduce", fails)
    with pytest.raises(MotionliftError, match="has ended or cannot be reached") as caught:
        Processes(count=2).any(False, device=torch.device("cpu"))
    assert "\n" not in str(caught.value)


def _start(
    out: Path,
    store: Store,
    *more: str,
    launcher: list[str] | None = None,
    steps: int | None = STEPS,
) -> subprocess.Popen[str]:
    """A training of tiny networks by torchrun, of two processes if not told otherwise."""
    arguments = [
        *("pretrain", "--recipe", "demo", "--store", str(store.path), "--out", str(out)),
        *("--network.dim-feat", "16", "--network.dim-rep", "16", "--network.depth", "1"),
        *("--global-batch", "5", "--precision", "fp32", "--optimizer.kind", "adam"),
    ]
    if "--stages.0.epochs" not in more:
        more = (*more, "--stages.0.epochs", "6")
    if steps is not None:
        more = (*more, "--max-steps", str(steps))
    return _launch([*arguments, *more], launcher=launcher or ["--standalone", "--nproc-per-node=2"])


def _launch(arguments: list[str], *, launcher: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "torch.distributed.run", *launcher),
            *("-m", "motionlift", *arguments, "--device", "cpu"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def _steps(run: Run) -> list[int]:
    return [row["step"] for row in run.metrics() if row["split"] == "train"]


def _workers(agent: subprocess.Popen[str]) -> list[int]:
    """The processes that the agent started, by rank."""
    found = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rsplit(")", 1)[1].split()[1])
            environment = (status.parent / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        ranks = [each[5:] for each in environment if each.startswith(b"RANK=")]
        if parent == agent.pid and ranks:
            found[int(ranks[0])] = int(status.parent.name)
    return [found[rank] for rank in sorted(found)]


def _wait_for_lines(out: Path, *, count: int) -> None:
    path = out / "metrics.jsonl"
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        if path.exists() and len(path.read_text().splitlines()) >= count:
            return
        time.sleep(0.05)
    raise AssertionError(f"{path} did not get {count} lines")
