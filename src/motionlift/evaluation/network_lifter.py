"""A network under test, used as `motionlift lift` uses it, whatever the length of a sequence."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from motionlift.errors import MotionliftError, OptionError
from motionlift.evaluation.samples import Sample
from motionlift.poses import Pose2D, Pose3D
from motionlift.skeletons import H36M17
from motionlift.windows import window_starts

if TYPE_CHECKING:
    from motionlift.lifting import Lifter


class NetworkLifter:
    """Lifts each view of a sample as if it were a file of its own.

    Keypoints are in metres, and so are the answers: a clip's scale is the way back into the
    keypoints' unit, whatever it is.

    Args:
        lifter: what lifts a pose of any length.
        clip_frames: cut each view into clips of so many frames, and lift each as if there were no
            more; the last ends with the sequence, and its answer counts where it overlaps.

    Raises:
        OptionError: if a clip has no frame.
    """

    def __init__(self, lifter: "Lifter", *, clip_frames: int | None = None) -> None:
        if clip_frames is not None and clip_frames < 1:
            raise OptionError(f"clip-frames is {clip_frames}, but a clip has at least 1 frame")
        self._lifter = lifter
        self._clip_frames = clip_frames

    def __call__(self, sample: Sample) -> Float[np.ndarray, "view frame 17 channel"]:
        """Root-relative joints in metres, and their expected errors if the network tells them.

        NaN in frames without an answer.
        """
        frames = sample.sequence.frames
        length = min(self._clip_frames or frames, frames)
        starts = window_starts(frames, length=length, stride=length)
        views = range(len(sample.views))
        # Views and clips together fill a batch that one alone would not.
        poses = [_keypoints(sample, view, start, length) for view in views for start in starts]
        lifted = iter(self._lift(poses))
        answers = np.full((*sample.target.shape[:3], self._lifter.channels), np.nan)
        for view in views:
            for start in starts:
                answers[view, start : start + length] = next(lifted)
        return answers

    def _lift(self, poses: Sequence[Pose2D]) -> list[Float[np.ndarray, "frame 17 channel"]]:
        """Each pose's answer; NaN where too little is visible: that is an answer too, and counted.

        One pose that cannot be lifted fails all it is lifted with: halves go on without it.
        """
        try:
            return [_channels(motion) for motion in self._lifter.lift_poses(poses)]
        except MotionliftError:
            if len(poses) > 1:
                middle = len(poses) // 2
                return self._lift(poses[:middle]) + self._lift(poses[middle:])
            (pose,) = poses
            if pose.is_visible.all():
                raise
            return [np.full((*pose.confidence.shape, self._lifter.channels), np.nan)]


def _channels(motion: Pose3D) -> Float[np.ndarray, "frame 17 channel"]:
    if motion.expected_error is None:
        return motion.positions
    return np.concatenate([motion.positions, motion.expected_error[..., None]], axis=-1)


def _keypoints(sample: Sample, view: int, start: int, length: int) -> Pose2D:
    frames = slice(start, start + length)
    return Pose2D(
        skeleton=H36M17,
        keypoints=sample.keypoints[view, frames],
        confidence=sample.confidence[view, frames],
        frame_index=np.arange(length),
        fps=sample.sequence.fps,
        source=sample.sequence.name,
    )
