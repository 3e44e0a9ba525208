import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from motionlift.data.build import build_store
from motionlift.data.plan import BuildSettings
from motionlift.data.report import report
from motionlift.data.statistics import KINDS, measure, pose_kinds
from motionlift.data.store import Store
from motionlift.data.store_writer import create_store
from motionlift.skeletons import H36M17
from tests.data.recordings import walking, write_recording


class _Balance(HTMLParser):
    """Fails if tags do not close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _standing() -> dict[str, np.ndarray]:
    height = {"hip": 0.9, "knee": 0.48, "ankle": 0.08, "shoulder": 1.4, "elbow": 1.1, "wrist": 0.9}
    joints = {
        f"{side}_{name}": np.array([sign * 0.12, y, 0.0])
        for side, sign in (("left", 1), ("right", -1))
        for name, y in height.items()
    }
    middle = {"pelvis": 0.9, "spine": 1.15, "thorax": 1.4, "nose": 1.55, "head_top": 1.7}
    return {**joints, **{name: np.array([0.0, y, 0.0]) for name, y in middle.items()}}


def _pose(name: str) -> np.ndarray:
    joints = _standing()
    if name == "sitting, crouching":
        for side in ("left", "right"):
            joints[f"{side}_knee"] = joints[f"{side}_hip"] + [0, 0, 0.42]
            joints[f"{side}_ankle"] = joints[f"{side}_knee"] - [0, 0.4, 0]
    pose = np.array([joints[name] for name in H36M17.joints])
    if name == "lying":
        return pose[:, [0, 2, 1]]
    if name == "upside down":
        return pose * [1, -1, 1]
    if name == "bent over":
        trunk = pose[:, 1] > 0.95
        pose[trunk] = pose[trunk][:, [0, 2, 1]] + [0, 0.9, -0.9]
    return pose


@pytest.mark.parametrize("kind", KINDS)
def test_a_pose_is_of_its_kind(kind: str) -> None:
    assert KINDS[pose_kinds(_pose(kind)[None])[0]] == kind


def test_a_pose_with_unseen_legs_is_of_no_kind() -> None:
    pose = _pose("upright")[None]
    pose[0, H36M17.index("left_knee")] = np.nan
    assert pose_kinds(pose)[0] == -1


def test_bones_are_measured_over_what_is_seen(tmp_path: Path) -> None:
    poses = np.repeat(_pose("upright")[None], 10, axis=0)
    poses[:4, H36M17.index("left_knee")] = np.nan
    with create_store(tmp_path / "s") as writer:
        writer.add("a", poses)
    store = Store.open(tmp_path / "s")
    measured = measure(store, store.sequences[0])
    assert measured.lengths[0] == pytest.approx(0.42)
    np.testing.assert_array_equal(measured.kinds, [6, 0, 0, 0, 0])


def test_the_page_is_whole_and_needs_nothing_else(tmp_path: Path) -> None:
    write_recording(tmp_path / "mocap" / "<b>walks" / "a&b.npz", walking(seconds=3))
    (tmp_path / "mocap" / "<b>walks" / "broken.bvh").write_text("no")
    build_store(tmp_path / "mocap", tmp_path / "s", settings=BuildSettings(), workers=1)
    page = (tmp_path / "s" / "report.html").read_text()
    checker = _Balance()
    checker.feed(page)
    assert checker.open == []
    assert not re.search(r"""(src|href)=|url\(|<script|<b>""", page)
    assert "a&amp;b.npz" in page and "broken.bvh" in page
    assert page.count("<svg") >= 5 and "nan" not in page


def test_a_store_without_anything_odd_still_has_a_page(tmp_path: Path) -> None:
    with create_store(tmp_path / "s") as writer:
        writer.add("flat", np.full((3, 17, 3), 2.0), units="px")
        writer.add("hidden", np.where(np.arange(17)[:, None] == 3, 1.0, np.nan)[None] + np.zeros(3))
    assert "2 sequences" in report(Store.open(tmp_path / "s"))
