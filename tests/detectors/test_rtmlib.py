"""rtmlib asks before it fetches weights, and its people come out as keypoints."""

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from motionlift.detectors import DETECTORS
from motionlift.errors import OptionError

PARTS = {"det": "https://models.example/yolox-1.zip", "pose": "https://models.example/rtmpose.zip"}


class _BodyWithFeet:
    MODE = {"balanced": PARTS}  # noqa: RUF012

    def __init__(self, **settings: object) -> None:
        assert settings == {
            "mode": "balanced",
            "backend": "onnxruntime",
            "device": "cpu",
            "to_openpose": False,
        }

    def det_model(self, image: np.ndarray) -> np.ndarray:
        # Blue first, as OpenCV has it: the pictures of these tests are red.
        assert image[0, 0].tolist() == [0, 0, 255]
        return np.zeros((int(image[0, 1, 2]), 4))

    def pose_model(self, image: np.ndarray, bboxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # As rtmlib 0.0.16 does: without boxes, the whole picture is a person.
        count = len(bboxes) or 1
        return np.full((count, 26, 2), 7.0), np.full((count, 26), 0.5)

    def __call__(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.pose_model(image, self.det_model(image))


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where rtmlib keeps them, and a rtmlib that is not the real one."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setitem(sys.modules, "rtmlib", SimpleNamespace(BodyWithFeet=_BodyWithFeet))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def _picture(people: int) -> np.ndarray:
    pixels = np.zeros((4, 4, 3), np.uint8)
    pixels[0, 0, 0], pixels[0, 1, 0] = 255, people
    return pixels


def test_weights_are_fetched_only_when_the_user_says_so(weights: Path) -> None:
    rtmlib = DETECTORS.get("rtmlib")
    asks = r"would fetch yolox-1\.zip and rtmpose\.zip from models\.example; give --fetch-weights"
    with pytest.raises(OptionError, match=asks), rtmlib.start(False):
        pass
    with rtmlib.start(True) as find:
        assert find(_picture(1)).shape == (1, 26, 3)


def test_weights_that_are_here_need_no_word(weights: Path) -> None:
    for name in ("yolox-1.onnx", "rtmpose.onnx"):
        (weights / name).write_bytes(b"")
    with DETECTORS.get("rtmlib").start(False) as find:
        people = find(_picture(2))
        assert people.shape == (2, 26, 3)
        assert people[1, 25].tolist() == [7, 7, 0.5]
        assert find(_picture(0)).shape == (0, 26, 3)


def test_what_keeps_rtmlib_from_starting_is_said_in_words(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: object, **settings: object) -> None:
        raise RuntimeError("no such host\nand a long trace")

    monkeypatch.setattr(_BodyWithFeet, "__init__", broken)
    with (
        pytest.raises(OptionError, match=r"could not be started \(no such host\); its weights"),
        DETECTORS.get("rtmlib").start(True),
    ):
        pass


def test_without_rtmlib_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rtmlib", None)
    with (
        pytest.raises(OptionError, match="pip install rtmlib"),
        DETECTORS.get("rtmlib").start(False),
    ):
        pass
