"""RTMPose by rtmlib (Apache-2.0): everybody in the picture, 26 keypoints with the feet.

YOLOX finds people, RTMPose their keypoints (Jiang et al. 2023, arXiv 2303.07399), on ONNX Runtime.
rtmlib holds no weights: it fetches them from OpenMMLab's server when it is first used, into a
folder of its own; so it asks for the user's word, unless they are there already.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import numpy as np
from jaxtyping import Float, UInt8

from motionlift.detectors import Detector, Find
from motionlift.detectors._installed import installed_version
from motionlift.errors import OptionError
from motionlift.skeletons import HALPE26

_MODE = "balanced"


@contextlib.contextmanager
def _start(may_fetch: bool) -> Iterator[Find]:
    """RTMPose, ready; its weights are fetched first where they are not here and that is allowed."""
    try:
        from rtmlib import BodyWithFeet
    except ImportError as error:
        raise OptionError(
            f"the detector rtmlib cannot be loaded ({error}); get it with: pip install rtmlib"
        ) from error
    missing = [url for url in _urls(BodyWithFeet) if not _is_here(url)]
    if missing and not may_fetch:
        names = " and ".join(Path(urlparse(url).path).name for url in missing)
        raise OptionError(
            f"the detector rtmlib has no weights here and would fetch {names} from "
            f"{urlparse(missing[0]).netloc}; give --fetch-weights if it may"
        )
    try:
        network = BodyWithFeet(mode=_MODE, backend="onnxruntime", device="cpu", to_openpose=False)
    except Exception as error:  # of the network, the disk, or damaged weights
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise OptionError(
            f"the detector rtmlib could not be started ({reason}); its weights are kept in "
            f"{_folder()}"
        ) from error

    def find(pixels: UInt8[np.ndarray, "height width 3"]) -> Float[np.ndarray, "person 26 3"]:
        # As OpenCV has them: blue, green, red.
        picture = np.ascontiguousarray(pixels[..., ::-1])
        # Not `network(picture)`: where nobody is, it takes the whole picture for a person.
        boxes = network.det_model(picture)
        if not len(boxes):
            return np.empty((0, HALPE26.num_joints, 3))
        keypoints, scores = network.pose_model(picture, bboxes=boxes)
        found = np.concatenate([keypoints, np.asarray(scores)[..., None]], axis=-1)
        return found.astype(float).reshape(-1, HALPE26.num_joints, 3)

    yield find


def _urls(model: Any) -> list[str]:
    return [str(model.MODE[_MODE][part]) for part in ("det", "pose")]


def _is_here(url: str) -> bool:
    return (_folder() / Path(urlparse(url).path).with_suffix(".onnx").name).is_file()


def _folder() -> Path:
    """Where rtmlib keeps weights (rtmlib 0.0.16, tools/file.py)."""
    cache = os.getenv("XDG_CACHE_HOME", "~/.cache")
    return Path(os.getenv("TORCH_HOME", f"{cache}/rtmlib")).expanduser() / "hub" / "checkpoints"


DETECTOR = Detector(
    name="rtmlib",
    title="RTMPose (rtmlib)",
    people="everybody in the picture",
    skeleton=HALPE26,
    settings={"model": f"BodyWithFeet, {_MODE}"},
    version=lambda: installed_version("rtmlib"),
    start=_start,
)
