"""Motion that is 2D only is learned from beside 3D: when, how often, and on any processes."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from motionlift.data.build import build_store
from motionlift.data.merge import merge_stores
from motionlift.data.plan import BuildSettings
from motionlift.data.store import Store
from motionlift.data.store_writer import create_store
from motionlift.errors import RecipeError
from motionlift.formats import ReadOptions
from motionlift.recipes import RECIPES
from motionlift.tasks.lift import Lift, LiftSamples, LossWeights, loss_terms, total_loss
from motionlift.training.effect import check_effect_on
from motionlift.training.loop import Limits
from motionlift.training.plan import Plan
from motionlift.training.recipe import OptimizerSettings, Recipe, Stage
from motionlift.training.start import check_samples
from tests.data.bodies import moving, seen_flat, write_store
from tests.training.small_runs import TINY, train_tiny

CPU = torch.device("cpu")
BOTH = replace(TINY, stages=(Stage(frames=9, stride=9, batch=7, epochs=3),))
FROM_1 = replace(BOTH, task=Lift(keypoints_from_epoch=1))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    lengths = {"train": [60, 45, 33], "val": [30]}
    return write_store(tmp_path / "store", lengths=lengths, flat={"train": [50, 40], "val": [20]})


def _samples(recipe: Recipe, store: Store) -> LiftSamples:
    samples = Plan(recipe, store).epochs[0].samples
    assert isinstance(samples, LiftSamples)
    return samples


def test_an_epoch_sees_each_clip_once_and_2d_from_its_epoch_on(store: Store) -> None:
    plan = Plan(FROM_1, store)
    samples = _samples(FROM_1, store)
    num_3d = len(samples.clips)
    for epoch, expected in zip(plan.epochs, [num_3d, len(samples), len(samples)], strict=True):
        batches = plan.batches(epoch, step=epoch.first_step)
        assert len(batches) == epoch.steps
        assert sorted(np.concatenate(batches)) == list(range(expected))
    first_mixed = plan.batches(plan.epochs[1], step=plan.epochs[1].first_step)
    assert any((batch < num_3d).any() and (batch >= num_3d).any() for batch in first_mixed)


def test_3d_samples_are_the_same_with_and_without_2d_beside_them(store: Store) -> None:
    samples, alone = _samples(FROM_1, store), _samples(replace(BOTH, task=_weighing(0.0)), store)
    chosen = np.array([2, len(samples) - 1, 5])
    mixed = samples.batch(chosen, seed=3, epoch=1, device=CPU)
    plain = alone.batch(np.array([2, 5]), seed=3, epoch=1, device=CPU)
    assert mixed.num_2d == 1 and plain.num_2d is None
    assert torch.equal(mixed.inputs[:2], plain.inputs)
    assert torch.equal(mixed.target[:2], plain.target)


def test_a_batch_gives_the_same_loss_and_gradient_however_it_is_divided(store: Store) -> None:
    samples = _samples(FROM_1, store)
    num_3d = len(samples.clips)
    chosen = np.array([0, 1, num_3d, num_3d + 1, num_3d + 2, 4, 3])
    weights = LossWeights(scale=0.5, angle=0.1)
    generator = torch.Generator().manual_seed(0)
    answers = {
        int(each): torch.randn(1, 9, 17, 3, generator=generator, requires_grad=True)
        for each in chosen
    }

    def loss_of(parts: list[list[int]]) -> tuple[float, list[torch.Tensor]]:
        total = torch.zeros(())
        for part in parts:
            batch = samples.batch(np.array(part), seed=0, epoch=2, device=CPU)
            in_order = [n for n in part if n < num_3d] + [n for n in part if n >= num_3d]
            answer = torch.cat([answers[each] for each in in_order])
            terms = loss_terms(answer, batch, weights)
            assert list(terms) == ["position", "velocity", "scale", "angle", "reprojection"]
            total = total + total_loss(terms, weights) * len(part) / len(chosen)
        return total.item(), list(torch.autograd.grad(total, list(answers.values())))

    whole, whole_gradient = loss_of([chosen.tolist()])
    for cut in ([2], [3], [5]):  # 3D only, mixed, 2D only among the parts
        parts = [part.tolist() for part in np.split(np.sort(chosen), cut)]
        divided, gradient = loss_of(parts)
        np.testing.assert_allclose(divided, whole, rtol=1e-6)
        for one, other in zip(gradient, whole_gradient, strict=True):
            torch.testing.assert_close(one, other)


def test_resume_is_exact_within_an_epoch_with_both(tmp_path: Path, store: Store) -> None:
    whole, _ = train_tiny(tmp_path / "whole", store, recipe=FROM_1)
    steps = Plan(FROM_1, store).epochs[1].first_step + 2
    train_tiny(tmp_path / "parts", store, recipe=FROM_1, limits=Limits(max_steps=steps))
    parts, _ = train_tiny(tmp_path / "parts", store, recipe=FROM_1, resume=True)
    kept = {json.dumps(row) for row in parts.metrics()}
    assert all(json.dumps(row) in kept for row in whole.metrics())
    rows = [row for row in whole.metrics() if row["split"] == "train"]
    assert [("reprojection" in row) for row in rows] == [row["epoch"] >= 1 for row in rows]
    assert all(np.isfinite(row["loss"]) for row in rows)


def test_without_weight_2d_motion_changes_nothing(tmp_path: Path, store: Store) -> None:
    only_3d = write_store(tmp_path / "3d", lengths={"train": [60, 45, 33], "val": [30]})
    limits = Limits(max_steps=4)
    unused = replace(BOTH, task=_weighing(0.0))
    one, _ = train_tiny(tmp_path / "one", store, recipe=unused, limits=limits)
    other, _ = train_tiny(tmp_path / "other", only_3d, recipe=BOTH, limits=limits)
    assert one.metrics() == other.metrics()


def test_what_becomes_of_2d_motion_is_said(store: Store) -> None:
    assert check_samples(FROM_1, store) == [
        "2 sequences (0.0 minutes) are 2D only, used from epoch 2 on"
    ]
    (note,) = check_samples(replace(BOTH, task=_weighing(0.0)), store)
    assert note.endswith("2D only, not used: losses.reprojection is 0")


def test_keypoints_of_people_hardly_seen_are_not_used_and_that_is_said(tmp_path: Path) -> None:
    with create_store(tmp_path / "store") as writer:
        writer.add("3d", moving(40), split="train")
        hardly = np.full((40, 17, 3), np.nan)
        hardly[:, :8] = seen_flat(40)[:, :8]
        writer.add("2d", hardly, split="train", units="px")
    store = Store.open(tmp_path / "store")
    (note,) = check_samples(BOTH, store)
    assert note.endswith("not used: no clip shows half of somebody for half of its time")
    assert _samples(BOTH, store).keypoints is None


@pytest.mark.parametrize(
    "task", [Lift(keypoints_from_epoch=2), Lift(losses=LossWeights(reprojection=2.0))]
)
def test_a_setting_of_2d_motion_without_any_is_an_error(tmp_path: Path, task: Lift) -> None:
    only_3d = write_store(tmp_path / "3d", lengths={"train": [60]})
    with pytest.raises(
        RecipeError, match=r"no effect on .*no motion that is 2D only; leave it out"
    ):
        check_effect_on(only_3d, replace(BOTH, task=task), base=BOTH)
    check_effect_on(only_3d, BOTH, base=BOTH)


def test_an_epoch_that_never_comes_is_an_error(store: Store) -> None:
    late = replace(BOTH, task=Lift(keypoints_from_epoch=3))
    with pytest.raises(RecipeError, match=r"with 3 epochs: .* would join in epoch 4"):
        check_effect_on(store, late, base=BOTH)
    check_effect_on(store, FROM_1, base=BOTH)


def test_paper_lets_2d_join_after_30_of_90_epochs() -> None:
    task = RECIPES.get("paper").task
    assert isinstance(task, Lift) and task.keypoints_from_epoch == 30


def test_real_detections_beside_motion_capture_are_learned(
    shared: Path, mocap_source: Callable[[str], Path], tmp_path: Path
) -> None:
    recording = next(mocap_source("cmu1").rglob("*.bvh"))
    (tmp_path / "split.csv").write_text(f"file,split\n{recording.name},train\n")
    settings = BuildSettings(split=tmp_path / "split.csv")
    build_store(recording.parent, tmp_path / "3d", settings=settings, workers=1)
    file = "single_cam03_coco_results.json"
    (tmp_path / "split2.csv").write_text(f"file,split\n{file},train\n")
    settings = BuildSettings(
        kind="keypoints", split=tmp_path / "split2.csv", options=ReadOptions(fps=60.0)
    )
    folder = shared / "keypoints" / "pose2sim" / "movenet_coco17"
    build_store(folder, tmp_path / "2d", settings=settings, workers=1)
    store = merge_stores([tmp_path / "3d", tmp_path / "2d"], tmp_path / "both")
    recipe = replace(
        BOTH,
        task=Lift(losses=LossWeights(velocity=1.0)),
        stages=(Stage(frames=9, stride=9, batch=6, epochs=8),),
        optimizer=OptimizerSettings(kind="adamw", learning_rate=1e-2, schedule="linear"),
    )
    run, _ = train_tiny(tmp_path / "run", store, recipe=recipe)
    losses = [row["reprojection"] for row in run.metrics()]
    assert np.mean(losses[-9:]) < 0.6 * np.mean(losses[:3])


def _weighing(weight: float) -> Lift:
    return Lift(losses=LossWeights(reprojection=weight))
