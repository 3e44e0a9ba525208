"""AlphaPose in its three forms, and in a folder."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motionlift.errors import FormatError
from motionlift.formats import find_format, read_keypoints
from motionlift.skeletons import COCO17, COCO18, HALPE26, Skeleton
from tests.formats.people import figure, flat


def _record(image: str, *, x: float = 300, skeleton: Skeleton = HALPE26, **more: Any) -> Any:
    points = flat(figure(skeleton, at=(x, 100)))
    return {"image_id": image, "category_id": 1, "keypoints": points, "score": 2.5, **more}


def _write(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content))
    return path


def test_real_file_gives_the_points_of_the_openpose_folder_beside_it(shared: Path) -> None:
    base = shared / "keypoints" / "pose2sim" / "halpe26"
    path = base / "alphapose-results_single_cam01.json"
    assert find_format(path, kind="keypoints").name == "alphapose"
    people = read_keypoints(path)
    other = read_keypoints(base / "openpose_json_single_cam01")
    assert people[0].skeleton is HALPE26
    # In frame 37 he was found in two pieces; the file's numbers follow the legs, matching the rest.
    same = np.arange(100) != 37
    np.testing.assert_array_equal(people[0].keypoints[same], other[0].keypoints[same])
    assert people[0].person == "1"  # the larger one, by the README beside the file


def test_frame_is_the_number_in_the_image_name(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.json", [_record("img2_10.jpg", x=310), _record("img2_9.jpg")])
    pose = read_keypoints(path)[0]
    assert pose.frame_index.tolist() == [9, 10]
    assert pose.keypoints[1, 0, 0] == 310


def test_tracks_are_the_files_own_in_any_of_its_spellings(tmp_path: Path) -> None:
    records = [
        _record("0.jpg", idx=7),
        _record("0.jpg", x=500, idx=3),
        # The same two swap places: only their numbers tell.
        _record("1.jpg", x=500, idx=7.0),
        _record("1.jpg", idx=[[3.0], [9.0]]),
    ]
    for record in records:
        record["idx"] = record["idx"] if record["image_id"] == "1.jpg" else float(record["idx"])
    people = read_keypoints(_write(tmp_path / "a.json", records))
    paths = {pose.person: pose.keypoints[:, 0, 0].tolist() for pose in people}
    assert paths == {"7.0": [300, 500], "3.0": [500, 300]}


def test_numbers_that_are_the_same_for_all_are_no_tracks(tmp_path: Path) -> None:
    records = [_record(f"{k}.jpg", x=x + k, idx=0.0) for k in range(3) for x in (300, 700)]
    people = read_keypoints(_write(tmp_path / "a.json", records))
    assert [pose.is_visible.any(axis=1).all() for pose in people] == [True, True]
    assert any("names of people are not used" in note for note in people[0].notes)


@pytest.mark.parametrize(
    ("list_key", "key"), [("bodies", "joints"), ("people", "pose_keypoints_2d")]
)
def test_objects_by_image_are_read(tmp_path: Path, list_key: str, key: str) -> None:
    content = {
        f"{k}.jpg": {"version": "AlphaPose v0.3", list_key: [{key: flat(figure(COCO18))}]}
        for k in (3, 4)
    }
    path = _write(tmp_path / "a.json", content)
    assert find_format(path, kind="keypoints").name == "alphapose"
    (pose,) = read_keypoints(path)
    assert pose.skeleton is COCO18
    assert pose.frame_index.tolist() == [3, 4]


def test_folder_of_the_cmu_form_is_read(tmp_path: Path) -> None:
    for k in (3, 5):
        bodies = [{"joints": flat(figure(COCO18))}]
        _write(tmp_path / f"{k}.json", {"version": "AlphaPose v0.3", "bodies": bodies})
    assert find_format(tmp_path, kind="keypoints").name == "alphapose"
    (pose,) = read_keypoints(tmp_path)
    assert pose.is_visible.any(axis=1).tolist() == [True, False, True]


@pytest.mark.parametrize("skeleton", [COCO17, HALPE26], ids=lambda each: each.name)
def test_results_are_recognised_with_their_skeleton(tmp_path: Path, skeleton: Skeleton) -> None:
    path = _write(tmp_path / "a.json", [_record(f"{k}.jpg", skeleton=skeleton) for k in range(3)])
    assert find_format(path, kind="keypoints").name == "alphapose"
    (pose,) = read_keypoints(path)
    assert pose.skeleton is skeleton
    assert pose.keypoints[1].tolist() == figure(skeleton)[:, :2].tolist()


@pytest.mark.parametrize("count", [133, 136])
def test_of_whole_bodies_the_body_is_kept(tmp_path: Path, count: int) -> None:
    points = np.concatenate([figure(COCO17), np.full((count - 17, 3), 50.0)])
    record = {**_record("0.jpg"), "keypoints": flat(points)}
    (pose,) = read_keypoints(_write(tmp_path / "a.json", [record]))
    assert pose.skeleton.name == {133: "WHOLEBODY23", 136: "HALPE26"}[count]
    assert any("more unused" in note for note in pose.notes)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([_record("face.jpg"), _record("body.jpg")], "not frames of one recording"),
        ([_record("0.jpg"), _record("1.jpg", skeleton=COCO17)], "17 keypoints, but 26 in"),
        ([_record("0.jpg"), {"image_id": "1.jpg"}], "detection 1: found nothing"),
        ([_record("0.jpg"), 5], "detection 1: no image name"),
        ({"0.jpg": {"people": 3}}, "0.jpg: no list 'bodies' or 'people'"),
        ({"0.jpg": {"people": [3]}}, "person 0: expected an object"),
    ],
)
def test_damage_is_one_line_that_says_where(tmp_path: Path, content: Any, message: str) -> None:
    path = _write(tmp_path / "a.json", content)
    with pytest.raises(FormatError) as caught:
        read_keypoints(path, format="alphapose")
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
