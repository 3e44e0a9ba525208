"""Builds a store from a folder of motion capture or keypoints: `motionlift data build`.

The plan is a list of files in a fixed order, and the store's content follows that order, whatever
the number of workers. Files that a store at the same place already holds, unchanged and read with
the same settings, are copied from it; a build that was killed goes on where it was.
"""

import contextlib
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from motionlift.data.finish import finish
from motionlift.data.journal import ANOTHER_FILE, Journal, partial_folder
from motionlift.data.plan import BuildSettings, Plan, is_unchanged, make_plan
from motionlift.data.pool import available_cores, run_in_order
from motionlift.data.prepare import Job, Outcome, prepare
from motionlift.data.prepare_motion import Prepared
from motionlift.data.recordings import stamp_of
from motionlift.data.store import Sequence, SourceRecord, Store
from motionlift.data.store_writer import publish, recover
from motionlift.errors import OptionError, StoreError

# Called after each file: how many are done, of how many, and which it was.
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildResult:
    """What a build did.

    Attributes:
        store: the store as it is now.
        read: how many files were read.
        reused: how many had been read before and have not changed.
    """

    store: Store
    read: int
    reused: int


def build_store(
    source: Path,
    out: Path,
    *,
    settings: BuildSettings,
    workers: int | None = None,
    fresh: bool = False,
    on_progress: Progress = lambda done, total, file: None,
) -> BuildResult:
    """Make or update the store at `out` from the recordings below `source`.

    Args:
        workers: processes that read; as many as there are cores without it.
        fresh: read every file again, whatever is there.

    Raises:
        MotionliftError: if there is nothing to read, or nothing came of it, or `out` is no store.
    """
    if workers is not None and workers < 1:
        raise OptionError(f"--workers {workers}: at least one is needed")
    plan = make_plan(source, settings=settings, besides=out)
    with partial_folder(out) as partial:
        recover(out)
        previous = _previous(out, fresh=fresh)
        unchanged = _unchanged(plan, previous)
        if previous is not None and _is_up_to_date(previous, plan, unchanged):
            return BuildResult(store=previous, read=0, reused=len(plan.jobs))
        journal = Journal(partial, plan=plan, resume=not fresh)
        rest = plan.jobs[len(journal.records) :]
        read = sum(job.file not in unchanged for job in rest)
        outcomes = _outcomes(rest, unchanged, workers=workers or available_cores())
        with contextlib.closing(outcomes), contextlib.closing(journal):
            for job, outcome in outcomes:
                journal.add(job, outcome)
                on_progress(len(journal.records), len(plan.jobs), job.file)
        _finish(journal, partial, plan)
        publish(partial, out)
    return BuildResult(store=Store.open(out), read=read, reused=len(plan.jobs) - read)


def _outcomes(
    jobs: tuple[Job, ...], unchanged: Mapping[str, Callable[[], Outcome]], *, workers: int
) -> Generator[tuple[Job, Outcome]]:
    """What comes of each job, in order; what has not changed is not read."""
    to_read = [job for job in jobs if job.file not in unchanged]
    reading = run_in_order(prepare, to_read, workers=workers, on_death=_died)
    with contextlib.closing(reading):
        for job in jobs:
            copy = unchanged.get(job.file)
            yield job, next(reading) if copy is None else copy()


def _finish(journal: Journal, folder: Path, plan: Plan) -> None:
    if not journal.sequences:
        first = next(each for each in journal.records if each.skipped)
        raise StoreError(
            f"{plan.source}: none of its {len(journal.records)} files could be used; "
            f"the first is {first.file}: {first.skipped}"
        )
    finish(
        folder,
        journal.shards,
        sequences=journal.sequences,
        fps=plan.settings.fps,
        sources=journal.records,
        settings=plan.described(),
    )
    journal.remove()


def _previous(out: Path, *, fresh: bool) -> Store | None:
    """The store to update, if there is one that can be read; something else is never replaced."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return None
    if not (out / "store.json").is_file():
        raise StoreError(f"{out}: is there and is not a store; give another path")
    try:
        previous = Store.open(out)
    except StoreError:  # damaged, or of an older version: everything is read again
        return None
    if "merged" in previous.header["settings"]:
        raise StoreError(f"{out}: was merged of several stores; give another path")
    return None if fresh else previous


def _unchanged(plan: Plan, previous: Store | None) -> Mapping[str, Callable[[], Outcome]]:
    """For each file that need not be read again, what gives its outcome."""
    if previous is None:
        return {}
    records = {each.file: each for each in previous.sources()}
    sequences = {each.name: each for each in previous.sequences}

    def copier(job: Job, record: SourceRecord) -> Callable[[], Outcome]:
        return lambda: _copy(job, record, previous, [sequences[name] for name in record.sequences])

    return {
        job.file: copier(job, records[job.file])
        for job in plan.jobs
        if job.file in records and is_unchanged(job, records[job.file])
    }


def _copy(job: Job, record: SourceRecord, previous: Store, sequences: list[Sequence]) -> Outcome:
    prepared = tuple(
        Prepared(
            name=each.name,
            positions=previous.positions(each),
            visibility=previous.visibility(each),
            fps_source=each.fps_source,
            # What a table says of a file is said anew.
            notes=tuple(note for note in each.notes if note != ANOTHER_FILE),
            units=each.units,
        )
        for each in sequences
    )
    record = replace(
        record,
        source=job.row.source,
        dataset=job.row.dataset,
        split=job.row.split,
        mtime_ns=stamp_of(job.path)[1],
    )
    return Outcome(record=record, sequences=prepared)


def _is_up_to_date(
    previous: Store, plan: Plan, unchanged: Mapping[str, Callable[[], Outcome]]
) -> bool:
    """Whether building again would give the same store."""
    files = [each.file for each in previous.sources()]
    return (
        len(unchanged) == len(plan.jobs)
        and files == [job.file for job in plan.jobs]
        and previous.header["settings"] == plan.described()
    )


def _died(job: Job) -> Outcome:
    """A process that dies takes its reason with it: a crash in a library, or too little memory."""
    reason = "the process that read it died: a crash in a library, or out of memory"
    record = SourceRecord(
        file=job.file,
        source=job.row.source,
        dataset=job.row.dataset,
        split=job.row.split,
        skipped=reason,
    )
    return Outcome(record=record)
