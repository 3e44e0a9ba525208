"""Answers of slower sequences, woven into one motion.

Of a file of k times the frames a second that the network was trained at, every k-th frame is a
sequence of its own (`windows`), and neighbouring frames are answers to different sequences, each
with the jitter of its own keypoints. Each of these k sequences says where the joints are at all
times, not only at its own frames: laid through its answers is the local cubic of `data/resample.py`
(Catmull-Rom). The answer is the mean of the k curves at each frame. That is a filter over
neighbouring frames, which moves no parabola and so leaves quick motion what it is.
"""

import numpy as np
from jaxtyping import Float32, Float64


class Weave:
    """Takes answers frame by frame, and gives the mean of their sequences' curves.

    Near the ends, and beside frames without an answer, only neighbours on both sides count: one
    side alone would pull along what moves. A frame without an answer has none afterwards.

    Args:
        apart: frames of the file from one frame of a sequence to the next; with 1, answers come out
            as they went in, at once.
        shape: of a frame of an answer.

    Attributes:
        reach: frames on each side that count.
    """

    def __init__(self, *, apart: int, shape: tuple[int, ...]) -> None:
        self._weights = curve_weights(apart)
        self.reach = len(self._weights) - 1
        # The frames that are still open or stand beside one that is.
        self._frames = np.zeros((0, *shape), dtype=np.float32)
        self._num_closed = 0

    def add(
        self, answers: Float32[np.ndarray, "frame *shape"], *, is_end: bool = False
    ) -> Float32[np.ndarray, "final *shape"]:
        """More frames in order, NaN where there is no answer; those that are final now."""
        self._frames = np.concatenate([self._frames, answers])
        first = self._num_closed
        last = max(first, len(self._frames) - (0 if is_end else self.reach))
        woven = self._mean(first, last)
        kept = max(0, last - self.reach)
        self._frames, self._num_closed = self._frames[kept:].copy(), last - kept
        return woven

    def _mean(self, first: int, last: int) -> Float32[np.ndarray, "final *shape"]:
        """Frames `first` to `last` of those at hand."""
        frames = self._frames
        if not self.reach or first == last:
            return frames[first:last].copy()
        flat = frames.reshape(len(frames), -1)
        is_known = np.asarray(np.isfinite(flat).all(axis=1))
        known = np.where(is_known[:, None], flat, 0.0).astype(np.float32)
        own, *others = self._weights.tolist()
        total = own * known[first:last]
        weight = np.full(last - first, own, dtype=np.float32)
        for distance, share in enumerate(others, start=1):
            # Frames that have neighbours at this distance on both sides.
            low, high = max(first, distance), min(last, len(frames) - distance)
            if low >= high:
                continue
            before = slice(low - distance, high - distance)
            after = slice(low + distance, high + distance)
            both = is_known[before] & is_known[after]
            pair = (known[before] + known[after]) * both[:, None]
            total[low - first : high - first] += share * pair
            weight[low - first : high - first] += 2 * share * both
        # Where hardly anything but the far neighbours is known, these would weigh against it.
        is_sound = is_known[first:last] & (weight > own / 2)
        mean = flat[first:last].copy()
        mean[is_sound] = total[is_sound] / weight[is_sound, None]
        return mean.reshape(-1, *frames.shape[1:])


def curve_weights(apart: int) -> Float64[np.ndarray, " distance"]:
    """How much a frame at each distance counts in the mean of `apart` curves; with both sides 1.

    A Catmull-Rom curve weighs a point at x spacings 1.5 x^3 - 2.5 x^2 + 1 within one spacing, and
    -0.5 x^3 + 2.5 x^2 - 4 x + 2 within two.
    """
    x = np.arange(2 * apart if apart > 1 else 1) / apart
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x < 1, near, far) / apart
