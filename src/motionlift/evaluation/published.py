"""Scoring on published test sets: the number as their literature computes it, and the plain one.

The published number may leave out recordings and average over actions, as its protocol says. The
plain one counts every frame that has a truth, once. Where they differ, both are shown.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from motionlift.errors import MotionliftError
from motionlift.evaluation.protocols import FileProtocol, FileSequence
from motionlift.evaluation.scoring import Tally, errors_of, pooled
from motionlift.poses import Pose2D
from motionlift.skeletons import H36M17

if TYPE_CHECKING:
    from motionlift.lifting import Lifter


@dataclass(slots=True, eq=False)
class PublishedScores:
    """Scores of one lifter on one test set.

    Attributes:
        protocol: what the published number is.
        actions: by action, without what the published number leaves out.
        published: over all frames of the same.
        plain: over all frames.
        excluded: recordings that were left out of the published number.
    """

    protocol: FileProtocol
    actions: dict[str, Tally] = field(default_factory=dict)
    published: Tally = field(default_factory=Tally)
    plain: Tally = field(default_factory=Tally)
    excluded: list[str] = field(default_factory=list)

    def add(self, sequence: FileSequence, predicted: Float[np.ndarray, "frame 17 3"]) -> None:
        """Count a recording, given its root-relative joints in pixels."""
        metres = in_metres(predicted, sequence)
        errors = errors_of(metres[None], sequence.truth[None])
        self.plain.add(errors)
        if sequence.name.startswith(self.protocol.excluded):
            self.excluded.append(sequence.name)
            return
        self.published.add(errors)
        self.actions.setdefault(sequence.action, Tally()).add(errors)

    def published_means(self) -> dict[str, float]:
        """The averages as the literature reports them."""
        if self.protocol.mean_of_actions and self.actions:
            return pooled(list(self.actions.values()))
        return self.published.means()


def in_metres(
    predicted: Float[np.ndarray, "frame 17 3"], sequence: FileSequence
) -> Float[np.ndarray, "frame 17 3"]:
    """A prediction in pixels, relative to its root and in metres.

    The size comes from the file; without one it is the single factor for the whole recording that
    fits its truth best, in least squares.
    """
    relative = predicted - predicted[:, [H36M17.root]]
    if sequence.metres_per_pixel is not None:
        return relative * sequence.metres_per_pixel[:, None, None]
    is_known = np.isfinite(relative) & np.isfinite(sequence.truth)
    answer, truth = np.where(is_known, relative, 0.0), np.where(is_known, sequence.truth, 0.0)
    size = (answer**2).sum()
    return relative * ((answer * truth).sum() / size if size > 0 else 0.0)


def score_lifter(
    lifter: "Lifter", sequences: Iterable[FileSequence], *, protocol: FileProtocol
) -> PublishedScores:
    """The scores of a network, each recording lifted as a file of keypoints would be."""
    scores = PublishedScores(protocol=protocol)
    for sequence in sequences:
        pose = Pose2D(
            skeleton=H36M17,
            keypoints=sequence.keypoints,
            confidence=sequence.confidence,
            frame_index=np.arange(len(sequence.keypoints)),
            fps=sequence.fps,
            source=sequence.name,
        )
        try:
            predicted = lifter.lift_pose(pose).positions
        except MotionliftError:
            if pose.is_visible.all():
                raise
            predicted = np.full(sequence.truth.shape, np.nan)
        scores.add(sequence, predicted)
    return scores
