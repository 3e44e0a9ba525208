"""Sequences through a network in batches of windows, with a batch's windows in memory at a time."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from jaxtyping import Float, Float32, Int

from motionlift.camera import box_of_visible
from motionlift.errors import MotionliftError
from motionlift.lifting.weave import Weave
from motionlift.poses import Pose2D
from motionlift.progress import OnProgress
from motionlift.skeletons import H36M17
from motionlift.windows import Blend, cut, window_length, window_starts

# What a network says to clips, each of the same length.
Ask = Callable[
    [Float32[np.ndarray, "window frame 17 3"]], Float32[np.ndarray, "window frame 17 channel"]
]

# Frames of two answers that are averaged at a time.
_ROWS = 10_000


def cut_clips(
    keypoints: Float[np.ndarray, "frame 17 2"],
    confidence: Float[np.ndarray, "frame 17"],
    starts: Int[np.ndarray, " window"],
    *,
    length: int,
    apart: int,
) -> tuple[Float32[np.ndarray, "window frame 17 3"], Float32[np.ndarray, " window"]]:
    """Each window in its own clip space, as `image_to_clip` has it, and the pixels of its unit.

    A window without two distinct visible points has 0 pixels a unit: it is not to be used.
    """
    points = cut(keypoints, starts, length=length, apart=apart)
    seen = cut(confidence, starts, length=length, apart=apart)
    # With nobody in a window its box is infinite, and NumPy would warn of it.
    with np.errstate(invalid="ignore"):
        center, scale = box_of_visible(points, seen)
        is_used = np.isfinite(scale) & (scale > 0)
        placed = (points - center) / np.where(is_used, scale, 1.0)
    clips = np.concatenate([placed, seen[..., None]], axis=-1)
    clips[seen == 0] = 0.0
    return clips.astype(np.float32), np.where(is_used, scale, 0.0).reshape(-1).astype(np.float32)


class Passage:
    """One sequence on its way through a network.

    Args:
        length, stride: of the windows; a shorter sequence is one window of its own length.
        apart: frames from one frame of a window to the next.
        channels: of a joint of an answer.
        in_pixels: bring answers back from clip space into pixels.
        may_be_empty: whether it is no error that nobody is in any window; all answers are NaN then.
    """

    def __init__(
        self,
        seen: Pose2D,
        *,
        length: int,
        stride: int,
        apart: int,
        channels: int,
        in_pixels: bool,
        may_be_empty: bool = False,
    ) -> None:
        self.length = window_length(seen.num_frames, length=length, apart=apart)
        self.starts = window_starts(seen.num_frames, length=length, stride=stride, apart=apart)
        self.joined = np.empty((seen.num_frames, H36M17.num_joints, channels), dtype=np.float32)
        self._seen = seen
        self._in_pixels = in_pixels
        self._apart = apart
        self._blend = Blend(length=self.length, shape=self.joined.shape[1:], apart=apart)
        self._weave = Weave(apart=apart, shape=self.joined.shape[1:])
        self._num_joined = 0
        self._is_anybody = may_be_empty

    def clips(
        self, windows: slice
    ) -> tuple[Float32[np.ndarray, "window frame 17 3"], Float32[np.ndarray, " window"]]:
        """See `cut_clips`."""
        seen = self._seen
        return cut_clips(
            seen.keypoints,
            seen.confidence,
            self.starts[windows],
            length=self.length,
            apart=self._apart,
        )

    def answer(
        self,
        answers: Float32[np.ndarray, "window frame 17 channel"],
        windows: slice,
        scale: Float32[np.ndarray, " window"],
    ) -> None:
        """The answers to those of these windows, the next in order, that are to be used."""
        is_used = scale > 0
        if self._in_pixels:
            answers = answers * scale[is_used, None, None, None]
        self._blend.add(answers, self.starts[windows][is_used])
        self._is_anybody |= bool(is_used.any())
        # No later window reaches before the start of the next one.
        is_last = windows.stop == len(self.starts)
        end = len(self.joined) if is_last else int(self.starts[windows.stop])
        final = self._weave.add(self._blend.take(end), is_end=is_last)
        self.joined[self._num_joined : self._num_joined + len(final)] = final
        self._num_joined += len(final)
        if is_last and not self._is_anybody:
            raise MotionliftError(
                f"{self._seen.source}: no two distinct keypoints are visible within "
                f"{self.length * self._apart} frames; there is nothing to lift"
            )


def run(
    passages: Sequence[Passage], ask: Ask, *, frames_a_batch: int, on_progress: OnProgress | None
) -> None:
    """Bring sequences through the network, several in a batch where they are short.

    Raises:
        MotionliftError: if in one of them no two distinct keypoints are visible.
    """
    total = sum(len(each.starts) for each in passages)
    done = 0
    for batch in _batches(passages, frames_a_batch):
        parts = [(passage, windows, *passage.clips(windows)) for passage, windows in batch]
        clips = np.concatenate([clips[scale > 0] for _, _, clips, scale in parts])
        channels = parts[0][0].joined.shape[-1]
        answers = ask(clips) if len(clips) else np.empty((*clips.shape[:3], channels), clips.dtype)
        ends = np.cumsum([(scale > 0).sum() for _, _, _, scale in parts])[:-1]
        for (passage, windows, _, scale), own in zip(parts, np.split(answers, ends), strict=True):
            passage.answer(own, windows, scale)
        done += sum(len(scale) for _, _, _, scale in parts)
        if on_progress is not None:
            on_progress(done, total)


def average(
    one: Float32[np.ndarray, "frame 17 channel"],
    other: Float32[np.ndarray, "frame 17 channel"],
    *,
    fade: int,
) -> None:
    """Make the first answer the mean of two; where one of them is NaN, the other.

    Over the `fade` frames before and after frames that only the first answers, the other counts
    less and less, so that the body does not jump where it ends.
    Part by part, because for hours of frames every copy of an answer is hundreds of megabytes.
    """
    share = _share_of_other(one, other, fade=fade)
    for first in range(0, len(one), _ROWS):
        a, b = one[first : first + _ROWS], other[first : first + _ROWS]
        known = np.where(np.isnan(b), a, b)
        np.copyto(a, known, where=np.isnan(a))
        a += share[first : first + _ROWS, None, None] * (known - a)


def _share_of_other(
    one: Float32[np.ndarray, "frame 17 channel"],
    other: Float32[np.ndarray, "frame 17 channel"],
    *,
    fade: int,
) -> Float32[np.ndarray, " frame"]:
    """Half; and down to none where frames begin that only the first answers."""
    frame = np.arange(len(one))
    is_alone = np.isnan(other[:, 0, 0]) & ~np.isnan(one[:, 0, 0])
    before = np.maximum.accumulate(np.where(is_alone, frame, -fade))
    after = np.minimum.accumulate(np.where(is_alone, frame, len(one) + fade)[::-1])[::-1]
    distance = np.minimum(frame - before, after - frame)
    return (np.minimum(distance / fade, 1) / 2).astype(np.float32)


def _batches(
    passages: Sequence[Passage], frames_a_batch: int
) -> Iterator[list[tuple[Passage, slice]]]:
    """Windows of one length, as many as fill a batch; each passage's in order."""
    batch: list[tuple[Passage, slice]] = []
    room = 0
    for passage in passages:
        first = 0
        while first < len(passage.starts):
            if batch and (room < 1 or batch[-1][0].length != passage.length):
                yield batch
                batch = []
            if not batch:
                room = max(1, frames_a_batch // passage.length)
            last = min(first + room, len(passage.starts))
            batch.append((passage, slice(first, last)))
            room -= last - first
            first = last
    if batch:
        yield batch
