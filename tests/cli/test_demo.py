"""`motionlift demo` and `info`: the way from what ships to something to look at."""

import json
from pathlib import Path

import numpy as np
import pytest

from motionlift.cli import main
from tests.samples import write_tiny_weights


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_weights(tmp_path_factory.mktemp("weights"))


def test_the_demo_writes_motion_page_and_picture_and_says_so(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "demo.html").write_text("of another time")
    assert main(["demo", "--out", str(out), "--model", str(tiny)]) == 0
    with np.load(out / "demo.npz") as file:
        assert file["positions"].shape == (400, 17, 3)
        assert np.isfinite(file["positions"]).all()
        assert float(file["fps"]) == 50
    assert (out / "demo.html").read_text("utf-8").startswith("<!doctype html>")
    assert (out / "demo.png").read_bytes().startswith(b"\x89PNG")
    said = capsys.readouterr().out
    labels = [line.split()[0] for line in said.splitlines()]
    steps = ["lifted", "model", "device", "precision", "speed", "error"]
    assert labels == [*steps, "wrote", "wrote", "wrote"]
    assert "400 frames, 50 frames a second" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "no-such-model"], "no model is named 'no-such-model'; there are:"),
        (["--out", "{folder}/file"], "cannot be written"),
    ],
)
def test_a_demo_that_cannot_run_is_one_line_and_leaves_nothing(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    filled = ["--out", str(tmp_path / "out"), *(each.format(folder=tmp_path) for each in arguments)]
    assert main(["demo", *filled]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert message in said.err
    assert said.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_info_shows_the_card(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(tiny)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "name: tiny"
    assert "note: random" in lines
    assert "  dim_feat: 16" in lines


def test_info_as_json_can_be_read(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(tiny), "--json"]) == 0
    about = json.loads(capsys.readouterr().out)
    assert about["network"]["max_frames"] == 9
    assert about["parameters"] > 1000


def test_info_of_a_run_shows_its_best_weights(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("last", "best"):
        (tmp_path / name).mkdir()
        weights = write_tiny_weights(tmp_path / name)
        weights.rename(tmp_path / name / "model.safetensors")
        card = tmp_path / name / "tiny.json"
        about = json.loads(card.read_text()) | {"kept": name}
        (tmp_path / name / "model.json").write_text(json.dumps(about))
        card.unlink()
    assert main(["info", str(tmp_path)]) == 0
    assert "kept: best" in capsys.readouterr().out


def test_info_of_nothing_names_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "no-such-model"]) == 2
    assert "no model is named 'no-such-model'; there are:" in capsys.readouterr().err
