"""The HTML report: what it holds, that it needs nothing outside it, and the charts by hand."""

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from motionlift.data.store import Store
from motionlift.evaluation.baselines import zero_depth
from motionlift.evaluation.charts import bars, rose, skeletons
from motionlift.evaluation.drawn_clips import draw_clips
from motionlift.evaluation.page import page
from motionlift.evaluation.protocols import PROTOCOLS
from motionlift.evaluation.report import MODEL, as_json
from motionlift.evaluation.run import run_protocol
from motionlift.evaluation.samples import Sample, sequences_to_score
from tests.evaluation.stores import make_store, standing

OPEN = PROTOCOLS.get("open")
ABOUT = {
    "model": {"name": "<mine>", "parameters": 12345, "window": 27, "precision": "fp32"},
    "store": {"sequences": 8, "frames": 212, "split": "test", "quick": False},
}


def off_by_1_cm(sample: Sample) -> np.ndarray:
    answer = np.nan_to_num(sample.target) + np.array([0.01, 0.0, 0.0])
    answer[:, -1:] = np.nan  # the last frame of every clip has no answer
    return answer


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> str:
    store: Store = make_store(tmp_path_factory.mktemp("store") / "s")
    scores = run_protocol(
        store,
        sequences_to_score(store, OPEN),
        {MODEL: off_by_1_cm, "zero_depth": zero_depth},
        protocol=OPEN,
    )
    values = as_json(scores, protocol=OPEN, about=ABOUT)
    clips = draw_clips(store, scores, off_by_1_cm, protocol=OPEN)
    return page(values, clips, protocol=OPEN)


def test_the_page_needs_nothing_outside_it(html: str) -> None:
    assert not re.findall(r"(?:src|href)\s*=|@import|url\(|<script", html)
    assert set(re.findall(r"https?://[^\"' ]+", html)) == {"http://www.w3.org/2000/svg"}


def test_the_page_is_well_formed_and_escapes_names(html: str) -> None:
    open_tags: list[str] = []

    class Checker(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            if tag != "meta":
                open_tags.append(tag)

        def handle_startendtag(self, tag: str, attrs: object) -> None:
            pass

        def handle_endtag(self, tag: str) -> None:
            assert open_tags.pop() == tag

    Checker().feed(html)
    assert open_tags == []
    assert "<mine>" not in html and "&lt;mine&gt;" in html


def test_the_page_shows_every_part(html: str) -> None:
    for heading in ("By joint", "By view", "By action", "Clips", "zero depth", "left knee"):
        assert heading in html
    for condition in OPEN.conditions:
        assert condition in html
    for dataset in ("a", "b"):
        for condition in ("clean", "noise+masks"):
            for what in ("median", "worst"):
                assert f"{condition}, {what} of {dataset}: " in html
    assert "no answer" in html  # the last frame of every clip
    assert "nan" not in html.lower()


def test_bars_are_as_long_as_their_values() -> None:
    drawn = bars({"x": {"a": 50.0, "b": 100.0}, "y": {"a": None, "b": 25.0}}, unit="mm")
    widths = [float(width) for width in re.findall(r'<rect [^>]*width="([0-9.]+)"', drawn)]
    assert widths == [155, 310, 77.5]


def test_a_long_label_is_cut_where_it_is_drawn_and_whole_where_it_is_pointed_at() -> None:
    label = "dance - lean forward, bring back leg forward, arching arms"
    drawn = bars({label: {"a": 1.0}}, unit="mm")
    assert "dance - lean forward, bring back …<" in drawn
    assert f"<title>{label}, a: 1.0 mm</title>" in drawn
    assert drawn.count(label) == 1


def test_a_camera_from_above_is_outside_and_one_at_yaw_90_to_the_right() -> None:
    right = np.pi / 2
    drawn = rose({(0.0, 0.3): 1.0, (0.0, -0.3): 2.0, (right, 0.3): 3.0, (right, -0.3): 4.0})
    places = re.findall(r'<text x="([0-9.]+)" y="([0-9.]+)"[^>]*>(\d)<', drawn)
    at = {number: (float(x), float(y)) for x, y, number in places}
    assert at["1"][1] > at["2"][1] > 170  # in front is at the bottom, above is outside
    assert at["3"][0] > at["4"][0] > 170


def test_a_skeleton_has_16_bones_twice_over_in_two_panels() -> None:
    pose = standing()[0] - standing()[0, 0]
    keypoints = pose[:, :2].copy()
    keypoints[3:5] = np.nan
    drawn = skeletons(pose, pose, keypoints, reach=1.0)
    assert drawn.count("<line") == 4 * 16
    assert drawn.count("<circle") == 15
    pose[1:4] = np.nan
    assert skeletons(pose, pose, keypoints, reach=1.0).count("<line") == 4 * 13


def test_a_clip_of_one_frame_is_drawn_once(tmp_path: Path) -> None:
    store = make_store(tmp_path / "s", lengths=(1,))
    scores = run_protocol(
        store,
        sequences_to_score(store, OPEN),
        {MODEL: zero_depth},
        protocol=OPEN,
        conditions=("clean",),
    )
    (first, *rest) = draw_clips(store, scores, zero_depth, protocol=OPEN)
    assert len(first.frames) == 1 and len(rest) == 3
