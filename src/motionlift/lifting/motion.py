"""From a network's joined answers to a motion, and where its root is in the picture."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Float32

from motionlift.poses import Pose2D, Pose3D
from motionlift.skeletons import H36M17

# Frames at a time: what is worked out on the way would not fit into memory for an hour of video.
_CHUNK = 2**12


def as_motion(
    seen: Pose2D,
    answers: Float32[np.ndarray, "frame 17 channel"],
    *,
    model: str,
    root_xy: Float[np.ndarray, "frame 2"],
    notes: Sequence[str],
) -> Pose3D:
    """The motion that was lifted from these keypoints; a joint without an answer is missing.

    A fourth channel of the answers is the expected error.
    """
    is_answered = ~np.isnan(answers).any(axis=-1)
    return Pose3D(
        skeleton=H36M17,
        positions=np.ascontiguousarray(answers[..., :3]),
        confidence=is_answered.astype(np.float32),
        frame_index=seen.frame_index,
        fps=seen.fps,
        units="px",
        space="camera",
        source=seen.source,
        person=seen.person,
        lifted_from=seen,
        root_xy=root_xy,
        # Curves through answers may swing below 0.
        expected_error=np.maximum(answers[..., 3], 0.0) if answers.shape[-1] > 3 else None,
        model=model,
        notes=(*seen.notes, *notes),
    )


def root_at_zero(answers: Float32[np.ndarray, "frame 17 channel"]) -> None:
    """Put the root where its target is in every frame: what the network says of it is noise."""
    is_answered = ~np.isnan(answers[:, H36M17.root, 0])
    answers[is_answered, H36M17.root] = 0.0


def root_in_image(
    seen: Pose2D, positions: Float[np.ndarray, "frame 17 channel"]
) -> Float[np.ndarray, "frame 2"]:
    """Where the root is in the image, in pixels, in every frame.

    It is the shift that brings the joints closest to the keypoints, in least squares over the
    visible ones weighted by confidence; where nobody is seen, a straight line in time between
    the frames beside, or the nearest frame at the ends.
    """
    chunks = [slice(first, first + _CHUNK) for first in range(0, len(positions), _CHUNK)]
    root = np.concatenate(
        [best_shift(seen.keypoints[c], seen.confidence[c], positions[c]) for c in chunks]
    )
    every = np.arange(len(root))
    frames = np.flatnonzero(~np.isnan(root[:, 0]))
    return np.stack([np.interp(every, frames, root[frames, axis]) for axis in (0, 1)], axis=1)


def best_shift(
    keypoints: Float[np.ndarray, "frame 17 2"],
    confidence: Float[np.ndarray, "frame 17"],
    positions: Float[np.ndarray, "frame 17 channel"],
) -> Float[np.ndarray, "frame 2"]:
    """As `root_in_image`, but NaN where nobody is seen, or no joint is known."""
    gap = keypoints - positions[..., :2]
    is_known = ~np.isnan(gap).any(axis=-1)
    weight = np.where(is_known, confidence, 0.0)
    total = weight.sum(axis=1)[:, None]
    pull = (weight[..., None] * np.where(is_known[..., None], gap, 0.0)).sum(axis=1)
    return np.divide(pull, total, out=np.full_like(pull, np.nan), where=total > 0)
