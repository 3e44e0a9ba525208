"""One motion against another of the same person, such as a lift against a triangulation.

The two may stand in different spaces and units, so the prediction is laid on the truth before
anything is measured: frame by frame, turned, scaled and moved (P-MPJPE); and root on root, turned
and scaled once for the whole clip, which forgives neither a body that turns wrongly nor one that
changes its size (MPJPE).
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from motionlift import metrics
from motionlift.errors import MotionliftError
from motionlift.poses import Pose3D
from motionlift.skeletons import Skeleton

# A similarity has 7 unknowns: with fewer joints than this it can fit anything.
_FEWEST_JOINTS = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Alignment:
    """What lays a whole clip's root-relative prediction on the truth.

    Attributes:
        turn: rotation of the prediction; identity where both are in camera space.
        factor: size of the prediction's unit in the truth's; 1 where both have the same.
    """

    turn: Float[np.ndarray, "3 3"]
    factor: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparison:
    """How far a prediction is off, in the truth's unit.

    Attributes:
        skeleton: of both.
        frame_index: numbers of the frames that were scored.
        joints: names of the joints that both have.
        frame_errors: mean joint distance after each frame is aligned by itself.
        joint_errors: distance of each joint after the same alignment; NaN where the truth has a
            gap.
        alignment: root on root, the same for all frames.
        clip_errors: mean joint distance after it; NaN where the truth has no root.
        is_failure: frames for which there is no prediction, or not of every joint; scored as if
            all joints lay in one point.
        notes: frames and joints that could not be scored, a sentence each.
    """

    skeleton: Skeleton
    frame_index: Int[np.ndarray, " frame"]
    joints: tuple[str, ...]
    frame_errors: Float[np.ndarray, " frame"]
    joint_errors: Float[np.ndarray, "frame joint"]
    alignment: Alignment
    clip_errors: Float[np.ndarray, " frame"]
    is_failure: Bool[np.ndarray, " frame"]
    notes: tuple[str, ...]

    @property
    def joint_means(self) -> dict[str, float]:
        """The mean distance of each joint over the frames in which the truth has it."""
        means = np.nanmean(self.joint_errors, axis=0)
        return dict(zip(self.joints, means.tolist(), strict=True))

    @property
    def clip_error(self) -> float:
        """The mean of `clip_errors` over the frames; NaN if the truth has no root in any."""
        known = self.clip_errors[~np.isnan(self.clip_errors)]
        return float(known.mean()) if len(known) else float("nan")


def compare(predicted: Pose3D, truth: Pose3D) -> Comparison:
    """Score the frames of `truth` that `predicted` reaches; frames are matched by their numbers.

    Raises:
        MotionliftError: if they have other skeletons, or no frame or too few joints in common.
    """
    if predicted.skeleton is not truth.skeleton:
        raise MotionliftError(
            f"the prediction has the joints of {predicted.skeleton.name}, the truth those of "
            f"{truth.skeleton.name}; only the same can be compared"
        )
    # A frame that lies within the prediction but is missing there is a failure, not a gap.
    first, last = predicted.frame_index[0], predicted.frame_index[-1]
    is_within = (truth.frame_index >= first) & (truth.frame_index <= last)
    joints = _joints_of_both(predicted, truth, within=is_within)
    is_known = ~np.isnan(truth.positions[:, joints]).any(axis=-1)
    is_enough = is_known.sum(axis=1) >= _FEWEST_JOINTS
    frames = np.flatnonzero(is_within & is_enough)
    if not len(frames):
        raise _nothing_in_common(predicted, truth)
    joints = [joint for joint in joints if not np.isnan(truth.positions[frames, joint]).all()]
    target = truth.positions[frames][:, joints].astype(np.float64)
    answer = _at_frames(predicted, truth.frame_index[frames])[:, joints]
    is_missing = (~np.isfinite(answer).all(axis=-1) & ~np.isnan(target).any(axis=-1)).any(axis=-1)
    answer[is_missing] = 0.0
    aligned = metrics.procrustes(answer, target)
    alignment, clip_errors = _on_roots(answer, target, joints=joints, poses=(predicted, truth))
    return Comparison(
        skeleton=truth.skeleton,
        frame_index=truth.frame_index[frames],
        joints=tuple(truth.skeleton.joints[joint] for joint in joints),
        frame_errors=metrics.mpjpe(aligned, target),
        joint_errors=metrics.joint_errors(aligned, target),
        alignment=alignment,
        clip_errors=clip_errors,
        is_failure=is_missing,
        notes=_notes(
            predicted,
            truth,
            joints=joints,
            skipped=is_within & ~is_enough,
            outside=~is_within & is_enough,
        ),
    )


def _nothing_in_common(predicted: Pose3D, truth: Pose3D) -> MotionliftError:
    ours, theirs = (
        f"frames {each.frame_index[0]} to {each.frame_index[-1]}" for each in (predicted, truth)
    )
    return MotionliftError(
        f"{predicted.source or 'the prediction'} has {ours}, {truth.source or 'the truth'} "
        f"{theirs}: none can be compared"
    )


def _joints_of_both(
    predicted: Pose3D, truth: Pose3D, *, within: Bool[np.ndarray, " frame"]
) -> list[int]:
    """Those that the prediction has somewhere, and the truth in some of these frames."""
    if not within.any():
        raise _nothing_in_common(predicted, truth)
    is_known = (predicted.confidence > 0).any(axis=0) & (truth.confidence[within] > 0).any(axis=0)
    joints = np.flatnonzero(is_known).tolist()
    if len(joints) < _FEWEST_JOINTS:
        names = [truth.skeleton.joints[joint] for joint in joints]
        raise MotionliftError(
            f"prediction and truth have {len(joints)} joints in common ({', '.join(names)}); "
            f"at least {_FEWEST_JOINTS} are needed to align them"
        )
    return joints


def _at_frames(
    pose: Pose3D, numbers: Int[np.ndarray, " frame"]
) -> Float[np.ndarray, "frame joint 3"]:
    """A motion's joints in frames of these numbers; NaN in those that it does not have."""
    place = np.minimum(np.searchsorted(pose.frame_index, numbers), pose.num_frames - 1)
    has_frame = pose.frame_index[place] == numbers
    positions = pose.positions[place].astype(np.float64)
    return np.where(has_frame[:, None, None], positions, np.nan)


