"""Lifting frames as they come: each answer once no frame to come can change it.

The windows are those of `Lifter.lift_pose`, each asked for when its last frame is there, and
joined in the same way. But offline the last window ends with the sequence, and a stream does not
know when that will be: any frame might be the last. So a frame's answer is given when a window
that ends now can no longer reach it, one window's length later.
"""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from motionlift.errors import MotionliftError
from motionlift.lifting.batches import cut_clips
from motionlift.lifting.motion import as_motion, best_shift, root_at_zero
from motionlift.lifting.notes import Findings
from motionlift.poses import Pose2D, Pose3D, to_h36m17
from motionlift.skeletons import H36M17, Skeleton
from motionlift.windows import Blend

if TYPE_CHECKING:
    from motionlift.lifting.lifter import Lifter


class StreamLifter:
    """Takes the keypoints of one person frame by frame; made by `Lifter.stream`.

    `push` and `finish` together give every frame once, in order, with the positions that
    `lift_pose` gives for the whole sequence. Memory does not grow. Where nobody is seen `root_xy`
    is NaN: offline it is on a line to where the person comes back, which nobody knows yet.

    Attributes:
        latency: frames that have to follow a frame before its answer is given, before `finish`.
    """

    def __init__(
        self, lifter: "Lifter", *, skeleton: Skeleton, fps: float | None, source: str
    ) -> None:
        self.latency = lifter.window
        self._lifter = lifter
        self._skeleton, self._fps, self._source = skeleton, fps, source
        self._blend = Blend(length=lifter.window, shape=(H36M17.num_joints, lifter.channels))
        self._findings = Findings()
        self._num_pushed = self._num_given = self._next_window = 0
        # The frames that are still needed, and the number of the first of them.
        self._points: list[Float[np.ndarray, "17 3"]] = []
        self._first_kept = 0
        self._is_over = False

    def push(
        self,
        keypoints: Float[np.ndarray, "joint 2"] | None = None,
        confidence: Float[np.ndarray, " joint"] | None = None,
    ) -> Pose3D:
        """One more frame; the frames, none or one, whose answer it makes final.

        Args:
            keypoints: in pixels; NaN where missing. None for a frame without anybody.
            confidence: in [0, 1]; 0 where missing. 1 if not given.

        Raises:
            MotionliftError: if these are no keypoints of the stream's skeleton, or it is over.
        """
        if self._is_over:
            raise MotionliftError(f"{self._source}: the stream is finished; make another one")
        self._points.append(self._in_h36m17(keypoints, confidence))
        self._num_pushed += 1
        if self._num_pushed == self._next_window + self.latency:
            self._ask(self._next_window, length=self.latency)
            self._next_window += self._lifter.stride
        return self._give(max(self._num_pushed - self.latency, self._num_given), notes=())

    def finish(self) -> Pose3D:
        """The frames not yet given; the notes are on the whole stream.

        Raises:
            MotionliftError: if no frame was pushed, or the stream is finished already.
        """
        if self._is_over or not self._num_pushed:
            why = "is finished already" if self._is_over else "has no frame; push one first"
            raise MotionliftError(f"{self._source}: the stream {why}")
        self._is_over = True
        last = self._num_pushed - self.latency
        if last < 0:
            # Shorter than a window: one window of its own length, and nothing was asked so far.
            self._blend = Blend(
                length=self._num_pushed, shape=(H36M17.num_joints, self._lifter.channels)
            )
            self._ask(0, length=self._num_pushed)
        elif last > self._next_window - self._lifter.stride:
            self._ask(last, length=self.latency)
        return self._give(self._num_pushed, notes=None)

    def _in_h36m17(
        self, keypoints: np.ndarray | None, confidence: np.ndarray | None
    ) -> Float[np.ndarray, "17 3"]:
        """A frame's x, y, confidence; NaN, NaN, 0 where missing."""
        if keypoints is None:
            return np.full((H36M17.num_joints, 3), (np.nan, np.nan, 0.0))
        points = np.array(keypoints, dtype=np.float64)
        seen = (
            np.ones(points.shape[:1]) if confidence is None else np.array(confidence, dtype=float)
        )
        expected = (self._skeleton.num_joints, 2)
        if points.shape != expected or seen.shape != expected[:1]:
            raise MotionliftError(
                f"{self._source}: keypoints of shape {points.shape} with confidences of shape "
                f"{seen.shape}; a frame of {self._skeleton.name} has {expected} and {expected[:1]}"
            )
        seen[np.isnan(points).any(axis=-1)] = 0.0
        points[seen == 0] = np.nan
        pose = to_h36m17(
            Pose2D(
                skeleton=self._skeleton,
                keypoints=points[None],
                confidence=seen[None],
                frame_index=np.array([self._num_pushed]),
                source=self._source,
            )
        )
        return np.concatenate([pose.keypoints[0], pose.confidence[0, :, None]], axis=-1)

    def _ask(self, start: int, *, length: int) -> None:
        """Have the network answer to the window of the latest frames."""
        points = np.stack(self._points[start - self._first_kept :])
        starts = np.array([0])
        clips, scale = cut_clips(points[..., :2], points[..., 2], starts, length=length)
        if scale[0] > 0:
            self._blend.add(self._lifter.answer(clips) * scale[0], starts + start)

    def _give(self, end: int, *, notes: tuple[str, ...] | None) -> Pose3D:
        """The frames before `end` that were not given yet; notes on all if None are given."""
        first, self._num_given = self._num_given, end
        answers = self._blend.take(end)
        root_at_zero(answers)
        shape = (end - first, H36M17.num_joints, 3)
        offset = first - self._first_kept
        points = np.array(self._points[offset : offset + end - first]).reshape(shape)
        self._forget(end)
        self._findings.add(points[..., 2] > 0, ~np.isnan(answers).any(axis=-1))
        seen = Pose2D(
            skeleton=H36M17,
            keypoints=points[..., :2],
            confidence=points[..., 2],
            frame_index=np.arange(first, end),
            fps=self._fps,
            source=self._source,
        )
        return as_motion(
            seen,
            answers,
            model=self._lifter.model_name,
            root_xy=best_shift(seen.keypoints, seen.confidence, answers),
            notes=self._findings.notes(self._fps, trained_fps=self._lifter.trained_fps)
            if notes is None
            else notes,
        )

    def _forget(self, end: int) -> None:
        """Drop frames that are given and in no window to come."""
        needed = min(end, self._next_window)
        del self._points[: max(needed - self._first_kept, 0)]
        self._first_kept = max(self._first_kept, needed)
