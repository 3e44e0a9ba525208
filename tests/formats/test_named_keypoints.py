"""Formats whose keypoints have names: DeepLabCut's tables, and Sports2D's TRC in pixels."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from motionlift.errors import FormatError, SkeletonError
from motionlift.formats import ReadOptions, find_format, read_keypoints
from motionlift.formats._named import joint_named
from motionlift.skeletons import COCO17, HALPE26
from tests.formats.people import figure

PARTS = ("nose", "left_shoulder", "right_shoulder", "left_hip", "right_hip", "left_knee")


@pytest.mark.parametrize(
    "name",
    ["right_big_toe", "RBigToe", "r.bigtoe", "BigToe_R", "rightBigToe", "RIGHT BIG TOE", "rbigtoe"],
)
def test_spellings_of_a_joint(name: str) -> None:
    assert joint_named(name) == "right_big_toe"


@pytest.mark.parametrize("name", ["knee1", "lumbar", "rear_wheel", "l", ""])
def test_what_is_no_joint_is_none(name: str) -> None:
    assert joint_named(name) not in HALPE26.joints


def _columns(
    *, individuals: tuple[str, ...] = (), likelihood: bool = True
) -> list[tuple[str, ...]]:
    coordinates = ("x", "y", "likelihood") if likelihood else ("x", "y")
    return [
        ("DLC_resnet50", *((who,) if individuals else ()), part, coordinate)
        for who in individuals or ("",)
        for part in PARTS
        for coordinate in coordinates
    ]


def _values(*people: float, frames: int = 3, likelihood: bool = True) -> np.ndarray:
    joints = [COCO17.index(part) for part in PARTS]
    width = 3 if likelihood else 2
    rows = [
        [figure(COCO17, at=(x + k, 100))[joints, :width].reshape(-1) for x in people]
        for k in range(frames)
    ]
    return np.array(rows).reshape(frames, -1)


def _write_csv(
    path: Path, columns: list[tuple[str, ...]], values: np.ndarray, index: list[str]
) -> Path:
    levels = ["scorer", *(["individuals"] if len(columns[0]) == 4 else []), "bodyparts", "coords"]
    pad = [""] * index[0].count(",")
    lines = [
        ",".join([level, *pad, *(column[k] for column in columns)])
        for k, level in enumerate(levels)
    ]
    lines += [
        ",".join([name, *("" if np.isnan(value) else repr(float(value)) for value in row)])
        for name, row in zip(index, values, strict=True)
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_deeplabcut_table_is_read_by_its_names(tmp_path: Path) -> None:
    values = _values(300)
    values[1, :2] = np.nan
    path = _write_csv(tmp_path / "d.csv", _columns(), values, ["7", "8", "10"])
    assert find_format(path, kind="keypoints").name == "deeplabcut"
    (pose,) = read_keypoints(path)
    assert pose.skeleton is COCO17
    assert pose.frame_index.tolist() == [7, 8, 9, 10]
    assert_allclose(pose.keypoints[3, COCO17.index("left_knee")], figure(COCO17)[13, :2] + [2, 0])
    assert not pose.is_visible[1, COCO17.index("nose")]
    assert not pose.is_visible[0, COCO17.index("left_wrist")]
    assert pose.confidence[0, 0] == 0.8


def test_deeplabcut_individuals_are_people(tmp_path: Path) -> None:
    columns = _columns(individuals=("ann", "bob"))
    path = _write_csv(tmp_path / "d.csv", columns, _values(300, 700), ["0", "1", "2"])
    people = {pose.person: pose.keypoints[0, 0, 0] for pose in read_keypoints(path)}
    assert people == {"ann": 300, "bob": 700}


def test_deeplabcut_labels_have_frames_in_image_names_and_no_likelihood(tmp_path: Path) -> None:
    index = [f"labeled-data,v,img{k:03}.png" for k in (4, 6, 7)]
    values = _values(300, likelihood=False)
    path = _write_csv(tmp_path / "d.csv", _columns(likelihood=False), values, index)
    (pose,) = read_keypoints(path)
    assert pose.frame_index.tolist() == [4, 5, 6, 7]
    assert pose.confidence[0, 0] == 1
    assert any("no likelihoods" in note for note in pose.notes)


def test_deeplabcut_labels_of_two_videos_are_not_mixed(tmp_path: Path) -> None:
    index = [f"labeled-data,{video},img.png" for video in ("walk/1", "walk/2", "jump/1")]
    index = [name.replace("/", ",img").replace(",img.png", ".png") for name in index]
    values = _values(300, likelihood=False)
    path = _write_csv(tmp_path / "d.csv", _columns(likelihood=False), values, index)
    with pytest.raises(FormatError, match=r"images of 2 recordings, such as .*jump and .*walk"):
        read_keypoints(path)


def test_own_names_need_a_skeleton_and_take_one(tmp_path: Path) -> None:
    columns = [(s, f"mark_{part[:3]}{k // 3}", c) for k, (s, part, c) in enumerate(_columns())]
    path = _write_csv(tmp_path / "d.csv", columns, _values(300), ["0", "1", "2"])
    with pytest.raises(SkeletonError, match=r"--skeleton FILE\.toml"):
        read_keypoints(path)
    names = list(dict.fromkeys(part for _, part, _ in columns))
    skeleton = tmp_path / "mine.toml"
    skeleton.write_text(
        f"joints = {names}\n[to_h36m17]\nnose = '{names[0]}'\nthorax = {names[1:3]}\n"
    )
    (pose,) = read_keypoints(path, ReadOptions(skeleton=str(skeleton)))
    assert pose.skeleton.name == "mine"
    assert pose.keypoints[0, 0].tolist() == [300, 112]


def _write_h5(
    path: Path, columns: list[tuple[str, ...]], values: np.ndarray, *, is_table: bool
) -> Path:
    """As pandas writes it: laid out like files of pandas 3.1, attributes that we read alone."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        group = file.create_group("df_with_missing")
        if is_table:
            group.attrs["pandas_type"] = np.bytes_(b"frame_table")
            group.attrs["non_index_axes"] = np.bytes_(pickle.dumps([(1, columns)], 0))
            dtype = [("index", "<i8"), ("values_block_0", "<f8", (values.shape[1],))]
            rows = np.empty(len(values), dtype=dtype)
            rows["index"], rows["values_block_0"] = np.arange(len(values)), values
            group["table"] = rows
            return path
        group.attrs["pandas_type"] = np.bytes_(b"frame")
        group.attrs["axis1_variety"] = np.bytes_(b"regular")
        group.attrs["block0_items_nlevels"] = len(columns[0])
        for k in range(len(columns[0])):
            names, labels = np.unique([column[k] for column in columns], return_inverse=True)
            group[f"block0_items_level{k}"] = names.astype("S")
            group[f"block0_items_label{k}"] = labels.astype("i1")
        group["axis1"] = np.arange(len(values))
        group["block0_values"] = values
    return path


