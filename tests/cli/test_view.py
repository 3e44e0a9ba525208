"""`motionlift view`: what it writes for which name, and what it refuses."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from motionlift import write
from motionlift.cli import main
from motionlift.example import make_example
from motionlift.viewer.packing import unpack
from tests.samples import lifted_walk, write_tiny_weights
from tests.viewer.test_page import motion_of


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_tiny_weights(tmp_path)


@pytest.fixture
def walk(tmp_path: Path) -> Path:
    write(lifted_walk(frames=slice(0, 40)), tmp_path / "walk.npz")
    return tmp_path / "walk.npz"


def test_the_page_stands_beside_the_motion(walk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["view", str(walk)]) == 0
    page = walk.with_suffix(".html")
    assert page.read_text("utf-8").startswith("<!doctype html>")
    assert capsys.readouterr().out == f"wrote      {page}\n"


def test_a_picture_is_written_for_a_pictures_name(walk: Path) -> None:
    assert main(["view", str(walk), "-o", str(walk.with_suffix(".png"))]) == 0
    assert walk.with_suffix(".png").read_bytes().startswith(b"\x89PNG")


def test_a_film_stands_beside_a_page_where_both_are_asked_for(
    walk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film, page = walk.with_suffix(".gif"), walk.with_name("page.html")
    assert main(["view", str(walk), "-o", str(page), "--render", str(film), "--turn", "30"]) == 2
    assert "--turn is about films" in capsys.readouterr().err
    assert main(["view", str(walk), "-o", str(page), "--render", str(film)]) == 0
    assert film.read_bytes().startswith(b"GIF89a")
    assert page.exists()


def test_nothing_that_it_is_made_of_is_overwritten(
    walk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video = tmp_path / "walk.gif"
    video.write_bytes(b"precious")
    write(replace(lifted_walk(frames=slice(0, 9)), source=str(video)), walk)
    assert main(["view", str(walk), "--render", str(video)]) == 2
    assert "walk.gif: is what this is made of" in capsys.readouterr().err
    assert video.read_bytes() == b"precious"


def test_people_of_two_recordings_are_in_no_film(
    walk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = walk.with_name("other.npz")
    write(replace(lifted_walk(frames=slice(0, 40)), fps=25.0), other)
    assert main(["view", str(walk), str(other), "--render", str(walk.with_suffix(".gif"))]) == 2
    assert "people shown together are of one recording" in capsys.readouterr().err


def test_several_files_are_people_of_one_page(walk: Path) -> None:
    other = walk.with_name("other.npz")
    write(lifted_walk(frames=slice(10, 50)), other)
    out = walk.with_name("both.html")
    assert main(["view", str(walk), str(other), "-o", str(out)]) == 0
    text = out.read_text("utf-8")
    assert '"name":"walk"' in text
    assert '"name":"other"' in text


def test_a_comparison_and_a_video_go_into_the_page(walk: Path) -> None:
    video = walk.with_name("clip.mp4")
    video.write_bytes(b"not really")
    out = walk.with_name("page.html")
    options = ["--compare", str(walk), "--video", str(video)]
    assert main(["view", str(walk), "-o", str(out), *options]) == 0
    text = out.read_text("utf-8")
    assert "mean error 0.0 px (0.0 px with each frame aligned) over 40 frames" in text
    assert 'data-type="video/mp4">bm90IHJlYWxseQ==' in text


@pytest.mark.parametrize("height", [[], ["--height", "1.75"]], ids=["pixels", "metres"])
@pytest.mark.parametrize("camera", ["cam01", "cam03"])
def test_a_lift_beside_a_triangulation_has_the_numbers_of_evaluate(
    shared: Path, tiny: Path, tmp_path: Path, camera: str, height: list[str]
) -> None:
    folder = shared / "keypoints" / "pose2sim"
    keypoints = folder / "movenet_coco17" / f"single_{camera}_coco_results.json"
    truth = folder / "trc" / "S00_P00_T01_BalancingTrial_0-100.trc"
    lift, scores, page = (tmp_path / name for name in ("lift.npz", "scores.json", "page.html"))
    more = ["--model", str(tiny), "--fps", "60", *height]
    assert main(["lift", str(keypoints), "-o", str(lift), *more]) == 0
    held = ["--predictions", str(lift), "--truth", str(truth), "--json", str(scores)]
    assert main(["evaluate", *held]) == 0
    assert main(["view", str(lift), "--compare", str(truth), "-o", str(page)]) == 0
    expected, shown = json.loads(scores.read_text()), motion_of(page.read_text("utf-8"))
    said = (
        f"mean error {expected['mpjpe_mm']:.1f} mm ({expected['p_mpjpe_mm']:.1f} mm with each "
        f"frame aligned) over 100 frames, to {truth.name}"
    )
    assert shown["about"].endswith(said)
    for curve, key in {"error": "mpjpe_mm", "error_by_frame": "p_mpjpe_mm"}.items():
        values = unpack(shown["comparison"][curve], 100)[:, 0]
        np.testing.assert_allclose(values, expected["by_frame"][key], atol=0.05)


def test_what_an_error_asks_for_can_be_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "walk.trc"
    write(make_example().truth, path)
    path.write_text(path.read_text().replace("\tm\t", "\tft\t", 1))
    assert main(["view", str(path)]) == 2
    assert "say its size in metres with --metres-per-unit" in capsys.readouterr().err
    assert main(["view", str(path), "--metres-per-unit", "1"]) == 0


def test_every_option_that_readers_of_motion_name_is_there(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for command in ("view", "evaluate"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        said = capsys.readouterr().out
        for option in ("fps", "up", "metres-per-unit", "names", "body-model"):
            assert f"--{option} " in said
        assert "{None}" not in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no.npz"], "no such file or folder"),
        (["{walk}", "-o", "{folder}/out.docx"], "pages end in .html, films in .mp4"),
        (["{walk}", "-o", "{folder}"], "pages end in .html"),
        (["{walk}", "--video", "{folder}/no.mp4"], "cannot be read"),
        (["{walk}", "-o", "{folder}/out.png", "--compare", "{walk}"], "a picture shows one motion"),
        (["{walk}", "--render", "{folder}/out.html"], "--render writes a film or a picture"),
        (["{walk}", "--render", "{folder}/a.mp4", "--video", "{walk}"], "a film shows no video"),
        ([], "give at least one file"),
        (["{walk}", "--metres-per-unit", "0"], "--metres-per-unit 0: a size is above 0"),
        (["{walk}", "--fps", "1e12"], "--fps 1e+12: a frame rate is above 0, and at most"),
        (["{walk}", "--turn", "nan", "--render", "{folder}/a.gif"], "--turn nan: degrees"),
    ],
)
def test_a_wrong_request_is_one_line_and_leaves_nothing(
    arguments: list[str], message: str, walk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled = [each.format(walk=walk, folder=walk.parent) for each in arguments]
    assert main(["view", *filled]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert message in said.err
    assert said.err.count("\n") == 1
    assert list(walk.parent.iterdir()) == [walk]
