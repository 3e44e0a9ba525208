"""How far predicted joints lie from true ones, pose by pose: metres in, metres out.

Nothing here moves a root or averages over poses: a protocol does. In every function a joint that
is NaN in `target` does not count, and a pose without any that counts is NaN. A joint that counts
and is not finite in `predicted` makes its pose NaN: whoever averages has to say what a failure
costs. (`pck` and `auc` are the exception: a joint predicted nowhere is a miss.)

Velocities and accelerations are per frame, as the field reports them: metres per frame and metres
per frame squared at whatever rate the motion has.
"""

import numpy as np
from jaxtyping import Bool, Float

PCK_THRESHOLD = 0.15
# The 31 thresholds of the program that comes with MPI-INF-3DHP (mpii_compute_3d_pck.m).
AUC_THRESHOLDS = tuple(step * 0.005 for step in range(31))


def joint_errors(
    predicted: Float[np.ndarray, "*batch joint 3"], target: Float[np.ndarray, "*batch joint 3"]
) -> Float[np.ndarray, "*batch joint"]:
    """Distance between matching joints, in metres; NaN where `target` is.

    Infinite predictions are NaN too, so that a mean over them cannot pass for a large error.
    """
    with np.errstate(invalid="ignore"):
        distance = np.linalg.norm(predicted - target, axis=-1)
    return np.where(np.isfinite(distance), distance, np.nan)


def mpjpe(
    predicted: Float[np.ndarray, "*batch joint 3"], target: Float[np.ndarray, "*batch joint 3"]
) -> Float[np.ndarray, "*batch"]:
    """Mean distance between matching joints, in metres, where the poses stand."""
    return _mean_over_joints(joint_errors(predicted, target), where=_is_known(target))


def n_mpjpe(
    predicted: Float[np.ndarray, "*batch joint 3"], target: Float[np.ndarray, "*batch joint 3"]
) -> Float[np.ndarray, "*batch"]:
    """`mpjpe` after the prediction is given the size that fits best, in metres.

    The factor is the least-squares one, about the origin: sum(target * predicted) / sum(predicted
    squared), pose by pose (Rhodin et al., CVPR 2018). A prediction that is all zeros has no size
    and stays as it is.
    """
    known = _is_known(target)[..., None]
    prediction, truth = np.where(known, predicted, 0.0), np.where(known, target, 0.0)
    with np.errstate(invalid="ignore", over="ignore"):
        size = (prediction**2).sum(axis=(-2, -1))
        product = (truth * prediction).sum(axis=(-2, -1))
    factor = _divided(product, size)
    with np.errstate(invalid="ignore"):
        return mpjpe(factor[..., None, None] * predicted, target)


def p_mpjpe(
    predicted: Float[np.ndarray, "*batch joint 3"], target: Float[np.ndarray, "*batch joint 3"]
) -> Float[np.ndarray, "*batch"]:
    """`mpjpe` after each prediction is turned, scaled and moved onto its target, in metres."""
    return mpjpe(procrustes(predicted, target), target)


def procrustes(
    predicted: Float[np.ndarray, "*batch joint 3"], target: Float[np.ndarray, "*batch joint 3"]
) -> Float[np.ndarray, "*batch joint 3"]:
    """The predictions moved onto their targets by the best similarity, pose by pose.

    Least squares over the joints known in `target`, with a rotation that is never a reflection
    (Umeyama, PAMI 1991). A prediction whose joints all lie in one point carries no size and no
    direction: it is put on the middle of its target, so that its error is the target's own spread.
    A prediction with a joint that counts and is not finite comes back as NaN.
    """
    known = _is_known(target)
    count = known.sum(axis=-1)
    is_whole = (np.isfinite(predicted).all(axis=-1) | ~known).all(axis=-1) & (count > 0)
    # Poses that have no answer are taken through the algebra as zeros, and are NaN at the end.
    is_used = (known & is_whole[..., None])[..., None]
    shares = is_used / np.maximum(count, 1)[..., None, None]
    prediction, truth = np.where(is_used, predicted, 0.0), np.where(is_used, target, 0.0)
    prediction_middle = (prediction * shares).sum(axis=-2, keepdims=True)
    truth_middle = (truth * shares).sum(axis=-2, keepdims=True)
    prediction = np.where(is_used, prediction - prediction_middle, 0.0)
    truth = np.where(is_used, truth - truth_middle, 0.0)

    u, singular, vt = np.linalg.svd(np.swapaxes(prediction, -1, -2) @ truth)
    sign = np.where(np.linalg.det(u @ vt) < 0, -1.0, 1.0)
    vt[..., 2, :] *= sign[..., None]
    stretch = singular[..., 0] + singular[..., 1] + sign * singular[..., 2]
    scale = _divided(stretch, (prediction**2).sum(axis=(-2, -1)))
    with np.errstate(invalid="ignore"):
        moved = scale[..., None, None] * (predicted - prediction_middle) @ (u @ vt) + truth_middle
    return np.where(is_whole[..., None, None], moved, np.nan)


