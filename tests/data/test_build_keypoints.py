"""Stores of keypoints: folders of frames are recordings, and 2D goes beside 3D."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from motionlift.data.build import BuildResult, build_store
from motionlift.data.merge import merge_stores
from motionlift.data.plan import BuildSettings
from motionlift.data.summary import summary
from motionlift.errors import OptionError
from motionlift.formats import ReadOptions
from motionlift.skeletons import H36M17
from tests.data.recordings import walking, write_recording, write_table

FRAMES = 40


def write_frames(folder: Path, *, x: float = 300.0) -> Path:
    """A folder as OpenPose writes it: BODY_25, all at once moving to the right."""
    folder.mkdir(parents=True)
    standing = np.random.default_rng(0).uniform(0, 400, size=(25, 2))
    for frame in range(FRAMES):
        points = np.column_stack([standing + np.array([x + 3 * frame, 100]), np.full(25, 0.5)])
        people = [{"pose_keypoints_2d": points.ravel().tolist()}]
        (folder / f"f_{frame:04d}_keypoints.json").write_text(json.dumps({"people": people}))
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    write_frames(tmp_path / "seen" / "cam1")
    write_frames(tmp_path / "seen" / "day 2" / "cam2", x=20)
    return tmp_path / "seen"


def _build(source: Path, out: Path, *, split: Path | None = None, **options: object) -> BuildResult:
    known = ReadOptions(**{"fps": 50.0, "skeleton": "BODY_25", **options})  # type: ignore[arg-type]
    settings = BuildSettings(kind="keypoints", split=split, options=known)
    return build_store(source, out, settings=settings, workers=1)


def test_a_folder_with_a_file_a_frame_is_one_recording(source: Path, tmp_path: Path) -> None:
    store = _build(source, tmp_path / "store").store
    assert [each.name for each in store.sequences] == ["cam1", "day 2/cam2"]
    for each in store.sequences:
        assert (each.units, each.frames, each.fps_source) == ("px", FRAMES, 50.0)
        steps = np.diff(store.positions(each)[:, H36M17.root], axis=0)
        assert_allclose(steps, np.tile([3, 0, 0], (FRAMES - 1, 1)), atol=1e-4)
        assert_allclose(store.positions(each)[:, H36M17.root, 2], 0.5)
    assert [each.file for each in store.sources()] == ["cam1", "day 2/cam2"]
    assert "2D only" in (store.path / "report.html").read_text()


def test_one_recording_can_be_the_source(source: Path, tmp_path: Path) -> None:
    store = _build(source / "cam1", tmp_path / "store").store
    assert [each.name for each in store.sequences] == ["cam1"]


def test_a_folder_is_read_again_only_if_a_frame_changed(source: Path, tmp_path: Path) -> None:
    _build(source, tmp_path / "store")
    for frame in (source / "cam1").iterdir():
        os.utime(frame)  # touched, and the same
    assert _build(source, tmp_path / "store").read == 0
    frame = source / "cam1" / "f_0007_keypoints.json"
    frame.write_text(frame.read_text().replace("0.5", "0.25"))
    result = _build(source, tmp_path / "store")
    assert (result.read, result.reused) == (1, 1)
    root = result.store.positions(result.store.sequences[0])[:, H36M17.root, 2]
    assert_allclose(root[6:9], [0.5, 0.25, 0.5])


def test_the_table_names_folders_with_split_rate_and_skeleton(source: Path, tmp_path: Path) -> None:
    rows = [{"file": "cam1", "split": "train", "fps": 25, "skeleton": "BODY_25"}]
    result = _build(
        source, tmp_path / "store", split=write_table(tmp_path / "t.csv", rows), skeleton=None
    )
    (each,) = result.store.sequences
    assert (each.split, each.fps_source, each.frames) == ("train", 25.0, 2 * FRAMES - 1)
    assert summary(result.store)["not_in_table"] == ["day 2/cam2"]


def test_2d_and_3d_stores_merge_into_one(source: Path, tmp_path: Path) -> None:
    write_recording(tmp_path / "mocap" / "a.npz", walking())
    build_store(tmp_path / "mocap", tmp_path / "3d", settings=BuildSettings(), workers=1)
    flat = _build(source, tmp_path / "2d").store
    merged = merge_stores([tmp_path / "3d", tmp_path / "2d"], tmp_path / "both")
    merged.verify()
    assert [each.units for each in merged.sequences] == ["m", "px", "px"]
    assert [each.name for each in merged.select(units="m")] == ["a.npz"]
    assert_allclose(merged.positions(merged.sequences[1]), flat.positions(flat.sequences[0]))
    counts = summary(merged)
    assert (counts["sequences"], counts["sequences_2d"]) == (3, 2)


def test_without_a_frame_rate_the_report_says_what_to_give(source: Path, tmp_path: Path) -> None:
    rows = [{"file": "cam1", "split": "", "fps": 50}, {"file": "day 2/cam2", "split": ""}]
    table = write_table(tmp_path / "t.csv", rows)
    store = _build(source, tmp_path / "store", split=table, fps=None).store
    (skipped,) = summary(store)["skipped"]
    assert skipped["file"] == "day 2/cam2" and "--source-fps" in skipped["reason"]


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("motion", {"skeleton": "COCO17"}, "--skeleton has no effect with --kind motion"),
        ("keypoints", {"metres_per_unit": 0.01}, "--metres-per-unit has no effect"),
    ],
)
def test_an_option_of_the_other_kind_is_refused(
    kind: str, options: dict[str, object], message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        BuildSettings(kind=kind, options=ReadOptions(**options))  # type: ignore[arg-type]


def test_a_folder_without_keypoints_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(OptionError, match="no keypoints in it"):
        _build(tmp_path / "empty", tmp_path / "store")


def test_real_detections_of_several_detectors_make_a_store(shared: Path, tmp_path: Path) -> None:
    files = {
        "pose2sim/openpose_body25b/single_cam03": ("BODY_25B", 60),
        "pose2sim/movenet_coco17/single_cam03_coco_results.json": ("", 60),
        "sports2d/mediapipe/demo_1280.json": ("", 30),
    }
    rows = [
        {"file": file, "split": "train", "skeleton": skeleton, "fps": fps}
        for file, (skeleton, fps) in files.items()
    ]
    table = write_table(tmp_path / "t.csv", rows)
    store = _build(
        shared / "keypoints", tmp_path / "store", split=table, fps=None, skeleton=None
    ).store
    assert {each.name.partition("#")[0] for each in store.sequences} == set(files)
    for each in store.sequences:
        is_seen, points = store.visibility(each), store.positions(each)
        assert is_seen.any() and np.isfinite(points).all()
        assert ((points[..., 2] > 0) == is_seen).all()


def test_frames_that_changed_places_are_read_again(source: Path, tmp_path: Path) -> None:
    _build(source, tmp_path / "store")
    one, other = (source / "cam1" / f"f_{frame:04d}_keypoints.json" for frame in (3, 30))
    one.rename(tmp_path / "aside")
    other.rename(one)
    (tmp_path / "aside").rename(other)
    assert _build(source, tmp_path / "store").read == 1


def test_people_of_one_file_have_the_skeleton_that_their_lines_say(
    source: Path, tmp_path: Path
) -> None:
    for frame in (source / "cam1").iterdir():
        (person,) = json.loads(frame.read_text())["people"]
        beside = np.reshape(person["pose_keypoints_2d"], (25, 3)) + np.array([900, 0, 0])
        people = [person, {"pose_keypoints_2d": beside.ravel().tolist()}]
        frame.write_text(json.dumps({"people": people}))
    rows = [{"file": "cam1#1", "split": "train", "skeleton": "BODY_25"}]
    table = write_table(tmp_path / "index.csv", rows)
    built = _build(source, tmp_path / "store", split=table, skeleton=None).store
    assert [each.split for each in built.sequences] == ["train"]
    rows.append({"file": "cam1#2", "split": "train", "skeleton": "BODY_25B"})
    table = write_table(tmp_path / "index.csv", rows)
    with pytest.raises(OptionError, match=r"cam1#2 has skeleton 'BODY_25B', another line"):
        _build(source, tmp_path / "other", split=table, skeleton=None)
