"""Cutting a sequence of any length into windows, and joining what comes back without a seam.

The network answers for at most T frames at a time. A longer sequence is cut into windows of T
frames that overlap; where several windows cover a frame its answer is their weighted mean. A
window weighs most in its middle and least at its ends, so that one window fades out while the next
fades in, and no frame shows where a window began.
"""

from typing import Any

import numpy as np
from jaxtyping import Float, Int

from motionlift.errors import OptionError


def window_starts(num_frames: int, *, length: int, stride: int) -> Int[np.ndarray, " window"]:
    """First frames of the windows of a sequence, each of `length` frames.

    A window begins at every `stride`-th frame; the last one ends with the sequence, and so may
    overlap its neighbour by more than the others do. A sequence no longer than one window is one
    window, of its own length: `min(length, num_frames)` is every window's length. Every frame is
    covered unless the stride is longer than a window.

    Raises:
        OptionError: unless there is a frame, and length and stride are at least 1.
    """
    if min(num_frames, length, stride) < 1:
        raise OptionError(
            f"{num_frames} frames cannot be cut into windows of {length} every {stride} frames; "
            "each number must be at least 1"
        )
    last = max(num_frames - length, 0)
    starts = np.arange(0, last + stride, stride)
    return np.minimum(starts, last)


def cut(
    frames: Float[Any, "frame *rest"], starts: Int[np.ndarray, " window"], *, length: int
) -> Float[Any, "window length *rest"]:
    """A copy of each window's frames, of an array or a tensor."""
    return frames[starts[:, None] + np.arange(length)]


class Blend:
    """Joins windows into frames as they come, and holds only the frames that are still open.

    A window's weights are a triangle over its frames, divided by those of all windows that cover
    the same frame. A window that is never added leaves its frames to its neighbours.

    Args:
        length: frames in a window.
        shape: of one frame of an answer.
    """

    def __init__(self, *, length: int, shape: tuple[int, ...]) -> None:
        rise = np.arange(1, length + 1, dtype=np.float32)
        self._triangle = np.minimum(rise, rise[::-1])
        self._first = 0
        self._sum = np.zeros((0, *shape), dtype=np.float32)
        self._weight = np.zeros(0, dtype=np.float32)

    def add(
        self, answers: Float[np.ndarray, "window length *shape"], starts: Int[np.ndarray, " window"]
    ) -> None:
        """More windows, none of which begins before a frame that was taken."""
        if not len(starts):
            return
        self._open(int(starts.max()) + len(self._triangle))
        for start, answer in zip((starts - self._first).tolist(), answers, strict=True):
            frames = slice(start, start + len(self._triangle))
            self._sum[frames] += answer * self._as_factor(self._triangle)
            self._weight[frames] += self._triangle

    def take(self, end: int) -> Float[np.ndarray, "frame *shape"]:
        """The frames before `end` that were not taken yet; NaN where no window was added."""
        count = end - self._first
        self._open(end)
        weight = self._as_factor(self._weight[:count])
        joined = np.divide(
            self._sum[:count], weight, out=np.full_like(self._sum[:count], np.nan), where=weight > 0
        )
        self._sum, self._weight = self._sum[count:].copy(), self._weight[count:].copy()
        self._first = end
        return joined

    def _open(self, end: int) -> None:
        """Make room for the frames before `end`."""
        more = end - self._first - len(self._sum)
        if more > 0:
            self._sum = np.concatenate(
                [self._sum, np.zeros_like(self._sum, shape=(more, *self._sum.shape[1:]))]
            )
            self._weight = np.concatenate([self._weight, np.zeros(more, dtype=np.float32)])

    def _as_factor(self, weight: Float[np.ndarray, " frame"]) -> Float[np.ndarray, "frame *one"]:
        return weight.reshape(-1, *(1 for _ in self._sum.shape[1:]))
