"""What MMPose's demos and inferencer write, and easy_ViTPose."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motionlift.errors import FormatError
from motionlift.formats import find_format, read_keypoints
from motionlift.skeletons import COCO17, HALPE26
from tests.formats.people import figure


def _instance(x: float = 300, **more: Any) -> dict[str, Any]:
    points = figure(HALPE26, at=(x, 100))
    return {
        "keypoints": points[:, :2].tolist(),
        "keypoint_scores": points[:, 2].tolist(),
        "bbox": [[200.0, 100.0, 400.0, 300.0]],
        **more,
    }


def _frames() -> list[dict[str, Any]]:
    return [
        {"frame_id": 1, "instances": [_instance(300)]},
        {"frame_id": 2, "instances": []},
        {"frame_id": 3, "instances": [_instance(303)]},
        {"frame_id": 4, "instances": []},
    ]


def _write(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize("is_demo", [True, False])
def test_videos_of_demo_and_inferencer_are_read(tmp_path: Path, is_demo: bool) -> None:
    meta = {"dataset_name": "halpe26", "keypoint_id2name": {"0": "nose"}, "sigmas": [0.1] * 26}
    content = {"meta_info": meta, "instance_info": _frames()} if is_demo else _frames()
    path = _write(tmp_path / "m.json", content)
    assert find_format(path, kind="keypoints").name == "mmpose"
    (pose,) = read_keypoints(path)
    assert pose.skeleton is HALPE26
    assert pose.frame_index.tolist() == [1, 2, 3, 4]
    assert pose.is_visible.any(axis=1).tolist() == [True, False, True, False]
    assert pose.keypoints[2, 0, 0] == 303


def test_folder_of_images_is_read(tmp_path: Path) -> None:
    for k in range(3):
        _write(tmp_path / f"{k:06}.json", [_instance(300 + k)])
    assert find_format(tmp_path, kind="keypoints").name == "mmpose"
    (pose,) = read_keypoints(tmp_path)
    assert pose.keypoints[:, 0, 0].tolist() == [300, 301, 302]


def test_folder_of_videos_is_not_one_recording(tmp_path: Path) -> None:
    for name in ("walk", "run"):
        content = {"meta_info": {}, "instance_info": _frames()}
        _write(tmp_path / f"results_{name}.json", content)
    with pytest.raises(FormatError, match="not keypoints"):
        find_format(tmp_path, kind="keypoints")
    assert find_format(tmp_path / "results_run.json", kind="keypoints").name == "mmpose"


def test_images_before_anybody_comes_hide_nobody(tmp_path: Path) -> None:
    contents: list[list[Any]] = [[], [], [_instance()]]
    for number, content in enumerate(contents):
        _write(tmp_path / f"{number}.json", content)
    assert find_format(tmp_path, kind="keypoints").name == "mmpose"
    (pose,) = read_keypoints(tmp_path)
    assert np.flatnonzero(pose.is_visible.any(axis=1)).tolist() == [2]


@pytest.mark.parametrize("is_demo", [True, False])
def test_one_image_is_one_frame(tmp_path: Path, is_demo: bool) -> None:
    instances = [_instance(300), _instance(700)]
    content = {"meta_info": {}, "instance_info": instances} if is_demo else instances
    people = read_keypoints(_write(tmp_path / "shot_0007.json", content))
    assert [pose.frame_index.tolist() for pose in people] == [[7], [7]]


def test_track_ids_win_over_places(tmp_path: Path) -> None:
    frames = [
        {"frame_id": 0, "instances": [_instance(300, track_id=4), _instance(700, track_id=2)]},
        {"frame_id": 1, "instances": [_instance(300, track_id=2), _instance(700, track_id=4)]},
    ]
    people = read_keypoints(_write(tmp_path / "m.json", frames))
    assert {pose.person: pose.keypoints[:, 0, 0].tolist() for pose in people} == {
        "4": [300, 700],
        "2": [700, 300],
    }


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ({"frame_id": 5, "instances": {}}, "frame 4: no list of instances"),
        ({"instances": []}, "'frame_id' is 'None'"),
        ({"frame_id": 5, "instances": [{"keypoints": [[1, 2, 3]]}]}, "2 numbers each"),
        ({"frame_id": 5, "instances": [_instance(keypoint_scores=[1])]}, "26 keypoints but 1"),
        (7, "frame 4: expected an object"),
    ],
)
def test_damage_is_one_line_that_says_where(tmp_path: Path, frame: Any, message: str) -> None:
    path = _write(tmp_path / "m.json", [*_frames(), frame])
    with pytest.raises(FormatError) as caught:
        read_keypoints(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def _vit(x: float) -> list[list[float]]:
    return figure(COCO17, at=(x, 100))[:, [1, 0, 2]].tolist()


def test_vitpose_has_y_before_x_and_its_own_tracks(tmp_path: Path) -> None:
    frames = [{"1": _vit(300), "5": _vit(700)}, {}, {"5": _vit(300), "1": _vit(700)}, {}]
    content = {"keypoints": frames, "skeleton": {"0": "nose"}}
    path = _write(tmp_path / "v.json", content)
    assert find_format(path, kind="keypoints").name == "vitpose"
    people = read_keypoints(path)
    assert {pose.person: pose.keypoints[[0, 2], 0, 0].tolist() for pose in people} == {
        "1": [300, 700],
        "5": [700, 300],
    }
    assert people[0].keypoints[0, 0].tolist() == [300, 112]
    assert people[0].frame_index.tolist() == [0, 1, 2, 3]


def test_vitpose_people_that_are_only_counted_are_matched_by_place(tmp_path: Path) -> None:
    frames = [{"0": _vit(300), "1": _vit(700)}, {"0": _vit(700), "1": _vit(300)}]
    path = _write(tmp_path / "v.json", {"keypoints": frames, "skeleton": {}})
    places = sorted(pose.keypoints[:, 0, 0].tolist() for pose in read_keypoints(path))
    assert places == [[300, 300], [700, 700]]


def test_vitpose_damage_is_one_line(tmp_path: Path) -> None:
    path = _write(tmp_path / "v.json", {"keypoints": [{"1": _vit(300)}, [1]]})
    with pytest.raises(FormatError, match="frame 1: expected an object"):
        read_keypoints(path)
