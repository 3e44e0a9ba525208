"""MediaPipe's landmarks in JSON, npz and CSV, and an identity that jumps."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from motionlift.errors import FormatError
from motionlift.formats import ReadOptions, find_format, read_keypoints
from motionlift.skeletons import MEDIAPIPE33
from tests.formats.people import figure

SIZE = (640, 480)
NAMES = [
    name.replace("left_mouth", "mouth_left").replace("right_mouth", "mouth_right")
    for name in MEDIAPIPE33.joints
]


def _parts(x: float = 300) -> np.ndarray:
    """x, y, z, visibility as MediaPipe gives them: parts of the picture."""
    points = figure(MEDIAPIPE33, at=(x, 100))
    points[:, :2] /= SIZE
    return np.insert(points, 2, 0.25, axis=1)


def _landmarks(x: float = 300) -> list[dict[str, float]]:
    keys = ("x", "y", "z", "visibility")
    return [dict(zip(keys, row, strict=True)) for row in _parts(x).tolist()]


def _write(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize(
    "name", ["pose2sim/mediapipe/single_cam01", "sports2d/mediapipe/demo_1280"]
)
def test_real_json_and_npz_hold_the_same(shared: Path, name: str) -> None:
    one, other = (shared / "keypoints" / f"{name}{suffix}" for suffix in (".json", ".npz"))
    for path in (one, other):
        assert find_format(path, kind="keypoints").name == "mediapipe"
    for a, b in zip(read_keypoints(one), read_keypoints(other), strict=True):
        assert_allclose(a.keypoints, b.keypoints, atol=0.02)
        assert a.image_size == b.image_size
        assert a.fps == b.fps


def test_landmarks_lie_on_the_man_whom_openpose_saw(shared: Path) -> None:
    base = shared / "keypoints" / "pose2sim"
    pose = read_keypoints(base / "mediapipe" / "single_cam01.json")[0]
    other = read_keypoints(base / "openpose_body25b" / "single")[0]
    for joint in ("left_knee", "right_knee", "left_wrist", "right_shoulder"):
        apart = (
            pose.keypoints[:, pose.skeleton.index(joint)]
            - (other.keypoints[:, other.skeleton.index(joint)])
        )
        assert np.nanmedian(np.linalg.norm(apart, axis=-1)) < 40  # of a man of 750 pixels


def test_identity_that_jumps_becomes_other_people(shared: Path) -> None:
    people = read_keypoints(shared / "keypoints/sports2d/mediapipe/demo_1280.json")
    first = people[0]
    assert len(people) > 1
    assert any("number 1 of" in note for note in first.notes)
    nose = first.keypoints[first.is_visible[:, 0], 0]
    step = np.linalg.norm(np.diff(nose, axis=0), axis=-1)
    assert step.max() < 100  # of a person of 250 pixels; the jump is farther


@pytest.mark.parametrize(
    "content",
    [
        {"width": 640, "height": 480, "fps": 25, "frames": [
            {"frame": 3, "pose_landmarks": _landmarks()},
            {"frame": 4, "pose_landmarks": []},
            {"frame": 5, "pose_landmarks": _landmarks(302)}]},
        {"frames": [
            {"frame": 3, "landmarks": [_landmarks()]},
            {"frame": 4, "landmarks": []},
            {"frame": 5, "landmarks": [_landmarks(302)]}], "fps": 25, "width": 640, "height": 480},
        {"width": 640, "height": 480, "fps": 25, "frames": [
            {"frame": 3, "poseLandmarks": {"landmark": _landmarks()}},
            {"frame": 4, "poseLandmarks": None},
            {"frame": 5, "poseLandmarks": _parts(302).tolist()}]},
    ],
)  # fmt: skip
def test_usual_ways_to_write_json_are_read(tmp_path: Path, content: Any) -> None:
    path = _write(tmp_path / "m.json", content)
    assert find_format(path, kind="keypoints").name == "mediapipe"
    (pose,) = read_keypoints(path)
    assert pose.fps == 25
    assert pose.image_size == SIZE
    assert pose.frame_index.tolist() == [3, 4, 5]
    assert pose.is_visible.any(axis=1).tolist() == [True, False, True]
    assert_allclose(pose.keypoints[[0, 2], 0], [[300, 112], [302, 112]])
    assert_allclose(pose.confidence[0], 0.8)


def test_list_of_frames_needs_the_pictures_size(tmp_path: Path) -> None:
    path = _write(tmp_path / "m.json", [{"pose_landmarks": _landmarks()}])
    with pytest.raises(FormatError, match="--image-size"):
        read_keypoints(path)
    (pose,) = read_keypoints(path, ReadOptions(image_size=SIZE))
    assert_allclose(pose.keypoints[0, 0], [300, 112])


@pytest.mark.parametrize("kind", ["json", "csv"])
def test_no_visibility_is_said(tmp_path: Path, kind: str) -> None:
    parts = _parts()[:, :2]
    if kind == "json":
        landmarks = [{"x": x, "y": y} for x, y in parts.tolist()]
        path = _write(tmp_path / "m.json", [{"pose_landmarks": landmarks}])
    else:
        path = tmp_path / "m.csv"
        path.write_text(_wide([f"{n}_{c}" for n in NAMES for c in "xy"], [parts.ravel().tolist()]))
    (pose,) = read_keypoints(path, ReadOptions(image_size=SIZE))
    assert (pose.confidence == 1).all()
    assert any("no landmark has a visibility other than 1" in note for note in pose.notes)
    (sure,) = read_keypoints(
        _write(tmp_path / "sure.json", [{"pose_landmarks": _landmarks()}]),
        ReadOptions(image_size=SIZE),
    )
    assert not any("visibility" in note for note in sure.notes)


def test_pixels_are_left_alone_and_said(tmp_path: Path) -> None:
    points = figure(MEDIAPIPE33)
    landmarks = [{"x": x, "y": y, "presence": c} for x, y, c in points.tolist()]
    (pose,) = read_keypoints(_write(tmp_path / "m.json", [{"pose_landmarks": landmarks}]))
    assert_allclose(pose.keypoints[0, 0], [300, 112])
    assert any("taken as pixels" in note for note in pose.notes)


def _wide(columns: list[str], rows: list[list[float]]) -> str:
    return "\n".join([",".join(columns), *(",".join(map(repr, row)) for row in rows)])


def _csv(layout: str) -> str:
    points, flat = _parts(), _parts().reshape(-1).tolist()
    if layout == "numbers last":
        return _wide(["frame", *(f"{c}{k}" for k in range(33) for c in "xyzv")], [[2, *flat]])
    if layout == "numbers from one":
        return _wide(["frame", *(f"{c}{k}" for k in range(1, 34) for c in "xyzv")], [[2, *flat]])
    if layout == "landmark numbers":
        names = [f"landmark_{k}_{c}" for k in range(33) for c in ("x", "y", "z", "visibility")]
        return _wide(["frame", *names], [[2, *flat]])
    if layout == "names":
        names = [f"{n.upper()}_{c}" for n in NAMES for c in ("x", "y", "z", "visibility")]
        return _wide(["Frame", *names], [[2, *flat]])
    lines = ["frame,landmark,x,y,z,visibility"]
    for k, row in enumerate(points.tolist()):
        mark = NAMES[k].upper() if layout == "long names" else k + (layout == "long from one")
        lines.append(f"2,{mark}," + ",".join(map(repr, row)))
    return "\n".join(lines)


@pytest.mark.parametrize(
    "layout",
    [
        *("numbers last", "numbers from one", "landmark numbers", "names"),
        *("long numbers", "long from one", "long names"),
    ],
)
def test_usual_tables_are_read(tmp_path: Path, layout: str) -> None:
    path = tmp_path / "m.csv"
    path.write_text(_csv(layout))
    assert find_format(path, kind="keypoints").name == "mediapipe"
    (pose,) = read_keypoints(path, ReadOptions(image_size=SIZE))
    assert pose.frame_index.tolist() == [2]
    assert_allclose(pose.keypoints[0], figure(MEDIAPIPE33)[:, :2])
    assert_allclose(pose.confidence[0], 0.8)


def test_hands_behind_the_body_are_left_out_and_said(tmp_path: Path) -> None:
    """Wide tables of MediaPipe Holistic, numbered on."""
    columns = ["frame", *(f"{c}{k}" for k in range(54) for c in "xyzv")]
    hands = np.full((21, 4), 0.9)
    row = [2, *np.concatenate([_parts(), hands]).reshape(-1).tolist()]
    (tmp_path / "m.csv").write_text(_wide(columns, [row]))
    (pose,) = read_keypoints(tmp_path / "m.csv", ReadOptions(image_size=SIZE))
    assert_allclose(pose.keypoints[0], figure(MEDIAPIPE33)[:, :2])
    assert "21 more landmarks, which are no body's, are left out" in pose.notes


def _long(frame: int, *more: object, points: np.ndarray) -> list[str]:
    return [",".join(map(str, (frame, *more, k, *row[[0, 1, 3]]))) for k, row in enumerate(points)]


def test_people_of_a_table_are_told_apart_by_their_column(tmp_path: Path) -> None:
    lines = ["frame,person,landmark_index,x,y,visibility"]
    for frame in (0, 1):
        lines += _long(frame, "a", points=_parts()) + _long(frame, "b", points=_parts(x=500))
    (tmp_path / "m.csv").write_text("\n".join(lines))
    people = read_keypoints(tmp_path / "m.csv", ReadOptions(image_size=SIZE))
    assert sorted(pose.keypoints[1, 0, 0].round() for pose in people) == [
        figure(MEDIAPIPE33, at=(x, 100))[0, 0].round() for x in (300, 500)
    ]


def test_a_face_of_a_table_is_no_body(tmp_path: Path) -> None:
    lines = ["frame,type,landmark_index,x,y,visibility"]
    lines += _long(0, "face", points=np.full((468, 4), 0.9)) + _long(0, "pose", points=_parts())
    (tmp_path / "m.csv").write_text("\n".join(lines))
    (pose,) = read_keypoints(tmp_path / "m.csv", ReadOptions(image_size=SIZE))
    assert_allclose(pose.keypoints[0], figure(MEDIAPIPE33)[:, :2])


def test_a_landmark_that_stands_twice_in_a_frame_is_not_overwritten(tmp_path: Path) -> None:
    lines = ["frame,landmark,x,y,visibility"]
    lines += _long(0, points=_parts()) + _long(0, points=_parts(x=500))
    (tmp_path / "m.csv").write_text("\n".join(lines))
    with pytest.raises(FormatError, match=r"m.csv:35: a second '0' in frame 0; .* column 'person'"):
        read_keypoints(tmp_path / "m.csv", ReadOptions(image_size=SIZE))


@pytest.mark.parametrize("nobody", [None, {"pose_landmarks": None}, {"pose_landmarks": [[]]}])
def test_frames_before_anybody_comes_hide_nobody(tmp_path: Path, nobody: Any) -> None:
    frames = [nobody] * 3 + [{"pose_landmarks": [_landmarks()]}] + [{"pose_landmarks": [[]]}]
    path = _write(tmp_path / "m.json", {"frames": frames})
    assert find_format(path, kind="keypoints").name == "mediapipe"
    (pose,) = read_keypoints(path, ReadOptions(image_size=SIZE))
    assert np.flatnonzero(pose.is_visible.any(axis=1)).tolist() == [3]
    assert len(pose.frame_index) == 5


@pytest.mark.parametrize("key", ["frame", "frame_number", "frameIndex", "frame_idx"])
def test_frames_are_where_their_numbers_say(tmp_path: Path, key: str) -> None:
    frames = [{key: number, "pose_landmarks": _landmarks()} for number in (0, 1, 5)]
    (pose,) = read_keypoints(
        _write(tmp_path / "m.json", {"frames": frames}), ReadOptions(image_size=SIZE)
    )
    assert np.flatnonzero(pose.is_visible.any(axis=1)).tolist() == [0, 1, 5]


def test_times_that_are_not_read_are_said(tmp_path: Path) -> None:
    frames = [{"timestamp_ms": 40 * k, "pose_landmarks": _landmarks()} for k in (0, 1, 5)]
    (pose,) = read_keypoints(
        _write(tmp_path / "m.json", {"frames": frames}), ReadOptions(image_size=SIZE)
    )
    assert any("frames say their times and not their numbers" in note for note in pose.notes)


def test_pixels_are_pixels_also_where_most_frames_hold_nobody(tmp_path: Path) -> None:
    points = figure(MEDIAPIPE33)
    seen = [dict(zip(("x", "y", "visibility"), row, strict=True)) for row in points.tolist()]
    empty = [{"x": 0, "y": 0, "visibility": 0}] * 33
    frames = [{"pose_landmarks": each} for each in [seen] * 2 + [empty] * 5]
    content = {"width": 640, "height": 480, "frames": frames}
    (pose,) = read_keypoints(_write(tmp_path / "m.json", content))
    assert_allclose(pose.keypoints[0], points[:, :2])


def test_landmarks_without_columns_are_missing(tmp_path: Path) -> None:
    body = [k for k, name in enumerate(NAMES) if "shoulder" in name or "hip" in name]
    columns = [f"{NAMES[k]}_{c}" for k in body for c in "xy"]
    (tmp_path / "m.csv").write_text(_wide(columns, [_parts()[body, :2].reshape(-1).tolist()]))
    (pose,) = read_keypoints(tmp_path / "m.csv", ReadOptions(image_size=SIZE))
    assert np.flatnonzero(pose.is_visible[0]).tolist() == body
    assert pose.confidence[0, body].tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ({"pose_landmarks": _landmarks()[:-1]}, "frame 1: expected 33 landmarks"),
        ({"pose_landmarks": 3}, "frame 1: expected a list of 33 landmarks"),
        ({"pose_landmarks": [3] * 33}, "frame 1: "),
        ({"pose_landmarks": [[0.5, 0.5]] * 33}, "4 numbers each"),
        ({"pose_landmarks": [{"x": "a"}] * 33}, "found str in a list"),
        ({"frame": -1, "pose_landmarks": []}, "'frame' is '-1'"),
    ],
)
def test_damage_is_one_line_that_says_where(tmp_path: Path, frame: Any, message: str) -> None:
    frames = [{"pose_landmarks": _landmarks()}, frame]
    path = _write(tmp_path / "m.json", {"width": 640, "height": 480, "frames": frames})
    with pytest.raises(FormatError) as caught:
        read_keypoints(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("3,NOSE", "two,NOSE", "found 'two', expected a number"),
        ("3,LEFT_EAR,", "3,LEFT_TAIL,", "'left_tail' is no landmark"),
        ("3,LEFT_EAR,", "3,LEFT_EAR,,", "7 cells"),
    ],
)
def test_damaged_tables_say_the_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = _csv("long names")
    # A damaged line in the second frame: the first shows how landmarks are named.
    second = text.split("\n", 1)[1].replace("\n2,", "\n3,").replace("2,NOSE", "3,NOSE", 1)
    (tmp_path / "m.csv").write_text(text + "\n" + second.replace(old, new, 1))
    with pytest.raises(FormatError) as caught:
        read_keypoints(tmp_path / "m.csv", ReadOptions(image_size=SIZE))
    assert message in str(caught.value)
    assert "m.csv:" in str(caught.value)


def test_lines_are_numbered_as_the_whole_file_numbers_them(tmp_path: Path) -> None:
    """The first frame lacks the last landmark, by which counting from 1 shows."""
    path = tmp_path / "a.csv"
    lines = [
        f"{frame},{number},{10.0 * number},{frame + 1.0},0.9"
        for frame in (0, 1)
        for number in range(1, 34 if frame else 33)
    ]
    path.write_text("\n".join(["frame,landmark,x,y,visibility", *lines]))
    (pose,) = read_keypoints(path)
    assert pose.keypoints[0, 0].tolist() == pytest.approx([10.0, 1.0])
    assert np.flatnonzero(pose.confidence[0] == 0).tolist() == [32]
    assert pose.confidence[1].all()
