"""OpenPose folders: time from file names, people from geometry, damage from anywhere."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from motionlift.errors import FormatError, SkeletonError
from motionlift.formats import ReadOptions, find_format, read_keypoints
from motionlift.formats.openpose import FORMAT
from motionlift.skeletons import BODY_25, BODY_25B, COCO18, HALPE26
from tests.formats.people import figure, flat, write_openpose


def _first(folder: Path, **options: str) -> np.ndarray:
    return read_keypoints(folder, ReadOptions(**options))[0].keypoints  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "skeleton", "num_people"),
    [
        ("openpose_body25/single", "BODY_25", 3),
        ("openpose_body25b/single", "BODY_25B", 3),
        ("openpose_body25b/single_cam03", "BODY_25B", 1),
        ("openpose_body25b/single_cam01_associated", "BODY_25B", 1),
        ("openpose_body25b/multi", "BODY_25B", 4),
        ("halpe26/openpose_json_single_cam01", "HALPE26", 3),
    ],
)
def test_real_folders_are_recognised_with_their_skeleton(
    shared: Path, name: str, skeleton: str, num_people: int
) -> None:
    folder = shared / "keypoints" / "pose2sim" / name
    assert find_format(folder, kind="keypoints").name == "openpose"
    people = read_keypoints(folder)
    assert people[0].skeleton.name == skeleton
    assert people[0].keypoints.shape[0] == 100
    assert people[0].frame_index.tolist() == list(range(100))
    assert len(people) == num_people


def test_another_file_beside_the_frames_does_not_make_recordings_of_them(tmp_path: Path) -> None:
    for name, text in (("a.json", "{}"), ("cam_000000000000_keypoints.json", "")):
        folder = write_openpose(tmp_path / name, [[figure(BODY_25)]] * 3)
        (folder / name).write_text(text)
        assert find_format(folder, kind="keypoints").name == "openpose"
    (folder / "cam_000000000000_keypoints.json").unlink()
    (folder / "cam_000000000000_keypoints.json").symlink_to(tmp_path / "nowhere.json")
    assert find_format(folder, kind="keypoints").name == "openpose"


def test_first_person_is_the_one_that_pose2sim_associated(shared: Path) -> None:
    base = shared / "keypoints" / "pose2sim" / "openpose_body25b"
    assert_array_equal(_first(base / "single"), _first(base / "single_cam01_associated"))


def test_both_layouts_of_the_same_detections_give_the_same_knees(shared: Path) -> None:
    base = shared / "keypoints" / "pose2sim"
    one = read_keypoints(base / "openpose_body25" / "single")[0]
    other = read_keypoints(base / "openpose_body25b" / "single")[0]
    for joint in ("left_knee", "right_wrist"):
        assert_allclose(
            one.keypoints[:, one.skeleton.index(joint)],
            other.keypoints[:, other.skeleton.index(joint)],
            atol=0.01,
        )


def test_frame_numbers_give_time_and_gaps_become_missing_frames(tmp_path: Path) -> None:
    people = [[figure(BODY_25, at=(300 + number, 100))] for number in (7, 8, 11)]
    pose = read_keypoints(write_openpose(tmp_path / "op", people, numbers=[7, 8, 11]))[0]
    assert pose.frame_index.tolist() == [7, 8, 9, 10, 11]
    assert pose.is_visible.any(axis=1).tolist() == [True, True, False, False, True]
    assert pose.keypoints[4, BODY_25.index("nose"), 0] == 311
    assert any("2 of frames 7 to 11 have no file" in note for note in pose.notes)


def test_numbers_order_frames_even_when_names_do_not(tmp_path: Path) -> None:
    for number in (2, 10, 9):
        people = [{"pose_keypoints_2d": flat(figure(BODY_25, at=(number, 100)))}]
        (tmp_path / f"f{number}.json").write_text(json.dumps({"people": people}))
    pose = read_keypoints(tmp_path)[0]
    nose = pose.keypoints[:, BODY_25.index("nose"), 0]
    assert pose.frame_index.tolist() == list(range(2, 11))
    assert_array_equal(nose[[0, 7, 8]], [2, 9, 10])


def test_zero_is_missing_and_not_a_place(tmp_path: Path) -> None:
    person = figure(BODY_25)
    person[BODY_25.index("left_ear")] = 0
    pose = read_keypoints(write_openpose(tmp_path / "op", [[person]]))[0]
    assert np.isnan(pose.keypoints[0, BODY_25.index("left_ear")]).all()
    assert pose.confidence[0].min() == 0


def test_a_person_whom_the_camera_does_not_see_is_nobody(tmp_path: Path) -> None:
    """As Pose2Sim's associated folders have it."""
    write_openpose(tmp_path, [[figure(BODY_25)], [figure(BODY_25)]])
    last = max(tmp_path.glob("*.json"))
    last.write_text('{"version": 1.3, "people": [{}]}')
    (pose,) = read_keypoints(tmp_path)
    assert pose.is_visible.any(axis=1).tolist() == [True, False]
    assert "1 people without body keypoints were left out" in pose.notes


