import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from motionlift.data import plan
from motionlift.data import prepare as prepare_module
from motionlift.data.build import BuildResult, build_store
from motionlift.data.journal import ANOTHER_FILE
from motionlift.data.plan import BuildSettings
from motionlift.data.store import Store
from motionlift.errors import MotionliftError, OptionError, StoreError
from motionlift.formats import ReadOptions
from motionlift.poses import Pose3D
from motionlift.skeletons import H36M17
from tests.data.recordings import walking, write_recording, write_table


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "mocap"
    for number in range(3):
        pace = 0.8 + 0.3 * number
        write_recording(folder / "walks" / f"{number}.npz", walking(pace=pace))
    return folder


def _build(source: Path, out: Path, *, workers: int = 1, fresh: bool = False, **kw) -> BuildResult:
    return build_store(source, out, settings=BuildSettings(**kw), workers=workers, fresh=fresh)


def _skipped(store: Store) -> dict[str, str]:
    return {each.file: each.skipped for each in store.sources() if each.skipped}


def _content(store: Path) -> dict[str, bytes]:
    return {
        file.relative_to(store).as_posix(): file.read_bytes()
        for file in sorted(store.rglob("*"))
        if file.suffix in (".npy", ".jsonl")
    }


def test_every_recording_becomes_a_sequence_of_its_length(source: Path, tmp_path: Path) -> None:
    store = _build(source, tmp_path / "store").store
    assert [each.name for each in store.sequences] == [f"walks/{n}.npz" for n in range(3)]
    assert {(each.frames, each.fps, each.source) for each in store.sequences} == {
        (51, 50.0, "walks")
    }
    pelvis = store.positions(store.sequences[0])[:, H36M17.root]
    assert_allclose(pelvis[:, 2], 1.2 * np.arange(51) / 50, atol=1e-4)


def test_timing_is_right_from_another_rate(tmp_path: Path) -> None:
    write_recording(tmp_path / "mocap" / "a.npz", walking(fps=120, seconds=2), fps=120)
    store = _build(tmp_path / "mocap", tmp_path / "store").store
    pelvis = store.positions(store.sequences[0])[:, H36M17.root]
    assert_allclose(pelvis[:, 2], 1.2 * np.arange(101) / 50, atol=1e-4)


def test_the_table_says_what_is_read_and_at_which_rate(source: Path, tmp_path: Path) -> None:
    rows = [
        {"file": "walks/2.npz", "split": "test", "subject": "bo", "dataset": "d", "fps": 25},
        {"file": "walks/0.npz", "split": "train", "subject": "anna", "dataset": "d"},
        {"file": "walks/gone.npz", "split": "train", "subject": "anna", "dataset": "d"},
    ]
    table = write_table(tmp_path / "index.csv", rows)
    store = _build(source, tmp_path / "store", split=table).store
    slow, plain = store.sequences
    assert (slow.name, slow.split, slow.subject) == ("walks/2.npz", "test", "bo")
    assert (slow.fps_source, slow.frames) == (25.0, 101)
    assert (plain.split, plain.fps_source) == ("train", 50.0)
    assert list(_skipped(store)) == ["walks/gone.npz"]
    assert "not there" in _skipped(store)["walks/gone.npz"]
    assert store.header["settings"]["unlisted"] == ["walks/1.npz"]


