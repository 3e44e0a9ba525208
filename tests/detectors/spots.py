"""A detector for tests: it finds a person of dots around each bright square of a picture."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from motionlift.detectors import Detector, Find
from motionlift.skeletons import COCO17
from tests.formats.people import figure

WIDTH, HEIGHT = 160, 120


class Spots:
    """Counts how often it was started and called; can be told to fail."""

    def __init__(self) -> None:
        self.started = self.called = 0
        self.fail_at = -1
        self.error: type[BaseException] = KeyboardInterrupt

    @contextlib.contextmanager
    def start(self, may_fetch: bool) -> Iterator[Find]:
        self.started += 1
        yield self._find

    def _find(self, pixels: np.ndarray) -> np.ndarray:
        self.called += 1
        if self.called == self.fail_at:
            raise self.error
        assert pixels.shape == (HEIGHT, WIDTH, 3)
        columns = np.flatnonzero((pixels.min(axis=-1) > 200).sum(axis=0) > 4)
        if not len(columns):
            return np.empty((0, COCO17.num_joints, 3))
        edges = np.flatnonzero(np.diff(columns) > 1)
        groups = np.split(columns, edges + 1)
        return np.stack([_person(float(group.mean())) for group in groups])

    def detector(self, **changes: object) -> Detector:
        """The detector, with other settings if wanted."""
        return Detector(
            name="spots",
            title="Spots",
            people="everybody who is white",
            skeleton=COCO17,
            settings={"threshold": 200, **changes},  # type: ignore[dict-item]
            version=lambda: "1.0",
            start=self.start,
        )


def _person(x: float) -> np.ndarray:
    points = figure(COCO17, at=(0, 0)).astype(float)
    points[:, :2] -= points[:, :2].min(axis=0)
    points[:, :2] *= (HEIGHT - 40) / points[:, 1].max()
    points[:, :2] += (x, 20)
    points[:, 2] = 0.9
    return points


def walk(path: Path, *, count: int = 30, fps: int = 25, people: int = 1) -> Path:
    """Write a video in which white squares move to the right, and nobody in the first picture."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=fps)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.bit_rate = 4_000_000
        for k in range(count):
            pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
            for person in range(people if k else 0):
                x = 8 + 70 * person + k
                pixels[48:64, x : x + 8] = 255
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = k
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
