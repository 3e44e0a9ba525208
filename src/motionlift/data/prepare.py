"""One source file becomes sequences of the store: read, checked, gaps filled, resampled.

Runs in a worker process and knows nothing of the store. What goes wrong with one file is its
outcome, never the end of the build.
"""

import hashlib
from collections.abc import Sequence as Several
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from motionlift.data.resample import MAX_GAP_SECONDS, fill_gaps, resample
from motionlift.data.store import SourceRecord
from motionlift.data.table import TableRow
from motionlift.errors import FormatError, MotionliftError
from motionlift.formats import ReadOptions, read_motion
from motionlift.poses import Pose3D
from motionlift.skeletons import H36M17

# Beyond these a declared rate is a mistake, and would make a store of absurd size.
FPS_RANGE = (5.0, 2000.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One file to read, and how.

    Attributes:
        file: its path below the source folder, with forward slashes.
        path: where it is.
        row: its line in the split table, if there is one.
        fps: the store's rate.
        options: for the reader; the table's rate is in them.
        key: digest of all settings that the result depends on.
    """

    file: str
    path: Path
    row: TableRow
    fps: float
    options: ReadOptions
    key: str


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
    checksum, size, mtime_ns = "", 0, 0
    try:
        stat = job.path.stat()
        size, mtime_ns = stat.st_size, stat.st_mtime_ns
        checksum = hashlib.sha256(job.path.read_bytes()).hexdigest()
        poses = read_motion(job.path, job.options)
        for pose, name in zip(poses, _names(job.file, poses), strict=True):
            try:
                sequences.append(_prepare_pose(pose, name=name, fps=job.fps))
            except MotionliftError as error:
                who = f"{pose.person}: " if len(poses) > 1 else ""
                reasons.append(who + _without_path(error, job.path))
    except MotionliftError as error:
        reasons.append(_without_path(error, job.path))
    except FileNotFoundError:
        reasons.append("listed in the split table, but not there")
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
    )
    return Outcome(record=record, sequences=tuple(sequences))


def _prepare_pose(pose: Pose3D, *, name: str, fps: float) -> Prepared:
    if pose.fps is None:
        raise FormatError("the file says no frame rate; give --source-fps or an fps in the table")
    low, high = FPS_RANGE
    if not low <= pose.fps <= high:
        raise FormatError(f"{pose.fps:g} frames a second; expected {low:g} to {high:g}")
    if pose.space != "world" or pose.units != "m" or pose.skeleton is not H36M17:
        raise FormatError(
            f"motion in {pose.space} space and {pose.units}; the store takes world, m"
        )
    notes = list(pose.notes)
    positions = _every_frame(pose)
    filled = fill_gaps(positions, max_frames=round(MAX_GAP_SECONDS * pose.fps))
    bridged = int(np.isnan(positions[..., 0]).sum() - np.isnan(filled[..., 0]).sum())
    if bridged:
        share = bridged / positions[..., 0].size
        notes.append(f"gaps of up to {MAX_GAP_SECONDS:g} s filled: {share:.1%} of all joints")
    resampled = resample(filled, fps_source=pose.fps, fps=fps)
    visibility = ~np.isnan(resampled).any(axis=-1)
    if not visibility.any():
        raise FormatError("no joint is seen in any frame")
    if not visibility.all():
        notes.append(f"masked where nobody saw them: {1 - visibility.mean():.1%} of all joints")
    return Prepared(
        name=name,
        positions=np.where(visibility[..., None], resampled, 0.0).astype(np.float32),
        visibility=visibility,
        fps_source=float(pose.fps),
        notes=tuple(notes),
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


def _names(file: str, poses: Several[Pose3D]) -> list[str]:
    if len(poses) == 1:
        return [file]
    return [f"{file}#{pose.person or number}" for number, pose in enumerate(poses)]


def _without_path(error: Exception, path: Path) -> str:
    """The message without the path it begins with: the report has the file beside it."""
    message = str(error)
    return message.removeprefix(str(path)).lstrip(":").strip() if message else type(error).__name__
