"""Lifting frames as they come: each answer once no frame to come can change it.

The windows are those of `Lifter.lift_pose`, each asked for when its last frame is there, and
joined in the same way. But offline the last window ends with the sequence, and a stream does not
know when that will be: any frame might be the last. So a frame's answer is given when a window
that ends now can no longer reach it, one window's length later. Of more frames a second than the
network was trained at a window has every k-th: then that is k times as many frames, and as long,
and the 2 k - 1 frames after it that its own is averaged with (`weave`).
"""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from motionlift.errors import MotionliftError
from motionlift.lifting.batches import cut_clips
from motionlift.lifting.motion import as_motion, best_shift, root_at_zero
from motionlift.lifting.notes import Findings
from motionlift.lifting.weave import Weave
from motionlift.poses import Pose2D, Pose3D, check_fps, to_h36m17
from motionlift.skeletons import H36M17, Skeleton
from motionlift.timing import frames_apart
from motionlift.windows import Blend, window_length, window_starts

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
        check_fps(fps, source=source)
        self._apart = frames_apart(fps, trained=lifter.trained_fps)
        self._weave = Weave(apart=self._apart, shape=(H36M17.num_joints, lifter.channels))
        self.latency = lifter.window * self._apart + self._weave.reach
        self._lifter = lifter
        self._skeleton, self._fps, self._source = skeleton, fps, source
        self._blend = self._blend_of(lifter.window)
        self._findings = Findings()
        self._num_pushed = self._num_joined = self._num_given = self._num_asked = 0
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
        span = (self._lifter.window - 1) * self._apart + 1
        if self._num_pushed == self._start(self._num_asked) + span:
            self._ask(self._start(self._num_asked), length=self._lifter.window)
            self._num_asked += 1
        joined = max(self._num_pushed - self._lifter.window * self._apart, self._num_joined)
        return self._give(joined, notes=())

    def finish(self) -> Pose3D:
        """The frames not yet given; the notes are on the whole stream.

        Raises:
            MotionliftError: if no frame was pushed, or the stream is finished already.
        """
        if self._is_over or not self._num_pushed:
            why = "is finished already" if self._is_over else "has no frame; push one first"
            raise MotionliftError(f"{self._source}: the stream {why}")
        self._is_over = True
        window, stride = self._lifter.window, self._lifter.stride
        length = window_length(self._num_pushed, length=window, apart=self._apart)
        if length < window:
            # Windows of a short sequence are shorter, also those that were asked for.
            self._blend, self._num_asked = self._blend_of(length), 0
        starts = window_starts(self._num_pushed, length=window, stride=stride, apart=self._apart)
        for start in starts.tolist():
            if not self._is_asked(start):
                self._ask(start, length=length)
        return self._give(self._num_pushed, notes=None)

    def _start(self, number: int) -> int:
        """The first frame of the window of that number, but for those that end with the stream."""
        turn, first = divmod(number, self._apart)
        return first + turn * self._lifter.stride * self._apart

    def _is_asked(self, start: int) -> bool:
        turn, rest = divmod(start // self._apart, self._lifter.stride)
        return rest == 0 and turn * self._apart + start % self._apart < self._num_asked

    def _blend_of(self, length: int) -> Blend:
        shape = (H36M17.num_joints, self._lifter.channels)
        return Blend(length=length, shape=shape, apart=self._apart)

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
        clips, scale = cut_clips(
            points[..., :2], points[..., 2], starts, length=length, apart=self._apart
        )
        if scale[0] > 0:
            self._blend.add(self._lifter.answer(clips) * scale[0], starts + start)

    def _give(self, joined: int, *, notes: tuple[str, ...] | None) -> Pose3D:
        """Of the frames before `joined`, to which no window is to come, those that are final now.

        None as notes is the end of the stream: all that are left, with notes on the whole.
        """
        raw, self._num_joined = self._blend.take(joined), joined
        answers = self._weave.add(raw, is_end=notes is None)
        first, end = self._num_given, self._num_given + len(answers)
        self._num_given = end
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
        needed = min(end, self._start(self._num_asked))
        del self._points[: max(needed - self._first_kept, 0)]
        self._first_kept = max(self._first_kept, needed)
