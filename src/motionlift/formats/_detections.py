"""Everybody that a detector found in a clip, one row a detection, and how readers gather them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from motionlift.errors import FormatError
from motionlift.formats._cleaning import clean
from motionlift.skeletons import Skeleton

# Two people of 17 for an hour at 60 frames a second: 0.2 GB, about three times that in all, and
# some ten seconds to read.
MAX_KEYPOINTS = 8_000_000
MAX_PEOPLE_A_FRAME = 200
# Whoever is within so many pixels of the picture's corner is in parts of the picture.
_FEWEST_PIXELS = 2
# After so many, the share of the file that is read tells how many there are, within this factor.
_TELLING = 4_000
_SURELY = 1.2
# Nobody has more, with hands and face.
MAX_JOINTS = 300


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Detections:
    """Everybody that was found in a clip, in image space.

    Attributes:
        frame: the source's frame number of each detection, never decreasing.
        keypoints: in pixels; NaN where missing.
        confidence: in [0, 1]; 0 where missing.
        span: the clip's first and last frame, with or without somebody in it.
        track: the source's own name for the person of each detection; None if it has none.
        fps: frames a second; None if the source does not say.
        image_size: (width, height) in pixels; None if the source does not say.
        notes: what was inferred, skipped or rescaled so far.
    """

    source: str
    skeleton: Skeleton
    frame: Int[np.ndarray, " detection"]
    keypoints: Float[np.ndarray, "detection joint 2"]
    confidence: Float[np.ndarray, "detection joint"]
    span: tuple[int, int]
    track: Sequence[str] | None = None
    fps: float | None = None
    image_size: tuple[int, int] | None = None
    notes: Sequence[str] = ()


class Gathering:
    """Detections as a reader comes upon them, in one array that grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._points = np.empty((0, 0, 3))
        self._count = 0
        self._first_where = ""
        self._progress: Callable[[], float] = lambda: 1.0

    def watch(self, progress: Callable[[], float]) -> None:
        """Give up early on what will be too much, by the share of the file that is read so far."""
        self._progress = progress

    def __len__(self) -> int:
        return self._count

    @property
    def points(self) -> Float[np.ndarray, "detection joint 3"]:
        """All that were added so far; changing them changes what is gathered."""
        return self._points[: self._count]

    def add(self, points: Float[np.ndarray, "joint 3"], *, where: str) -> None:
        """One detection: x, y, confidence of each keypoint, as it stands in the source.

        Raises:
            FormatError: if it has another number of keypoints than those before, or there are
                too many.
        """
        num_joints = self._points.shape[1]
        if not self._count:
            num_joints = len(points)
            self._first_where = where
            if not 0 < num_joints <= MAX_JOINTS:
                raise FormatError(f"{where}: {num_joints} keypoints a person; expected a body's")
            self._points = np.empty((64, num_joints, 3))
        if len(points) != num_joints:
            raise FormatError(
                f"{where}: {len(points)} keypoints, but {num_joints} in {self._first_where}; "
                "give one recording of one detector"
            )
        if self._count == len(self._points):
            self._grow()
        self._points[self._count] = points
        self._count += 1

    def cleaned(self) -> tuple[Float[np.ndarray, "detection joint 3"], list[str]]:
        """All detections as the project's rules have them, and notes on what was changed.

        Raises:
            FormatError: if no keypoint of them has a confidence above 0, or they are parts of the
                picture rather than pixels.
        """
        points = self.points
        notes = clean(points)
        is_seen = points[..., 2] > 0
        if not is_seen.any():
            reason = "; ".join(notes) or "expected at least one keypoint with a confidence above 0"
            raise FormatError(f"{self._path}: no person in any frame; {reason}")
        if np.abs(points[is_seen, :2]).max() < _FEWEST_PIXELS:
            raise FormatError(
                f"{self._path}: no coordinate is beyond {_FEWEST_PIXELS}: these are parts of the "
                "picture, whose shape is not known; give pixels (OpenPose: --keypoint_scale 0)"
            )
        return points, notes

    def _grow(self) -> None:
        count, num_joints, _ = self._points.shape
        most = MAX_KEYPOINTS // num_joints
        share = self._progress()
        is_hopeless = count > _TELLING and count > _SURELY * share * most
        if count >= most or is_hopeless:
            said = f"about {count / share:.2g}, " if is_hopeless else ""
            raise FormatError(
                f"{self._path}: {said}more than {most} detections; split the recording into parts"
            )
        count = min(2 * count, most)
        grown = np.empty((count, num_joints, 3))
        grown[: self._count] = self._points
        self._points = grown


def in_order(
    frame: Sequence[int], *, path: Path | str
) -> tuple[Int[np.ndarray, " detection"], Int[np.ndarray, " detection"]]:
    """Frame numbers in order, and which detection each is.

    Raises:
        FormatError: if there are too many people in one frame.
    """
    numbers = np.array(frame, dtype=np.int64)
    order = np.argsort(numbers, kind="stable")
    numbers = numbers[order]
    if (numbers[MAX_PEOPLE_A_FRAME:] == numbers[:-MAX_PEOPLE_A_FRAME]).any():
        raise FormatError(
            f"{path}: more than {MAX_PEOPLE_A_FRAME} people in one frame; expected a few people's "
            "motion, so keep the ones you want"
        )
    return numbers, order
