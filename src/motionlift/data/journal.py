"""The unfinished store of a build: shards that grow, and a line for each file that is in them.

It stands in a folder beside the store, `.NAME.partial`. A build that is killed leaves it there, and
the next one goes on behind the last line that still fits its plan; what lies beyond is cut off.
"""

import contextlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from motionlift.data.plan import Plan, is_unchanged
from motionlift.data.prepare import Job, Outcome
from motionlift.data.prepare_motion import Prepared
from motionlift.data.store import (
    ARRAYS,
    Sequence,
    SourceRecord,
    from_dict,
    shard_bytes,
    shard_file,
)
from motionlift.data.store_writer import ShardWriter
from motionlift.errors import MotionliftError, StoreError

LOCK = "lock"
ANOTHER_FILE = "the file is not the one whose sha256 is in the split table"


@contextlib.contextmanager
def partial_folder(store: Path) -> Iterator[Path]:
    """The folder for the unfinished store, for this process alone.

    It is gone when the block ends well or with an error of the user's; an interruption, or a full
    disk, leaves it for the next build.

    Raises:
        StoreError: if another build of the same store is running, or it cannot be written there.
    """
    folder = store.parent / f".{store.name}.partial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / LOCK).open("w") as handle:
            _lock(handle.fileno(), store)
            try:
                yield folder
            except MotionliftError:
                shutil.rmtree(folder)
                raise
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise StoreError(
            f"{store}: cannot be written ({error.strerror or error}); mend that and build again, "
            "what is finished is kept"
        ) from error


class Journal:
    """What a build has finished so far.

    Args:
        folder: of `partial_folder`.
        resume: keep what an interrupted build left there, as far as it fits the plan.
    """

    def __init__(self, folder: Path, *, plan: Plan, resume: bool = True) -> None:
        self.records: list[SourceRecord] = []
        self.sequences: list[Sequence] = []
        self._file = folder / "journal.jsonl"
        lines = list(self._fitting_lines(plan)) if resume else []
        extents = _extents(self.sequences)
        if not lines or not _are_there(folder, extents):
            lines, extents, self.records, self.sequences = [], [], [], []
            shutil.rmtree(folder / "shards", ignore_errors=True)
        self._file.write_text("".join(lines), encoding="utf-8")
        self.shards = ShardWriter(folder, extents=extents)

    def add(self, job: Job, outcome: Outcome) -> None:
        """Append what came of one file: first its frames, then the line that vouches for them."""
        sequences = [
            _sequence(
                job,
                each,
                sha256=outcome.record.sha256,
                place=self.shards.add(each.positions, each.visibility),
            )
            for each in outcome.sequences
        ]
        values = {
            "said": job.said(),
            "record": asdict(outcome.record),
            "sequences": [asdict(each) for each in sequences],
        }
        with self._file.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(values, ensure_ascii=False) + "\n")
        self.records.append(outcome.record)
        self.sequences += sequences

    def remove(self) -> None:
        """The journal has done its duty: the store's own tables take over."""
        self._file.unlink()
        (self._file.parent / LOCK).unlink()

    def close(self) -> None:
        """Close the shards; the next build may go on from here."""
        self.shards.close()

    def _fitting_lines(self, plan: Plan) -> Iterator[str]:
        """The lines that stand in the plan's order, whose rows and files have not changed."""
        if not self._file.is_file():
            return
        with self._file.open(encoding="utf-8") as handle:
            for job, line in zip(plan.jobs, handle, strict=False):
                try:
                    values = json.loads(line)
                    record = from_dict(SourceRecord, values["record"])
                    sequences = [from_dict(Sequence, each) for each in values["sequences"]]
                except (ValueError, KeyError, TypeError, MotionliftError):
                    return  # the line that the kill cut short
                if values.get("said") != job.said() or not is_unchanged(job, record):
                    return
                self.records.append(record)
                self.sequences += sequences
                yield line


def _sequence(job: Job, prepared: Prepared, *, sha256: str, place: tuple[int, int]) -> Sequence:
    row = job.row_of(prepared.name)
    notes = prepared.notes
    if row.sha256 and row.sha256 != sha256:
        notes = (*notes, ANOTHER_FILE)
    return Sequence(
        name=prepared.name,
        source=row.source,
        dataset=row.dataset,
        subject=row.subject,
        action=row.action,
        split=row.split,
        fps=job.fps,
        frames=len(prepared.positions),
        shard=place[0],
        start=place[1],
        licence=row.licence,
        sha256=sha256,
        fps_source=prepared.fps_source,
        units=prepared.units,
        notes=notes,
    )


def _extents(sequences: list[Sequence]) -> list[int]:
    """Frames that the sequences take up in each shard."""
    extents: list[int] = []
    for each in sequences:
        extents += [0] * (each.shard + 1 - len(extents))
        extents[each.shard] = each.start + each.frames
    return extents


def _are_there(folder: Path, extents: list[int]) -> bool:
    """Whether the shards hold what the journal says: after a power cut they may not."""
    files = [
        (shard_file(folder, kind, number), shard_bytes(kind, frames))
        for number, frames in enumerate(extents)
        for kind in ARRAYS
    ]
    return all(file.is_file() and file.stat().st_size >= size for file, size in files)


def _lock(handle: int, store: Path) -> None:
    try:
        import fcntl
    except ImportError:  # Windows: two builds of one store at once are then not noticed
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise StoreError(f"{store}: another build of this store is running; wait for it") from error
