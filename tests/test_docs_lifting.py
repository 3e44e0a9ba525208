"""What `docs/lifting.md` and `docs/viewer.md` show, done as they say, in one folder."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

import motionlift
from motionlift.cli import main
from motionlift.example import make_example
from motionlift.network.weights import model_names
from tests.samples import lifted_walk, write_openpose

DOCS = Path(__file__).parents[1] / "docs"
CALIBRATION = """
[cam_01]
matrix = [[1000.0, 0.0, 640.0], [0.0, 1000.0, 360.0], [0.0, 0.0, 1.0]]
distortions = [-0.01, 0.0, 0.0, 0.0]
rotation = [1.2, -1.2, 1.2]
translation = [0.0, 1.0, 5.0]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the pages speak of."""
    monkeypatch.chdir(tmp_path)
    write_openpose(tmp_path / "keypoints", people=2, frames=30)
    (tmp_path / "cameras.toml").write_text(CALIBRATION)
    write_openpose(tmp_path / "recordings" / "monday" / "cam1", frames=3)
    (tmp_path / "video.mp4").write_bytes(b"")
    motionlift.write(lifted_walk(person="1"), "motion.npz")
    motionlift.write(lifted_walk(person="1"), "first.npz")
    motionlift.write(lifted_walk(person="2"), "second.npz")
    motionlift.write(make_example().truth, "truth.npz")
    return tmp_path


@pytest.mark.parametrize("page", ["lifting.md", "metres.md", "viewer.md"])
def test_every_block_runs(page: str, folder: Path) -> None:
    if page != "viewer.md" and not model_names():
        pytest.skip("no weights ship yet")
    names: dict[str, Any] = {}
    blocks = re.findall(r"```(console|python)\n(.*?)```", (DOCS / page).read_text("utf-8"), re.S)
    assert blocks
    for language, text in blocks:
        if language == "python":
            exec(compile(text, str(DOCS / page), "exec"), names)
            continue
        for line in text.splitlines():
            words = shlex.split(line.removeprefix("$ "))
            assert words[0] == "motionlift"
            assert main(words[1:]) == 0, line
