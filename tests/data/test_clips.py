"""Clips cover every frame, an epoch sees each once, and a cut is what stands in the store."""

from pathlib import Path

import numpy as np
import pytest
import torch

from motionlift.data.clips import Clips, ClipSettings
from motionlift.data.draws import Draws
from motionlift.errors import RecipeError, StoreError
from tests.data.bodies import write_store

LENGTHS = {"train": [1, 5, 9, 10, 31], "val": [12]}


def _clips(path: Path, *, frames: int = 9, stride: int = 9, **settings: object) -> Clips:
    store = write_store(path / "store", lengths=LENGTHS)
    chosen = ClipSettings(**settings)  # type: ignore[arg-type]
    return Clips(store, split="train", frames=frames, stride=stride, settings=chosen)


def test_every_frame_is_in_a_clip(tmp_path: Path) -> None:
    clips = _clips(tmp_path)
    positions = clips.cut(np.arange(len(clips))).positions.reshape(-1, 17 * 3)
    for sequence in clips.sequences:
        for frame in clips.store.positions(sequence).reshape(-1, 17 * 3):
            assert (np.abs(positions - frame).max(axis=1) < 1e-6).any()


def test_an_epoch_sees_each_clip_once_in_an_order_of_its_own(tmp_path: Path) -> None:
    clips = _clips(tmp_path)
    first, second = (clips.order(seed=3, epoch=epoch) for epoch in (0, 1))
    assert sorted(first) == list(range(len(clips)))
    assert sorted(second) == list(range(len(clips)))
    assert list(first) != list(second)
    assert list(first) == list(clips.order(seed=3, epoch=0))


def test_repeats_weigh_a_dataset(tmp_path: Path) -> None:
    clips = _clips(tmp_path, repeats={"even": 2.0, "odd": 0.0})
    order = clips.order(seed=0, epoch=0)
    names = [clips.name(sample) for sample in order]
    assert {name.split("/")[1][0] for name in names} == {"0", "2", "4"}
    assert all(names.count(name) == 2 for name in names)


def test_a_clip_seen_again_is_another_sample_with_draws_of_its_own(tmp_path: Path) -> None:
    clips = _clips(tmp_path, repeats={"even": 3.0, "odd": 0.5})
    order = clips.order(seed=0, epoch=0)
    assert len(set(order.tolist())) == len(order)
    assert order.max() < clips.num_samples == 3 * len(clips)
    again = np.array([order[0], (order[0] + len(clips)) % clips.num_samples])
    np.testing.assert_array_equal(*clips.cut(again).positions)
    fast = _clips(tmp_path / "fast", slowest=0.5, fastest=2.0)
    draws = Draws.of(torch.from_numpy(again), seed=0, epoch=0)
    first, second = fast.cut(again, draws).positions
    assert (first != second).any()


def test_other_clips_are_drawn_as_repeats_weigh_them(tmp_path: Path) -> None:
    clips = _clips(tmp_path, repeats={"even": 3.0, "odd": 1.0})
    others = clips.others(Draws.of(torch.arange(8000), seed=0, epoch=0))
    is_even = np.array([clips.name(clip).split("/")[1][0] in "024" for clip in range(len(clips))])
    expected = 3 * is_even.sum() / (3 * is_even.sum() + (~is_even).sum())
    assert abs(is_even[others].mean() - expected) < 0.02
    assert set(others.tolist()) == set(range(len(clips)))


def test_clips_spread_over_the_data_sets_count_each_the_same(tmp_path: Path) -> None:
    clips = _clips(tmp_path, frames=1, stride=1)
    chosen = clips.spread(20)
    is_even = np.array([clips.name(clip).split("/")[1][0] in "024" for clip in chosen])
    assert is_even.sum() == (~is_even).sum() == 10
    assert len(set(chosen.tolist())) == 20
    # What a data set lacks, no other makes up for.
    assert len(clips.spread(60)) == 30 + sum(LENGTHS["train"][1::2])


def test_a_cut_without_draws_is_what_stands_in_the_store(tmp_path: Path) -> None:
    clips = _clips(tmp_path)
    last = clips.sequences[-1]
    cut = clips.cut(np.array([len(clips) - 1]))
    expected = clips.store.positions(last)[-9:]
    np.testing.assert_array_equal(cut.positions[0], expected)
    assert cut.visibility.all()


def test_a_short_sequence_is_played_back_and_forth(tmp_path: Path) -> None:
    clips = _clips(tmp_path)
    five = clips.store.positions(clips.sequences[1])
    cut = clips.cut(np.array([1])).positions[0]
    np.testing.assert_array_equal(cut, five[[0, 1, 2, 3, 4, 3, 2, 1, 0]])


def test_a_single_frame_fills_a_clip(tmp_path: Path) -> None:
    clips = _clips(tmp_path)
    one = clips.store.positions(clips.sequences[0])
    np.testing.assert_array_equal(clips.cut(np.array([0])).positions[0], np.repeat(one, 9, axis=0))


def test_at_double_speed_every_second_frame_is_taken(tmp_path: Path) -> None:
    clips = _clips(tmp_path, slowest=2.0, fastest=2.0)
    number = next(n for n in range(len(clips)) if clips.name(n).startswith("train/4.npz[0:"))
    draws = Draws.of(torch.tensor([number]), seed=0, epoch=0)
    cut = clips.cut(np.array([number]), draws).positions[0]
    expected = clips.store.positions(clips.sequences[4])[0:18:2]
    np.testing.assert_allclose(cut, expected, atol=1e-5)


def test_clips_of_fewer_frames_a_second_take_every_kth_of_the_store(tmp_path: Path) -> None:
    clips = _clips(tmp_path, frames=5, stride=3, fps=10.0)
    assert clips.store.fps == 50
    longest = clips.store.positions(clips.sequences[-1])
    cuts = [clips.cut(np.array([n])).positions[0] for n in range(len(clips))][-5:]
    for cut, start in zip(cuts, [0, 3, 6, 9, 10], strict=True):
        np.testing.assert_array_equal(cut, longest[start : start + 21 : 5])
    assert clips.name(len(clips) - 1).endswith("[10:31]")
    with pytest.raises(RecipeError, match=r"clips\.fps is -1\.0, but a rate"):
        ClipSettings(fps=-1.0)


def test_shifted_clips_stay_inside_their_sequence(tmp_path: Path) -> None:
    clips = _clips(tmp_path, slowest=0.5, fastest=2.5, shift=True)
    numbers = np.repeat(np.arange(len(clips)), 20)
    draws = Draws.of(torch.arange(len(numbers)), seed=0, epoch=0)
    positions = clips.cut(numbers, draws).positions
    assert np.isfinite(positions).all()
    # The person walks along z at 1 m/s: no clip may hold a place the longest sequence never had.
    assert positions[..., 2].max() < 31 / 50 + 0.2


def test_a_split_without_sequences_is_an_error_that_names_it(tmp_path: Path) -> None:
    store = write_store(tmp_path / "store", lengths={"train": [9]})
    with pytest.raises(StoreError, match="split 'val' has no 3D sequence"):
        Clips(store, split="val", frames=9, stride=9, settings=ClipSettings())
