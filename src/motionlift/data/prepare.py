"""One recording becomes sequences of the store: read, and each person in it made ready.

Runs in a worker process and knows nothing of the store. What goes wrong with one file is its
outcome, never the end of the build.
"""

from collections.abc import Mapping
from collections.abc import Sequence as Several
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from motionlift.data.prepare_keypoints import prepare_keypoints
from motionlift.data.prepare_motion import PART, Prepared, prepare_motion
from motionlift.data.recordings import Kind, checksum_of, stamp_of
from motionlift.data.store import SourceRecord
from motionlift.data.table import TableRow
from motionlift.errors import FormatError, MotionliftError
from motionlift.formats import ReadOptions, read_keypoints, read_motion
from motionlift.poses import Pose2D, Pose3D

# Beyond these a declared rate is a mistake, and would make a store of absurd size.
FPS_RANGE = (5.0, 2000.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One recording to read, and how.

    Attributes:
        file: its path below the source folder, with forward slashes.
        path: where it is.
        kind: what to read it as.
        row: what is said of it in the split table, or found from where it is.
        people: lines of the table for single people of the file, by their sequence's name; if there
            are any, nobody else is read.
        fps: the store's rate.
        options: for the reader; the table's rate is in them.
        key: digest of all settings that the result depends on.
    """

    file: str
    path: Path
    kind: Kind
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
        size, mtime_ns = stamp_of(job.path)
        checksum = checksum_of(job.path)
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
    poses = _read(job)
    sequences: list[Prepared] = []
    reasons, warnings = [], []
    names = _names(job.file, poses)
    for name, pose in zip(names, poses, strict=True):
        if job.people and name not in job.people:
            continue
        person = name.removeprefix(job.file)
        fps = job.row_of(name).fps or pose.fps
        try:
            found, doubts = _prepare_person(replace(pose, fps=fps), name=name, fps=job.fps)
            sequences += found
            warnings += [f"{person} {doubt}".strip() for doubt in doubts]
        except MotionliftError as error:
            reasons.append(f"{person} {_without_path(error, job.path)}".strip())
    if job.people:
        reasons += [f"{name} is not in it" for name in job.people if name not in names]
        left_out = sum(name not in job.people for name in names)
        warnings += [f"{left_out} people in it are not in the table"] if left_out else []
    return sequences, reasons, warnings


def _read(job: Job) -> Several[Pose2D | Pose3D]:
    if job.kind == "keypoints":
        return read_keypoints(job.path, job.options)
    return read_motion(job.path, job.options)


def _names(file: str, poses: Several[Pose2D | Pose3D]) -> list[str]:
    """A name for each person in a file: unique, and the file's own where there is one person."""
    people = [pose.person or str(number) for number, pose in enumerate(poses)]
    if len(people) == 1 and not poses[0].person:
        return [file]
    return [
        f"{file}#{person}" + (f"#{number}" if people.count(person) > 1 else "")
        for number, person in enumerate(people)
    ]


def _prepare_person(
    pose: Pose2D | Pose3D, *, name: str, fps: float
) -> tuple[list[Prepared], tuple[str, ...]]:
    """The sequences of one person, and what is doubtful about them."""
    if pose.fps is None:
        raise FormatError("the file says no frame rate; give --source-fps or an fps in the table")
    low, high = FPS_RANGE
    if not low <= pose.fps <= high:
        raise FormatError(f"{pose.fps:g} frames a second; expected {low:g} to {high:g}")
    if isinstance(pose, Pose2D):
        return prepare_keypoints(pose, name=name, fps_source=pose.fps, fps=fps)
    return prepare_motion(pose, name=name, fps_source=pose.fps, fps=fps)


def _without_path(error: Exception, path: Path) -> str:
    """The message without the path it begins with: the report has the file beside it."""
    message = str(error)
    return message.removeprefix(str(path)).lstrip(":").strip() if message else type(error).__name__