@pytest.fixture
def crowd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one file, in which three people walk at their own pace."""
    alone = write_recording(tmp_path / "mocap" / "all.npz")

    def read(path: Path, options: ReadOptions) -> list[Pose3D]:
        (pose,) = original(alone, options)
        return [replace(pose, person=name) for name in ("S1 walk", "S9 walk", "S9 run")]

    original = prepare_module.read_motion
    monkeypatch.setattr(prepare_module, "read_motion", read)
    return tmp_path / "mocap"


def test_people_of_one_file_are_sequences_of_their_own(crowd: Path, tmp_path: Path) -> None:
    store = _build(crowd, tmp_path / "store").store
    assert [each.name for each in store.sequences] == [
        "all.npz#S1 walk",
        "all.npz#S9 walk",
        "all.npz#S9 run",
    ]


def test_the_table_may_name_people_of_a_file(crowd: Path, tmp_path: Path) -> None:
    rows = [
        {"file": "all.npz#S9 run", "split": "test", "subject": "S9", "fps": 25},
        {"file": "all.npz#S1 walk", "split": "train", "subject": "S1"},
        {"file": "all.npz#S7 walk", "split": "train", "subject": "S7"},
    ]
    table = write_table(tmp_path / "index.csv", rows)
    for _ in range(2):  # read, then copied
        store = _build(crowd, tmp_path / "store", split=table).store
        found = [(each.name, each.split, each.subject, each.fps_source) for each in store.sequences]
        assert found == [
            ("all.npz#S1 walk", "train", "S1", 50.0),
            ("all.npz#S9 run", "test", "S9", 25.0),
        ]
        assert "all.npz#S7 walk is not in it" in _skipped(store)["all.npz"]
        assert "1 people in it are not in the table" in store.sources()[0].warnings
        rows.append({"file": "else.npz", "split": "train"})
        write_table(table, rows)


def test_a_file_that_cannot_be_read_is_named_and_does_not_stop_the_build(
    source: Path, tmp_path: Path
) -> None:
    (source / "cut.npz").write_bytes((source / "walks" / "0.npz").read_bytes()[:900])
    (source / "empty.bvh").write_bytes(b"")
    write_recording(source / "no_rate.npz", fps=None)
    write_recording(source / "odd_rate.npz", fps=1e-3)
    store = _build(source, tmp_path / "store").store
    assert len(store.sequences) == 3
    skipped = _skipped(store)
    assert list(skipped) == ["cut.npz", "empty.bvh", "no_rate.npz", "odd_rate.npz"]
    assert all(reason and "\n" not in reason for reason in skipped.values())
    assert not any(str(source) in reason for reason in skipped.values())
    assert "--source-fps" in skipped["no_rate.npz"]


def test_a_bug_in_a_reader_is_reported_with_the_file(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(path: Path, options: ReadOptions) -> object:
        if path.name == "1.npz":
            raise ZeroDivisionError("division by zero")
        return original(path, options)

    original = prepare_module.read_motion
    monkeypatch.setattr(prepare_module, "read_motion", read)
    store = _build(source, tmp_path / "store").store
    assert "ZeroDivisionError" in _skipped(store)["walks/1.npz"]
    assert len(store.sequences) == 2


def test_short_gaps_are_filled_and_long_ones_masked(tmp_path: Path) -> None:
    positions = walking(seconds=2)
    wrist = 11
    positions[20:30, wrist] = np.nan  # 0.2 s
    positions[60:75, wrist] = np.nan  # 0.3 s
    write_recording(tmp_path / "mocap" / "a.npz", positions)
    store = _build(tmp_path / "mocap", tmp_path / "store").store
    visibility = store.visibility(store.sequences[0])
    hidden = np.argwhere(~visibility)
    assert_array_equal(np.unique(hidden[:, 0]), np.arange(60, 75))
    assert len(np.unique(hidden[:, 1])) == 1
    assert (store.positions(store.sequences[0])[~visibility] == 0).all()
    notes = " ".join(store.sequences[0].notes)
    assert "filled" in notes and "masked" in notes


def test_without_its_pelvis_nobody_is_visible(tmp_path: Path) -> None:
    positions = walking(seconds=2)
    positions[40:60, :2] = np.nan  # a hip and its knee
    write_recording(tmp_path / "mocap" / "a.npz", positions)
    store = _build(tmp_path / "mocap", tmp_path / "store").store
    visibility = store.visibility(store.sequences[0])
    assert_array_equal(np.flatnonzero(~visibility.any(axis=1)), np.arange(40, 60))
    assert visibility[np.r_[:40, 60:101]].all()


def test_any_number_of_workers_gives_the_same_store(source: Path, tmp_path: Path) -> None:
    _build(source, tmp_path / "one", workers=1)
    _build(source, tmp_path / "two", workers=2)
    assert _content(tmp_path / "one") == _content(tmp_path / "two")


def test_a_second_build_reads_nothing(source: Path, tmp_path: Path) -> None:
    first = _build(source, tmp_path / "store")
    before = (tmp_path / "store" / "store.json").stat()
    second = _build(source, tmp_path / "store")
    assert (first.read, second.read, second.reused) == (3, 0, 3)
    assert (tmp_path / "store" / "store.json").stat() == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_only_what_changed_is_read_again(source: Path, tmp_path: Path) -> None:
    _build(source, tmp_path / "store")
    write_recording(source / "walks" / "1.npz", walking(seconds=2))
    write_recording(source / "walks" / "new.npz")
    (source / "walks" / "0.npz").unlink()
    result = _build(source, tmp_path / "store")
    assert (result.read, result.reused) == (2, 1)
    _build(source, tmp_path / "afresh")
    assert _content(tmp_path / "store") == _content(tmp_path / "afresh")


def test_a_file_that_was_only_touched_is_not_read_again(source: Path, tmp_path: Path) -> None:
    _build(source, tmp_path / "store")
    os.utime(source / "walks" / "1.npz", (1, 1))
    assert _build(source, tmp_path / "store").read == 0


def test_a_file_is_read_again_when_its_companion_changed(tmp_path: Path) -> None:
    """The motion of an .amc file is what its .asf file makes of it."""
    write_recording(tmp_path / "mocap" / "other.npz")
    skeleton = tmp_path / "mocap" / "01.asf"
    skeleton.write_text("one")
    (tmp_path / "mocap" / "01_01.amc").write_text("damaged")
    reads = []
    for content in ("one", "one", "two"):
        skeleton.write_text(content)
        reads.append(_build(tmp_path / "mocap", tmp_path / "store").read)
    assert reads == [2, 0, 1]


def test_a_store_below_its_source_is_not_taken_for_motion(source: Path) -> None:
    for _ in range(2):
        store = _build(source, source / "store").store
        assert (len(store.sequences), _skipped(store)) == (3, {})


def test_new_settings_read_everything_again(source: Path, tmp_path: Path) -> None:
    _build(source, tmp_path / "store")
    result = _build(source, tmp_path / "store", fps=25.0)
    assert (result.read, result.store.fps, result.store.sequences[0].frames) == (3, 25.0, 26)


def test_a_new_table_changes_the_splits_without_reading(source: Path, tmp_path: Path) -> None:
    table = tmp_path / "index.csv"
    for split in ("train", "val"):
        write_table(table, [{"file": "walks/0.npz", "split": split, "subject": "anna"}])
        result = _build(source, tmp_path / "store", split=table)
    assert (result.read, result.store.sequences[0].split) == (0, "val")
    assert result.store.sources()[0].split == "val"


def test_fresh_reads_everything(source: Path, tmp_path: Path) -> None:
    _build(source, tmp_path / "store")
    assert _build(source, tmp_path / "store", fresh=True).read == 3


def test_a_damaged_store_is_built_again(source: Path, tmp_path: Path) -> None:
    _build(source, tmp_path / "store")
    (tmp_path / "store" / "shards" / "00000_positions.npy").write_bytes(b"")
    result = _build(source, tmp_path / "store")
    assert result.read == 3
    result.store.verify()


def test_what_is_no_store_is_never_replaced(source: Path, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "1.jpg").write_bytes(b"precious")
    with pytest.raises(StoreError, match="not a store"):
        _build(source, tmp_path / "photos")
    assert (tmp_path / "photos" / "1.jpg").read_bytes() == b"precious"


def test_a_place_that_cannot_be_written_to_is_an_error(source: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be written"):
        _build(source, tmp_path / "file" / "store")


def test_a_reader_of_the_old_store_keeps_its_arrays(source: Path, tmp_path: Path) -> None:
    old = _build(source, tmp_path / "store").store
    positions = old.positions(old.sequences[0])
    expected = positions.copy()
    write_recording(source / "walks" / "0.npz", walking(seconds=3))
    _build(source, tmp_path / "store")
    assert_array_equal(positions, expected)


def test_arrays_of_two_builds_are_never_mixed(source: Path, tmp_path: Path) -> None:
    old = _build(source, tmp_path / "store").store
    write_recording(source / "walks" / "0.npz", walking(seconds=3))
    _build(source, tmp_path / "store")
    with pytest.raises(StoreError, match="built again"):
        old.positions(old.sequences[0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: None, "no such folder"),
        (lambda folder: folder.mkdir(), "no motion capture"),
        (lambda folder: write_recording(folder / "a.npz", fps=None), "none of its 1 files"),
    ],
)
def test_nothing_to_build_from_is_an_error_that_leaves_nothing(
    tmp_path: Path, make, message: str
) -> None:
    make(tmp_path / "mocap")
    with pytest.raises(MotionliftError, match=message):
        _build(tmp_path / "mocap", tmp_path / "store")
    assert [path.name for path in tmp_path.iterdir() if path.name != "mocap"] == []


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"file": "a.npz"}], "no column 'split'"),
        ([{"file": "a.npz", "split": "dev"}], "index.csv:2: split is 'dev'"),
        ([{"file": "../a.npz", "split": "train"}], "below the source folder"),
        (
            [{"file": "a.npz", "split": "train", "fps": "fast"}],
            "index.csv:2: fps is 'fast', not a number",
        ),
        ([{"file": "a.npz", "split": "train", "fps": "0"}], "fps is 0, but above 0"),
        ([{"file": "a.npz", "split": "train", "fps": "inf"}], "fps is inf, but above 0"),
        ([{"file": "a.npz", "split": ""}] * 2, "index.csv:3: a.npz is listed twice"),
    ],
)
def test_a_wrong_table_is_refused_with_its_line(
    source: Path, tmp_path: Path, rows: list[dict[str, object]], message: str
) -> None:
    table = write_table(tmp_path / "index.csv", rows)
    with pytest.raises(OptionError, match=message):
        _build(source, tmp_path / "store", split=table)


KILLED_BUILD = """
import os, signal, sys
from pathlib import Path
from motionlift.data.build import build_store
from motionlift.data.plan import BuildSettings

