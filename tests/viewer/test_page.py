"""The page holds everything it needs, and nothing in a file can become a part of its program."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motionlift.errors import MotionliftError
from motionlift.example import make_example
from motionlift.viewer.packing import unpack
from motionlift.viewer.page import page, write_page
from tests.samples import lifted_walk


def motion_of(text: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="motion">(.*?)</script>', text, re.S)
    assert found is not None
    return json.loads(found[1])


def test_the_page_asks_for_nothing_from_elsewhere() -> None:
    text = page([lifted_walk()])
    assert not re.search(r"https?://|@import|<link|src=", text)
    assert "default-src 'none'" in text
    assert "{{" not in text


def test_the_page_says_what_it_shows() -> None:
    motion = motion_of(page([lifted_walk()]))
    assert motion["title"] == "walk.npz"
    about = "400 frames · 50 frames a second · lifted by truth · pixels, scale unknown"
    assert motion["about"] == about
    assert motion["image_size"] == [1280, 720]


def test_names_and_notes_cannot_end_the_script() -> None:
    evil = "</script><script>alert(1)</script>{{script}}"
    text = page([replace(lifted_walk(), source=evil, notes=(evil,), model=evil)])
    assert "<script>alert" not in text
    assert text.count("</script>") == page([lifted_walk()]).count("</script>")
    assert motion_of(text)["people"][0]["notes"] == [evil]


def test_people_of_one_recording_share_its_time_line() -> None:
    first = lifted_walk(frames=slice(0, 50), person="1")
    second = lifted_walk(frames=slice(30, 80), person="2")
    motion = motion_of(page([first, second]))
    assert motion["frame_numbers"] == list(range(80))
    assert [person["name"] for person in motion["people"]] == ["1", "2"]


def test_a_comparison_shows_its_error() -> None:
    motion = motion_of(page([lifted_walk()], reference=make_example().truth))
    said = "mean error 0.0 mm (0.0 mm with each frame aligned) over 400 frames, to motionlift exam"
    assert said in str(motion["about"])
    assert motion["comparison"]["unit"] == "mm"


def test_a_lift_it_is_compared_with_brings_no_keypoints() -> None:
    other = lifted_walk()
    motion = motion_of(page([lifted_walk()], reference=other))
    first, second = motion["people"]
    assert "keypoints" in first
    assert second["reference"] and "keypoints" not in second


def test_a_place_in_the_picture_that_nobody_knows_is_missing_there() -> None:
    walk = lifted_walk()
    assert walk.root_xy is not None
    root_xy = walk.root_xy.copy()
    root_xy[5] = np.nan
    whole = motion_of(page([walk]))["people"][0]
    found = motion_of(page([replace(walk, root_xy=root_xy)]))["people"][0]
    paths = [unpack(each["root"], 400) for each in (whole, found)]
    assert np.isnan(paths[1][5, :2]).all()
    np.testing.assert_allclose(np.delete(paths[0] - paths[1], 5, axis=0), 0, atol=3)
    nowhere = replace(walk, root_xy=np.full_like(root_xy, np.nan))
    assert motion_of(page([nowhere]))["people"][0]["picture_origin"] == [0, 0]


def test_ten_minutes_are_packed_into_a_few_megabytes() -> None:
    assert len(page([lifted_walk()])) < 40_000 + 300 * 400


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (replace(lifted_walk(), fps=25.0), "people shown together are of one recording"),
        (make_example().truth, "show them apart"),
    ],
)
def test_what_does_not_go_together_is_refused(second: object, message: str) -> None:
    with pytest.raises(MotionliftError, match=message):
        page([lifted_walk(), second])  # type: ignore[list-item]


def test_a_video_is_held_by_the_page(tmp_path: Path) -> None:
    video = tmp_path / "clip.mp4"
    video.write_bytes(b"\x00\x01\x02")
    text = page([lifted_walk()], video=video)
    assert (
        '<script type="application/octet-stream" id="video-data" data-type="video/mp4">AAEC' in text
    )


@pytest.mark.parametrize(
    ("name", "fps", "message"),
    [
        ("clip.avi", 50.0, "browsers do not play '.avi'"),
        ("missing.mp4", 50.0, "cannot be read"),
        ("missing.mp4", None, "the frame rate is unknown"),
    ],
)
def test_a_video_that_cannot_be_shown_is_refused(
    name: str, fps: float | None, message: str, tmp_path: Path
) -> None:
    with pytest.raises(MotionliftError, match=message):
        page([replace(lifted_walk(), fps=fps)], video=tmp_path / name)


@pytest.mark.parametrize("fps", [0.0, -30.0, float("nan"), float("inf")])
def test_a_video_plays_at_a_positive_rate(fps: float, tmp_path: Path) -> None:
    with pytest.raises(MotionliftError, match="video-fps"):
        page([lifted_walk()], video=tmp_path / "clip.mp4", video_fps=fps)
    with pytest.raises(MotionliftError, match="video-fps"):
        page([lifted_walk()], video_fps=30.0)


def test_a_page_that_fails_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(MotionliftError):
        write_page(tmp_path / "page.html", [lifted_walk()], video=tmp_path / "no.mp4")
    with pytest.raises(MotionliftError, match=r"pages end in \.html"):
        write_page(tmp_path / "page.txt", [lifted_walk()])
    assert list(tmp_path.iterdir()) == []
