from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from motionlift.data.build import build_store
from motionlift.data.merge import merge_stores
from motionlift.data.plan import BuildSettings
from motionlift.data.store import Store
from motionlift.data.store_writer import create_store
from motionlift.errors import MotionliftError, StoreError
from tests.data.recordings import walking, write_recording


def _store(path: Path, *names: str, fps: float = 50.0, seed: int = 0, split: str = "train") -> Path:
    rng = np.random.default_rng(seed)
    with create_store(path, fps=fps) as writer:
        for name in names:
            motion, about = rng.normal(size=(8, 17, 3)), {"subject": str(seed), "split": split}
            writer.add(name, motion, sha256=f"{seed}{name}", **about)
    return path


def test_a_merged_store_has_all_sequences_as_they_were(tmp_path: Path) -> None:
    stores = [_store(tmp_path / "a", "1", "2"), _store(tmp_path / "b", "3", seed=1)]
    merged = merge_stores(stores, tmp_path / "ab")
    merged.verify()
    assert [each.name for each in merged.sequences] == ["1", "2", "3"]
    for path in stores:
        store = Store.open(path)
        for each in store.sequences:
            (same,) = (other for other in merged.sequences if other.name == each.name)
            assert_array_equal(merged.positions(same), store.positions(each))
            assert same.subject == each.subject


def test_different_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    stores = [_store(tmp_path / "a", "1"), _store(tmp_path / "b", "1", seed=1)]
    merged = merge_stores(stores, tmp_path / "ab")
    assert [(each.name, each.subject) for each in merged.sequences] == [("1", "0"), ("b/1", "1")]


def test_a_file_of_two_splits_is_refused(tmp_path: Path) -> None:
    stores = [_store(tmp_path / "a", "1"), _store(tmp_path / "b", "1", "2", split="test")]
    with pytest.raises(StoreError, match="b: 1 is of the split 'test', in a store before it of 't"):
        merge_stores(stores, tmp_path / "ab")
    assert not (tmp_path / "ab").exists()


def test_a_file_in_two_stores_is_taken_once(tmp_path: Path) -> None:
    for folder, files in (("a", "xy"), ("b", "yz")):
        for number, file in enumerate("xyz"):
            if file in files:
                motion = walking(pace=0.7 + 0.2 * number)
                write_recording(tmp_path / folder / f"{file}.npz", motion)
        (tmp_path / folder / "broken.bvh").write_text("no motion")
        build_store(tmp_path / folder, tmp_path / f"s{folder}", settings=BuildSettings(), workers=1)
    merged = merge_stores([tmp_path / "sa", tmp_path / "sb"], tmp_path / "merged")
    assert [each.name for each in merged.sequences] == ["x.npz", "y.npz", "z.npz"]
    assert [each.file for each in merged.sources()] == ["broken.bvh", "x.npz", "y.npz", "z.npz"]


def test_a_file_that_is_another_in_one_store_is_still_taken_once(tmp_path: Path) -> None:
    for folder, pace in (("a", 0.7), ("b", 0.9), ("c", 0.9)):
        write_recording(tmp_path / folder / "x.npz", walking(pace=pace))
        build_store(tmp_path / folder, tmp_path / f"s{folder}", settings=BuildSettings(), workers=1)
    merged = merge_stores([tmp_path / "sa", tmp_path / "sb", tmp_path / "sc"], tmp_path / "merged")
    assert [each.name for each in merged.sequences] == ["x.npz", "sb/x.npz"]


def test_a_merged_store_is_never_built_over(tmp_path: Path) -> None:
    merge_stores([_store(tmp_path / "a", "1"), _store(tmp_path / "b", "2")], tmp_path / "ab")
    write_recording(tmp_path / "mocap" / "a.npz")
    with pytest.raises(StoreError, match="merged"):
        build_store(tmp_path / "mocap", tmp_path / "ab", settings=BuildSettings(), workers=1)


def test_what_cannot_be_merged_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    first = _store(tmp_path / "a", "1")
    of_that_name = [_store(tmp_path / f"{seed}" / "a", "1", seed=seed) for seed in (1, 2)]
    for others, message in (
        ([_store(tmp_path / "slow", "2", fps=25)], "frame rates"),
        (of_that_name, "two stores of this name have a 1"),
        ([], "two stores or more"),
        ([tmp_path / "nowhere"], "no store there"),
    ):
        with pytest.raises(MotionliftError, match=message):
            merge_stores([first, *others], tmp_path / "s")
        assert not (tmp_path / "s").exists()
