"""Metrics against closed forms, invariances, a naive twin, and stored values."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.spatial import procrustes as scipy_procrustes
from scipy.spatial.transform import Rotation

from motionlift import metrics

Metric = Callable[..., np.ndarray]
POSE_METRICS = (metrics.mpjpe, metrics.p_mpjpe, metrics.n_mpjpe)
CASES = ("main", "similarity", "mirrored", "rot_scale_noise", "planar_pred", "identical")
SEEDS = st.integers(0, 2**32 - 1)


def poses(seed: int, *, frames: int = 6) -> tuple[np.ndarray, np.ndarray, np.random.Generator]:
    rng = np.random.default_rng(seed)
    target = rng.normal(size=(frames, 17, 3))
    return target + 0.3 * rng.normal(size=target.shape), target, rng


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("metric", POSE_METRICS)
@pytest.mark.parametrize("suffix", ["", "_rootrel"])
def test_stored_values_are_met(shared: Path, case: str, metric: Metric, suffix: str) -> None:
    with np.load(shared / "reference" / "metrics.npz", allow_pickle=False) as stored:
        predicted, target = stored[f"{case}/pred"] / 1000, stored[f"{case}/gt"] / 1000
        expected_mm = stored[f"{case}/{metric.__name__}{suffix}"]
    if suffix:
        predicted, target = (pose - pose[:, :1] for pose in (predicted, target))
    assert_allclose(1000 * metric(predicted, target), expected_mm, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("case", CASES)
def test_stored_velocities_and_accelerations_are_met(shared: Path, case: str) -> None:
    with np.load(shared / "reference" / "metrics.npz", allow_pickle=False) as stored:
        predicted, target = stored[f"{case}/pred"] / 1000, stored[f"{case}/gt"] / 1000
        velocity_mm = stored[f"{case}/velocity_per_frame"]
        acceleration_mm = stored[f"{case}/acceleration_per_frame"]
    assert_allclose(1000 * metrics.mpjve(predicted, target), velocity_mm, rtol=1e-9)
    assert_allclose(
        1000 * metrics.acceleration_error(predicted, target), acceleration_mm, rtol=1e-9
    )


def test_one_joint_of_two_that_is_3_4_off_is_2_and_a_half_off_on_average() -> None:
    target = np.zeros((1, 2, 3))
    predicted = np.array([[[0.0, 0.0, 0.0], [3.0, 4.0, 0.0]]])
    assert_allclose(metrics.mpjpe(predicted, target), [2.5])


def test_a_prediction_of_half_the_size_has_no_n_mpjpe() -> None:
    _, target, _ = poses(0)
    assert_allclose(metrics.n_mpjpe(target / 2, target), 0, atol=1e-12)


def test_a_steady_drift_is_a_velocity_error_and_no_acceleration_error() -> None:
    _, target, _ = poses(0)
    drift = np.arange(len(target))[:, None, None] * np.array([0.0, 0.0, 0.01])
    assert_allclose(metrics.mpjve(target + drift, target), np.full(5, 0.01))
    assert_allclose(metrics.acceleration_error(target + drift, target), np.zeros(4), atol=1e-12)


@pytest.mark.parametrize(
    ("frames", "velocities", "accelerations"), [(1, 0, 0), (2, 1, 0), (3, 2, 1)]
)
def test_short_motions_have_few_velocities(
    frames: int, velocities: int, accelerations: int
) -> None:
    predicted, target, _ = poses(0, frames=frames)
    assert metrics.mpjve(predicted, target).shape == (velocities,)
    assert metrics.acceleration_error(predicted, target).shape == (accelerations,)


def test_a_mirrored_pose_stays_wrong_under_procrustes() -> None:
    _, target, _ = poses(1)
    assert (metrics.p_mpjpe(target * [-1, 1, 1], target) > 0.1).all()


def test_an_all_zero_prediction_costs_the_spread_of_the_target() -> None:
    _, target, _ = poses(2)
    spread = np.linalg.norm(target - target.mean(axis=1, keepdims=True), axis=-1).mean(axis=-1)
    assert_allclose(metrics.p_mpjpe(np.zeros_like(target), target), spread)
    assert_allclose(
        metrics.n_mpjpe(np.zeros_like(target), target), metrics.mpjpe(0 * target, target)
    )


def test_a_target_in_one_point_is_met_by_shrinking() -> None:
    predicted, target, _ = poses(2)
    assert_allclose(metrics.p_mpjpe(predicted, np.ones_like(target)), 0, atol=1e-12)


@pytest.mark.parametrize("metric", [*POSE_METRICS, metrics.mpjve, metrics.acceleration_error])
def test_a_joint_missing_in_the_target_does_not_count(metric: Metric) -> None:
    predicted, target, _ = poses(3)
    kept = [joint for joint in range(17) if joint not in (4, 9)]
    gappy, nonsense = target.copy(), predicted.copy()
    gappy[:, [4, 9]] = np.nan
    nonsense[:, 4] = np.nan
    nonsense[:, 9] = 1e6
    assert_allclose(metric(nonsense, gappy), metric(predicted[:, kept], target[:, kept]))


@pytest.mark.parametrize("metric", POSE_METRICS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_joint_that_is_not_finite_spoils_its_pose_and_no_other(
    metric: Metric, value: float
) -> None:
    predicted, target, _ = poses(4)
    whole = metric(predicted, target)
    predicted[2, 5, 1] = value
    spoilt = metric(predicted, target)
    assert np.isnan(spoilt[2])
    assert_allclose(np.delete(spoilt, 2), np.delete(whole, 2))


@pytest.mark.parametrize("metric", [*POSE_METRICS, metrics.pck, metrics.auc])
def test_a_pose_without_any_known_joint_is_nan(metric: Metric) -> None:
    predicted, target, _ = poses(5)
    target[1] = np.nan
    assert np.isnan(metric(predicted, target)).tolist() == [False, True] + 4 * [False]


def test_pck_counts_joints_nearer_than_the_threshold_and_misses_what_is_nowhere() -> None:
    target = np.zeros((1, 4, 3))
    predicted = np.array([[[0.149, 0, 0], [0.15, 0, 0], [0, 0.2, 0], [np.nan, 0, 0]]])
    assert_allclose(metrics.pck(predicted, target), [0.25])
    assert_allclose(metrics.pck(predicted, target, threshold=0.21), [0.75])


def test_auc_is_the_mean_of_pck_over_its_thresholds() -> None:
    rng = np.random.default_rng(6)
    target = rng.normal(size=(5, 17, 3))
    predicted = target + 0.08 * rng.normal(size=target.shape)
    predicted[0, 0] = np.nan
    curve = [
        metrics.pck(predicted, target, threshold=threshold) for threshold in metrics.AUC_THRESHOLDS
    ]
    assert_allclose(metrics.auc(predicted, target), np.mean(curve, axis=0))
    assert_allclose(metrics.auc(target, target), 30 / 31)


@given(SEEDS)
def test_p_mpjpe_does_not_see_turning_moving_or_resizing(seed: int) -> None:
    predicted, target, rng = poses(seed)
    rotation = Rotation.random(random_state=seed % 1000).as_matrix()
    moved = rng.uniform(0.1, 10) * predicted @ rotation.T + rng.normal(size=3)
    assert_allclose(metrics.p_mpjpe(moved, target), metrics.p_mpjpe(predicted, target), rtol=1e-6)


@given(SEEDS)
def test_n_mpjpe_does_not_see_resizing_and_mpjpe_sees_no_common_motion(seed: int) -> None:
    predicted, target, rng = poses(seed)
    factor, shift = rng.uniform(0.1, 10), rng.normal(size=3)
    assert_allclose(
        metrics.n_mpjpe(factor * predicted, target), metrics.n_mpjpe(predicted, target), rtol=1e-9
    )
    assert_allclose(
        metrics.mpjpe(predicted + shift, target + shift), metrics.mpjpe(predicted, target)
    )


@given(SEEDS)
def test_procrustes_minimises_the_squared_distance_as_scipy_does(seed: int) -> None:
    predicted, target, _ = poses(seed, frames=1)
    moved = metrics.procrustes(predicted, target)[0]
    centred = target[0] - target[0].mean(axis=0)
    ours = ((moved - target[0]) ** 2).sum() / (centred**2).sum()
    # SciPy may reflect, which can only bring it nearer; close poses need no reflection.
    assert_allclose(ours, scipy_procrustes(target[0], predicted[0])[2], rtol=1e-9)


@given(SEEDS)
def test_leading_axes_are_only_a_batch(seed: int) -> None:
    predicted, target, _ = poses(seed)
    for metric in (*POSE_METRICS, metrics.pck, metrics.auc):
        batched = metric(predicted.reshape(2, 3, 17, 3), target.reshape(2, 3, 17, 3))
        assert_allclose(batched.reshape(-1), metric(predicted, target), rtol=1e-12)