@pytest.mark.parametrize("is_table", [True, False])
def test_deeplabcut_h5_is_read_as_its_csv(tmp_path: Path, is_table: bool) -> None:
    path = _write_h5(tmp_path / "d.h5", _columns(), _values(300), is_table=is_table)
    other = _write_csv(tmp_path / "d.csv", _columns(), _values(300), ["0", "1", "2"])
    assert find_format(path, kind="keypoints").name == "deeplabcut"
    np.testing.assert_array_equal(
        read_keypoints(path)[0].keypoints, read_keypoints(other)[0].keypoints
    )


def test_damaged_h5_is_one_line(tmp_path: Path) -> None:
    path = _write_h5(tmp_path / "d.h5", _columns(), _values(300), is_table=True)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(60):
        copy = bytearray(whole)
        for place in rng.integers(0, len(whole), 20):
            copy[place] = rng.integers(256)
        path.write_bytes(copy[: rng.integers(100, len(copy))] if rng.random() < 0.3 else copy)
        try:
            read_keypoints(path, format="deeplabcut")
        except (FormatError, SkeletonError) as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("coords,x", "coords,q", "expected scorer, body part and one of x, y, likelihood"),
        ("\ncoords", "\nqoords", "expected"),
        ("\n1,", "\none,", "frames of one recording"),
        ("0.8\n1,", "0.8,5\n1,", "cells, but 19 columns"),
        ("0.8\n1,", "much\n1,", "found 'much', expected a number"),
    ],
)
def test_damaged_tables_are_one_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = _write_csv(tmp_path / "d.csv", _columns(), _values(300), ["0", "1", "2"])
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(FormatError) as caught:
        read_keypoints(path, format="deeplabcut")
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


SPORTS2D = {
    "Hip": "mid_hip",
    "RHip": "right_hip",
    "RKnee": "right_knee",
    "LHip": "left_hip",
    "LBigToe": "left_big_toe",
    "Neck": "neck",
    "Head": "head_top",
    "Nose": "nose",
}


