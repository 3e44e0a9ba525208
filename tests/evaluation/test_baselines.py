"""Baselines by hand, and the order in which they must stand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from motionlift.data.store import Store
from motionlift.data.store_writer import create_store
from motionlift.evaluation.baselines import filled_keypoints, fit_baselines, zero_depth
from motionlift.evaluation.protocols import PROTOCOLS
from motionlift.evaluation.samples import Sample, make_sample
from motionlift.skeletons import H36M17
from tests.evaluation.stores import make_store, standing

OPEN = PROTOCOLS.get("open")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return make_store(tmp_path_factory.mktemp("store") / "s")


def sample_of(store: Store, *, condition: str = "clean") -> Sample:
    sequence = store.select(split="test")[0]
    return make_sample(store, sequence, protocol=OPEN, condition=OPEN.conditions[condition])


def hidden(sample: Sample, **joints: slice) -> Sample:
    """The sample with joints hidden in some frames of its first view."""
    confidence, keypoints = sample.confidence.copy(), sample.keypoints.copy()
    for joint, frames in joints.items():
        confidence[0, frames, H36M17.index(joint)] = 0
        keypoints[0, frames, H36M17.index(joint)] = np.nan
    return replace(sample, confidence=confidence, keypoints=keypoints)


def test_zero_depth_is_right_but_for_depth(store: Store) -> None:
    sample = sample_of(store)
    answer = zero_depth(sample)
    assert_allclose(answer[..., :2], sample.target[..., :2], atol=1e-12)
    assert (answer[..., 2] == 0).all()


def test_a_gap_is_bridged_by_a_straight_line_and_held_at_an_end(store: Store) -> None:
    sample = sample_of(store)
    wrist, knee = H36M17.index("left_wrist"), H36M17.index("left_knee")
    gappy = hidden(sample, left_wrist=slice(4, 7), left_knee=slice(0, 3))
    filled = filled_keypoints(gappy)
    before, after = sample.keypoints[0, 3, wrist], sample.keypoints[0, 7, wrist]
    assert_allclose(filled[0, 5, wrist], (before + after) / 2)
    assert_allclose(filled[0, 4, wrist], 0.75 * before + 0.25 * after)
    assert_allclose(filled[0, :3, knee], np.tile(sample.keypoints[0, 3, knee], (3, 1)))
    untouched = np.delete(filled[0], [wrist, knee], axis=1)
    assert_allclose(untouched, np.delete(sample.keypoints[0], [wrist, knee], axis=1))


def test_a_joint_that_was_never_seen_stands_in_the_middle_of_the_others(store: Store) -> None:
    sample = hidden(sample_of(store), nose=slice(None))
    filled = filled_keypoints(sample)
    nose = H36M17.index("nose")
    assert_allclose(filled[0, :, nose], np.delete(filled[0], nose, axis=1).mean(axis=1))


def test_a_view_in_which_nothing_was_seen_has_no_answer(store: Store) -> None:
    sample = hidden(sample_of(store), **dict.fromkeys(H36M17.joints, slice(None)))
    baselines, _ = fit_baselines(store, OPEN)
    for name in ("zero_depth", "linear"):
        answer = baselines[name](sample)
        assert np.isnan(answer[0]).all() and np.isfinite(answer[1:]).all()


def test_the_mean_pose_of_one_who_stands_is_a_stick_of_the_right_heights(tmp_path: Path) -> None:
    with create_store(tmp_path / "s") as writer:
        writer.add("x", standing(60), split="train")
        writer.add("y", standing(3), split="test")
    store = Store.open(tmp_path / "s")
    answer = fit_baselines(store, OPEN)[0]["mean_pose"](sample_of(store))
    above = standing()[0, :, 1] - 0.95
    # Heights are seen at full length by the level third of the views, else foreshortened.
    seen = (1 + 2 * np.cos(0.3)) / 3
    assert_allclose(answer[..., 1], np.broadcast_to(-above * seen, answer.shape[:3]), atol=1e-6)
    assert_allclose(answer[..., [0, 2]], 0, atol=1e-6)


def test_the_linear_lifter_beats_zero_depth_on_its_own_training_motion(tmp_path: Path) -> None:
    with create_store(tmp_path / "s") as writer:
        writer.add("x", standing(60), split="train")
        writer.add("y", standing(3), split="test")
    store = Store.open(tmp_path / "s")
    baselines, _ = fit_baselines(store, OPEN)
    sample = sample_of(store)
    linear, flat = (
        np.square(baselines[name](sample) - sample.target).sum()
        for name in ("linear", "zero_depth")
    )
    assert linear < 0.7 * flat


def test_the_linear_lifter_does_not_see_how_large_the_person_is(store: Store) -> None:
    linear = fit_baselines(store, OPEN)[0]["linear"]
    sample = sample_of(store)
    larger = replace(sample, keypoints=3 * sample.keypoints)
    assert_allclose(linear(larger), 3 * linear(sample), atol=1e-9)


@pytest.mark.parametrize("condition", OPEN.conditions)
@pytest.mark.parametrize("name", ["zero_depth", "mean_pose", "linear"])
def test_baselines_answer_everything_from_the_root(store: Store, condition: str, name: str) -> None:
    answer = fit_baselines(store, OPEN)[0][name](sample_of(store, condition=condition))
    assert np.isfinite(answer).all()
    assert (answer[:, :, H36M17.root] == 0).all()


def test_without_a_training_split_it_says_which_baselines_are_missing(tmp_path: Path) -> None:
    with create_store(tmp_path / "s") as writer:
        writer.add("x", standing(60), split="test")
    baselines, notes = fit_baselines(Store.open(tmp_path / "s"), OPEN)
    assert list(baselines) == ["zero_depth"]
    assert "no mean_pose and no linear" in notes[0]
