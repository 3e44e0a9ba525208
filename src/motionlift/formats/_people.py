"""Who is who: detections joined into people over time, the most prominent first.

Prominence is confidence x box area, summed over the clip. A source's own names for people are
used where it has them, else `_tracking` finds out who is who.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np
from jaxtyping import Int

from motionlift.errors import FormatError
from motionlift.formats import ReadOptions
from motionlift.formats._detections import Detections, Gathering, in_order
from motionlift.formats._layouts import skeleton_of
from motionlift.formats._shown import shown
from motionlift.formats._timeline import check_span
from motionlift.formats._tracking import boxes, linked, without_doubles
from motionlift.poses import Pose2D
from motionlift.skeletons import Skeleton

# A tracker may name two detections of a frame alike now and then; beyond, names mean nothing.
_MAX_DOUBLE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A row of the table of people.

    Attributes:
        name: the source's own, else a number in order of prominence.
        frames: in how many frames there is at least one keypoint.
        first: the first of them.
        last: the last of them.
        confidence: mean over the person's visible keypoints.
        size: median of the larger side of the person's box, in pixels.
    """

    name: str
    frames: int
    first: int
    last: int
    confidence: float
    size: float


class People(Sequence[Pose2D]):
    """The people of a clip, most prominent first; each is laid out in time when asked for.

    All have the clip's whole time line, and missing keypoints where they are not seen. Laying
    out everybody at once would not fit into memory for a long recording of passers-by.
    """

    def __init__(self, detections: Detections) -> None:
        """Join detections, of which one at least has a visible keypoint, into people."""
        is_seen = (detections.confidence > 0).any(axis=-1)
        self._detections = detections
        self._rows, names, notes = _who_is_who(detections, np.flatnonzero(is_seen))
        order = sorted(range(len(names)), key=lambda k: -_prominence(detections, self._rows[k]))
        self._rows = [self._rows[k] for k in order]
        self._names = (
            [names[k] for k in order]
            if detections.track is not None
            else [str(k + 1) for k in range(len(order))]
        )
        self._notes = [*detections.notes, *notes]

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Pose2D: ...
    @overload
    def __getitem__(self, index: slice) -> list[Pose2D]: ...
    def __getitem__(self, index: int | slice) -> Pose2D | list[Pose2D]:
        if isinstance(index, slice):
            return [self[k] for k in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return self._laid_out(index % len(self))

    def __iter__(self) -> Iterator[Pose2D]:
        return (self._laid_out(k) for k in range(len(self)))

    def table(self) -> list[Person]:
        """Who was found, for people to choose from."""
        return [
            _summary(self._detections, rows, name=name)
            for rows, name in zip(self._rows, self._names, strict=True)
        ]

    def _laid_out(self, rank: int) -> Pose2D:
        found, rows = self._detections, self._rows[rank]
        first, last = found.span
        shape = (last - first + 1, found.skeleton.num_joints)
        keypoints, confidence = np.full((*shape, 2), np.nan), np.zeros(shape)
        keypoints[found.frame[rows] - first] = found.keypoints[rows]
        confidence[found.frame[rows] - first] = found.confidence[rows]
        notes = list(self._notes)
        num_empty = shape[0] - len(rows)
        if num_empty:
            notes.append(f"the person is missing in {num_empty} of {shape[0]} frames")
        if len(self) > 1:
            notes.append(
                f"person {shown(self._names[rank])}, number {rank + 1} of {len(self)} people by "
                "confidence x box area over the clip; the others are not in this one"
            )
        if found.fps is None:
            notes.append("the frame rate is unknown; give --fps where speeds matter")
        return Pose2D(
            skeleton=found.skeleton,
            keypoints=keypoints,
            confidence=confidence,
            frame_index=np.arange(first, last + 1),
            fps=found.fps,
            image_size=found.image_size,
            source=found.source,
            person=self._names[rank] if len(self) > 1 else "",
            notes=tuple(notes),
        )


def table_lines(people: Sequence[Pose2D]) -> list[str]:
    """The table of people as text: a line of heads, and one for each of them."""
    rows = people.table() if isinstance(people, People) else [_row(pose) for pose in people]
    names = [shown(row.name) for row in rows]
    width = max(map(len, [*names, "person"]))
    lines = [f"{'person':<{width}}  {'frames':>8}  {'from':>8}  {'to':>8}  confidence  size (px)"]
    lines += [
        f"{name:<{width}}  {row.frames:>8}  {row.first:>8}  {row.last:>8}  "
        f"{row.confidence:>10.2f}  {row.size:>9.0f}"
        for name, row in zip(names, rows, strict=True)
    ]
    return lines


def people_of(
    gathering: Gathering,
    frame: Sequence[int],
    *,
    path: Path,
    options: ReadOptions,
    skeleton: Skeleton | None = None,
    track: Sequence[str] | None = None,
    span: tuple[int, int] | None = None,
    num_frames: int | None = None,
    fps: float | None = None,
    image_size: tuple[int, int] | None = None,
    notes: Sequence[str] = (),
) -> People:
    """The people in the detections that a reader has gathered.

    Args:
        frame: frame number of each detection.
        skeleton: the keypoints', if the source names them; else it is found by their number.
        track: the source's name for the person of each; not used if it names several people of
            one frame alike, as detectors do that number people by frame.
        span: first and last frame of the clip, if the source has more than those of detections.
        num_frames: how many frames the source has, if more than those of detections.

    Raises:
        FormatError: if nobody is in them, they are too many, or their skeleton is not clear.
    """
    if not len(gathering):
        raise FormatError(f"{path}: no person in any frame; nothing to lift")
    first, last = span or (min(frame), max(frame))
    present = len(set(frame)) if num_frames is None else num_frames
    check_span(first, last, num_present=present, source=path)
    points, changes = gathering.cleaned()
    inferred: list[str] = []
    if skeleton is None:
        skeleton, inferred = skeleton_of(points[..., :2], asked=options.skeleton, path=path)
    numbers, order = in_order(frame, path=path)
    if (order[1:] < order[:-1]).any():
        points = points[order]
    names, doubts = _usable(track, numbers, order)
    return People(
        Detections(
            source=str(path),
            skeleton=skeleton,
            frame=numbers,
            keypoints=points[:, : skeleton.num_joints, :2],
            confidence=points[:, : skeleton.num_joints, 2],
            span=(first, last),
            track=names,
            fps=options.fps or fps,
            image_size=image_size,
            notes=(*notes, *changes, *inferred, *doubts),
        )
    )


def _usable(
    track: Sequence[str] | None,
    frame: Int[np.ndarray, " detection"],
    order: Int[np.ndarray, " detection"],
) -> tuple[list[str] | None, list[str]]:
    """The source's names in order of frames, if they tell people apart; and a note if not."""
    if track is None:
        return None, []
    names = [track[k] for k in order]
    num_double = len(names) - len(set(zip(frame.tolist(), names, strict=True)))
    if num_double > _MAX_DOUBLE * len(names):
        return None, [
            f"the source's names of people are not used: {num_double} detections share theirs with "
            "another in the same frame"
        ]
    return names, []


def _row(pose: Pose2D) -> Person:
    """The table's row for somebody who is laid out in time already."""
    seen = np.flatnonzero(pose.is_visible.any(axis=-1))
    return Person(
        name=pose.person or "1",
        frames=len(seen),
        first=int(pose.frame_index[seen[0]]),
        last=int(pose.frame_index[seen[-1]]),
        confidence=float(pose.confidence[pose.is_visible].mean()),
        size=float(np.median(boxes(pose.keypoints[seen]).max(axis=-1))),
    )


def _who_is_who(
    detections: Detections, rows: Int[np.ndarray, " detection"]
) -> tuple[list[Int[np.ndarray, " detection"]], list[str], list[str]]:
    """Rows of each person, the people's names, and notes."""
    notes = []
    if detections.track is not None:
        known, person = np.unique(np.array(detections.track)[rows], return_inverse=True)
    else:
        kept = without_doubles(detections, rows)
        if len(kept) < len(rows):
            num_doubles = len(rows) - len(kept)
            notes.append(f"{num_doubles} people were found twice in a frame; one of each is kept")
        rows, person = kept, linked(detections, kept)
        known = np.arange(person.max() + 1).astype(str)
    order = np.argsort(person, kind="stable")
    groups = np.split(rows[order], np.flatnonzero(np.diff(person[order])) + 1)
    best = [_one_a_frame(detections, group) for group in groups]
    num_extra = sum(map(len, groups)) - sum(map(len, best))
    if num_extra:
        notes.append(
            f"{num_extra} detections share person and frame with a more confident one; left out"
        )
    return best, [str(name) for name in known], notes


def _one_a_frame(
    detections: Detections, rows: Int[np.ndarray, " detection"]
) -> Int[np.ndarray, " detection"]:
    frames, total = detections.frame[rows], detections.confidence[rows].sum(axis=-1)
    order = np.lexsort((-total, frames))
    is_first = np.diff(frames[order], prepend=frames[order[0]] - 1) > 0
    return rows[order[is_first]]


def _prominence(detections: Detections, rows: Int[np.ndarray, " detection"]) -> float:
    area = boxes(detections.keypoints[rows]).prod(axis=-1)
    return float((detections.confidence[rows].mean(axis=-1) * area).sum())


def _summary(detections: Detections, rows: Int[np.ndarray, " detection"], *, name: str) -> Person:
    confidence = detections.confidence[rows]
    return Person(
        name=name,
        frames=len(rows),
        first=int(detections.frame[rows[0]]),
        last=int(detections.frame[rows[-1]]),
        confidence=float(confidence[confidence > 0].mean()),
        size=float(np.median(boxes(detections.keypoints[rows]).max(axis=-1))),
    )