def _trc(*, units: str = "m", rows: int = 3, z: str = "0.0", scale: float = 1.0) -> str:
    names = "\t\t\t".join(SPORTS2D)
    lines = [
        "PathFileType\t4\t(X/Y/Z)\tdemo_px_person00.trc",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames",
        f"30\t30\t{rows}\t{len(SPORTS2D)}\t{units}\t30\t0\t{rows}",
        f"Frame#\tTime\t{names}\t\t\t",
        "\t\t" + "\t".join(f"{c}{k + 1}" for k in range(len(SPORTS2D)) for c in "XYZ"),
    ]
    joints = [HALPE26.index(joint) for joint in SPORTS2D.values()]
    for k in range(rows):
        points = figure(HALPE26, at=(300 + k, 100))[joints, :2] * scale
        cells = [f"{x}\t{y}\t{z}" for x, y in points.tolist()]
        if k == 1:
            cells[-1] = "\t\t"
        lines.append(f"{k}\t{k / 30}\t" + "\t".join(cells))
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("units", ["m", "px"])
def test_sports2d_in_pixels_is_read_by_its_markers(tmp_path: Path, units: str) -> None:
    path = tmp_path / "demo.trc"
    path.write_text(_trc(units=units))
    assert find_format(path, kind="keypoints").name == "sports2d-trc"
    (pose,) = read_keypoints(path)
    assert pose.skeleton is HALPE26
    assert pose.fps == 30
    assert pose.keypoints[2, HALPE26.index("head_top")].tolist() == [302, 100]
    assert not pose.is_visible[1, HALPE26.index("nose")]
    assert not pose.is_visible[0, HALPE26.index("left_wrist")]


@pytest.mark.parametrize("axes", ["", "\t\t\t", None])
def test_no_frame_is_lost_where_the_line_of_axes_is_empty(tmp_path: Path, axes: str | None) -> None:
    lines = _trc().split("\n")
    lines[4:5] = [] if axes is None else [axes]
    (tmp_path / "demo.trc").write_text("\n".join(lines))
    (pose,) = read_keypoints(tmp_path / "demo.trc", format="sports2d-trc")
    assert pose.frame_index.tolist() == [0, 1, 2]


@pytest.mark.parametrize("units", ["m", "px"])
def test_keypoints_in_a_trc_are_found_without_saying_that_they_are_keypoints(
    tmp_path: Path, units: str
) -> None:
    path = tmp_path / "demo.trc"
    path.write_text(_trc(units=units))
    assert find_format(path).name == "sports2d-trc"
    path.write_text(_trc(scale=0.005))
    assert find_format(path).name == "trc"
    path.write_text(_trc(units="px", z="1.5"))
    assert find_format(path).name == "trc"


@pytest.mark.parametrize("nothing", ["", "0.0"])
def test_somebody_who_comes_late_is_in_a_picture_all_the_same(tmp_path: Path, nothing: str) -> None:
    lines = _trc(rows=3, units="m" if nothing else "px").splitlines()
    empty = "\t".join([nothing] * 3 * len(SPORTS2D))
    late = [f"{k}\t{k / 30}\t{empty}" for k in range(300)]
    path = tmp_path / "demo.trc"
    path.write_text("\n".join(lines[:5] + late + lines[5:]) + "\n")
    assert find_format(path).name == "sports2d-trc"


@pytest.mark.parametrize("text", [_trc(scale=0.005), _trc(z="1.5"), "PathFileType\n" * 9])
def test_markers_in_metres_are_no_keypoints(tmp_path: Path, text: str) -> None:
    path = tmp_path / "demo.trc"
    path.write_text(text)
    with pytest.raises(FormatError, match=r"3D motion already \(TRC\)"):
        read_keypoints(path)


def test_real_markers_in_metres_are_no_keypoints(shared: Path) -> None:
    for path in (shared / "keypoints" / "pose2sim" / "trc").iterdir():
        with pytest.raises(FormatError, match=r"3D motion already \(TRC\)"):
            read_keypoints(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\n1\t", "\nx\t", "found 'x'"),
        ("Frame#", "Frame", "expected 'Frame#'"),
        ("0.0", "o.o", "o.o"),
    ],
)
def test_damaged_trc_is_one_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "demo.trc"
    path.write_text(_trc(units="px").replace(old, new))
    with pytest.raises(FormatError, match=r"demo\.trc:\d+: ") as caught:
        read_keypoints(path)
    assert message in str(caught.value)
