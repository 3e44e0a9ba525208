"""Training learns, logs every step, survives any stop, and keeps what is best."""

import json
import math
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from motionlift.data.batch import DataSettings
from motionlift.data.clips import Clips
from motionlift.data.corruption import CorruptionSettings
from motionlift.data.noise import SHIPPED
from motionlift.data.store import Store
from motionlift.data.views import BodySettings, ViewSettings
from motionlift.errors import MotionliftError, RecipeError, WeightsError
from motionlift.network.weights import load_model
from motionlift.training.loop import Limits
from motionlift.training.plan import Plan
from motionlift.training.recipe import OptimizerSettings
from motionlift.training.run import Run
from motionlift.training.stopping import check_finite_weights
from tests.data.bodies import write_store
from tests.training.small_runs import TINY, train_tiny

LENGTHS = {"train": [60, 45, 33], "val": [30]}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return write_store(tmp_path / "store", lengths=LENGTHS)


def test_every_step_is_a_line_of_the_metrics(tmp_path: Path, store: Store) -> None:
    run, state = train_tiny(tmp_path / "run", store)
    rows = run.metrics()
    train_rows = [row for row in rows if row["split"] == "train"]
    assert [row["step"] for row in train_rows] == list(range(1, state.step + 1))
    assert state.step == Plan(TINY, store).total_steps
    assert {"step", "epoch", "split", "loss", "position", "velocity"} <= set(train_rows[0])
    val_rows = [row for row in rows if row["split"] == "val"]
    assert {row["step"] for row in val_rows} == {6, 12, state.step}
    assert all(math.isfinite(row["mpjpe_mm"]) for row in val_rows)


def test_an_epoch_sees_each_clip_once_in_batches_of_the_stage(store: Store) -> None:
    plan = Plan(TINY, store)
    for epoch in plan.epochs:
        batches = plan.batches(epoch, step=epoch.first_step)
        assert len(batches) == epoch.steps
        assert sorted(np.concatenate(batches)) == list(range(len(epoch.samples)))
        assert all(len(batch) == epoch.stage.batch for batch in batches[:-1])


def test_training_learns_a_person_seen_from_the_front(tmp_path: Path, store: Store) -> None:
    recipe = replace(
        TINY,
        data=DataSettings(
            body=BodySettings(flip=0.0),
            views=ViewSettings(kind="front"),
            corruption=CorruptionSettings(noise=0.0, joint_mask=0.0, frame_mask=0.0),
        ),
        stages=(replace(TINY.stages[0], epochs=20),),
        optimizer=OptimizerSettings(kind="adamw", learning_rate=1e-2, schedule="linear"),
    )
    run, _ = train_tiny(tmp_path / "run", store, recipe=recipe)
    losses = [row["position"] for row in run.metrics() if row["split"] == "train"]
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:3])


@pytest.mark.parametrize("stopped_after", [1, 7, 14])
def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(
    tmp_path: Path, store: Store, stopped_after: int
) -> None:
    whole, whole_state = train_tiny(tmp_path / "whole", store)
    parts, _ = train_tiny(tmp_path / "parts", store, limits=Limits(max_steps=stopped_after))
    torch.manual_seed(99)  # whatever happened in between
    parts, state = train_tiny(tmp_path / "parts", store, resume=True)
    # A stop adds its own validation; every line of the uninterrupted run must be there.
    kept = {json.dumps(row) for row in parts.metrics()}
    assert all(json.dumps(row) in kept for row in whole.metrics())
    for name, value in whole_state.answering.state_dict().items():
        assert torch.equal(value, state.answering.state_dict()[name])


@pytest.mark.parametrize("kind", ["adam", "adamw", "muon"])
def test_every_optimiser_resumes_exactly(tmp_path: Path, store: Store, kind: str) -> None:
    recipe = replace(TINY, optimizer=OptimizerSettings(kind=kind, learning_rate=1e-3))  # type: ignore[arg-type]
    _, whole = train_tiny(tmp_path / "whole", store, recipe=recipe, limits=Limits(max_steps=9))
    train_tiny(tmp_path / "parts", store, recipe=recipe, limits=Limits(max_steps=4))
    _, parts = train_tiny(
        tmp_path / "parts", store, recipe=recipe, limits=Limits(max_steps=9), resume=True
    )
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, parts.model.state_dict()[name])


