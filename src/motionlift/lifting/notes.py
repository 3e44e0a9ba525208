"""What a user should know of a lift, beside what the reader said."""

import numpy as np
from jaxtyping import Bool

from motionlift.poses import ASSUMED_FPS, Pose2D, rows_a_second, rows_before_gaps
from motionlift.skeletons import H36M17
from motionlift.timing import lifting_rate


class Findings:
    """What is counted while frames are lifted, for the notes."""

    def __init__(self) -> None:
        self._is_ever_seen = np.zeros(H36M17.num_joints, dtype=bool)
        self._num_blind = 0
        self._num_missing = 0

    def add(
        self, is_visible: Bool[np.ndarray, "frame 17"], is_answered: Bool[np.ndarray, "frame 17"]
    ) -> None:
        """More frames: which keypoints were found, and which joints were lifted."""
        is_lifted = is_answered.all(axis=1)
        self._is_ever_seen |= is_visible.any(axis=0)
        self._num_blind += int((~is_visible.any(axis=1) & is_lifted).sum())
        self._num_missing += int((~is_lifted).sum())

    def notes(self, fps: float | None, *, trained_fps: float) -> list[str]:
        """A sentence each."""
        notes = []
        never = [H36M17.joints[joint] for joint in np.flatnonzero(~self._is_ever_seen)]
        if never:
            notes.append(f"{', '.join(never)}: never among the keypoints; the network infers them")
        if self._num_blind:
            notes.append(
                f"{self._num_blind} frames without any keypoint are filled in by the network"
            )
        if self._num_missing:
            notes.append(
                f"{self._num_missing} frames are too far from any keypoint to be lifted; they are "
                "missing"
            )
        if fps is None and trained_fps < ASSUMED_FPS:
            notes.append(
                "the network counts time, and no frame rate is known: lifted as at "
                f"{ASSUMED_FPS:g} frames a second; --fps says it"
            )
        if fps is not None and lifting_rate(fps, trained=trained_fps) > fps:
            notes.append(
                f"{fps:g} frames a second is far less than the network was trained for; frames "
                "are lifted as they are, so speeds may be off"
            )
        return notes


def notes_on(
    seen: Pose2D, is_answered: Bool[np.ndarray, "frame 17"], *, trained_fps: float
) -> list[str]:
    """The notes on a whole sequence."""
    findings = Findings()
    findings.add(seen.is_visible, is_answered)
    notes = findings.notes(rows_a_second(seen), trained_fps=trained_fps)
    jumps = len(rows_before_gaps(seen.frame_index))
    if jumps:
        notes.append(f"frame numbers jump {jumps} times; lifted as if frames were consecutive")
    return notes