def test_one_file_is_one_frame(tmp_path: Path) -> None:
    folder = write_openpose(tmp_path / "op", [[figure(BODY_25)]], numbers=[41])
    pose = read_keypoints(next(folder.iterdir()))[0]
    assert pose.frame_index.tolist() == [41]


@pytest.mark.parametrize(
    ("text", "is_frame"),
    [
        ('{"version": 1.3, "note": "{[\\"", "people": [{"pose_', True),
        ('{"a": {"b": [1]}, "people" : []}', True),
        ('{"0.jpg": {"version": "AlphaPose v0.3", "people": []}}', False),
        ('{"title": "people", "frames": []}', False),
    ],
)
def test_a_frame_has_people_of_its_own(tmp_path: Path, text: str, is_frame: bool) -> None:
    (tmp_path / "walk_0.json").write_text(text)
    assert FORMAT.sniff(tmp_path) == is_frame
    assert FORMAT.sniff(tmp_path / "walk_0.json") == is_frame


def test_frame_rate_is_unknown_unless_given(tmp_path: Path) -> None:
    folder = write_openpose(tmp_path / "op", [[figure(BODY_25)]])
    unknown = read_keypoints(folder)[0]
    assert unknown.fps is None
    assert any("--fps" in note for note in unknown.notes)
    assert read_keypoints(folder, ReadOptions(fps=50))[0].fps == 50


@pytest.mark.parametrize("skeleton", [BODY_25, BODY_25B, COCO18, HALPE26])
def test_skeleton_is_told_by_count_and_geometry(tmp_path: Path, skeleton) -> None:
    pose = read_keypoints(write_openpose(tmp_path / "op", [[figure(skeleton)]]))[0]
    assert pose.skeleton is skeleton


def test_25_points_without_geometry_are_not_guessed_at(tmp_path: Path) -> None:
    person = np.random.default_rng(0).random((25, 3)) * [640, 480, 1] + 0.1
    folder = write_openpose(tmp_path / "op", [[person]])
    with pytest.raises(FormatError, match="--skeleton BODY_25"):
        read_keypoints(folder)
    assert read_keypoints(folder, ReadOptions(skeleton="body_25b"))[0].skeleton is BODY_25B


def test_skeleton_of_another_size_is_refused(tmp_path: Path) -> None:
    folder = write_openpose(tmp_path / "op", [[figure(BODY_25)]])
    with pytest.raises(SkeletonError, match="found 25 keypoints a person, COCO17 has 17"):
        read_keypoints(folder, ReadOptions(skeleton="COCO17"))


def test_confidences_out_of_range_are_handled_and_said(tmp_path: Path) -> None:
    person = figure(BODY_25)
    person[:4, 2] = [1.5, -0.2, np.nan, 0.0]
    person[4, 0] = np.inf
    pose = read_keypoints(write_openpose(tmp_path / "op", [[person]]))[0]
    assert pose.confidence[0, :6].tolist() == [1, 0, 0, 0, 0, 0.8]
    said = " | ".join(pose.notes)
    for part in (
        "1 confidences are above 1 (up to 1.5)",
        "1 keypoints have a negative",
        "no place",
    ):
        assert part in said


