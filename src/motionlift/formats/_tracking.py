"""Joins the detections of successive frames into people, where the source does not.

Each frame's detections are matched with the people so far, all at once (Kuhn-Munkres
assignment), by how far the keypoints lie from where that person's are expected, in units of the
person's size. The order within a frame says nothing: OpenPose, for one, changes it.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from motionlift.formats._detections import Detections

# A person's keypoints move from one frame to the next, on average, by less than this part of the
# larger side of their box: 27 m/s for someone standing, at 30 frames a second.
_REACH = 0.5
# Whoever was not seen for a while may be further off.
_REACH_A_FRAME = 0.02
_MAX_REACH = 0.75
# Nobody is carried on by their last velocity for longer.
_MAX_COAST = 10
# With more people than this, those who left first are not looked for any more.
_MAX_OPEN = 400
# Out of reach costs the same however far, so that it never outweighs a match within reach.
_TOO_FAR = 2.0
# Two detections of one frame this close (part of the box) are one person, found twice.
_SAME = 0.02


@dataclass(slots=True, eq=False)
class _Track:
    """A person so far: where each keypoint was last seen, and how the body moves."""

    number: int
    frame: int
    keypoints: Float[np.ndarray, "joint 2"]
    size: float
    velocity: Float[np.ndarray, " 2"]

    def expected(self, frame: int) -> Float[np.ndarray, "joint 2"]:
        return self.keypoints + self.velocity * min(frame - self.frame, _MAX_COAST)

    def reach(self, frame: int) -> float:
        return min(_REACH + _REACH_A_FRAME * (frame - self.frame - 1), _MAX_REACH)

    def extend(self, frame: int, keypoints: Float[np.ndarray, "joint 2"]) -> None:
        is_visible = ~np.isnan(keypoints).any(axis=-1)
        shift = (keypoints - self.keypoints)[is_visible & ~np.isnan(self.keypoints).any(axis=-1)]
        if len(shift):
            velocity = np.median(shift, axis=0) / (frame - self.frame)
            self.velocity = (self.velocity + velocity) / 2
        self.keypoints = np.where(is_visible[:, None], keypoints, self.keypoints)
        # The largest box of late: a half-hidden person is no smaller.
        self.size = max(0.9 * self.size, _size(keypoints))
        self.frame = frame


def boxes(keypoints: Float[np.ndarray, "*batch joint 2"]) -> Float[np.ndarray, "*batch 2"]:
    """Width and height of the box around the visible keypoints, of which there must be one."""
    is_visible = ~np.isnan(keypoints)
    high = np.max(keypoints, axis=-2, where=is_visible, initial=-np.inf)
    low = np.min(keypoints, axis=-2, where=is_visible, initial=np.inf)
    return high - low


def linked(
    detections: Detections, rows: Int[np.ndarray, " detection"]
) -> Int[np.ndarray, " detection"]:
    """The number of the person, from 0, of each detection in `rows`, which go by frame."""
    if _is_one_smooth_person(detections, rows):
        return np.zeros(len(rows), dtype=int)
    person = np.empty(len(rows), dtype=int)
    tracks: list[_Track] = []
    num_people = 0
    for start, stop in _frames(detections.frame[rows]):
        frame = int(detections.frame[rows[start]])
        found = detections.keypoints[rows[start:stop]]
        matches = _matches(found, tracks, frame=frame)
        for k, keypoints in enumerate(found):
            if k in matches:
                matches[k].extend(frame, keypoints)
                person[start + k] = matches[k].number
                continue
            tracks.append(_Track(num_people, frame, keypoints, _size(keypoints), np.zeros(2)))
            person[start + k] = num_people
            num_people += 1
        if len(tracks) > _MAX_OPEN:
            tracks = sorted(tracks, key=lambda track: -track.frame)[:_MAX_OPEN]
    return person


def without_doubles(
    detections: Detections, rows: Int[np.ndarray, " detection"]
) -> Int[np.ndarray, " kept"]:
    """`rows` less those that repeat a more confident detection of the same frame."""
    if not (np.diff(detections.frame[rows]) == 0).any():
        return rows
    keep = np.ones(len(rows), dtype=bool)
    for start, stop in _frames(detections.frame[rows]):
        if stop - start < 2:
            continue
        found = detections.keypoints[rows[start:stop]]
        confidence = detections.confidence[rows[start:stop]].sum(axis=-1)
        apart = _distances(found, found, sizes=boxes(found).max(axis=-1))
        if (apart < _SAME).sum() == stop - start:
            continue  # everybody is like nobody but themselves
        order = np.argsort(-confidence, kind="stable")
        for rank, k in enumerate(order):
            better = [j for j in order[:rank] if keep[start + j]]
            keep[start + k] = not (apart[k, better] < _SAME).any()
    return rows[keep]


def _frames(frame: Int[np.ndarray, " detection"]) -> list[tuple[int, int]]:
    """Start and stop of each run of equal frame numbers."""
    edges = np.flatnonzero(np.diff(frame)) + 1
    starts = [0, *edges.tolist()]
    return list(zip(starts, [*starts[1:], len(frame)], strict=True))


def _size(keypoints: Float[np.ndarray, "joint 2"]) -> float:
    # A single keypoint has no size; 1 pixel keeps divisions finite.
    return max(float(boxes(keypoints).max()), 1.0)


def _distances(
    one: Float[np.ndarray, "one joint 2"],
    other: Float[np.ndarray, "other joint 2"],
    *,
    sizes: Float[np.ndarray, " other"],
) -> Float[np.ndarray, "one other"]:
    """Mean distance of the keypoints that both have, in units of size; 1 if they share none.

    Each keypoint counts as 1 at most, so that a swapped limb does not make another person.
    """
    apart = np.linalg.norm(one[:, None] - other[None], axis=-1) / np.maximum(sizes, 1.0)[:, None]
    is_shared = ~np.isnan(apart)
    total = np.minimum(apart, 1.0).sum(axis=-1, where=is_shared)
    count = is_shared.sum(axis=-1)
    return np.where(count > 0, total / np.maximum(count, 1), 1.0)


def _matches(
    found: Float[np.ndarray, "detection joint 2"], tracks: list[_Track], *, frame: int
) -> dict[int, _Track]:
    """For each detection that is somebody known: who."""
    if not tracks:
        return {}
    expected = np.stack([track.expected(frame) for track in tracks])
    apart = _distances(found, expected, sizes=np.array([track.size for track in tracks]))
    reach = np.array([track.reach(frame) for track in tracks])
    return {k: tracks[t] for k, t in _pairs(np.where(apart < reach, apart, _TOO_FAR)).items()}


def _pairs(cost: Float[np.ndarray, "detection track"]) -> dict[int, int]:
    """The pairs that together cost least, less those that are too far apart."""
    # Mostly nobody disputes anybody's nearest, from one side or the other: nothing costs less.
    if (pairs := _undisputed(cost)) is not None:
        return pairs
    if (pairs := _undisputed(cost.T)) is not None:
        return {k: t for t, k in pairs.items()}
    # Here, because importing it takes longer than reading a clip.
    from scipy.optimize import linear_sum_assignment

    best = zip(*linear_sum_assignment(cost), strict=True)
    return {int(k): int(t) for k, t in best if cost[k, t] < _TOO_FAR}


def _undisputed(cost: Float[np.ndarray, "one other"]) -> dict[int, int] | None:
    """The nearest of each that has one within reach; None if two have the same."""
    nearest, within = cost.argmin(axis=1), np.flatnonzero((cost < _TOO_FAR).any(axis=1))
    if len(np.unique(nearest[within])) < len(within):
        return None
    return {int(k): int(nearest[k]) for k in within}


def _is_one_smooth_person(detections: Detections, rows: Int[np.ndarray, " detection"]) -> bool:
    """Whether no frame has two people and nobody jumps: the usual case, and a fast one."""
    if (np.diff(detections.frame[rows]) == 0).any():
        return False
    keypoints = detections.keypoints[rows]
    sizes = np.maximum(boxes(keypoints).max(axis=-1), 1.0)
    apart = np.linalg.norm(np.diff(keypoints, axis=0), axis=-1) / sizes[1:, None]
    is_shared = ~np.isnan(apart)
    count = is_shared.sum(axis=-1)
    total = np.minimum(apart, 1.0).sum(axis=-1, where=is_shared)
    return bool(((count > 0) & (total < _REACH * count)).all())
