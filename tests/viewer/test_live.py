"""A page with a network in it answers as PyTorch does, and lifts what is dragged."""

import base64
import gzip
import io
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from motionlift import export
from motionlift.cli import main
from motionlift.errors import OptionError
from motionlift.example import make_example
from motionlift.lifting import Lifter
from motionlift.network.weights import load_model
from motionlift.viewer.live import find_runtime, write_live_page
from tests.conftest import ROOT
from tests.samples import write_openpose, write_tiny_weights
from tests.viewer.browser import Tab, browser, find_browser

SIZE = {"width": 1280, "height": 800}


@pytest.fixture
def fake_runtime(tmp_path: Path) -> Path:
    dist = tmp_path / "runtime" / "dist"
    dist.mkdir(parents=True)
    (dist / "ort.wasm.bundle.min.mjs").write_text("export {};\n//# sourceMappingURL=a.map\n")
    (dist / "ort-wasm-simd-threaded.wasm").write_bytes(b"\0asm")
    (dist.parent / "package.json").write_text('{"version": "1.2.3"}')
    return dist.parent


def element(text: str, name: str) -> bytes:
    found = re.search(rf'id="{name}">([^<]*)</script>', text)
    assert found is not None
    return gzip.decompress(base64.b64decode(found[1]))


def test_the_page_holds_everything_that_the_lift_begins_with(
    fake_runtime: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fake_export(path: Path, *_: object, pixels: bool) -> export.Export:
        assert pixels
        path.write_bytes(b"network")
        return export.Export(path=path, input_name="", num_bytes=7, shapes=(), difference=0)

    monkeypatch.setattr(export, "export_onnx", fake_export)
    model = load_model(write_tiny_weights(tmp_path))
    keypoints = make_example().keypoints
    lifted = write_live_page(tmp_path / "live.html", keypoints, model, runtime=fake_runtime)
    text = (tmp_path / "live.html").read_text("utf-8")
    assert element(text, "network") == b"network"
    assert element(text, "runtime-wasm") == b"\0asm"
    assert element(text, "runtime-script") == b"export {};\n\n"
    found = re.search(r'id="motion">(.*?)</script>', text, re.S)
    assert found is not None
    live = json.loads(found[1])["live"]
    expected = np.frombuffer(base64.b64decode(live["expected"]), "<f4").reshape(400, 17, 3)
    np.testing.assert_array_equal(expected, lifted.positions)
    assert (live["length"], live["starts"][0], live["starts"][-1]) == (9, 0, 391)
    assert not re.search(r"https?://|@import|<link|src=", text)
    assert "default-src 'none'" in text


def test_the_page_cuts_the_windows_of_the_lift(
    fake_runtime: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fake_export(path: Path, *_: object, pixels: bool) -> export.Export:
        path.write_bytes(b"network")
        return export.Export(path=path, input_name="", num_bytes=7, shapes=(), difference=0)

    monkeypatch.setattr(export, "export_onnx", fake_export)
    model = load_model(write_tiny_weights(tmp_path))
    model.card = {"clip_frames": 9, "conventions": {"fps": 10.0}}
    whole = make_example().keypoints
    rows = slice(None, None, 2)
    sparse = replace(
        whole,
        keypoints=whole.keypoints[rows],
        confidence=whole.confidence[rows],
        frame_index=whole.frame_index[rows],
    )
    write_live_page(tmp_path / "live.html", sparse, model, runtime=fake_runtime)
    found = re.search(r'id="motion">(.*?)</script>', (tmp_path / "live.html").read_text(), re.S)
    assert found is not None
    assert json.loads(found[1])["live"]["apart"] == Lifter(model).apart(sparse)
    assert Lifter(model).apart(sparse) < Lifter(model).apart(whole)


def test_a_runtime_that_is_not_there_is_said_with_what_to_do(
    fake_runtime: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OptionError, match=r"is not here; .*npm install onnxruntime-web@"):
        find_runtime(None)
    (tmp_path / "node_modules").mkdir()
    shutil.copytree(fake_runtime, tmp_path / "node_modules" / "onnxruntime-web")
    assert find_runtime(None) == Path("node_modules/onnxruntime-web")
    (fake_runtime / "dist" / "ort-wasm-simd-threaded.wasm").unlink()
    with pytest.raises(OptionError, match=r"has no dist/ort-wasm-simd-threaded\.wasm"):
        find_runtime(fake_runtime)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--page", "{folder}/live.htm", "--onnxruntime-web", "{folder}/no"], "is not here"),
        (["--page", "{folder}/live.pdf"], "pages end in .html"),
        (["--page", "{folder}/live.html", "--pixels"], "--pixels is about --onnx"),
        (["--onnx", "{folder}/m.onnx", "--keypoints", "k"], "are about --page"),
    ],
)
def test_a_wrong_request_is_one_line_and_leaves_nothing(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", *(each.format(folder=tmp_path) for each in arguments)]) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def runtime() -> Path:
    """onnxruntime-web as npm unpacks it; nothing is fetched for a test."""
    given = os.environ.get("MOTIONLIFT_ONNXRUNTIME_WEB")
    folder = Path(given) if given else ROOT / "node_modules" / "onnxruntime-web"
    if not folder.is_dir():
        pytest.skip("npm install onnxruntime-web, or set MOTIONLIFT_ONNXRUNTIME_WEB to its folder")
    return folder


@pytest.fixture(scope="module")
def tab() -> Iterator[Tab]:
    if find_browser() is None:
        pytest.skip("no Chromium here")
    with browser() as opened:
        yield opened


def pixels(tab: Tab) -> np.ndarray:
    image = pytest.importorskip("matplotlib.image")
    return image.imread(io.BytesIO(tab.screenshot()))[..., :3].astype(float)


@pytest.mark.slow
def test_the_browser_answers_as_pytorch_does_and_draws_it(
    runtime: Path, tab: Tab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "live.html"
    arguments = ["--page", str(page), "--onnxruntime-web", str(runtime)]
    assert main(["export", *arguments]) == 0
    assert "400 frames, onnxruntime-web" in capsys.readouterr().out
    tab.open(page, **SIZE, link="frame=150")
    tab.wait_for("'difference' in document.documentElement.dataset", seconds=200)
    assert float(tab.value("document.documentElement.dataset.difference")) < 1e-3  # pixels
    seen = pixels(tab)
    difference = seen[..., 2] - seen[..., 0]
    assert min((difference > 0.35).sum(), (difference < -0.35).sum()) > 300
    said = tab.value("document.getElementById('live-status').textContent")
    assert said.startswith("Lifted in this browser: ")

    # Somewhere in the picture's panel is the right wrist; take it, and the 3D body follows.
    x, y = wrist_on_screen(tab, frame=150)
    tab.drag((x, y), (x - 60, y - 60))
    tab.wait_for("document.documentElement.dataset.lifted > 0", seconds=60)
    moved = np.abs(pixels(tab) - seen).max(axis=-1) > 0.2
    assert moved[60:575, 520:].sum() > 300
    tab.value("document.getElementById('undo-button').click()")
    tab.wait_for("document.getElementById('undo-button').hidden", seconds=60)
    tab.wait_for("document.documentElement.dataset.lifted > 1", seconds=60)
    assert (np.abs(pixels(tab) - seen).max(axis=-1) > 0.2)[60:575, 520:].sum() < 20
    assert tab.complaints == []


def wrist_on_screen(tab: Tab, *, frame: int) -> tuple[int, int]:
    """Where the end of the right arm is drawn, once the page shows the whole picture."""
    seen = Lifter(load_model()).lift_pose(make_example().keypoints).lifted_from
    assert seen is not None
    points = seen.keypoints[frame]
    names = seen.skeleton.joints
    tab.value("document.getElementById('fit-button').click()")
    tab.screenshot()  # the picture takes its new place when it is next drawn
    box = tab.value("document.getElementById('picture').getBoundingClientRect().toJSON()")
    width, height = make_example().keypoints.image_size or (0, 0)
    scale = min(box["width"] / width, box["height"] / height)
    x, y = points[names.index("right_wrist")]
    left = box["x"] + (box["width"] - scale * width) / 2
    top = box["y"] + (box["height"] - scale * height) / 2
    return round(left + scale * x), round(top + scale * y)


@pytest.mark.slow
def test_few_frames_of_somebodys_own_are_lifted_too(
    runtime: Path, tab: Tab, tmp_path: Path
) -> None:
    weights = write_tiny_weights(tmp_path)
    folder = write_openpose(tmp_path / "keypoints", frames=5)
    page = tmp_path / "live.html"
    own = ["--keypoints", str(folder), "--model", str(weights)]
    assert main(["export", "--page", str(page), "--onnxruntime-web", str(runtime), *own]) == 0
    tab.open(page, **SIZE)
    tab.wait_for("'difference' in document.documentElement.dataset", seconds=200)
    assert float(tab.value("document.documentElement.dataset.difference")) < 1e-3
    assert tab.complaints == []