@pytest.mark.parametrize("missing", ["last", "best"])
def test_resume_after_the_last_step_leaves_what_a_kill_took(
    tmp_path: Path, store: Store, missing: str
) -> None:
    run, _ = train_tiny(tmp_path / "run", store)
    wanted = load_model(run.path / missing / "model.safetensors").state_dict()
    (run.path / missing / "model.safetensors").unlink()
    resumed, state = train_tiny(tmp_path / "run", store, resume=True)
    assert state.step == Plan(TINY, store).total_steps
    found = load_model(resumed.path / missing / "model.safetensors").state_dict()
    if missing == "last":  # the best were of an earlier step
        assert all(torch.equal(found[name], value) for name, value in wanted.items())


def test_weights_of_a_finished_stage_know_its_clips_and_not_the_next_ones(
    tmp_path: Path, store: Store
) -> None:
    """Positions beyond those of the clips so far are untrained."""
    boundary = next(each for each in Plan(TINY, store).epochs if each.stage != TINY.stages[0])
    limits = Limits(max_steps=boundary.first_step)
    for resume in (False, True):
        run, _ = train_tiny(tmp_path / "run", store, limits=limits, resume=resume)
        card = json.loads((run.path / "last" / "model.json").read_text())
        assert card["clip_frames"] == TINY.stages[0].frames != boundary.stage.frames


def test_resume_before_any_checkpoint_starts_at_step_0(tmp_path: Path, store: Store) -> None:
    run = Run(tmp_path / "run")
    run.create(TINY, store=store)
    run.metrics_path.write_text('{"step": 1, "split": "train", "loss": 9.0}\n{"step": 2, "spl')
    _, state = train_tiny(tmp_path / "run", store, resume=True, limits=Limits(max_steps=2))
    assert state.step == 2
    assert [row["step"] for row in run.metrics() if row["split"] == "train"] == [1, 2]


def test_resume_with_other_settings_names_them(tmp_path: Path, store: Store) -> None:
    run, _ = train_tiny(tmp_path / "run", store, limits=Limits(max_steps=1))
    with pytest.raises(RecipeError, match=r"seed: 1, not 0"):
        run.check(replace(TINY, seed=1), store=store)
    # How much a machine takes at once is no such setting.
    run.check(replace(TINY, clips_at_once=2, compile=True), store=store)


def test_a_run_of_a_version_that_knew_fewer_settings_is_not_resumed(
    tmp_path: Path, store: Store
) -> None:
    run, _ = train_tiny(tmp_path / "run", store, limits=Limits(max_steps=1))
    lines = run.config_path.read_text("utf-8").splitlines()
    kept = [line for line in lines if not line.startswith(("clip ", "turn "))]
    run.config_path.write_text("\n".join(kept), "utf-8")
    with pytest.raises(RecipeError, match=r"knew no data\.body\.turn, optimizer\.clip; go on"):
        run.check(TINY, store=store)


def test_resume_on_other_data_is_refused(tmp_path: Path, store: Store) -> None:
    run, _ = train_tiny(tmp_path / "run", store, limits=Limits(max_steps=1))
    other = write_store(tmp_path / "other", lengths={"train": [30, 40], "val": [20]})
    with pytest.raises(RecipeError, match=rf"on other data than {other.path} holds now"):
        run.check(TINY, store=other)
    run.check(TINY, store=Store.open(store.path.rename(tmp_path / "elsewhere")))


def test_resume_with_another_content_of_the_noise_file_is_refused(
    tmp_path: Path, store: Store
) -> None:
    noise = tmp_path / "noise.json"
    noise.write_bytes(SHIPPED.read_bytes())
    data = DataSettings(corruption=CorruptionSettings(noise_file=str(noise)))
    recipe, run = replace(TINY, data=data), Run(tmp_path / "run")
    run.create(recipe, store=store)
    run.check(recipe, store=store)
    noise.write_bytes(SHIPPED.read_bytes() + b"\n")
    with pytest.raises(RecipeError, match=rf"started with another content of {noise}; resume"):
        run.check(recipe, store=store)


