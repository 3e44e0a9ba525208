"""A detector over a whole video: picture by picture, so that memory does not grow with length."""

import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float

from motionlift.detectors import DEFAULT, DETECTORS, Detector, Find
from motionlift.errors import FormatError
from motionlift.formats._cleaning import clean
from motionlift.formats._detections import MAX_KEYPOINTS, Detections
from motionlift.formats._people import People
from motionlift.progress import OnProgress
from motionlift.video.decoding import Video
from motionlift.video.timeline import time_line


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Detected:
    """What was found in a video, and how it went.

    Attributes:
        codec: of the video.
        num_pictures: how many pictures were looked at.
        num_with_people: in how many of them somebody was found.
        is_constant: whether the pictures follow each other at a constant rate.
        seconds: what decoding and detecting took, without starting the detector.
    """

    detections: Detections
    codec: str
    num_pictures: int
    num_with_people: int
    is_constant: bool
    seconds: float


class Interrupted(KeyboardInterrupt):
    """Ctrl-C on the way, after somebody was found.

    Attributes:
        detected: what was found until then.
    """

    def __init__(self, detected: Detected) -> None:
        super().__init__()
        self.detected = detected


def detect(
    path: Path,
    detector: Detector,
    *,
    may_fetch: bool = False,
    on_progress: OnProgress | None = None,
) -> Detected:
    """Everybody that the detector finds in the video, frame by frame.

    Raises:
        FormatError: if the video cannot be read, or not one picture of it.
        OptionError: if the detector or PyAV is not installed.
        Interrupted: on Ctrl-C, with what was found until then.
    """
    found = _Found(path, num_joints=detector.skeleton.num_joints)
    is_stopped = False
    with Video(path) as video, detector.start(may_fetch) as find:
        began = time.perf_counter()
        try:
            _look(video, find, found, on_progress)
        except KeyboardInterrupt:
            if not found.num_pictures:
                raise
            is_stopped = True
        seconds = time.perf_counter() - began
    detected = _detected(path, video, detector, found, seconds=seconds, is_stopped=is_stopped)
    if is_stopped:
        raise Interrupted(detected)
    return detected


def _detected(
    path: Path,
    video: Video,
    detector: Detector,
    found: "_Found",
    *,
    seconds: float,
    is_stopped: bool,
) -> Detected:
    """What was found, each detection in its frame."""
    times = found.times
    trouble = video.trouble()
    if is_stopped:
        trouble = [f"stopped by hand after picture {len(times)}; the rest was not looked at"]
    if not times:
        raise FormatError(
            f"{path}: not one picture could be decoded ({'; '.join(trouble) or video.codec}); "
            "the file may be damaged or cut short"
        )
    line = time_line(np.array(times), declared=video.rates)
    points, frame = found.on(line.frame)
    notes = (*video.notes, *line.notes, *trouble, *clean(points))
    return Detected(
        detections=Detections(
            source=str(path),
            skeleton=detector.skeleton,
            frame=frame,
            keypoints=points[..., :2],
            confidence=points[..., 2],
            span=(0, int(line.frame.max())),
            fps=line.fps,
            image_size=video.image_size,
            notes=notes,
        ),
        codec=video.codec,
        num_pictures=len(times),
        num_with_people=found.num_pictures,
        is_constant=line.is_constant,
        seconds=seconds,
    )


def _look(video: Video, find: Find, found: "_Found", on_progress: OnProgress | None) -> None:
    """Find people in picture after picture; whenever it stops, what it found is whole."""
    for picture in video.pictures():
        found.times.append(picture.time)
        found.add(find(picture.pixels))
        if on_progress is not None:
            done = len(found.times)
            on_progress(done, max(video.num_pictures or 0, done))


def people_in_video(path: Path, *, fps: float | None = None) -> People:
    """Everybody that MediaPipe finds in the video, most prominent first.

    Args:
        fps: frames a second, instead of what the video says.

    Raises:
        FormatError: if the video cannot be read, or nobody is in it.
        OptionError: if the detector or PyAV is not installed.
    """
    found = detect(path, DETECTORS.get(DEFAULT)).detections
    if not (found.confidence > 0).any():
        raise FormatError(f"{path}: nobody was found in any frame; expected a video of people")
    return People(replace(found, fps=fps or found.fps))


class _Found:
    """Detections as they come, in half the memory that they are worked on in."""

    def __init__(self, path: Path, *, num_joints: int) -> None:
        self._path = path
        self._most = MAX_KEYPOINTS // num_joints
        self._points: list[Float[np.ndarray, "person joint 3"]] = []
        self._picture: list[int] = []
        self._empty = np.empty((0, num_joints, 3), np.float32)
        self.times: list[float] = []
        self.num_pictures = 0

    def add(self, people: Float[np.ndarray, "person joint 3"]) -> None:
        """The people in the picture whose time was the last to be noted."""
        if not len(people):
            return
        picture = len(self.times) - 1
        if len(self._picture) + len(people) > self._most:
            raise FormatError(
                f"{self._path}: more than {self._most} detections by picture {picture}; "
                "split the video into parts"
            )
        self._points.append(people.astype(np.float32))
        self._picture += [picture] * len(people)
        self.num_pictures += 1

    def on(self, frame: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points and frame number of each detection whose picture has a frame."""
        number = frame[np.array(self._picture, dtype=int)]
        # Ctrl-C may come between the two lists.
        points = np.concatenate([self._empty, *self._points]).astype(float)[: len(number)]
        return points[number >= 0], number[number >= 0]
