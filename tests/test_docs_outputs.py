"""What `docs/outputs.md` says of the files that the library writes, held to files that it wrote."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import motionlift
from motionlift.formats import FORMATS
from tests.conftest import ROOT
from tests.samples import lifted_walk

PAGE = ROOT / "docs" / "outputs.md"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    walk = lifted_walk()
    errors = np.full(walk.positions.shape[:2], 10.0, dtype=np.float32)
    for name in ("motion.json", "motion.csv", "motion.long.csv"):
        motionlift.write(replace(walk, expected_error=errors), name)
    return tmp_path


def test_every_example_runs(folder: Path) -> None:
    pytest.importorskip("pandas")
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.S)
    assert len(blocks) == 2
    for text in blocks:
        exec(compile(text, str(PAGE), "exec"), {})


def test_every_suffix_that_is_written_has_its_line() -> None:
    lines = re.findall(r"^\| (`\..*?) \|", PAGE.read_text("utf-8"), re.M)
    named = {suffix for line in lines for suffix in re.findall(r"`(\.\w+)`", line)}
    written = {each.suffixes[0] for each in FORMATS if each.write is not None}
    assert named >= written


def test_the_keys_of_json_are_those_of_the_file(folder: Path) -> None:
    motion = json.loads((folder / "motion.json").read_text("utf-8"))
    section = PAGE.read_text("utf-8").split("## JSON")[1].split("## CSV")[0]
    of_file, of_frame = (
        set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`.*?) \|", part, re.M))))
        for part in section.split("| in a frame |")
    )
    assert of_file - {"metres_per_pixel"} == motion.keys()
    assert of_frame == motion["frames"][0].keys()


def test_the_columns_of_csv_are_those_of_the_file(folder: Path) -> None:
    section = PAGE.read_text("utf-8").split("## CSV")[1].split("```")[0]
    wide = (folder / "motion.csv").read_text("utf-8").splitlines()[1].split(",")
    long = (folder / "motion.long.csv").read_text("utf-8").splitlines()[1].split(",")
    listed = section.split("`NAME.long.csv`")[1]
    assert [name for name in re.findall(r"`(\w+)`", listed) if name != "NAME"] == long
    of_knee = [name for name in wide if name.startswith("left_knee")]
    assert [name.removeprefix("left_knee") for name in of_knee] == [
        *("_x", "_y", "_z", "_confidence"),
        "_expected_error",
        *("_image_x", "_image_y", "_image_confidence"),
    ]