def test_weights_that_are_not_finite_are_never_kept(tmp_path: Path, store: Store) -> None:
    run, state = train_tiny(tmp_path / "run", store, limits=Limits(max_steps=1))
    check_finite_weights(state.model, run, step=1)
    with torch.no_grad():
        next(state.model.parameters()).view(-1)[0] = float("inf")
    with pytest.raises(MotionliftError, match="not finite after step 1; begin another run from"):
        check_finite_weights(state.model, run, step=1)


def test_a_damaged_checkpoint_is_an_error_that_names_it(tmp_path: Path, store: Store) -> None:
    run, _ = train_tiny(tmp_path / "run", store, limits=Limits(max_steps=1))
    run.state_path.write_bytes(run.state_path.read_bytes()[:-100])
    with pytest.raises(WeightsError, match=r"state\.safetensors"):
        train_tiny(tmp_path / "run", store, resume=True)


def test_a_loss_that_is_not_finite_stops_with_step_and_clips(tmp_path: Path, store: Store) -> None:
    recipe = replace(
        TINY, optimizer=OptimizerSettings(kind="adamw", learning_rate=1e30, schedule="linear")
    )
    with pytest.raises(MotionliftError, match=r"not finite at step \d+, on train/\d\.npz\["):
        train_tiny(tmp_path / "run", store, recipe=recipe)


def test_best_weights_load_and_answer(tmp_path: Path, store: Store) -> None:
    run, _ = train_tiny(tmp_path / "run", store)
    model = load_model(run.path / "best" / "model.safetensors")
    assert model(torch.zeros(1, 5, 17, 3)).shape == (1, 5, 17, 3)
    assert model.config == TINY.network


def test_best_is_the_lowest_validation_error_of_the_last_clip_length(
    tmp_path: Path, store: Store
) -> None:
    run, state = train_tiny(tmp_path / "run", store)
    rows = [row for row in run.metrics() if row["split"] == "val"]
    longest = [row["loss"] for row in rows if row["frames"] == 9]
    assert state.best == min(longest)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_ends_cleanly(tmp_path: Path, store: Store, number: int) -> None:
    process = _start(tmp_path, store)
    _wait_for_lines(tmp_path / "run" / "metrics.jsonl", count=3)
    process.send_signal(number)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert "--resume goes on from there" in output
    assert (tmp_path / "run" / "last" / "state.safetensors").exists()


def test_a_killed_run_goes_on_from_its_last_checkpoint(tmp_path: Path, store: Store) -> None:
    process = _start(tmp_path, store, "--checkpoint-minutes", "0")
    _wait_for_lines(tmp_path / "run" / "metrics.jsonl", count=4)
    process.kill()
    process.communicate(timeout=60)
    done = subprocess.run(
        _command(tmp_path, store, "--resume", "--max-steps", "8"),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = Run(tmp_path / "run").metrics()
    assert [row["step"] for row in rows if row["split"] == "train"] == list(range(1, 9))


def _command(tmp_path: Path, store: Store, *more: str) -> list[str]:
    return [
        *(sys.executable, "-m", "motionlift", "pretrain", "--recipe", "demo"),
        *("--store", str(store.path), "--out", str(tmp_path / "run")),
        *("--network.dim-feat", "16", "--network.dim-rep", "16", "--network.depth", "1"),
        *("--stages.0.batch", "2", "--stages.0.epochs", "60", "--device", "cpu"),
        *more,
    ]


def _start(tmp_path: Path, store: Store, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        _command(tmp_path, store, *more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _wait_for_lines(path: Path, *, count: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if path.exists() and len(path.read_text().splitlines()) >= count:
            return
        time.sleep(0.05)
    raise AssertionError(f"{path} did not get {count} lines")


def test_validation_uses_clips_of_held_out_people_only(store: Store) -> None:
    clips = Clips(store, split="val", frames=9, stride=9, settings=TINY.data.clips)
    assert {clips.name(number).split("/")[0] for number in range(len(clips))} == {"val"}