def kill(done, total, file):
    if done == 5:
        os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    source, out = map(Path, sys.argv[1:])
    build_store(source, out, settings=BuildSettings(), workers=2, on_progress=kill)
"""


def test_a_killed_build_leaves_no_store_and_the_next_goes_on(tmp_path: Path) -> None:
    source, script = tmp_path / "mocap", tmp_path / "build.py"
    for number in range(30):
        write_recording(source / f"{number:02d}.npz", walking(pace=0.5 + 0.03 * number))
    script.write_text(KILLED_BUILD)
    ended = subprocess.run([sys.executable, script, source, tmp_path / "store"], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert not (tmp_path / "store").exists()
    result = _build(source, tmp_path / "store")
    assert (result.read, result.reused) == (25, 5)
    _build(source, tmp_path / "afresh")
    assert _content(tmp_path / "store") == _content(tmp_path / "afresh")


def test_a_journal_cut_within_a_line_is_taken_up_before_it(source: Path, tmp_path: Path) -> None:
    class StopError(Exception):
        pass

    def stop(done: int, total: int, file: str) -> None:
        if done == 2:
            raise StopError

    with pytest.raises(StopError):
        build_store(source, tmp_path / "s", settings=BuildSettings(), workers=1, on_progress=stop)
    journal = tmp_path / ".s.partial" / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-20])
    result = _build(source, tmp_path / "s")
    assert (result.read, result.reused) == (2, 1)
    result.store.verify()


def test_two_builds_of_one_store_do_not_mix(source: Path, tmp_path: Path) -> None:
    def build_again(done: int, total: int, file: str) -> None:
        with pytest.raises(StoreError, match="another build"):
            _build(source, tmp_path / "store")

    build_store(
        source, tmp_path / "store", settings=BuildSettings(), workers=1, on_progress=build_again
    )
    Store.open(tmp_path / "store").verify()


def test_the_old_store_comes_back_if_the_kill_came_between_two_renames(
    source: Path, tmp_path: Path
) -> None:
    _build(source, tmp_path / "store")
    (tmp_path / "store").rename(tmp_path / ".store.previous")
    assert _build(source, tmp_path / "store").read == 0


def test_the_header_says_how_it_was_built(source: Path, tmp_path: Path) -> None:
    _build(source, tmp_path / "store", options=ReadOptions(up="y"))
    settings = json.loads((tmp_path / "store" / "store.json").read_text())["settings"]
    assert settings["options"] == {"up": "y"}
    assert settings["source"] == str(source.resolve())


def test_what_a_table_said_of_a_file_is_said_anew(source: Path, tmp_path: Path) -> None:
    wrong = [{"file": "walks/0.npz", "split": "train", "sha256": "0" * 64}]
    table = write_table(tmp_path / "index.csv", wrong)
    _build(source, tmp_path / "store", split=table)
    write_table(table, [{**wrong[0], "split": "val"}])
    (found,) = _build(source, tmp_path / "store", split=table).store.sequences
    assert [note for note in found.notes if "sha256" in note] == [ANOTHER_FILE]
    write_table(table, [{**wrong[0], "sha256": found.sha256}])
    (found,) = _build(source, tmp_path / "store", split=table).store.sequences
    assert ANOTHER_FILE not in found.notes


def test_the_code_that_makes_frames_of_a_file_is_there() -> None:
    assert all((Path(plan.__file__).parents[1] / name).exists() for name in plan.CONVERSION)