def _on_roots(
    answer: Float[np.ndarray, "frame joint 3"],
    target: Float[np.ndarray, "frame joint 3"],
    *,
    joints: list[int],
    poses: tuple[Pose3D, Pose3D],
) -> tuple[Alignment, Float[np.ndarray, " frame"]]:
    """The alignment of the root-relative joints, and each frame's mean distance after it."""
    predicted, truth = poses
    alignment = Alignment(turn=np.eye(3), factor=1.0)
    if truth.skeleton.root not in joints:
        return alignment, np.full(len(target), np.nan)
    root = joints.index(truth.skeleton.root)
    answer, target = (pose - pose[:, [root]] for pose in (answer, target))
    is_known = ~(np.isnan(answer) | np.isnan(target)).any(axis=-1)
    if not predicted.space == truth.space == "camera":
        turn = _best_rotation(answer[is_known], onto=target[is_known])
        alignment = replace(alignment, turn=turn)
        answer = answer @ turn.T
    if predicted.units != truth.units:
        factor = _best_factor(answer[is_known], onto=target[is_known])
        alignment = replace(alignment, factor=factor)
        answer = factor * answer
    return alignment, metrics.mpjpe(answer, target)


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
    """The size that brings points closest to others, in least squares; 1 if they have none."""
    spread = float((points**2).sum())
    if spread == 0:
        return 1.0
    factor = float((points * onto).sum()) / spread
    # Points that have nothing to do with the others are at least given their size.
    return factor if factor > 0 else float(np.sqrt((onto**2).sum() / spread)) or 1.0


def _notes(
    predicted: Pose3D,
    truth: Pose3D,
    *,
    joints: list[int],
    skipped: Bool[np.ndarray, " frame"],
    outside: Bool[np.ndarray, " frame"],
) -> tuple[str, ...]:
    notes = []
    if outside.any():
        notes.append(
            f"{int(outside.sum())} of {len(outside)} frames of the truth lie before the "
            "prediction's first or after its last, and are not scored"
        )
    absent = [name for joint, name in enumerate(truth.skeleton.joints) if joint not in joints]
    if absent:
        notes.append(f"not in both, so not scored: {', '.join(absent)}")
    if skipped.any():
        notes.append(
            f"{int(skipped.sum())} frames are not scored: the truth has fewer than "
            f"{_FEWEST_JOINTS} joints there"
        )
    beyond = ~np.isin(predicted.frame_index, truth.frame_index)
    if beyond.any():
        notes.append(f"{int(beyond.sum())} predicted frames have no truth")
    rates = [rate for rate in (predicted.fps, truth.fps) if rate is not None]
    if max(rates, default=1.0) > 1.01 * min(rates, default=1.0):
        notes.append(
            f"the prediction has {rates[0]:g} frames a second and the truth {rates[1]:g}: frames "
            "of the same number may not show the same moment"
        )
    return tuple(notes)
