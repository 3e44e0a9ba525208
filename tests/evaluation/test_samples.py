"""What lifters are shown: geometry, noise and masks, and that nothing moves between runs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from motionlift.data.store import Store
from motionlift.data.store_writer import create_store
from motionlift.errors import StoreError
from motionlift.evaluation.protocols import PROTOCOLS, Condition, Spells
from motionlift.evaluation.samples import make_sample, notes_on, sequences_to_score, views_of
from motionlift.skeletons import H36M17
from tests.evaluation.stores import make_store, moving, standing

OPEN = PROTOCOLS.get("open")
CLEAN = OPEN.conditions["clean"]
NOISE = OPEN.conditions["noise"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return make_store(tmp_path_factory.mktemp("store") / "s")


def one_sequence(
    path: Path, positions: np.ndarray, name: str = "x.bvh", *, fps: float = 50.0
) -> Store:
    with create_store(path, fps=fps) as writer:
        writer.add(name, positions, split="test")
    return Store.open(path)


def test_there_are_36_views_and_each_sequence_has_4_of_them(store: Store) -> None:
    assert len(set(OPEN.views)) == 36
    for sequence in store.sequences:
        assert len(set(views_of(sequence, OPEN))) == 4


def test_over_many_sequences_all_views_are_used_about_equally(store: Store) -> None:
    names = [replace(store.sequences[0], name=f"{number}.bvh") for number in range(900)]
    counts = np.bincount([view for name in names for view in views_of(name, OPEN)], minlength=36)
    assert counts.sum() == 3600
    # 100 expected, deviation about 10.
    assert counts.min() > 60 and counts.max() < 145


def test_exact_keypoints_are_the_target_without_depth(store: Store) -> None:
    sample = make_sample(store, store.sequences[0], protocol=OPEN, condition=CLEAN)
    relative = sample.keypoints - sample.keypoints[:, :, [H36M17.root]]
    assert_allclose(relative, sample.target[..., :2], atol=1e-12)
    assert (sample.confidence == 1).all()


def test_a_level_camera_in_front_sees_the_left_hand_on_its_right_and_the_head_on_top(
    tmp_path: Path,
) -> None:
    front = replace(OPEN, views=tuple(view for view in OPEN.views if view.yaw == view.pitch == 0))
    store = one_sequence(tmp_path / "s", standing())
    sample = make_sample(store, store.sequences[0], protocol=front, condition=CLEAN)
    head, wrist, nose = (
        sample.target[0, 0, H36M17.index(joint)] for joint in ("head_top", "left_wrist", "nose")
    )
    assert_allclose(head, [0.0, -0.75, -0.02], atol=1e-6)
    assert_allclose(wrist, [0.38, 0.0, -0.1], atol=1e-6)
    assert nose[2] < 0


def test_a_sequence_draws_the_same_whatever_stands_beside_it(tmp_path: Path, store: Store) -> None:
    sequence = store.select(split="test")[2]
    alone = one_sequence(tmp_path / "s", moving(sequence.frames, seed=12), name=sequence.name)
    for condition in OPEN.conditions.values():
        one = make_sample(store, sequence, protocol=OPEN, condition=condition)
        other = make_sample(alone, alone.sequences[0], protocol=OPEN, condition=condition)
        assert_array_equal(one.keypoints, other.keypoints)
        assert_array_equal(one.confidence, other.confidence)


def test_masks_hide_keypoints_and_leave_the_noise_of_the_others(store: Store) -> None:
    sequence = store.sequences[0]
    noisy = make_sample(store, sequence, protocol=OPEN, condition=NOISE)
    masked = make_sample(store, sequence, protocol=OPEN, condition=OPEN.conditions["noise+masks"])
    is_seen = masked.confidence > 0
    assert 0 < (~is_seen).sum() < is_seen.size / 2
    assert_array_equal(np.isnan(masked.keypoints).any(axis=-1), ~is_seen)
    assert_array_equal(masked.keypoints[is_seen], noisy.keypoints[is_seen])
    assert_array_equal(masked.confidence[is_seen], noisy.confidence[is_seen])
    assert_array_equal(masked.target, noisy.target)


def test_the_noise_has_the_published_strength(tmp_path: Path) -> None:
    store = one_sequence(tmp_path / "s", standing(20_000))
    exact = make_sample(store, store.sequences[0], protocol=OPEN, condition=CLEAN)
    noisy = make_sample(store, store.sequences[0], protocol=OPEN, condition=NOISE)
    offset = noisy.keypoints - exact.keypoints
    # noise_params.json, "measured": in units of 1 / 0.298 m.
    assert_allclose(np.std(offset), 0.00719 / 0.298, rtol=0.02)
    assert_allclose(np.linalg.norm(offset, axis=-1).mean(), 0.00842 / 0.298, rtol=0.02)
    assert_allclose(noisy.confidence.mean(), 0.781, atol=0.005)


def test_the_noise_lasts_as_long_where_a_second_has_fewer_frames(tmp_path: Path) -> None:
    alike = []
    for fps in (25.0, 50.0, 100.0):
        store = one_sequence(tmp_path / f"{fps}", standing(20_000), fps=fps)
        sample = make_sample(store, store.sequences[0], protocol=OPEN, condition=NOISE)
        offset = sample.keypoints - sample.target[..., :2]
        offset = offset - offset.mean(axis=1, keepdims=True)
        lag = int(0.2 * fps)
        alike.append((offset[:, lag:] * offset[:, :-lag]).mean() / offset.var())
    assert_allclose(alike, alike[1], atol=0.03)


def test_the_benchmark_has_not_moved(tmp_path: Path) -> None:
    """A change here makes every published number of the open benchmark incomparable."""
    store = one_sequence(tmp_path / "s", standing(3))
    sample = make_sample(store, store.sequences[0], protocol=OPEN, condition=NOISE)
    assert sample.views == (7, 8, 21, 30)
    wrist = H36M17.index("left_wrist")
    assert_allclose(
        sample.keypoints[:, 2, wrist],
        [
            [-0.275837, 0.071751],
            [-0.093001, 0.104573],
            [0.104876, 0.006308],
            [-0.365803, -0.030162],
        ],
        atol=2e-6,
    )
    assert_allclose(sample.confidence[:, 2, wrist], [1.0, 0.752928, 0.857003, 0.784074], atol=2e-6)


def test_independent_masks_have_their_rates(tmp_path: Path) -> None:
    store = one_sequence(tmp_path / "s", standing(5_000))
    masks = Condition(joint_mask=0.05, frame_mask=0.1)
    sample = make_sample(store, store.sequences[0], protocol=OPEN, condition=masks)
    is_hidden = sample.confidence == 0
    assert_allclose(is_hidden.all(axis=-1).mean(), 0.1, atol=0.01)
    assert_allclose(is_hidden.mean(), 1 - 0.9 * 0.95, atol=0.01)


def test_limbs_are_hidden_for_spells_of_the_length_that_is_said(tmp_path: Path) -> None:
    store = one_sequence(tmp_path / "s", standing(10_000))
    spells = Spells(per_second=0.05, shortest=0.2, longest=0.6)
    sample = make_sample(
        store, store.sequences[0], protocol=OPEN, condition=Condition(hidden_limbs=spells)
    )
    is_hidden = sample.confidence == 0
    assert not is_hidden[..., H36M17.index("left_shoulder")].any()
    knee = is_hidden[..., H36M17.index("left_knee")]
    assert_array_equal(knee, is_hidden[..., H36M17.index("left_ankle")])
    assert (knee != is_hidden[..., H36M17.index("right_knee")]).any()
    edges = np.diff(np.pad(knee[0].astype(int), 1))
    lengths = np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1)
    # Two spells can touch, so a few are longer.
    assert lengths.min() >= 10 and np.median(lengths) < 30
    assert_allclose(knee.mean(), 0.05 * 0.4, atol=0.006)


def test_a_gap_in_the_truth_is_neither_shown_nor_asked_for(tmp_path: Path) -> None:
    positions = standing(4)
    positions[1, H36M17.index("left_wrist")] = np.nan
    positions[2, H36M17.root] = np.nan
    store = one_sequence(tmp_path / "s", positions)
    sample = make_sample(store, store.sequences[0], protocol=OPEN, condition=CLEAN)
    is_unknown = np.isnan(sample.target).any(axis=-1)[0]
    assert is_unknown[1].tolist() == [joint == "left_wrist" for joint in H36M17.joints]
    assert is_unknown[2].all() and not is_unknown[[0, 3]].any()
    assert (sample.confidence[:, 2, 1:] == 1).all() and (sample.confidence[:, 2, 0] == 0).all()


def test_the_test_split_is_scored_and_all_is_everything(store: Store) -> None:
    scored = sequences_to_score(store, OPEN)
    assert sorted(each.name for each in scored) == sorted(
        each.name for each in store.select(split="test")
    )
    assert len(sequences_to_score(store, OPEN, split="all")) == len(store.sequences)


def test_a_quick_run_takes_about_a_tenth_of_each_dataset(tmp_path: Path) -> None:
    store = make_store(tmp_path / "s", lengths=(20,) * 40)
    quick = sequences_to_score(store, OPEN, quick=True)
    assert sorted(each.dataset for each in quick) == ["a"] * 4 + ["b"] * 4
    assert quick == sequences_to_score(store, OPEN, quick=True)


def test_a_split_that_is_not_there_is_named_with_those_that_are(store: Store) -> None:
    with pytest.raises(StoreError, match=r"split 'val'.*its splits are: test, train"):
        sequences_to_score(store, OPEN, split="val")


def test_what_a_reader_of_the_scores_should_know_is_noted(tmp_path: Path) -> None:
    with create_store(tmp_path / "s", fps=25.0) as writer:
        writer.add("x", standing(3), split="train")
        writer.add("y", standing(3), split="test")
        writer.add("z", standing(3), split="test", units="px")
    store = Store.open(tmp_path / "s")
    everything = sequences_to_score(store, OPEN, split="all")
    assert [each.name for each in everything] == ["x", "y"]
    notes = notes_on(store, everything, protocol=OPEN, split="all")
    assert [note.split()[0] for note in notes] == ["1", "sequences", "the"]
    assert "2D only" in notes[0] and "'train'" in notes[1] and "25 frames a second" in notes[2]


def test_an_ordinary_run_has_nothing_to_note(store: Store) -> None:
    assert notes_on(store, sequences_to_score(store, OPEN), protocol=OPEN, split=None) == ()
