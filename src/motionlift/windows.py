"""Cutting a sequence of any length into windows, and joining what comes back without a seam.

The network answers for at most T frames at a time. A longer sequence is cut into windows of T
frames that overlap; where several windows cover a frame its answer is their weighted mean. A
window weighs most in its middle and least at its ends, so that one window fades out while the next
fades in, and no frame shows where a window began.

Functions that touch frames take NumPy arrays and tensors alike.
"""

import sys
from collections.abc import Iterable
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

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
    """A copy of each window's frames; axes behind the first stay as they are."""
    return frames[starts[:, None] + np.arange(length)]


def blend_weights(
    starts: Int[np.ndarray, " window"],
    *,
    length: int,
    num_frames: int,
    is_used: Bool[np.ndarray, " window"] | None = None,
) -> Float[np.ndarray, "window length"]:
    """How much each window counts in each of its frames.

    The weights of a frame sum to 1 over the windows that cover it. Before that they are a triangle
    over the window. A window that is not used weighs 0, and its neighbours take over its frames;
    frames that only such windows cover have no weight at all.
    """
    used = np.ones(len(starts), dtype=bool) if is_used is None else is_used
    rise = np.arange(1, length + 1, dtype=np.float64)
    triangle = np.minimum(rise, rise[::-1])
    weights = used[:, None] * triangle
    total = np.zeros(num_frames)
    np.add.at(total, starts[:, None] + np.arange(length), weights)
    covered = cut(total, starts, length=length)
    return np.divide(weights, covered, out=np.zeros_like(weights), where=covered > 0)


def stitch(
    windows: Iterable[Float[Any, "length *rest"]],
    starts: Int[np.ndarray, " window"],
    *,
    weights: Float[np.ndarray, "window length"],
    num_frames: int,
) -> Float[Any, "frame *rest"]:
    """The sequence that the windows' answers make together; NaN in frames without any weight.

    Windows are asked for one by one, in the order of `starts`, and not kept: an iterator keeps
    memory flat. A window without weight is not looked at, whatever it holds.
    """
    joined: Any = None
    has_answer = np.zeros(num_frames, dtype=bool)
    for window, start, weight in zip(windows, starts, weights, strict=True):
        if joined is None:
            joined = _zeros_like(window, num_frames)
        frames = slice(int(start), int(start) + len(weight))
        if weight.any():
            joined[frames] += window * _as_factor(weight, window)
        has_answer[frames] |= weight > 0
    joined[~has_answer] = np.nan
    return joined


def _zeros_like(window: Any, num_frames: int) -> Any:
    shape = (num_frames, *window.shape[1:])
    if isinstance(window, np.ndarray):
        return np.zeros(shape, dtype=window.dtype)
    return window.new_zeros(shape)


def _as_factor(weight: Float[np.ndarray, " length"], window: Any) -> Any:
    """Weights in the window's own kind and type, ready to multiply its frames."""
    shape = (len(weight), *(1 for _ in window.shape[1:]))
    if isinstance(window, np.ndarray):
        return weight.reshape(shape).astype(window.dtype)
    return (
        sys.modules["torch"]
        .as_tensor(weight, dtype=window.dtype, device=window.device)
        .reshape(shape)
    )
