import contextlib
import json
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from motionlift.data.store import Sequence, Store
from motionlift.data.store_writer import ShardWriter, create_store
from motionlift.errors import MotionliftError, StoreError


def _motion(frames: int, *, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(frames, 17, 3)).astype(np.float32)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    with create_store(tmp_path / "store") as writer:
        writer.add("a/1.bvh", _motion(10), split="train", dataset="a", subject="anna")
        writer.add("b/1.bvh", _motion(5, seed=1), split="test", dataset="b", fps_source=120.0)
    return tmp_path / "store"


def test_what_was_written_comes_back(store: Path) -> None:
    opened = Store.open(store)
    first, second = opened.sequences
    assert_array_equal(opened.positions(first), _motion(10))
    assert_array_equal(opened.positions(second), _motion(5, seed=1))
    assert opened.visibility(second).all()
    assert (first.subject, second.fps_source, opened.fps) == ("anna", 120.0, 50.0)


def test_sequences_are_selected_by_split_and_data_set(store: Path) -> None:
    opened = Store.open(store)
    assert [each.name for each in opened.select("train")] == ["a/1.bvh"]
    assert [each.name for each in opened.select(dataset="b")] == ["b/1.bvh"]
    assert opened.select("train", "b") == ()
    assert opened.select() == opened.sequences


def test_a_joint_that_nobody_saw_is_zero_and_not_visible(tmp_path: Path) -> None:
    motion = _motion(3)
    motion[1, 4] = np.nan
    with create_store(tmp_path / "store") as writer:
        writer.add("a", motion)
    opened = Store.open(tmp_path / "store")
    sequence = opened.sequences[0]
    assert_array_equal(opened.positions(sequence)[1, 4], 0)
    assert_array_equal(np.argwhere(~opened.visibility(sequence)), [[1, 4]])


def test_arrays_are_read_only_and_mapped(store: Path) -> None:
    opened = Store.open(store)
    positions = opened.positions(opened.sequences[0])
    with pytest.raises(ValueError, match="read-only"):
        positions[0] = 0
    base = positions
    while not isinstance(base, np.memmap):
        assert isinstance(base.base, np.ndarray)
        base = base.base


def test_a_pickled_store_is_small_and_reads_the_same(store: Path) -> None:
    opened = Store.open(store)
    expected = opened.positions(opened.sequences[0])
    frozen = pickle.dumps(opened)
    assert len(frozen) < 3000
    again = pickle.loads(frozen)
    assert_array_equal(again.positions(again.sequences[0]), expected)


def test_a_sequence_is_never_split_over_two_shards(tmp_path: Path) -> None:
    visible = np.ones((40, 17), bool)
    with contextlib.closing(ShardWriter(tmp_path, frames_per_shard=10)) as writer:
        places = [writer.add(_motion(n), visible[:n]) for n in (6, 4, 1, 20, 3)]
    assert places == [(0, 0), (0, 6), (1, 0), (2, 0), (3, 0)]


def test_a_writer_goes_on_behind_what_was_kept(tmp_path: Path) -> None:
    visible = np.ones((9, 17), bool)
    with contextlib.closing(ShardWriter(tmp_path)) as first:
        first.add(_motion(9), visible)
        first.add(_motion(7, seed=1), visible[:7])  # nobody took note of this one
    with contextlib.closing(ShardWriter(tmp_path, extents=[9])) as second:
        assert second.add(_motion(2, seed=2), visible[:2]) == (0, 9)
        second.finish()
    positions = np.load(tmp_path / "shards" / "00000_positions.npy")
    assert_array_equal(positions, np.concatenate([_motion(9), _motion(2, seed=2)]))


def test_a_store_that_fails_to_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), create_store(tmp_path / "store") as writer:
        writer.add("a", _motion(3))
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_verify_finds_one_changed_bit(store: Path) -> None:
    Store.open(store).verify()
    shard = store / "shards" / "00000_positions.npy"
    content = bytearray(shard.read_bytes())
    content[200] ^= 1
    shard.write_bytes(content)
    with pytest.raises(StoreError, match=r"00000_positions\.npy: damaged"):
        Store.open(store).verify()


def _drop_last_line(store: Path) -> None:
    file = store / "sequences.jsonl"
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:-1]))


def _change_header(store: Path, **values: object) -> None:
    file = store / "store.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda store: (store / "store.json").unlink(), "not a store"),
        (lambda store: (store / "store.json").write_text("{"), "not valid JSON"),
        (lambda store: (store / "store.json").write_text("[1]"), "not the header"),
        (lambda store: _change_header(store, version=99), "version 99"),
        (lambda store: _change_header(store, shards=["x"]), "damaged"),
        (lambda store: _change_header(store, shards=[]), "outside its shard"),
        (lambda store: (store / "sequences.jsonl").unlink(), "cannot be read"),
        (lambda store: (store / "sequences.jsonl").write_text("{}\n{}\n"), "jsonl:1: damaged"),
        (lambda store: (store / "sequences.jsonl").write_bytes(b"\xff\n"), "cannot be read"),
        (_drop_last_line, "1 lines, 2 were written"),
        (lambda store: (store / "shards" / "00000_visibility.npy").unlink(), "0 bytes"),
        (lambda store: (store / "shards" / "00000_positions.npy").write_bytes(b"x"), "1 bytes"),
    ],
)
def test_a_damaged_store_says_what_is_wrong(store: Path, damage, message: str) -> None:
    damage(store)
    with pytest.raises(MotionliftError, match=re.escape(message)) as caught:
        Store.open(store)
    assert str(store) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_store_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="motionlift data build"):
        Store.open(tmp_path / "nowhere")


def test_a_sequence_refuses_an_unknown_split() -> None:
    with pytest.raises(StoreError, match="dev"):
        Sequence(name="a", split="dev", fps=50, frames=1, shard=0, start=0, fps_source=50)


def test_two_sequences_cannot_have_one_name(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="named a"), create_store(tmp_path / "s") as writer:
        writer.add("a", _motion(1))
        writer.add("a", _motion(1))