def mpjve(
    predicted: Float[np.ndarray, "*batch frame joint 3"],
    target: Float[np.ndarray, "*batch frame joint 3"],
) -> Float[np.ndarray, "*batch step"]:
    """Mean error of the joints' velocities, in metres per frame, from each frame to the next.

    A joint counts where `target` knows it in both frames. One frame has no velocity: the answer
    is empty.
    """
    return mpjpe(_difference(predicted), _difference(target))


def acceleration_error(
    predicted: Float[np.ndarray, "*batch frame joint 3"],
    target: Float[np.ndarray, "*batch frame joint 3"],
) -> Float[np.ndarray, "*batch step"]:
    """Mean error of the joints' accelerations, in metres per frame squared.

    A joint counts where `target` knows it in all three frames.
    """
    return mpjpe(_difference(_difference(predicted)), _difference(_difference(target)))


def pck(
    predicted: Float[np.ndarray, "*batch joint 3"],
    target: Float[np.ndarray, "*batch joint 3"],
    *,
    threshold: float = PCK_THRESHOLD,
) -> Float[np.ndarray, "*batch"]:
    """Share of the joints that are nearer than `threshold` metres; a NaN prediction is not."""
    is_near = joint_errors(predicted, target) < threshold
    return _mean_over_joints(is_near.astype(float), where=_is_known(target))


def auc(
    predicted: Float[np.ndarray, "*batch joint 3"], target: Float[np.ndarray, "*batch joint 3"]
) -> Float[np.ndarray, "*batch"]:
    """Mean of `pck` over the 31 thresholds from 0 to 150 mm, as MPI-INF-3DHP has it.

    Since nothing is nearer than 0, a perfect prediction has 30/31.
    """
    thresholds_missed = np.searchsorted(
        AUC_THRESHOLDS, joint_errors(predicted, target), side="right"
    )
    share = 1 - thresholds_missed / len(AUC_THRESHOLDS)
    return _mean_over_joints(share, where=_is_known(target))


def _is_known(target: Float[np.ndarray, "*batch joint 3"]) -> Bool[np.ndarray, "*batch joint"]:
    return ~np.isnan(target).any(axis=-1)


def _mean_over_joints(
    values: Float[np.ndarray, "*batch joint"], *, where: Bool[np.ndarray, "*batch joint"]
) -> Float[np.ndarray, "*batch"]:
    """The mean over the joints that count; NaN where none does."""
    count = where.sum(axis=-1)
    total = np.where(where, values, 0.0).sum(axis=-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _difference(
    positions: Float[np.ndarray, "*batch frame joint 3"],
) -> Float[np.ndarray, "*batch step joint 3"]:
    with np.errstate(invalid="ignore"):
        return np.diff(positions, axis=-3)


def _divided(
    numerator: Float[np.ndarray, "*batch"], denominator: Float[np.ndarray, "*batch"]
) -> Float[np.ndarray, "*batch"]:
    """The quotient, and 0 where the denominator is 0."""
    with np.errstate(invalid="ignore"):
        return numerator / np.where(denominator == 0, 1.0, denominator) * (denominator != 0)
