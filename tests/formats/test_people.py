"""Who is who over time, who comes first, and the time line everybody is laid out on."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from motionlift.errors import FormatError
from motionlift.formats import ReadOptions, people_table
from motionlift.formats._detections import Gathering
from motionlift.formats._people import People, people_of
from motionlift.formats._timeline import frames_of_names
from motionlift.skeletons import COCO17
from tests.formats.people import figure

PATH = Path("clip.json")


def _people(
    frames: list[list[tuple[float, float]]], *, seed: int = 0, scale: float = 1.0
) -> People:
    """Everybody's top of the head in each frame; the order within a frame is shuffled."""
    rng = np.random.default_rng(seed)
    gathering, frame = Gathering(PATH), []
    for number, places in enumerate(frames):
        for k in rng.permutation(len(places)):
            gathering.add(figure(COCO17, at=places[k], scale=scale), where=str(PATH))
            frame.append(number)
    return people_of(gathering, frame, path=PATH, options=ReadOptions(), span=(0, len(frames) - 1))


def _paths(people: People) -> list[list[float]]:
    """x of the nose over time of each person, -1 where missing."""
    return sorted(np.nan_to_num(pose.keypoints[:, 0, 0], nan=-1).tolist() for pose in people)


def test_order_within_a_frame_says_nothing() -> None:
    people = _people([[(300, 100), (420, 100), (900, 100)] for _ in range(20)])
    assert _paths(people) == [[300] * 20, [420] * 20, [900] * 20]


def test_people_who_cross_keep_their_way() -> None:
    frames = [[(300 + 10 * k, 100), (700 - 10 * k, 110)] for k in range(41)]
    paths = _paths(_people(frames))
    assert paths == [[300 + 10 * k for k in range(41)], [700 - 10 * k for k in range(41)]]


def test_someone_who_comes_back_to_the_same_place_is_the_same() -> None:
    frames = [[(300, 100)] if not 5 <= k < 60 else [] for k in range(70)]
    people = _people(frames)
    assert len(people) == 1
    assert people[0].is_visible.any(axis=1).sum() == 15
    assert any("missing in 55 of 70 frames" in note for note in people[0].notes)


def test_a_jump_across_the_picture_is_someone_else() -> None:
    people = _people([[(300, 100)] if k < 10 else [(700, 100)] for k in range(15)])
    assert _paths(people) == [[-1] * 10 + [700] * 5, [300] * 10 + [-1] * 5]


def test_most_prominent_comes_first_by_confidence_times_area() -> None:
    gathering, frame = Gathering(PATH), []
    for number in range(10):
        large, sure, often = (
            figure(COCO17, at=(300, 100), scale=2),
            figure(COCO17, at=(900, 100)),
            figure(COCO17, at=(1500, 100)),
        )
        large[:, 2], sure[:, 2], often[:, 2] = 0.3, 1.0, 0.9
        for points in (sure, often, large):
            gathering.add(points, where="")
            frame.append(number)
    people = people_of(gathering, frame, path=PATH, options=ReadOptions())
    # Areas 4 to 1 to 1, so 1.2, 1.0, 0.9.
    assert [pose.keypoints[0, 0, 0] for pose in people] == [300, 900, 1500]
    assert [row.name for row in people.table()] == ["1", "2", "3"]
    assert any("number 1 of 3 people" in note for note in people[0].notes)
    assert people[0].person == "1"


def test_table_says_when_how_sure_and_how_large() -> None:
    frames = [[(300, 100)] if 2 <= k < 8 else [] for k in range(10)]
    (row,) = _people(frames).table()
    assert (row.frames, row.first, row.last) == (6, 2, 7)
    assert row.confidence == pytest.approx(0.8)
    assert row.size == pytest.approx(157)  # nose at 8 to ankles at 165


def test_table_reads_the_same_of_people_and_of_their_poses() -> None:
    people = _people([[(300, 100)], [(300, 100), (900, 100)]])
    lines = people_table(people)
    assert lines == people_table(list(people))
    assert lines[0].split() == ["person", "frames", "from", "to", "confidence", "size", "(px)"]
    assert [line.split() for line in lines[1:]] == [
        ["1", "2", "0", "1", "0.80", "157"],
        ["2", "1", "1", "1", "0.80", "157"],
    ]


def test_the_only_person_has_no_name() -> None:
    assert _people([[(300, 100)]])[0].person == ""


def test_someone_found_twice_in_a_frame_is_kept_once() -> None:
    frames = [[(300, 100), (301, 100)], [(300, 100)], [(300, 100), (300, 101)]]
    people = _people(frames)
    assert len(people) == 1
    assert any("2 people were found twice" in note for note in people[0].notes)


def test_people_are_a_sequence() -> None:
    people = _people([[(300, 100), (900, 100)]])
    assert len(people) == 2
    assert [pose.person for pose in people] == ["1", "2"]
    assert people[-1].person == "2"
    assert [pose.person for pose in people[:1]] == ["1"]
    with pytest.raises(IndexError):
        people[2]


def test_everybody_has_the_whole_clips_frames() -> None:
    people = _people([[], [(300, 100)], [(300, 100), (900, 100)], []])
    for pose in people:
        assert_array_equal(pose.frame_index, [0, 1, 2, 3])


def test_a_crowd_keeps_its_names() -> None:
    rng = np.random.default_rng(1)
    start = np.stack(np.meshgrid(np.arange(8) * 150 + 100, np.arange(4) * 250), -1).reshape(-1, 2)
    walk = start + rng.normal(0, 3, (40, 32, 2)).cumsum(axis=0)
    people = _people([[tuple(place) for place in places] for places in walk.tolist()])
    assert_array_equal(sorted(_paths(people)), sorted(walk[:, :, 0].T.tolist()))


@pytest.mark.parametrize(
    ("names", "frames"),
    [
        (["cam01_000000000007_keypoints.json", "cam01_000000000011_keypoints.json"], [7, 11]),
        (["cam01.0009.json", "cam01.0010.json"], [9, 10]),
        (["2.jpg", "10.jpg", "9.jpg"], [2, 10, 9]),
        (["take3_f1_of_9.json", "take3_f2_of_9.json"], [1, 2]),
        (["only_0042_keypoints.json"], [42]),
        (["only.json"], [0]),
    ],
)
def test_frame_number_is_the_one_that_differs(names: list[str], frames: list[int]) -> None:
    assert frames_of_names(names, source=PATH) == frames


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["cam1_01.json", "cam2_02.json"], "differ by 2 numbers"),
        (["a_01.json", "b_02.json"], "not frames of one recording"),
        (["a_1.json", "a_01.json"], "same frame number"),
        (["a.json", "a.json"], "differ by 0 numbers"),
        (["a_9999999999999999999.json", "a_1.json"], "too large for a frame number"),
    ],
)
def test_names_that_make_no_time_line_are_refused(names: list[str], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        frames_of_names(names, source=PATH)
