"""A network under test, used as `motionlift lift` uses it, whatever the length of a sequence."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from motionlift.errors import MotionliftError
from motionlift.evaluation.samples import Sample
from motionlift.poses import Pose2D
from motionlift.skeletons import H36M17

if TYPE_CHECKING:
    from motionlift.lifting import Lifter


class NetworkLifter:
    """Lifts each view of a sample as if it were a file of its own.

    Keypoints are in metres, and so are the answers: a clip's scale is the way back into the
    keypoints' unit, whatever it is.
    """

    def __init__(self, lifter: "Lifter") -> None:
        self._lifter = lifter

    def __call__(self, sample: Sample) -> Float[np.ndarray, "view frame 17 3"]:
        """Root-relative joints in metres; NaN in frames without an answer."""
        poses = [_keypoints(sample, view) for view in range(len(sample.views))]
        try:
            # Views together fill a batch that one alone, of a short sequence, would not.
            return np.stack([lifted.positions for lifted in self._lifter.lift_poses(poses)])
        except MotionliftError:
            return np.stack([self._lift(pose) for pose in poses])

    def _lift(self, pose: Pose2D) -> Float[np.ndarray, "frame 17 3"]:
        try:
            return self._lifter.lift_pose(pose).positions
        except MotionliftError:
            if pose.is_visible.all():
                raise
            # Too little is visible to lift anything: that is an answer too, and counted.
            return np.full((*pose.confidence.shape, 3), np.nan)


def _keypoints(sample: Sample, view: int) -> Pose2D:
    return Pose2D(
        skeleton=H36M17,
        keypoints=sample.keypoints[view],
        confidence=sample.confidence[view],
        frame_index=np.arange(sample.sequence.frames),
        fps=sample.sequence.fps,
        source=sample.sequence.name,
    )
