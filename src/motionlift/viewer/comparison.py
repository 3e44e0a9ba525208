"""Two motions of the same person, one laid over the other, and how far apart they are."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from motionlift.errors import MotionliftError
from motionlift.poses import Pose3D


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparison:
    """One motion beside another.

    Attributes:
        reference: the other motion, in the first one's space and unit, on the first one's path.
        frame_index: the frames that both have.
        error: mean distance between matching joints in each of these frames; NaN where either
            lacks the person.
        unit: of the error: "mm" if the reference is in metres, else "px".
    """

    reference: Pose3D
    frame_index: np.ndarray
    error: Float[np.ndarray, " frame"]
    unit: str


def compare(motion: Pose3D, reference: Pose3D) -> Comparison:
    """Lay `reference` over `motion`, root on root, frames matched by their numbers.

    One rotation for the whole sequence is fitted, unless both are in camera space, and one scale,
    unless both have the same unit. So a lift can be held against the world it was filmed in.
    The error is measured in the reference's unit, at its size.

    Raises:
        MotionliftError: if they have no frame with the person in common.
    """
    frames, first, second = np.intersect1d(
        motion.frame_index, reference.frame_index, return_indices=True
    )
    ours, theirs = _from_root(motion)[first], _from_root(reference)[second]
    known = ~(np.isnan(ours) | np.isnan(theirs)).any(axis=-1)
    if not known.any():
        raise MotionliftError(
            f"{reference.source}: has no frame in common with {motion.source}; "
            f"its frames are {reference.frame_index[0]} to {reference.frame_index[-1]}, the "
            f"other's {motion.frame_index[0]} to {motion.frame_index[-1]}"
        )
    turn = np.eye(3)
    if not motion.space == reference.space == "camera":
        turn = _best_rotation(theirs[known], onto=ours[known])
    turned = theirs @ turn.T
    factor = 1.0
    if motion.units != reference.units:
        factor = _best_factor(ours[known], onto=turned[known])
    distance = np.linalg.norm(factor * ours - turned, axis=-1)
    count = known.sum(axis=1)
    total = np.where(known, distance, 0.0).sum(axis=1)
    error = np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)
    in_metres = reference.units == "m"
    on_path = _at_frames(motion.positions[:, motion.skeleton.root], motion, reference)
    laid_over = replace(
        reference,
        positions=_from_root(reference) @ turn.T / factor + on_path[:, None],
        units=motion.units,
        space=motion.space,
        root_xy=None if motion.root_xy is None else _at_frames(motion.root_xy, motion, reference),
        metres_per_pixel=motion.metres_per_pixel,
        notes=(*reference.notes, _note(turn, 1 / factor, reference, motion)),
    )
    return Comparison(
        reference=laid_over,
        frame_index=frames,
        error=1000 * error if in_metres else error,
        unit="mm" if in_metres else "px",
    )


def _from_root(pose: Pose3D) -> Float[np.ndarray, "frame joint 3"]:
    return pose.positions - pose.positions[:, [pose.skeleton.root]]


def _at_frames(
    path: Float[np.ndarray, "frame axis"], motion: Pose3D, other: Pose3D
) -> Float[np.ndarray, "other_frame axis"]:
    """A path of the motion in the other's frames: straight between its own, held at its ends."""
    known = ~np.isnan(path).any(axis=-1)
    frames = motion.frame_index[known]
    return np.stack([np.interp(other.frame_index, frames, each) for each in path[known].T], axis=1)


def _best_rotation(
    points: Float[np.ndarray, "point 3"], *, onto: Float[np.ndarray, "point 3"]
) -> Float[np.ndarray, "3 3"]:
    """The rotation that brings points closest to others up to a scale (Kabsch 1976)."""
    left, _, right = np.linalg.svd(onto.T @ points)
    flip = np.diag([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    return left @ flip @ right


def _best_factor(
    points: Float[np.ndarray, "point 3"], *, onto: Float[np.ndarray, "point 3"]
) -> float:
    """The size that brings points closest to others, in least squares."""
    factor = float((points * onto).sum() / (points**2).sum())
    if factor > 0:
        return factor
    # Points that have nothing to do with the others are at least shown at their size.
    return float(np.sqrt((onto**2).sum() / (points**2).sum()))


def _note(turn: Float[np.ndarray, "3 3"], scale: float, reference: Pose3D, motion: Pose3D) -> str:
    angle = np.degrees(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1)))
    return (
        f"laid over {motion.source}: turned by {angle:.0f} degrees, "
        f"1 {reference.units} as {scale:.4g} {motion.units}, the same in every frame"
    )