def test_confidence_zero_everywhere_is_no_confidence_at_all(tmp_path: Path) -> None:
    person = figure(BODY_25)
    person[:, 2] = 0
    pose = read_keypoints(write_openpose(tmp_path / "op", [[person]]))[0]
    assert (pose.confidence == 1).all()
    assert any("every confidence is 0" in note for note in pose.notes)


def _empty(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _changed(content: object) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        write_openpose(folder, [[figure(BODY_25)]] * 3)
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / "cam_000000000001_keypoints.json").write_text(text)
        return folder

    return make


def _with_another(name: str, text: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        write_openpose(folder, [[figure(BODY_25)]] * 3)
        (folder / name).write_text(text)
        return folder

    return make


def _image(folder: Path) -> Path:
    write_openpose(folder, [[figure(BODY_25)]] * 2)
    (folder / "cam_000000000001_keypoints.json").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\xff\xd8")
    return folder


def _two_cameras(folder: Path) -> Path:
    write_openpose(folder, [[figure(BODY_25)]])
    file = next(folder.iterdir())
    (folder / "other_000000000001_keypoints.json").write_bytes(file.read_bytes())
    return folder


def _person(values: object) -> dict[str, object]:
    return {"people": [{"pose_keypoints_2d": values}]}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_empty, "folder is empty"),
        (_changed('{"version":1.3,"people":[{"pose_k'), "keypoints.json:1: not valid JSON"),
        (_changed("[" * 100_000), "nested too deep"),
        (_changed([]), "no list 'people'"),
        (_changed({"people": [3]}), "person 0: no 'pose_keypoints_2d'"),
        (_changed(_person("all")), "found a text, expected x, y"),
        (_changed(_person(flat(figure(BODY_25))[:-1])), "74 numbers"),
        (_changed(_person(flat(figure(COCO18)))), "18 keypoints, but 25 in"),
        (_changed(_person(["1"] * 75)), "found str in a list"),
        (_changed(_person([10**400] * 75)), "a number is too large"),
        (_changed(_person([True] * 75)), "found bool in a list"),
        (_changed("1" * 5000), "not valid JSON"),
        (_changed({"people": [{}] * 1001}), "1001 people in one frame"),
        (_image, "0001_keypoints.json: not a text file"),
        (_two_cameras, "not frames of one recording"),
        (_with_another("a_settings.json", '{"net": 3}'), "'a_settings.json'"),
        (_with_another("cam_000000000000_keypoints.json", ""), "0000_keypoints.json"),
        (lambda folder: write_openpose(folder, [[], []]), "no person in any frame"),
        (lambda folder: write_openpose(folder, [[np.zeros((25, 3))]]), "no person in any frame"),
        (
            lambda folder: write_openpose(folder, [[figure(BODY_25)]] * 2, numbers=[0, 2_000_000]),
            "more than 1000000 frames",
        ),
    ],
)
def test_what_a_user_can_get_wrong_is_one_line(
    tmp_path: Path, make: Callable[[Path], Path], message: str
) -> None:
    folder = make(tmp_path / "op")
    with pytest.raises(FormatError) as caught:
        read_keypoints(folder)
    assert message in str(caught.value)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-1.0, 1.0)])
def test_parts_of_the_picture_are_not_taken_for_pixels(
    tmp_path: Path, low: float, high: float
) -> None:
    person = figure(BODY_25)
    person[:, :2] = low + (high - low) * person[:, :2] / [640, 480]
    write_openpose(tmp_path, [[person]] * 3)
    with pytest.raises(FormatError, match=r"no coordinate is beyond 2.*--keypoint_scale 0"):
        read_keypoints(tmp_path, ReadOptions(skeleton="BODY_25"))


def test_coordinates_that_are_no_place_are_why_there_is_nobody(tmp_path: Path) -> None:
    person = figure(BODY_25)
    person[:, :2] *= 1e7
    write_openpose(tmp_path, [[person]] * 3)
    with pytest.raises(FormatError, match=r"no person in any frame.*no place in a picture"):
        read_keypoints(tmp_path, ReadOptions(skeleton="BODY_25"))
