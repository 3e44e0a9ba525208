"""Full disks, writes cut short, and signals: the checkpoint before is good, and that is said."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from motionlift.data.store import Store
from motionlift.errors import MotionliftError
from motionlift.network.weights import load_model
from motionlift.training.loop import Limits
from motionlift.training.run import Run
from motionlift.training.stopping import stop_signals
from tests.data.bodies import write_store
from tests.training.small_runs import train_tiny

DISK = 3_000_000
_CUT_SHORT = """
import os, sys
from pathlib import Path
from safetensors.torch import save
from motionlift.data.store import Store
from motionlift.training import state
from motionlift.training.loop import Limits
from tests.training.small_runs import train_tiny

def cut_short(tensors, path, **more):
    path.write_bytes(save(tensors)[:5000])
    os.kill(os.getpid(), 9)

folder = Path(sys.argv[1])
store = Store.open(folder / "store")
train_tiny(folder / "run", store, limits=Limits(max_steps=3))
state.save_file = cut_short
train_tiny(folder / "run", store, resume=True)
"""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return write_store(tmp_path / "store", lengths={"train": [60, 45, 33], "val": [30]})


@contextmanager
def _full_disk(path: Path) -> Iterator[None]:
    """A disk of its own at `path`; while it holds, there is room for lines but no checkpoint."""
    filler = path / "filler"
    with filler.open("wb") as handle:
        free = os.statvfs(path)
        handle.write(bytes(free.f_bavail * free.f_frsize - 40_000))
    yield
    filler.unlink()


@contextmanager
def _largest_file(path: Path) -> Iterator[None]:
    """While it holds, no file can be as long as a checkpoint."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "disk"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    yield path
    subprocess.run(["umount", "--lazy", str(path)], check=True)


def test_a_full_disk_leaves_the_checkpoint_before_and_says_so(disk: Path, store: Store) -> None:
    _refuses_then_goes_on(disk / "run", store, _full_disk(disk), "No space left on device")


def test_a_refused_write_leaves_the_checkpoint_before_and_says_so(
    tmp_path: Path, store: Store
) -> None:
    _refuses_then_goes_on(tmp_path / "run", store, _largest_file(tmp_path), "File too large")


def _refuses_then_goes_on(
    path: Path, store: Store, trouble: AbstractContextManager[None], reason: str
) -> None:
    every_step = Limits(checkpoint_minutes=0)
    run, _ = train_tiny(path, store, limits=Limits(max_steps=2))
    good = run.state_path.read_bytes()
    assert len(good) > 80_000
    with trouble, pytest.raises(MotionliftError) as caught:
        train_tiny(path, store, resume=True, limits=every_step)
    message = str(caught.value)
    assert f"the checkpoint of step 3 could not be written ({reason})" in message
    assert "that of step 2 is good" in message
    assert "\n" not in message
    assert run.state_path.read_bytes() == good
    _, state = train_tiny(path, store, resume=True, limits=Limits(max_steps=4))
    assert state.step == 4


def test_metrics_that_cannot_be_written_are_an_error_of_one_line(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    run.metrics_path.mkdir(parents=True)
    with pytest.raises(MotionliftError, match=r"metrics\.jsonl: step 3 could not be written"):
        run.log({"step": 3})


def test_a_kill_while_a_checkpoint_is_written_leaves_the_one_before(
    tmp_path: Path, store: Store
) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", _CUT_SHORT, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    last = tmp_path / "run" / "last"
    assert list(last.glob(".state.safetensors.*"))
    cut, _ = train_tiny(tmp_path / "run", store, resume=True)
    assert not list(last.glob(".*"))
    whole, _ = train_tiny(tmp_path / "whole", store)
    kept = {json.dumps(row) for row in cut.metrics()}
    assert all(json.dumps(row) in kept for row in whole.metrics())


def test_a_cluster_may_send_sigterm_again_and_again() -> None:
    with stop_signals() as stop:
        for _ in range(3):
            signal.raise_signal(signal.SIGTERM)
        assert stop.asked


def test_a_second_ctrl_c_stops_at_once_but_not_the_echo_of_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    with stop_signals() as stop:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        assert stop.asked
        clock[0] += 2
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_best_weights_that_a_kill_left_unreadable_are_written_anew(
    store: Store, tmp_path: Path
) -> None:
    run, _ = train_tiny(tmp_path / "run", store, limits=Limits(max_steps=7))
    about = tmp_path / "run" / "best" / "model.json"
    of_another = json.loads(about.read_text()) | {"sha256": "0" * 64}
    about.write_text(json.dumps(of_another))
    train_tiny(tmp_path / "run", store, resume=True)
    assert json.loads(about.read_text())["sha256"] != "0" * 64
    load_model(run.path / "best" / "model.safetensors")
