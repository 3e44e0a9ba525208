"""One person's motion capture becomes sequences of the store: checked, gaps filled, resampled."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from motionlift.data.resample import MAX_GAP_SECONDS, fill_joint_gaps, resample
from motionlift.data.soundness import examine
from motionlift.errors import FormatError
from motionlift.poses import Pose3D
from motionlift.skeletons import H36M17

# Between the name of a recording and the number of a piece of it.
PART = "#part"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    """One sequence, ready for the store; arrays as `Store` has them."""

    name: str
    positions: Float[np.ndarray, "frame 17 3"]
    visibility: Bool[np.ndarray, "frame 17"]
    fps_source: float
    notes: tuple[str, ...]
    units: str = "m"


def prepare_motion(
    pose: Pose3D, *, name: str, fps_source: float, fps: float
) -> tuple[list[Prepared], tuple[str, ...]]:
    """The sequences of one person, and what is doubtful about them.

    Raises:
        FormatError: if nothing of it can be used.
    """
    if pose.space != "world" or pose.units != "m" or pose.skeleton is not H36M17:
        raise FormatError(
            f"motion in {pose.space} space and in {pose.units}; expected world space and metres"
        )
    positions = every_frame(pose.positions, pose.frame_index)
    examined = examine(positions, fps=fps_source, first_frame=int(pose.frame_index[0]))
    sequences = []
    for number, piece in enumerate(examined.pieces, 1):
        is_one_of_several = len(examined.pieces) > 1
        part, notes = f"{PART}{number}", (*pose.notes, *examined.notes)
        if len(piece.positions) < len(positions):
            last = piece.first + len(piece.positions) - 1
            notes = (*notes, f"frames {piece.first} to {last} of the recording")
        sequences.append(
            _at_store_rate(
                piece.positions,
                name=name + part if is_one_of_several else name,
                fps_source=fps_source,
                fps=fps,
                notes=notes,
            )
        )
    return sequences, examined.warnings


def every_frame(
    points: Float[np.ndarray, "frame joint 3"], frame_index: Int[np.ndarray, " frame"]
) -> Float[np.ndarray, "every joint 3"]:
    """The points with a row for each frame number; frames that the source left out are NaN.

    Raises:
        FormatError: if nine of ten frames are not there.
    """
    index = frame_index - frame_index[0]
    if index[-1] == len(index) - 1:
        return points
    if index[-1] > 10 * len(index):
        raise FormatError(f"only {len(index)} of {index[-1] + 1} frames are there")
    filled = np.full((index[-1] + 1, *points.shape[1:]), np.nan)
    filled[index] = points
    return filled


def _at_store_rate(
    positions: Float[np.ndarray, "frame joint 3"],
    *,
    name: str,
    fps_source: float,
    fps: float,
    notes: tuple[str, ...],
) -> Prepared:
    filled = fill_joint_gaps(positions, max_frames=round(MAX_GAP_SECONDS * fps_source))
    missing = np.isnan(positions).any(axis=-1)
    bridged = (missing & ~np.isnan(filled).any(axis=-1)).mean()
    if bridged:
        notes = (*notes, f"gaps of up to {MAX_GAP_SECONDS:g} s filled: {bridged:.1%} of all joints")
    resampled = resample(filled, fps_source=fps_source, fps=fps)
    visibility = ~np.isnan(resampled).any(axis=-1)
    # Joints are learned from the pelvis on: where nobody saw it, the others say nothing.
    visibility &= visibility[:, [H36M17.root]]
    if not visibility.all():
        hidden = 1 - visibility.mean()
        notes = (*notes, f"masked, for nobody saw them: {hidden:.1%} of all joints")
    return Prepared(
        name=name,
        positions=np.where(visibility[..., None], resampled, 0.0).astype(np.float32),
        visibility=visibility,
        fps_source=float(fps_source),
        notes=notes,
    )
