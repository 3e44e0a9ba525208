"""TensorBoard shows what the metrics say, a resumed run's numbers once, and is not needed."""

import sys
from pathlib import Path

import pytest

from motionlift.data.store import Store
from motionlift.training.events import Events
from motionlift.training.loop import Limits
from tests.data.bodies import write_store
from tests.training.small_runs import TINY, train_tiny


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return write_store(tmp_path / "store", lengths={"train": [60, 45], "val": [30]})


def _shown(folder: Path, tag: str) -> dict[int, float]:
    module = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    shown = module.EventAccumulator(str(folder), size_guidance={module.SCALARS: 0})
    shown.Reload()
    return {each.step: each.value for each in shown.Scalars(tag)}


def test_every_line_of_the_metrics_is_shown(tmp_path: Path, store: Store) -> None:
    run, _ = train_tiny(tmp_path / "run", store, limits=Limits(max_steps=7))
    for split, name in (("train", "loss"), ("train", "velocity"), ("val", "mpjpe_mm")):
        rows = {row["step"]: row[name] for row in run.metrics() if row["split"] == split}
        assert _shown(run.events_path, f"{split}/{name}") == pytest.approx(rows, rel=1e-6)


def test_a_resumed_run_shows_each_step_once(tmp_path: Path, store: Store) -> None:
    train_tiny(tmp_path / "run", store, limits=Limits(max_steps=3))
    (only,) = (tmp_path / "run" / "events").iterdir()
    cut = only.read_bytes()[:-9]  # as a kill leaves it
    only.write_bytes(cut)
    run, _ = train_tiny(tmp_path / "run", store, limits=Limits(max_steps=6), resume=True)
    rows = {row["step"]: row["loss"] for row in run.metrics() if row["split"] == "train"}
    shown = _shown(run.events_path, "train/loss")
    assert shown == pytest.approx({step: rows[step] for step in shown}, rel=1e-6)
    assert {4, 5, 6} <= set(shown)


def test_without_tensorboard_it_is_said_once_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard.compat.proto.event_pb2", None)
    said: list[str] = []
    events = Events(tmp_path / "events", first_step=0, say=said.append)
    events.add({"step": 1, "split": "train", "loss": 0.5})
    events.flush()
    assert said == ["no TensorBoard events: it is not here; pip install motionlift[tensorboard]"]
    assert list(tmp_path.iterdir()) == []


def test_training_without_tensorboard_is_the_same(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_it, _ = train_tiny(tmp_path / "with", store, recipe=TINY, limits=Limits(max_steps=2))
    monkeypatch.setitem(sys.modules, "tensorboard.compat.proto.event_pb2", None)
    without, _ = train_tiny(tmp_path / "without", store, recipe=TINY, limits=Limits(max_steps=2))
    assert with_it.metrics() == without.metrics()
