"""Which files a build reads, in which order, with which settings; and whether one has changed."""

import functools
import hashlib
import json
from collections.abc import Iterator, Mapping
from collections.abc import Sequence as Several
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from motionlift.data.prepare import Job
from motionlift.data.recordings import (
    Kind,
    checksum_of,
    companions,
    find_recordings,
    stamp_of,
    suffixes,
)
from motionlift.data.store import VERSION, SourceRecord
from motionlift.data.table import TableRow, read_table
from motionlift.errors import OptionError
from motionlift.files import sha256_of
from motionlift.formats import ReadOptions

# What readers of one kind only look at.
_OPTIONS_OF: dict[Kind, tuple[str, ...]] = {
    "motion": ("names", "up", "metres_per_unit", "body_model", "joint_regressor"),
    "keypoints": ("skeleton", "image_size"),
}
# The code that turns a file into frames. When it changes, files are read again.
CONVERSION = (
    "skeletons.py",
    "kinematics.py",
    "plausibility.py",
    "continuity.py",
    "gaps.py",
    "poses.py",
    "formats",
    "data/prepare.py",
    "data/prepare_keypoints.py",
    "data/prepare_motion.py",
    "data/resample.py",
    "data/soundness.py",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSettings:
    """What a build is told.

    Attributes:
        kind: whether motion capture is read, or keypoints, whose sequences have no 3D truth.
        split: the split table; without it all files below the source folder are read.
        fps: the store's frame rate.
        options: for the readers; a rate in the split table wins over theirs.
    """

    kind: Kind = "motion"
    split: Path | None = None
    fps: float = 50.0
    options: ReadOptions = ReadOptions()  # noqa: RUF009  (frozen)

    def __post_init__(self) -> None:
        if not 1 <= self.fps <= 1000:
            raise OptionError(f"--fps {self.fps:g}: a store has 1 to 1000 frames a second")
        other: Kind = "keypoints" if self.kind == "motion" else "motion"
        for option in _OPTIONS_OF[other]:
            if getattr(self.options, option) is not None:
                raise OptionError(
                    f"--{option.replace('_', '-')} has no effect with --kind {self.kind}; "
                    "leave it out"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The files to read, in the order in which they will stand in the store.

    Attributes:
        source: the folder.
        jobs: one for each file.
        unlisted: recordings that are there but not in the split table.
    """

    source: Path
    settings: BuildSettings
    jobs: tuple[Job, ...]
    unlisted: tuple[str, ...] = ()

    def described(self) -> dict[str, Any]:
        """The settings as the store's header keeps them."""
        settings = self.settings
        return {
            "kind": settings.kind,
            "source": str(self.source.resolve()),
            "split": str(settings.split.resolve()) if settings.split else None,
            "options": {
                key: str(value) for key, value in asdict(settings.options).items() if value
            },
            "rows": _digest([job.said() for job in self.jobs]),
            "unlisted": list(self.unlisted),
        }


def make_plan(source: Path, *, settings: BuildSettings, besides: Path | None = None) -> Plan:
    """What to read below a folder, or of one recording.

    Args:
        besides: a folder to leave out: the store, if it stands below the source.

    Raises:
        OptionError: if nothing is there, nothing in it to read, or the split table is wrong.
    """
    if not source.exists():
        raise OptionError(f"{source}: no such folder or file")
    names = settings.options.names
    if names is not None and not names.is_file():
        raise OptionError(f"{names}: no such file; --names is a TOML file of joint names")
    for option in ("body_model", "joint_regressor"):
        path = getattr(settings.options, option)
        if path is not None and not path.exists():
            raise OptionError(f"{path}: no such file, given as --{option.replace('_', '-')}")
    root, present = find_recordings(source, kind=settings.kind, besides=besides)
    if settings.split is not None:
        table, rows = settings.split.resolve(), list(read_table(settings.split).values())
    else:
        table, rows = None, [_row_of(file, root) for file in sorted(present)]
    if not rows:
        what = "motion capture" if settings.kind == "motion" else "keypoints"
        kinds = ", ".join(sorted(suffixes(settings.kind)))
        raise OptionError(f"{source}: no {what} in it (looked for {kinds})")
    jobs = tuple(_jobs(root, rows, settings))
    listed = {job.file for job in jobs}
    unlisted = sorted(
        file for file, path in present.items() if file not in listed and path.resolve() != table
    )
    return Plan(source=source, settings=settings, jobs=jobs, unlisted=tuple(unlisted))


def is_unchanged(job: Job, record: SourceRecord) -> bool:
    """Whether a file would be read as it was: the same content with the same settings."""
    if job.key != record.key:
        return False
    try:
        size, mtime_ns = stamp_of(job.path)
    except OSError:
        return False
    if size != record.size:
        return False
    return mtime_ns == record.mtime_ns or checksum_of(job.path) == record.sha256


def _row_of(file: str, source: Path) -> TableRow:
    """Without a table, the first folder on the way to a file is its source and its data set."""
    first, _, rest = file.partition("/")
    origin = first if rest else source.resolve().name
    return TableRow(file=file, source=origin, dataset=origin)


def _jobs(source: Path, rows: Several[TableRow], settings: BuildSettings) -> Iterator[Job]:
    """A job for each file; lines such as `file#person` are for one person of a file with more."""
    whole: dict[str, TableRow] = {}
    people: dict[str, dict[str, TableRow]] = {}
    for row in rows:
        file, mark, _ = row.file.partition("#")
        if mark and not (source / row.file).exists():
            people.setdefault(file, {})[row.file] = row
            first = whole.setdefault(
                file,
                TableRow(file=file, source=row.source, dataset=row.dataset, skeleton=row.skeleton),
            )
            if first.skeleton != row.skeleton:
                raise OptionError(
                    f"{settings.split}: {row.file} has skeleton '{row.skeleton}', another line of "
                    f"the same file '{first.skeleton}'; give all lines of a file the same"
                )
        else:
            whole[row.file] = row
    for file, row in whole.items():
        yield _job(row, people.get(file, {}), source / file, settings)


def _job(row: TableRow, people: Mapping[str, TableRow], path: Path, settings: BuildSettings) -> Job:
    options = replace(
        settings.options,
        fps=settings.options.fps if row.fps is None else row.fps,
        skeleton=row.skeleton or settings.options.skeleton,
    )
    relevant = {
        "kind": settings.kind,
        **asdict(options),
        "names": sha256_of(options.names) if options.names else None,
        # Hundreds of megabytes, and never edited: where they are says which they are.
        "body_model": str(options.body_model.resolve()) if options.body_model else None,
        "joint_regressor": sha256_of(options.joint_regressor) if options.joint_regressor else None,
        "store_fps": settings.fps,
        "people": sorted((name, row.fps) for name, row in people.items()),
        "conversion": [VERSION, _code_digest()],
        "companions": [
            [each.name, sha256_of(each)] for each in companions(path, kind=settings.kind)
        ],
    }
    return Job(
        file=row.file,
        path=path,
        kind=settings.kind,
        row=row,
        people=people,
        fps=settings.fps,
        options=options,
        key=_digest(relevant),
    )


@functools.cache
def _code_digest() -> str:
    package = Path(__file__).parents[1]
    files = [file for name in CONVERSION for file in (package / name, *(package / name).rglob("*"))]
    return _digest(
        [
            [file.relative_to(package).as_posix(), sha256_of(file)]
            for file in sorted(files)
            if file.suffix in (".py", ".toml", ".json") and file.is_file()
        ]
    )


def _digest(values: Any) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]
