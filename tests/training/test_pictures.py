"""Samples show held-out clips: what was seen, the truth and the answer."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from motionlift.data.store import Store
from motionlift.network.compute import Compute
from motionlift.tasks.action import Action
from motionlift.tasks.lift import LiftSamples
from motionlift.training import keeping, pictures
from motionlift.training.loop import Limits
from motionlift.training.pictures import draw_samples
from motionlift.training.start import build_network
from tests.data.bodies import write_store
from tests.training.small_runs import TINY, train_tiny

CPU = Compute.choose(device="cpu", precision="fp32")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return write_store(tmp_path / "store", lengths={"train": [60, 45], "val": [90]})


def test_validation_lifts_are_drawn_and_the_network_goes_on_training(
    tmp_path: Path, store: Store
) -> None:
    model = build_network(TINY, store)
    path = draw_samples(tmp_path / "samples.png", model, TINY, store, CPU)
    assert path is not None
    assert path.read_bytes().startswith(b"\x89PNG") and path.stat().st_size > 20_000
    assert model.training


def test_the_error_that_is_told_is_that_of_the_answer(store: Store) -> None:
    model = build_network(TINY, store)
    samples = TINY.task.samples(store, split="val", frames=9, stride=9, data=TINY.data, seed=0)
    assert isinstance(samples, LiftSamples)
    chosen = np.array([1, 4])
    lifts = pictures._lifted(model, samples, chosen, CPU)
    batch = samples.batch(chosen, seed=pictures._SEED, epoch=0, device=CPU.device)
    with torch.no_grad():
        metres = (model(batch.inputs) - batch.target) * batch.scale[:, None, None, None]
    for lift, error in zip(lifts, metres.norm(dim=-1).mean(dim=(1, 2)), strict=True):
        assert lift["error_mm"] == pytest.approx(1000 * error.item(), rel=1e-5)


def test_there_is_nothing_to_draw_without_people_to_validate_on_or_of_another_task(
    tmp_path: Path, store: Store
) -> None:
    model = build_network(TINY, store)
    alone = write_store(tmp_path / "alone", lengths={"train": [40]}, flat={"val": [40]})
    path = tmp_path / "samples.png"
    assert draw_samples(path, model, TINY, alone, CPU) is None
    assert draw_samples(path, model, replace(TINY, task=Action()), store, CPU) is None
    assert not path.exists()


def test_a_long_training_draws_at_its_checkpoints(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, _ = train_tiny(tmp_path / "short", store, limits=Limits(max_steps=1))
    assert not run.samples_path.exists()
    monkeypatch.setattr(keeping, "_SECONDS_BEFORE_PICTURES", -1.0)
    run, _ = train_tiny(tmp_path / "long", store, limits=Limits(max_steps=1))
    assert run.samples_path.is_file() and (run.path / "curves.png").is_file()
