"""Whether a recording can be true: left where left is, its frame rate, its bones.

Positions are `H36M17`, in world space and metres (y up), NaN where missing. Every check answers
with sentences for a report, none if it finds nothing; none of them changes a recording.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.signal import savgol_filter

from motionlift.continuity import Disturbances, find_disturbances, find_jumps
from motionlift.kinematics import body_axes
from motionlift.skeletons import H36M17

GRAVITY = 9.81
LIMB_BONES = tuple(
    (f"{side}_{parent}", f"{side}_{joint}")
    for side in ("left", "right")
    for parent, joint in (
        ("hip", "knee"),
        ("knee", "ankle"),
        ("shoulder", "elbow"),
        ("elbow", "wrist"),
    )
)

# A knee off the line from hip to ankle by this share of the leg is bent by 20 degrees: further than
# any knee bends backward.
_BENT = 0.09
_WALKING = 0.5  # metres a second
# Joint centres estimated from skin markers let bones vary by 20 % (5th to 95th percentile) as knees
# bend, and sides differ by 6 %.
_LARGEST_BONE_SPREAD, _LARGEST_ASYMMETRY = 0.25, 0.15
# Thigh and shank of grown-ups.
_LEG_RANGE = (0.6, 1.1)

# Shares of the body's mass (Dempster 1955 as in Winter 2009), gathered in the joints.
_MASS = {
    "pelvis": 0.142,
    "spine": 0.139,
    "thorax": 0.297,
    "left_hip": 0.057,
    "left_knee": 0.070,
    "left_ankle": 0.035,
    "left_shoulder": 0.016,
    "left_elbow": 0.022,
    "left_wrist": 0.012,
}
# An ankle this high above the lowest is off the ground, and not on its toes. A flight must rise and
# fall, by this much in all, and be a parabola to this share of it. All in metres.
_OFF_GROUND, _LEAST_FLIGHT, _LARGEST_MISFIT = 0.10, 0.07, 0.03
# Falling faster or slower than this says the rate is wrong by a fifth or more.
_FALL_RANGE = (6.3, 14.1)
# Busy legs and arms (metres a second, at least so long) do not keep up these tempos (hertz): the
# quickest dances, runs and fights stay below one of them; recordings at double speed are above all.
_BUSY_SECONDS, _BUSY_SPEED = 5.0, 1.1
_LEG_TEMPO, _LEG_MEDIAN_TEMPO, _ARM_TEMPO = 2.1, 1.7, 1.7


@dataclass(frozen=True, slots=True, kw_only=True)
class SideEvidence:
    """What tells left from right. Each is a cosine, NaN where there is nothing to judge by.

    Attributes:
        knees: where bent knees point, against the way hips and shoulders face.
        walking: where the body goes, against the way it faces.
        shoulders: from right to left shoulder, against from right to left hip.
    """

    knees: float
    walking: float
    shoulders: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Findings:
    """What all checks found in one recording."""

    disturbances: Disturbances
    sides_exchanged: bool
    warnings: tuple[str, ...]


def inspect(positions: Float[np.ndarray, "frame 17 3"], *, fps: float) -> Findings:
    """All checks at once: jumps, sides, frame rate and bones."""
    positions = positions.astype(np.float64)
    disturbances = find_disturbances(find_jumps(positions, fps=fps), fps=fps)
    whole = positions.copy()
    whole[disturbances.broken] = np.nan
    exchanged = side_warnings(side_evidence(whole, fps=fps))
    return Findings(
        disturbances=disturbances,
        sides_exchanged=bool(exchanged),
        warnings=(*exchanged, *rate_warnings(whole, fps=fps), *bone_warnings(whole)),
    )


def side_evidence(positions: Float[np.ndarray, "frame 17 3"], *, fps: float) -> SideEvidence:
    """What a recording says about its left and right."""
    joint = _by_name(positions)
    hips = joint["left_hip"] - joint["right_hip"]
    shoulders = joint["left_shoulder"] - joint["right_shoulder"]
    facing = body_axes(up=joint["thorax"] - joint["pelvis"], left=hips + shoulders)[..., 2]
    pointing, length = [], []
    for side in ("left", "right"):
        leg = joint[f"{side}_ankle"] - joint[f"{side}_hip"]
        thigh = joint[f"{side}_knee"] - joint[f"{side}_hip"]
        size = np.linalg.norm(thigh, axis=-1) + np.linalg.norm(leg - thigh, axis=-1)
        along = (thigh * leg).sum(-1) / np.maximum((leg**2).sum(-1), 1e-9)
        offset = thigh - along[:, None] * leg
        is_bent = np.linalg.norm(offset, axis=-1) > _BENT * size
        pointing.append((offset * facing).sum(-1)[is_bent])
        length.append(np.linalg.norm(offset, axis=-1)[is_bent])
    step = np.gradient(joint["pelvis"], axis=0) * fps * [1, 0, 1] if len(positions) > 1 else hips
    level = facing * [1, 0, 1]
    speed = np.linalg.norm(step, axis=-1)
    is_walking = (speed > _WALKING) & (np.linalg.norm(level, axis=-1) > 0.5)
    return SideEvidence(
        knees=_share(np.concatenate(pointing), np.concatenate(length), least=10),
        walking=_share(
            (step * level).sum(-1)[is_walking],
            (speed * np.linalg.norm(level, axis=-1))[is_walking],
            least=int(fps),
        ),
        shoulders=_share(
            (hips * shoulders).sum(-1),
            np.linalg.norm(hips, axis=-1) * np.linalg.norm(shoulders, axis=-1),
            least=1,
        ),
    )


def side_warnings(evidence: SideEvidence) -> list[str]:
    """Says so where left and right are exchanged."""
    if evidence.shoulders < -0.5:
        return ["left and right are exchanged between hips and shoulders: they face opposite ways"]
    if evidence.knees < -0.5:
        return ["left and right are exchanged: the knees bend backward"]
    if np.isnan(evidence.knees) and evidence.walking < -0.7:
        return ["left and right may be exchanged: the body goes backward all the time"]
    return []


def falls(
    positions: Float[np.ndarray, "frame 17 3"], *, fps: float
) -> Float[np.ndarray, " flight"]:
    """How fast the body falls in each flight (leap, hop, jump), in metres a second squared.

    The centre of mass of a body off the ground is on a parabola, and falls by gravity: if it does
    not, `fps` is wrong, by the square root of the ratio.
    """
    joint = _by_name(positions)
    total = 0.0
    height = np.zeros(len(positions))
    for name, points in joint.items():
        mass = _MASS.get(name, _MASS.get(name.replace("right_", "left_"), 0.0))
        if mass:
            height, total = height + mass * points[:, 1], total + mass
    feet = np.minimum(joint["left_ankle"][:, 1], joint["right_ankle"][:, 1])
    known = np.isfinite(height) & np.isfinite(feet)
    if not known.any():
        return np.empty(0)
    is_off = known & (np.where(known, feet, 0) > np.percentile(feet[known], 5) + _OFF_GROUND)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_off, [False]]).astype(int)))
    found = (
        _fall(height[start:end] / total, fps=fps)
        for start, end in zip(edges[::2], edges[1::2], strict=True)
    )
    return np.array([fall for fall in found if fall is not None])


def rate_warnings(positions: Float[np.ndarray, "frame 17 3"], *, fps: float) -> list[str]:
    """Says so where flights or the tempo of the limbs speak against the frame rate."""
    fallen = falls(positions, fps=fps)
    if len(fallen):
        typical = float(np.median(fallen))
        if not _FALL_RANGE[0] <= typical <= _FALL_RANGE[1]:
            likely = fps * np.sqrt(GRAVITY / typical)
            return [
                f"{fps:g} frames a second is doubtful: in {len(fallen)} flights the body falls by "
                f"{typical:.1f} m/s^2 instead of 9.8; {likely:.0f} would fit"
            ]
        return []
    leg, leg_median, speed = _tempo(positions, ("knee", "ankle"), fps=fps)
    arm, _, _ = _tempo(positions, ("elbow", "wrist"), fps=fps)
    is_busy = len(positions) / fps >= _BUSY_SECONDS and speed > _BUSY_SPEED
    if is_busy and leg > _LEG_TEMPO and leg_median > _LEG_MEDIAN_TEMPO and arm > _ARM_TEMPO:
        return [
            f"{fps:g} frames a second is doubtful: arms and legs move at {arm:.1f} and {leg:.1f} "
            "Hz throughout, faster than dancers; half the rate may be the real one"
        ]
    return []


def bone_warnings(positions: Float[np.ndarray, "frame 17 3"]) -> list[str]:
    """Says so where limbs change their length, differ from left to right, or are of no person."""
    joint = _by_name(positions)
    lengths, warnings = {}, []
    for parent, child in LIMB_BONES:
        length = np.linalg.norm(joint[child] - joint[parent], axis=-1)
        length = length[np.isfinite(length)]
        if not length.size:
            continue
        low, middle, high = np.percentile(length, [5, 50, 95])
        lengths[parent, child] = middle
        if high - low > _LARGEST_BONE_SPREAD * middle:
            warnings.append(
                f"{parent} to {child} varies from {low:.2f} to {high:.2f} m over the recording"
            )
    for (parent, child), left in lengths.items():
        other = (parent.replace("left_", "right_"), child.replace("left_", "right_"))
        right = lengths.get(other, left)
        if abs(left - right) > _LARGEST_ASYMMETRY * max(left, right) and other != (parent, child):
            warnings.append(f"{parent} to {child} is {left:.2f} m, on the right {right:.2f} m")
    legs = [
        lengths.get((f"left_{a}", f"left_{b}")) for a, b in (("hip", "knee"), ("knee", "ankle"))
    ]
    if None not in legs and not _LEG_RANGE[0] <= sum(filter(None, legs)) <= _LEG_RANGE[1]:
        warnings.append(
            f"a leg of {sum(filter(None, legs)):.2f} m is a child's, or the unit is wrong"
        )
    return warnings


def _fall(height: Float[np.ndarray, " frame"], *, fps: float) -> float | None:
    """Downward acceleration while the body is off the ground; None if that was no free flight."""
    trim = round(0.15 * len(height))
    height = height[trim : len(height) - trim]
    if len(height) < 6 or np.ptp(height) < _LEAST_FLIGHT:
        return None
    time = np.arange(len(height)) / fps
    curve = np.polynomial.Polynomial.fit(time, height, 2).convert().coef
    if len(curve) < 3 or curve[2] >= 0:
        return None
    apex = -curve[1] / (2 * curve[2]) / time[-1]
    misfit = np.abs(np.polynomial.Polynomial(curve)(time) - height).max()
    if not 0.2 < apex < 0.8 or misfit > _LARGEST_MISFIT * np.ptp(height):
        return None
    return float(-2 * curve[2])


def _tempo(
    positions: Float[np.ndarray, "frame 17 3"], joints: tuple[str, str], *, fps: float
) -> tuple[float, float, float]:
    """How often limbs go to and fro, in hertz: root mean square and median; and their speed.

    For a swing of one frequency that is acceleration / (2 pi speed). NaN if too short.
    """
    names = [f"{side}_{joint}" for side in ("left", "right") for joint in joints]
    numbers = [H36M17.index(name) for name in names]
    limbs = positions[:, numbers] - positions[:, [H36M17.root]]
    window = max(5, round(0.15 * fps) // 2 * 2 + 1)
    # Run by run: across a gap there is no speed.
    there = np.flatnonzero(np.isfinite(limbs).all(axis=(1, 2)))
    runs = np.split(there, np.flatnonzero(np.diff(there) > 1) + 1)
    runs = [run for run in runs if len(run) >= window]
    if sum(map(len, runs)) < 3 * window:
        return float("nan"), float("nan"), float("nan")

    def size_of(deriv: int) -> Float[np.ndarray, "frame limb"]:
        rates = (
            savgol_filter(limbs[run], window, 3, deriv=deriv, delta=1 / fps, axis=0) for run in runs
        )
        return np.linalg.norm(np.concatenate(list(rates)), axis=-1)

    speed, acceleration = size_of(1), size_of(2)
    slowest = 1e-6
    return (
        float(np.sqrt((acceleration**2).mean() / max((speed**2).mean(), slowest**2)) / (2 * np.pi)),
        float(np.median(acceleration) / max(np.median(speed), slowest) / (2 * np.pi)),
        float(np.sqrt((speed**2).mean())),
    )


def _share(parts: Float[np.ndarray, " n"], wholes: Float[np.ndarray, " n"], *, least: int) -> float:
    """Sum of the parts over sum of the wholes; NaN if fewer than `least` are known."""
    known = np.isfinite(parts) & np.isfinite(wholes)
    total = wholes[known].sum()
    return float(parts[known].sum() / total) if known.sum() >= least and total > 0 else float("nan")


def _by_name(positions: Float[np.ndarray, "frame 17 3"]) -> dict[str, Float[np.ndarray, "frame 3"]]:
    return {name: positions[:, number] for number, name in enumerate(H36M17.joints)}
