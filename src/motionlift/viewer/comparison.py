"""Two motions of the same person, one laid over the other, and how far apart they are."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from motionlift.errors import MotionliftError
from motionlift.evaluation import comparison as evaluation
from motionlift.evaluation.comparison import Alignment
from motionlift.poses import Pose3D


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparison:
    """One motion beside another, with the errors that `motionlift evaluate` gives for the two.

    Attributes:
        reference: the other motion, in the first one's space and unit, on the first one's path.
        frame_index: the frames that both have.
        error: mean distance between matching joints in each of these frames, as they are shown:
            root on root, turned and scaled once for all frames. NaN where the reference has no
            root.
        error_by_frame: the same after each frame is aligned by itself (P-MPJPE).
        failures: how many of these frames the first motion has no whole answer for. They count as
            if all its joints lay in one point.
        unit: of the errors: "mm" if the reference is in metres, else "px".
    """

    reference: Pose3D
    frame_index: Int[np.ndarray, " frame"]
    error: Float[np.ndarray, " frame"]
    error_by_frame: Float[np.ndarray, " frame"]
    failures: int
    unit: str


def compare(motion: Pose3D, reference: Pose3D) -> Comparison:
    """Lay `reference` over `motion`, root on root, frames matched by their numbers.

    One rotation for the whole sequence is fitted, unless both are in camera space, and one scale,
    unless both have the same unit. So a lift can be held against the world it was filmed in.
    The error is measured in the reference's unit, at its size.

    Raises:
        MotionliftError: if they have no frame with the person, or too few joints, in common.
    """
    found = evaluation.compare(motion, reference)
    if np.isnan(found.clip_error):
        raise MotionliftError(
            f"{reference.source}: has no {reference.skeleton.joints[reference.skeleton.root]} to "
            f"lay on that of {motion.source}"
        )
    in_metres = reference.units == "m"
    unit = 1000.0 if in_metres else 1.0
    return Comparison(
        reference=_laid_over(reference, motion, found.alignment),
        frame_index=found.frame_index,
        error=unit * found.clip_errors,
        error_by_frame=unit * found.frame_errors,
        failures=int(found.is_failure.sum()),
        unit="mm" if in_metres else "px",
    )


def _laid_over(reference: Pose3D, motion: Pose3D, alignment: Alignment) -> Pose3D:
    """The reference in the space and unit of the motion, on its path."""
    from_root = reference.positions - reference.positions[:, [reference.skeleton.root]]
    on_path = _at_frames(motion.positions[:, motion.skeleton.root], motion, reference)
    return replace(
        reference,
        # The alignment brings the motion to the reference; this is its way back.
        positions=from_root @ alignment.turn / alignment.factor + on_path[:, None],
        units=motion.units,
        space=motion.space,
        root_xy=None if motion.root_xy is None else _at_frames(motion.root_xy, motion, reference),
        metres_per_pixel=motion.metres_per_pixel,
        notes=(*reference.notes, _note(alignment, reference, motion)),
    )


def _at_frames(
    path: Float[np.ndarray, "frame axis"], motion: Pose3D, other: Pose3D
) -> Float[np.ndarray, "other_frame axis"]:
    """A path of the motion in the other's frames: straight between its own, held at its ends."""
    known = ~np.isnan(path).any(axis=-1)
    frames = motion.frame_index[known]
    return np.stack([np.interp(other.frame_index, frames, each) for each in path[known].T], axis=1)


def _note(alignment: Alignment, reference: Pose3D, motion: Pose3D) -> str:
    angle = np.degrees(np.arccos(np.clip((np.trace(alignment.turn) - 1) / 2, -1, 1)))
    return (
        f"laid over {motion.source}: turned by {angle:.0f} degrees, 1 {reference.units} as "
        f"{1 / alignment.factor:.4g} {motion.units}, the same in every frame"
    )
