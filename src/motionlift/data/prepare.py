"""One source file becomes sequences of the store: read, checked, gaps filled, resampled.

Runs in a worker process and knows nothing of the store. What goes wrong with one file is its
outcome, never the end of the build.
"""

from collections.abc import Mapping
from collections.abc import Sequence as Several
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from motionlift.data.resample import MAX_GAP_SECONDS, fill_gaps, resample
from motionlift.data.soundness import examine
from motionlift.data.store import SourceRecord, sha256_of
from motionlift.data.table import TableRow
from motionlift.errors import FormatError, MotionliftError
from motionlift.formats import ReadOptions, read_motion
from motionlift.poses import Pose3D
from motionlift.skeletons import H36M17

# Between the name of a recording and the number of a piece of it.
PART = "#part"
# Beyond these a declared rate is a mistake, and would make a store of absurd size.
FPS_RANGE = (5.0, 2000.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One file to read, and how.

    Attributes:
        file: its path below the source folder, with forward slashes.
        path: where it is.
        row: what is said of it in the split table, or found from where it is.
        people: lines of the table for single people of the file, by their sequence's name; if there
            are any, nobody else is read.
        fps: the store's rate.
        options: for the reader; the table's rate is in them.
        key: digest of all settings that the result depends on.
    """

    file: str
    path: Path
    row: TableRow
    people: Mapping[str, TableRow]
    fps: float
    options: ReadOptions
    key: str

    def row_of(self, sequence: str) -> TableRow:
        """What is said of one of the file's sequences."""
        return self.people.get(sequence.partition(PART)[0], self.row)

    def said(self) -> list[dict[str, Any]]:
        """All that the table says of the file, as plain values."""
        return [asdict(row) for row in (self.row, *self.people.values())]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    """One sequence, ready for the store."""

    name: str
    positions: Float[np.ndarray, "frame 17 3"]
    visibility: Bool[np.ndarray, "frame 17"]
    fps_source: float
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """What became of one file."""

    record: SourceRecord
    sequences: tuple[Prepared, ...] = ()


def prepare(job: Job) -> Outcome:
    """Read one file. Never raises for what is in it: the record says why nothing came of it."""
    sequences: list[Prepared] = []
    reasons: list[str] = []
    warnings: list[str] = []
    checksum, size, mtime_ns = "", 0, 0
    try:
        stat = job.path.stat()
        size, mtime_ns = stat.st_size, stat.st_mtime_ns
        checksum = sha256_of(job.path)
        sequences, reasons, warnings = _read_people(job)
    except FileNotFoundError:
        reasons.append("listed in the split table, but not there")
    except MotionliftError as error:
        reasons.append(_without_path(error, job.path))
    except OSError as error:
        reasons.append(f"cannot be read ({error.strerror or error})")
    except Exception as error:  # a bug in one reader must not cost a night's build
        reasons.append(f"the reader failed, please report it: {type(error).__name__}: {error}")
    record = SourceRecord(
        file=job.file,
        source=job.row.source,
        dataset=job.row.dataset,
        split=job.row.split,
        size=size,
        mtime_ns=mtime_ns,
        sha256=checksum,
        key=job.key,
        sequences=tuple(each.name for each in sequences),
        skipped="; ".join(reasons),
        warnings=tuple(warnings),
    )
    return Outcome(record=record, sequences=tuple(sequences))


def _read_people(job: Job) -> tuple[list[Prepared], list[str], list[str]]:
    """The sequences of a file, why people in it gave none, and what is doubtful about the rest."""
    poses = read_motion(job.path, job.options)
    sequences: list[Prepared] = []
    reasons, warnings = [], []
    names = _names(job.file, poses)
    for name, pose in zip(names, poses, strict=True):
        if job.people and name not in job.people:
            continue
        person = name.removeprefix(job.file)
        fps = job.row_of(name).fps or pose.fps
        try:
            found, doubts = _prepare_pose(replace(pose, fps=fps), name=name, fps=job.fps)
            sequences += found
            warnings += [f"{person} {doubt}".strip() for doubt in doubts]
        except MotionliftError as error:
            reasons.append(f"{person} {_without_path(error, job.path)}".strip())
    if job.people:
        reasons += [f"{name} is not in it" for name in job.people if name not in names]
        left_out = sum(name not in job.people for name in names)
        warnings += [f"{left_out} people in it are not in the table"] if left_out else []
    return sequences, reasons, warnings


def _names(file: str, poses: Several[Pose3D]) -> list[str]:
    """A name for each person in a file: unique, and the file's own where there is one person."""
    if len(poses) == 1 and not poses[0].person:
        return [file]
    people = [pose.person or str(number) for number, pose in enumerate(poses)]
    return [
        f"{file}#{person}" + (f"#{number}" if people.count(person) > 1 else "")
        for number, person in enumerate(people)
    ]


def _prepare_pose(pose: Pose3D, *, name: str, fps: float) -> tuple[list[Prepared], tuple[str, ...]]:
    """The sequences of one person, and what is doubtful about them."""
    if pose.fps is None:
        raise FormatError("the file says no frame rate; give --source-fps or an fps in the table")
    low, high = FPS_RANGE
    if not low <= pose.fps <= high:
        raise FormatError(f"{pose.fps:g} frames a second; expected {low:g} to {high:g}")
    if pose.space != "world" or pose.units != "m" or pose.skeleton is not H36M17:
        raise FormatError(
            f"motion in {pose.space} space and in {pose.units}; expected world space and metres"
        )
    positions = _every_frame(pose)
    examined = examine(positions, fps=pose.fps, first_frame=int(pose.frame_index[0]))
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
                fps_source=pose.fps,
                fps=fps,
                notes=notes,
            )
        )
    return sequences, examined.warnings


def _at_store_rate(
    positions: Float[np.ndarray, "frame joint 3"],
    *,
    name: str,
    fps_source: float,
    fps: float,
    notes: tuple[str, ...],
) -> Prepared:
    filled = fill_gaps(positions, max_frames=round(MAX_GAP_SECONDS * fps_source))
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


def _every_frame(pose: Pose3D) -> Float[np.ndarray, "frame joint 3"]:
    """The positions with a row for each frame number; frames that the source left out are NaN."""
    index = pose.frame_index - pose.frame_index[0]
    if index[-1] == len(index) - 1:
        return pose.positions
    if index[-1] > 10 * len(index):
        raise FormatError(f"only {len(index)} of {index[-1] + 1} frames are there")
    positions = np.full((index[-1] + 1, *pose.positions.shape[1:]), np.nan)
    positions[index] = pose.positions
    return positions


def _without_path(error: Exception, path: Path) -> str:
    """The message without the path it begins with: the report has the file beside it."""
    message = str(error)
    return message.removeprefix(str(path)).lstrip(":").strip() if message else type(error).__name__
