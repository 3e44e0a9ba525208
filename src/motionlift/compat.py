"""Two steps of the published code, for those who rebuild its inputs; nothing here uses them.

Ours differ: `camera.image_to_clip` keeps every point, and `data.clips` covers every frame.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from jaxtyping import Float, Int

_LEAST_POINTS = 4


class Uniform(Protocol):
    """A NumPy generator, of the new kind or the old (`numpy.random.RandomState`)."""

    def uniform(self, low: float, high: float) -> float: ...


def crop_scale(
    keypoints: Float[np.ndarray, "*batch joint 3"],
    *,
    scale_range: tuple[float, float] = (1.0, 1.0),
    generator: Uniform,
) -> Float[np.ndarray, "*batch joint 3"]:
    """The published normaliser: (x, y, confidence) in a square around all that is seen, in -1..1.

    The square's side is the longer side of the box of all points with a confidence other than 0,
    times a factor drawn from `scale_range`. All is then clipped to -1..1, confidences too, so that
    a factor below 1 cuts the person off. With fewer than 4 such points, or a box without
    size, the answer is zeros. Points must be numbers, not NaN.
    """
    seen = keypoints[keypoints[..., 2] != 0][:, :2]
    if len(seen) < _LEAST_POINTS:
        return np.zeros(keypoints.shape)
    low, high = seen.min(axis=0), seen.max(axis=0)
    side = float((high - low).max()) * generator.uniform(*scale_range)
    if side == 0:
        return np.zeros(keypoints.shape)
    corner = (low + high - side) / 2
    placed = keypoints.copy()
    placed[..., :2] = 2 * ((keypoints[..., :2] - corner) / side - 0.5)
    return np.clip(placed, -1, 1)


def split_clips(
    video_ids: Sequence[int], *, length: int, stride: int, generator: np.random.Generator
) -> list[Int[np.ndarray, " frame"]]:
    """The published clip splitter: frame numbers of each clip, from the video of each frame.

    A video without a full clip before the next video begins is stretched to one, once; the last
    video, if it is too short, and what is left behind a video's last full clip, are lost.
    """
    clips: list[Int[np.ndarray, " frame"]] = []
    start, covered = 0, set[int]()
    for frame, video in enumerate(video_ids):
        if frame > 0 and video != video_ids[frame - 1]:
            if video_ids[frame - 1] not in covered:
                covered.add(video_ids[frame - 1])
                clips.append(_stretched(start, frame, length=length, generator=generator))
            start = frame
        if frame - start + 1 == length:
            covered.add(video)
            clips.append(np.arange(start, frame + 1))
            start += stride
    return clips


def _stretched(
    start: int, stop: int, *, length: int, generator: np.random.Generator
) -> Int[np.ndarray, " frame"]:
    """`length` frames in order, each drawn from its share of the range."""
    places = (np.arange(length) + generator.random(length)) * ((stop - start) / length)
    return start + places.astype(np.int64)
