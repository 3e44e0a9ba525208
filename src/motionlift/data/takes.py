"""Recognises the same recording in several conversions, from its motion alone.

Conversions differ in unit, axes, body, frame rate and file name, and one may be a cut of another.
What survives is how knees and elbows bend: their angles do not depend on any of these, and they
agree within 2 degrees even where a recording was transferred to another body. But so do two
repetitions of a squat. What no repetition reproduces is the fine detail: the angles' second
differences over time. They correlate to 0.993 or more between conversions (CMU in eight of them),
and to at most 0.988 between repetitions whose angles agree (UI-PRMD, ten of each exercise).

Peaks of that detail are landmarks: each says where to look in other recordings for the same one,
and where two are alike, the recordings are compared over their whole overlap.
"""

import functools
import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from motionlift.data.store import Sequence, Store
from motionlift.skeletons import H36M17

HINGES = (("hip", "knee", "ankle"), ("shoulder", "elbow", "wrist"))
SMOOTHING = np.array([1.0, 2.0, 3.0, 2.0, 1.0]) / 9
SAME_DETAIL = 0.99
SAME_ANGLES_DEGREES = 2.5
# The overlap must be this share of the shorter recording, and this many frames.
MIN_OVERLAP = 0.75
MIN_FRAMES = 40
# Degrees a frame squared: below it a person stands still, and what is left is noise.
MIN_DETAIL = 0.05
# Frames on either side of a peak that describe it; two peaks are at least as far apart.
HALF_WIDTH = 16
LIKE_PEAK = 0.95
QUERIES_PER_SEQUENCE, MOST_SHIFTS = 4, 6
QUERIES_AT_ONCE, PEAKS_AT_ONCE = 500, 20_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hinges:
    """How both knees and elbows bend.

    Attributes:
        angles: in degrees, 180 where the limb is straight, NaN where it is not seen.
        detail: second differences of the smoothed angles, six frames shorter at either end; 0 near
            what is not seen.
    """

    angles: Float[np.ndarray, "frame 4"]
    detail: Float[np.ndarray, "detail 4"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Peaks:
    """Landmarks of many sequences.

    Attributes:
        sequence: which sequence each is of, by number.
        frame: where, in the frames of the sequence's detail.
        descriptor: a unit vector each: the detail around.
    """

    sequence: Int[np.ndarray, " peak"]
    frame: Int[np.ndarray, " peak"]
    descriptor: Float[np.ndarray, "peak value"]


def with_takes(store: Store) -> tuple[Sequence, ...]:
    """The store's sequences with `take` set: the name of the first of those that are the same."""
    groups = _same_takes(store)
    sizes = Counter(groups)
    return tuple(
        replace(each, take=store.sequences[group].name if sizes[group] > 1 else "")
        for each, group in zip(store.sequences, groups, strict=True)
    )


def hinges_of(
    positions: Float[np.ndarray, "frame 17 3"], visibility: Bool[np.ndarray, "frame 17"]
) -> Hinges:
    """How the limbs of a recording bend."""
    positions = np.where(visibility[..., None], positions, np.nan)
    angles = []
    for side in ("left", "right"):
        for names in HINGES:
            upper, hinge, lower = (
                positions[:, H36M17.index(f"{side}_{name}")].astype(float) for name in names
            )
            angles.append(_angle(upper - hinge, lower - hinge))
    smooth = bent = np.stack(angles, axis=-1)
    if len(bent) <= 12:
        return Hinges(angles=bent, detail=np.zeros((0, len(angles))))
    for _ in range(2):
        windows = np.lib.stride_tricks.sliding_window_view(smooth, len(SMOOTHING), axis=0)
        smooth = windows @ SMOOTHING
    detail = smooth[4:] - 2 * smooth[2:-2] + smooth[:-4]
    return Hinges(angles=bent, detail=np.nan_to_num(detail))


def same_take(one: Hinges, other: Hinges, shifts: list[int]) -> bool:
    """Whether two recordings are of one take.

    Args:
        shifts: frames of `other` against `one` that may be right; two more or less are tried.
    """
    found, best = max((_likeness(one.detail, other.detail, shift), shift) for shift in shifts)
    if found < LIKE_PEAK:
        return False
    found, best = max(
        (_likeness(one.detail, other.detail, shift), shift) for shift in range(best - 2, best + 3)
    )
    if found < SAME_DETAIL:
        return False
    a, b = _overlap(one.angles, other.angles, best)
    # A hinge that one of them hardly sees says nothing.
    common = np.isfinite(a) & np.isfinite(b)
    told = common.sum(axis=0) >= MIN_FRAMES
    seen = common[:, told].all(axis=-1)
    if not told.any() or seen.sum() < MIN_FRAMES:
        return False
    a, b = a[seen][:, told], b[seen][:, told]
    difference = a - _in_time(b, a)
    return bool(np.sqrt(np.mean(difference.var(axis=0))) < SAME_ANGLES_DEGREES)


def _likeness(one: Float[np.ndarray, "n 4"], other: Float[np.ndarray, "m 4"], shift: int) -> float:
    """Correlation of two details over their overlap; 0 where it is too short."""
    a, b = _overlap(one, other, shift)
    if len(a) < max(MIN_FRAMES, MIN_OVERLAP * min(len(one), len(other))):
        return 0.0
    a = np.where(b == 0, 0, a)
    b = _in_time(np.where(a == 0, 0, b), a)
    return float(np.sum(a * b) / max(np.sqrt(np.sum(a * a) * np.sum(b * b)), 1e-12))


def _overlap(
    one: Float[np.ndarray, "n 4"], other: Float[np.ndarray, "m 4"], shift: int
) -> tuple[Float[np.ndarray, "overlap 4"], Float[np.ndarray, "overlap 4"]]:
    """Frames of both that go together: frame `f + shift` of `other` with frame `f` of `one`."""
    first, last = max(0, -shift), max(0, -shift, min(len(one), len(other) - shift))
    return one[first:last], other[first + shift : last + shift]


def _in_time(
    other: Float[np.ndarray, "n hinge"], one: Float[np.ndarray, "n hinge"]
) -> Float[np.ndarray, "n hinge"]:
    """The other, moved in time by the part of a frame that brings it nearest to the first."""
    speed = np.gradient(other, axis=0)
    difference = (one - one.mean(axis=0)) - (other - other.mean(axis=0))
    part = np.sum(difference * speed) / max(np.sum(speed * speed), 1e-12)
    return other + min(max(part, -0.7), 0.7) * speed


def _same_takes(store: Store) -> list[int]:
    """For each sequence the number of the first that is of the same take."""
    groups = list(range(len(store.sequences)))

    @functools.lru_cache(maxsize=512)
    def hinges(number: int) -> Hinges:
        each = store.sequences[number]
        return hinges_of(store.positions(each), store.visibility(each))

    for one, other, shifts in _candidates(*_find_peaks(store)):
        # Most pairs of a large group are known by others to be the same.
        if groups[one] != groups[other] and same_take(hinges(one), hinges(other), shifts):
            low, high = sorted((groups[one], groups[other]))
            groups = [low if group == high else group for group in groups]
    return groups


def _candidates(
    peaks: Peaks, queries: Int[np.ndarray, " query"]
) -> Iterator[tuple[int, int, list[int]]]:
    """Pairs of sequences with peaks that are alike, and the shifts in time that these suggest.

    Repeated movements suggest many; those of the likest peaks are enough.
    """
    for start in range(0, len(queries), QUERIES_AT_ONCE):
        query = queries[start : start + QUERIES_AT_ONCE]
        for first in range(0, len(peaks.frame), PEAKS_AT_ONCE):
            block = slice(first, first + PEAKS_AT_ONCE)
            likeness = peaks.descriptor[query] @ peaks.descriptor[block].T
            rows, columns = np.nonzero(likeness > LIKE_PEAK)
            a, b = query[rows], first + columns
            order = np.lexsort((-likeness[rows, columns], peaks.sequence[b], peaks.sequence[a]))
            order = order[peaks.sequence[a[order]] != peaks.sequence[b[order]]]
            pairs = np.stack([peaks.sequence[a[order]], peaks.sequence[b[order]]], axis=-1)
            shifts = peaks.frame[b[order]] - peaks.frame[a[order]]
            begins = np.flatnonzero(np.diff(pairs, axis=0, prepend=-1).any(axis=-1))
            for begin, end in itertools.pairwise([*begins.tolist(), len(pairs)]):
                likest = set(shifts[begin : min(end, begin + MOST_SHIFTS)].tolist())
                yield int(pairs[begin, 0]), int(pairs[begin, 1]), sorted(likest)


def _find_peaks(store: Store) -> tuple[Peaks, Int[np.ndarray, " query"]]:
    """All peaks, and the numbers of the highest of each sequence."""
    sequences: list[int] = []
    frames: list[int] = []
    descriptors: list[Float[np.ndarray, " value"]] = []
    queries: list[int] = []
    for number, each in enumerate(store.sequences):
        if each.units != "m":
            continue
        detail = hinges_of(store.positions(each), store.visibility(each)).detail
        energy = np.sum(detail**2, axis=-1)
        if not len(detail) or np.sqrt(energy.mean()) < MIN_DETAIL:
            continue
        found = _peaks(energy)
        highest = np.argsort(-energy[found])[:QUERIES_PER_SEQUENCE]
        queries += [len(frames) + int(rank) for rank in highest]
        # Short recordings have their peaks near the ends, where nothing is known beyond.
        padded = np.pad(detail, ((HALF_WIDTH, HALF_WIDTH), (0, 0)))
        for frame in found:
            window = padded[frame : frame + 2 * HALF_WIDTH + 1].ravel()
            descriptors.append((window / np.linalg.norm(window)).astype(np.float32))
        sequences += [number] * len(found)
        frames += found.tolist()
    size = (2 * HALF_WIDTH + 1) * 2 * len(HINGES)  # both sides
    peaks = Peaks(
        sequence=np.array(sequences, dtype=int),
        frame=np.array(frames, dtype=int),
        descriptor=np.array(descriptors, dtype=np.float32).reshape(-1, size),
    )
    return peaks, np.array(queries, dtype=int)


def _peaks(energy: Float[np.ndarray, " frame"]) -> Int[np.ndarray, " peak"]:
    """Frames that have the most energy within `HALF_WIDTH` frames."""
    padded = np.pad(energy, HALF_WIDTH)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * HALF_WIDTH + 1)
    return np.flatnonzero(windows.argmax(axis=-1) == HALF_WIDTH)


def _angle(
    one: Float[np.ndarray, "frame 3"], other: Float[np.ndarray, "frame 3"]
) -> Float[np.ndarray, " frame"]:
    # The arctangent is exact near a stretched limb, where the arc cosine is not.
    sine = np.linalg.norm(np.cross(one, other), axis=-1)
    return np.degrees(np.arctan2(sine, np.sum(one * other, axis=-1)))
