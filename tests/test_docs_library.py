"""What `docs/library.md` shows, done as it says, from top to bottom."""

import re
from pathlib import Path
from typing import Any

import pytest

import motionlift
from motionlift.network.weights import model_names
from tests.conftest import ROOT
from tests.samples import write_openpose

PAGE = ROOT / "docs" / "library.md"


def test_every_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("xarray")
    if not model_names():
        pytest.skip("no weights ship yet")
    monkeypatch.chdir(tmp_path)
    write_openpose(tmp_path / "keypoints", people=2, frames=30)
    names: dict[str, Any] = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.S)
    assert len(blocks) == 8
    for text in blocks:
        exec(compile(text, str(PAGE), "exec"), names)
    assert {path.name for path in tmp_path.iterdir()} == {
        "keypoints",
        "motion.npz",
        "motion.csv",
        "motion.html",
    }


def test_every_public_name_has_its_line() -> None:
    text = PAGE.read_text("utf-8")
    for name in motionlift.__all__:
        assert re.search(rf"^\| .*`{name}\b", text, re.M), name
