"""MediaPipe finds what it found before, without the network; without MediaPipe, one line says so.

The real detector is not among what `make test` installs (docs/decisions/0005-mediapipe-0.10.14.md);
`make test-video` runs this with it.
"""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from motionlift.detectors import DETECTORS, mediapipe
from motionlift.detectors._kept import kept_detections
from motionlift.errors import OptionError
from motionlift.formats import read_keypoints

needs_mediapipe = pytest.mark.skipif(
    find_spec("mediapipe") is None, reason='needs pip install "motionlift[video]"'
)
# Run first in a process: afterwards every use of the network ends it.
_NO_NETWORK = """
import os, sys
def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.bind", "socket.sendto"):
        os.write(2, f"network used: {event} {arguments}".encode())
        os._exit(7)
sys.addaudithook(refuse)
"""


@needs_mediapipe
@pytest.mark.parametrize(
    "name",
    [
        "pose2sim/single_cam01",
        pytest.param("pose2sim/single_cam03", marks=pytest.mark.slow),
        pytest.param("sports2d/demo_1280", marks=pytest.mark.slow),
    ],
)
def test_real_people_are_found_where_mediapipe_0_10_21_found_them(
    shared: Path, tmp_path: Path, name: str
) -> None:
    video = (shared / "keypoints" / name).with_suffix(".mp4")
    kept = kept_detections(video, DETECTORS.get("mediapipe"), path=tmp_path / "k.npz")
    ours = read_keypoints(kept.path)
    theirs = read_keypoints(video.parent / "mediapipe" / f"{video.stem}.npz")
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        offset = one.frame_index[0] - other.frame_index[0]
        assert offset == 0
        assert (one.fps, one.image_size) == (other.fps, other.image_size)
        np.testing.assert_array_equal(one.is_visible, other.is_visible)
        # The stored landmarks are rounded to parts of 1e-5 of the picture.
        np.testing.assert_allclose(one.keypoints, other.keypoints, atol=0.02)
        np.testing.assert_allclose(one.confidence, other.confidence, atol=1e-4)


@needs_mediapipe
def test_a_lift_of_a_video_needs_no_network(shared: Path, tmp_path: Path) -> None:
    video = shared / "keypoints" / "pose2sim" / "single_cam01.mp4"
    run = [
        sys.executable,
        "-c",
        f"{_NO_NETWORK}\nfrom motionlift.cli import main\nsys.exit(main())",
    ]
    out = tmp_path / "out.npz"
    done = subprocess.run(
        [*run, "lift", str(video), "-o", str(out)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert out.exists()
    # Nothing but notes: MediaPipe's own talk is kept away.
    assert all(line.startswith("note: ") for line in done.stderr.splitlines()), done.stderr


@needs_mediapipe
def test_the_refusal_of_the_network_is_real() -> None:
    code = f"{_NO_NETWORK}\nimport socket\nsocket.create_connection(('127.0.0.1', 9), 1)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 7


def test_without_mediapipe_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mediapipe, "installed_version", lambda *packages: None)
    with (
        pytest.raises(OptionError, match=r'pip install "motionlift\[video\]"'),
        DETECTORS.get("mediapipe").start(False),
    ):
        pass


def test_a_mediapipe_without_its_model_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # As versions from 0.10.30 on are.
    (tmp_path / "mediapipe").mkdir()
    (tmp_path / "mediapipe" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [each for each in sys.modules if each.split(".")[0] == "mediapipe"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(mediapipe, "installed_version", lambda *packages: "1.2.2")
    with (
        pytest.raises(OptionError, match=r"mediapipe 1\.2\.2 holds no pose model"),
        DETECTORS.get("mediapipe").start(False),
    ):
        pass
    sys.modules.pop("mediapipe", None)


def test_a_mediapipe_that_cannot_be_loaded_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "mediapipe").mkdir()
    text = "raise ImportError('libGL.so.1: cannot open shared object file')"
    (tmp_path / "mediapipe" / "__init__.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [each for each in sys.modules if each.split(".")[0] == "mediapipe"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(mediapipe, "installed_version", lambda *packages: "0.10.14")
    with (
        pytest.raises(OptionError, match=r"libGL\.so\.1: cannot open") as caught,
        DETECTORS.get("mediapipe").start(False),
    ):
        pass
    assert "\n" not in str(caught.value)
