"""Cutting a sequence of any length into windows, and joining what comes back without a seam.

The network answers for at most T frames at a time. A longer sequence is cut into windows of T
frames that overlap; where several windows cover a frame its answer is their weighted mean. A
window weighs most in its middle and least at its ends, so that one window fades out while the next
fades in, and no frame shows where a window began.

A window may hold every k-th frame only, which are then k frames "apart". The frames between are in
windows of their own: the sequence is k slower ones, woven into each other, each cut as above.
"""

from typing import Any

import numpy as np
from jaxtyping import Float, Int

from motionlift.errors import OptionError


def window_length(num_frames: int, *, length: int, apart: int = 1) -> int:
    """Frames in each window of a sequence: `length`, or as many as a short sequence has."""
    return max(1, min(length, num_frames // apart))


def window_starts(
    num_frames: int, *, length: int, stride: int, apart: int = 1
) -> Int[np.ndarray, " window"]:
    """First frames of the windows of a sequence, in order; each has `window_length` frames.

    A window begins at every `stride`-th frame; the last one ends with the sequence, and so may
    overlap its neighbour by more than the others do. A sequence no longer than one window is one
    window. With frames `apart`, all of that holds for each of the slower sequences, counted in
    its own frames. Every frame is covered unless the stride is longer than a window.

    Raises:
        OptionError: unless there is a frame, and length and stride are at least 1.
    """
    if min(num_frames, length, stride, apart) < 1:
        raise OptionError(
            f"{num_frames} frames cannot be cut into windows of {length} every {stride} frames, "
            f"{apart} apart; each number must be at least 1"
        )
    length = window_length(num_frames, length=length, apart=apart)
    starts: list[Int[np.ndarray, " window"]] = []
    for first in range(min(apart, num_frames)):
        last = len(range(first, num_frames, apart)) - length
        own = np.minimum(np.arange(0, last + stride, stride), last)
        starts.append(first + apart * own)
    return np.sort(np.concatenate(starts))


def cut(
    frames: Float[Any, "frame *rest"],
    starts: Int[np.ndarray, " window"],
    *,
    length: int,
    apart: int = 1,
) -> Float[Any, "window length *rest"]:
    """A copy of each window's frames, of an array or a tensor."""
    return frames[starts[:, None] + apart * np.arange(length)]


class Blend:
    """Joins windows into frames as they come, and holds only the frames that are still open.

    A window's weights are a triangle over its frames, divided by those of all windows that cover
    the same frame. A window that is never added leaves its frames to its neighbours.

    Args:
        length: frames in a window.
        shape: of one frame of an answer.
        apart: frames of the sequence from one frame of a window to the next.
    """

    def __init__(self, *, length: int, shape: tuple[int, ...], apart: int = 1) -> None:
        rise = np.arange(1, length + 1, dtype=np.float32)
        self._triangle = np.minimum(rise, rise[::-1])
        self._apart = apart
        self._span = (length - 1) * apart + 1
        self._first = 0
        self._sum = np.zeros((0, *shape), dtype=np.float32)
        self._weight = np.zeros(0, dtype=np.float32)

    def add(
        self, answers: Float[np.ndarray, "window length *shape"], starts: Int[np.ndarray, " window"]
    ) -> None:
        """More windows, none of which begins before a frame that was taken."""
        if not len(starts):
            return
        self._open(int(starts.max()) + self._span)
        for start, answer in zip((starts - self._first).tolist(), answers, strict=True):
            frames = slice(start, start + self._span, self._apart)
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
