"""VideoPose3D's custom npz, Detectron's npz of its script, and rtmlib's arrays."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from motionlift.errors import FormatError
from motionlift.formats import ReadOptions, find_format, read_keypoints
from motionlift.skeletons import COCO17, H36M17, HALPE26
from tests.formats.people import figure


def _objects(value: Any) -> np.ndarray:
    array = np.empty((), dtype=object)
    array[()] = value
    return array


def _points(x: float = 300, *, frames: int = 3) -> np.ndarray:
    return np.stack([figure(COCO17, at=(x + k, 100))[:, :2] for k in range(frames)]).astype("f4")


def _videopose(path: Path, videos: Any, metadata: Any = None) -> Path:
    np.savez_compressed(path, positions_2d=_objects(videos), metadata=_objects(metadata))
    return path


def test_real_files_hold_the_coco_results_beside_them(shared: Path) -> None:
    folder = shared / "keypoints" / "pose2sim" / "movenet_coco17"
    path = folder / "single_cam01_videopose3d.npz"
    assert find_format(path, kind="keypoints").name == "videopose3d"
    (pose,) = read_keypoints(path)
    (other,) = read_keypoints(folder / "single_cam01_coco_results.json")
    assert_allclose(pose.keypoints, other.keypoints, atol=0.001)  # the results are rounded
    assert pose.skeleton is COCO17
    assert (pose.confidence == 1).all()
    assert any("no confidences" in note for note in pose.notes)
    woman = shared / "keypoints/sports2d/movenet_coco17/demo_1280_woman_f57_199_videopose3d.npz"
    assert read_keypoints(woman)[0].num_frames == 143


def test_each_recording_is_one_and_says_which(tmp_path: Path) -> None:
    videos = {"a.mp4": {"custom": [_points(), _points(400)]}, "b.mp4": {"walk": [_points(500)]}}
    about = {"video_metadata": {"b.mp4": {"w": 640, "h": 480, "fps": 50}}}
    poses = read_keypoints(_videopose(tmp_path / "v.npz", videos, about))
    assert [pose.person for pose in poses] == ["a.mp4/custom/0", "a.mp4/custom/1", "b.mp4/walk/0"]
    assert [pose.fps for pose in poses] == [None, None, 50]
    assert poses[2].image_size == (640, 480)
    assert poses[2].keypoints[2, 0, 0] == 502
    assert any("one of 3 recordings" in note for note in poses[0].notes)


@pytest.mark.parametrize(
    ("third", "confidence", "said"), [(0.25, 0.25, None), (3.0, 1.0, "third numbers are no conf")]
)
def test_a_third_number_is_the_confidence_if_it_can_be(
    tmp_path: Path, third: float, confidence: float, said: str | None
) -> None:
    points = np.concatenate([_points(), np.full((3, 17, 1), third, "f4")], axis=-1)
    (pose,) = read_keypoints(_videopose(tmp_path / "v.npz", {"a": {"b": [points]}}))
    assert (pose.confidence == confidence).all()
    assert any("taken as sure" in note and said in note for note in pose.notes if said) == bool(
        said
    )


def test_h36m_order_is_told_from_coco_by_geometry(tmp_path: Path) -> None:
    points = figure(H36M17)[None, :, :2]
    points[0, H36M17.index("spine")] = [300, 160]
    (pose,) = read_keypoints(_videopose(tmp_path / "v.npz", {"a": {"b": [points]}}))
    assert pose.skeleton is H36M17


@pytest.mark.parametrize(
    ("videos", "message"),
    [
        ({}, "no recording"),
        ([1], "expected a dict"),
        ({"a": {"b": 3}}, "expected a list of arrays"),
        ({"a": {"b": [[1, 2]]}}, "found list, expected an array"),
        ({"a": {"b": [np.ones((5, 17))]}}, "found (5, 17)"),
        ({"a": {"b": [np.full((5, 17, 2), np.nan)]}}, "no keypoint in any frame"),
        ({"a": {"b": [np.array([[["x"] * 2] * 17])]}}, "holds no numbers"),
        ({"a": dict.fromkeys(map(str, range(101)), [0] * 100)}, "more than 10000 recordings"),
    ],
)
def test_damage_is_one_line_that_says_where(tmp_path: Path, videos: Any, message: str) -> None:
    path = _videopose(tmp_path / "v.npz", videos)
    with pytest.raises(FormatError) as caught:
        read_keypoints(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def _detectron(path: Path, frames: list[Any]) -> Path:
    keypoints = np.empty((len(frames), 2), dtype=object)
    for k, people in enumerate(frames):
        keypoints[k, 0], keypoints[k, 1] = [], people
    about = _objects({"w": 640, "h": 480})
    np.savez_compressed(
        path, boxes=keypoints, segments=keypoints, keypoints=keypoints, metadata=about
    )
    return path


def _rows(*places: float) -> np.ndarray:
    people = [figure(COCO17, at=(x, 100)) for x in places]
    return np.stack([np.insert(points, 2, 0.0, axis=1).T for points in people])


def test_detectron_frames_are_read_with_everybody_in_them(tmp_path: Path) -> None:
    path = _detectron(tmp_path / "video.mp4.npz", [_rows(300, 700), [], _rows(702, 302)])
    assert find_format(path, kind="keypoints").name == "detectron2"
    people = read_keypoints(path)
    places = sorted(pose.keypoints[[0, 2], 0, 0].tolist() for pose in people)
    assert places == [[300, 302], [700, 702]]
    assert people[0].confidence[0, 0] == 0.8
    assert people[0].is_visible.any(axis=1).tolist() == [True, False, True]
    assert people[0].image_size == (640, 480)


@pytest.mark.parametrize("people", [3, [1, 2], np.ones((2, 3, 17)), {"a": 1}])
def test_detectron_damage_is_one_line(tmp_path: Path, people: Any) -> None:
    path = _detectron(tmp_path / "d.npz", [_rows(300), people])
    with pytest.raises(FormatError, match=r"d\.npz: frame 1: expected"):
        read_keypoints(path)


def test_rtmlib_arrays_of_several_people_are_read(tmp_path: Path) -> None:
    points = np.zeros((3, 2, 26, 3))
    points[0, 0], points[0, 1] = figure(HALPE26), figure(HALPE26, at=(700, 100))
    points[2, 0] = figure(HALPE26, at=(702, 100))
    path = tmp_path / "r.npz"
    np.savez(
        path, keypoints=points[..., :2], scores=points[..., 2] * 2, fps=25, image_size=[640, 480]
    )
    assert find_format(path, kind="keypoints").name == "rtmlib"
    people = read_keypoints(path)
    assert sorted(pose.is_visible.any(axis=1).sum() for pose in people) == [1, 2]
    assert people[0].fps == 25
    assert people[0].frame_index.tolist() == [0, 1, 2]
    assert any("confidences are above 1 (up to 1.6)" in note for note in people[0].notes)


def test_rtmlib_json_of_frames_is_read(tmp_path: Path) -> None:
    points = figure(HALPE26)
    one = {"keypoints": [points[:, :2].tolist()], "scores": [points[:, 2].tolist()]}
    path = tmp_path / "r.json"
    path.write_text(json.dumps([one, {"keypoints": [], "scores": []}, one]))
    assert find_format(path, kind="keypoints").name == "rtmlib"
    (pose,) = read_keypoints(path, ReadOptions(fps=60))
    assert pose.is_visible.any(axis=1).tolist() == [True, False, True]
    assert pose.fps == 60


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (3, "frame 1: expected an object"),
        ({"keypoints": [[[1, 2]]]}, "as many people"),
        ({"keypoints": [[[1, 2]]], "scores": [[]]}, "1 keypoints, 0 scores"),
    ],
)
def test_rtmlib_damage_is_one_line(tmp_path: Path, frame: Any, message: str) -> None:
    path = tmp_path / "r.json"
    path.write_text(json.dumps([{"keypoints": [], "scores": []}, frame]))
    with pytest.raises(FormatError) as caught:
        read_keypoints(path)
    assert message in str(caught.value)
    np.savez(tmp_path / "r.npz", keypoints=np.ones((3, 2, 17, 2)), scores=np.ones((3, 2, 16)))
    with pytest.raises(FormatError, match=r"'scores' \(3, 2, 16\)"):
        read_keypoints(tmp_path / "r.npz")
