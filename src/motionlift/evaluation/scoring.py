"""From answers to errors, and from errors to averages; in metres until `report` shows them.

Every frame of every view counts once. Root-relative, at the truth's own scale (`n_mpjpe` is the
one without it). An answer that is not finite is a failure: it is counted, and scored as if all
joints lay on the root, so that failing is never better than guessing.
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float

from motionlift import metrics
from motionlift.skeletons import H36M17

# The quantities of one pose, and those of the steps between poses.
POSE_METRICS = {
    "mpjpe": metrics.mpjpe,
    "p_mpjpe": metrics.p_mpjpe,
    "n_mpjpe": metrics.n_mpjpe,
    "pck": metrics.pck,
    "auc": metrics.auc,
}
STEP_METRICS = {"mpjve": metrics.mpjve, "accel": metrics.acceleration_error}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Errors:
    """How far one sample's answer is off.

    Attributes:
        values: for each metric, NaN where the truth has a gap; metres, and metres per frame at
            the protocol's rate.
        joints: in metres; NaN where the truth has a gap.
        is_failure: answers that are not finite, where there is a truth.
    """

    values: dict[str, Float[np.ndarray, "view _"]]
    joints: Float[np.ndarray, "view frame 17"]
    is_failure: Bool[np.ndarray, "view frame"]


def errors_of(
    predicted: Float[np.ndarray, "view frame 17 3"],
    target: Float[np.ndarray, "view frame 17 3"],
    *,
    rate: float = 1.0,
) -> Errors:
    """The errors of an answer, both root-relative and in metres.

    Args:
        rate: frames a second over those of the protocol, which velocities are per frame of.
    """
    is_known = ~np.isnan(target).any(axis=-1).all(axis=-1)
    is_failure = ~np.isfinite(predicted).all(axis=(-2, -1)) & is_known
    predicted = np.where(is_failure[..., None, None], 0.0, predicted)
    values = {name: metric(predicted, target) for name, metric in POSE_METRICS.items()}
    for power, (name, step_metric) in enumerate(STEP_METRICS.items(), 1):
        values[name] = step_metric(predicted, target) * rate**power
    return Errors(
        values=values, joints=metrics.joint_errors(predicted, target), is_failure=is_failure
    )


@dataclass(slots=True, eq=False)
class Tally:
    """Sums over poses, from which the averages come.

    Attributes:
        frames: that were scored, each once however many views saw it.
        poses: that were scored, once for each view.
        without_truth: frames that could not be scored, because the truth has no root in them.
        failures: poses whose answer was not finite.
    """

    frames: int = 0
    poses: int = 0
    without_truth: int = 0
    failures: int = 0
    _sums: dict[str, float] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)
    _joint_sums: Float[np.ndarray, " 17"] = field(
        default_factory=lambda: np.zeros(H36M17.num_joints)
    )
    _joint_counts: Float[np.ndarray, " 17"] = field(
        default_factory=lambda: np.zeros(H36M17.num_joints)
    )

    def add(self, errors: Errors, views: slice = slice(None)) -> None:
        """Count a sample's errors, or those of some of its views."""
        is_scored = ~np.isnan(errors.values["mpjpe"][views])
        self.frames += int(is_scored[0].sum())
        self.poses += int(is_scored.sum())
        self.without_truth += int((~is_scored[0]).sum())
        self.failures += int(errors.is_failure[views].sum())
        for name, values in errors.values.items():
            known = values[views][~np.isnan(values[views])]
            self._sums[name] = self._sums.get(name, 0.0) + float(known.sum())
            self._counts[name] = self._counts.get(name, 0) + known.size
        joints = errors.joints[views]
        self._joint_sums += np.nansum(joints, axis=(0, 1))
        self._joint_counts += np.isfinite(joints).sum(axis=(0, 1))

    def mean(self, name: str) -> float:
        """The average of a metric over all that was counted; NaN if nothing was."""
        count = self._counts.get(name, 0)
        return self._sums[name] / count if count else float("nan")

    def means(self) -> dict[str, float]:
        """The average of every metric."""
        return {name: self.mean(name) for name in (*POSE_METRICS, *STEP_METRICS)}

    def joint_means(self) -> dict[str, float]:
        """The average distance of each joint, in metres; NaN for one that was never known."""
        with np.errstate(invalid="ignore"):
            means = self._joint_sums / self._joint_counts
        return dict(zip(H36M17.joints, means.tolist(), strict=True))


def pooled(tallies: list[Tally]) -> dict[str, float]:
    """The unweighted mean of several datasets' averages."""
    each = [tally.means() for tally in tallies]
    return {name: float(np.mean([means[name] for means in each])) for name in each[0]}
