"""COCO results and annotations."""

import json
from pathlib import Path
from typing import Any

import pytest

from motionlift.errors import FormatError
from motionlift.formats import find_format, read_keypoints
from motionlift.skeletons import COCO17
from tests.formats.people import figure, flat


def _record(image: Any, *, x: float = 300, **more: Any) -> dict[str, Any]:
    points = flat(figure(COCO17, at=(x, 100)))
    return {"image_id": image, "category_id": 1, "keypoints": points, "score": 0.9, **more}


def _write(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content))
    return path


def test_real_results_are_recognised(shared: Path) -> None:
    folder = shared / "keypoints" / "pose2sim" / "movenet_coco17"
    for camera in ("cam01", "cam03"):
        path = folder / f"single_{camera}_coco_results.json"
        assert find_format(path, kind="keypoints").name == "coco"
        (pose,) = read_keypoints(path)
        assert pose.skeleton is COCO17
        assert pose.frame_index.tolist() == list(range(100))


def test_tracks_of_a_real_file_are_its_two_people(shared: Path) -> None:
    path = shared / "keypoints/sports2d/movenet_coco17/demo_1280_two_people_coco_results.json"
    people = read_keypoints(path)
    seen = {}
    for pose in people:
        frames = pose.frame_index[pose.is_visible.any(axis=1)]
        seen[pose.person] = (frames[0], frames[-1])
        assert pose.frame_index.tolist() == list(range(12, 200))
    assert seen == {"1": (12, 141), "2": (57, 199)}  # by the README beside the file


def test_frames_are_image_numbers_in_any_order_and_spelling(tmp_path: Path) -> None:
    content = [_record("12", x=312), _record(10, x=310), _record(11.0, x=311)]
    (pose,) = read_keypoints(_write(tmp_path / "c.json", content), format="coco")
    assert pose.frame_index.tolist() == [10, 11, 12]
    assert pose.keypoints[:, 0, 0].tolist() == [310, 311, 312]


# What each tool adds to a result: Detectron2's COCOEvaluator, ViTPose's (MMPose 0.x) dataset.
RESULTS = {
    "Detectron2": {"bbox": [280.0, 100.0, 54.0, 172.0], "segmentation": {"size": [480, 640]}},
    "ViTPose": {"center": [300.0, 190.0], "scale": [1.1, 1.5]},
}


@pytest.mark.parametrize("tool", RESULTS)
def test_results_of_other_tools_are_coco_results(tmp_path: Path, tool: str) -> None:
    content = [_record(k, x=x, **RESULTS[tool]) for k in (139, 140, 142) for x in (300 + k, 30 + k)]
    path = _write(tmp_path / "coco_instances_results.json", content)
    assert find_format(path, kind="keypoints").name == "coco"
    people = read_keypoints(path)
    assert [pose.skeleton for pose in people] == [COCO17, COCO17]
    for pose in people:
        assert pose.frame_index.tolist() == [139, 140, 141, 142]
        assert pose.is_visible.all(axis=1).tolist() == [True, True, False, True]
        assert (pose.keypoints[[1, 3]] - pose.keypoints[0])[:, 0].tolist() == [[1, 0], [3, 0]]


def _annotations(**image: Any) -> dict[str, Any]:
    points = figure(COCO17)
    points[:, 2] = 2
    points[3, 2] = 1
    points[4] = 0
    return {
        "info": {"year": 2026},
        "licenses": [{"id": 1}],
        "images": [
            {"id": 70 + k, "file_name": f"v/{k:05}.png", "width": 640, "height": 480, **image}
            for k in range(5)
        ],
        "annotations": [
            {"image_id": 71, "keypoints": flat(points), "num_keypoints": 16, "category_id": 1}
        ],
    }


def test_annotations_count_hidden_keypoints_as_sure(tmp_path: Path) -> None:
    path = _write(tmp_path / "c.json", _annotations())
    assert find_format(path, kind="keypoints").name == "coco"
    (pose,) = read_keypoints(path)
    assert pose.frame_index.tolist() == [0, 1, 2, 3, 4]
    assert pose.confidence[1, :6].tolist() == [1, 1, 1, 1, 0, 1]
    assert pose.is_visible.any(axis=1).tolist() == [False, True, False, False, False]
    assert pose.image_size == (640, 480)
    assert any("hidden keypoints count" in note for note in pose.notes)


def test_annotations_of_other_things_are_left_out_and_said(tmp_path: Path) -> None:
    content = _annotations()
    content["annotations"].append({"image_id": 72, "category_id": 18, "bbox": [1, 2, 3, 4]})
    (pose,) = read_keypoints(_write(tmp_path / "c.json", content))
    assert pose.is_visible.any(axis=1).tolist() == [False, True, False, False, False]
    assert "1 annotations without keypoints, of other things, are left out" in pose.notes


def test_annotations_prefer_the_images_own_frame_numbers(tmp_path: Path) -> None:
    content = _annotations()
    for k, image in enumerate(content["images"]):
        image["frame_id"] = 100 + k
    (pose,) = read_keypoints(_write(tmp_path / "c.json", content))
    assert pose.frame_index.tolist() == [100, 101, 102, 103, 104]


def test_annotations_of_two_videos_are_refused(tmp_path: Path) -> None:
    content = _annotations()
    for k, image in enumerate(content["images"]):
        image["frame_id"] = k % 3
    with pytest.raises(FormatError, match=r"c\.json: two images have the same frame number"):
        read_keypoints(_write(tmp_path / "c.json", content))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([_record(0), {"image_id": 1}], "record 1: no 'keypoints'"),
        ([_record(0), _record("face.jpg")], "'image_id' is 'face.jpg', expected a whole number"),
        ([_record(-1)], "'image_id' is '-1'"),
        ([_record(0), _record(10**9)], "more than 1000000 frames"),
        ({**_annotations(), "images": [{"id": 1, "file_name": "1.png"}]}, "no image 71"),
        ([_record(0, x=1e300)], "no person in any frame"),
        ([{"image_id": 0, "keypoints": []}], "0 keypoints a person"),
        ([_record(0)] * 201, "more than 200 people in one frame"),
    ],
)
def test_damage_is_one_line_that_says_where(tmp_path: Path, content: Any, message: str) -> None:
    path = _write(tmp_path / "c.json", content)
    with pytest.raises(FormatError) as caught:
        read_keypoints(path, format="coco")
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_file_cut_in_half_says_in_which_line(tmp_path: Path) -> None:
    text = json.dumps([_record(k) for k in range(20)], indent=0)
    (tmp_path / "c.json").write_text(text[: len(text) // 2])
    with pytest.raises(FormatError, match=r"c\.json:\d+: .*may be cut short"):
        read_keypoints(tmp_path / "c.json")
