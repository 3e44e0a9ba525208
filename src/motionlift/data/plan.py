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
from motionlift.data.store import VERSION, SourceRecord, sha256_of
from motionlift.data.table import TableRow, read_table
from motionlift.errors import OptionError
from motionlift.formats import FORMATS, Format, ReadOptions

# The code that turns a file into frames. When it changes, files are read again.
CONVERSION = (
    "skeletons.py",
    "kinematics.py",
    "rotations.py",
    "plausibility.py",
    "continuity.py",
    "formats",
    "data/prepare.py",
    "data/resample.py",
    "data/soundness.py",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSettings:
    """What a build is told.

    Attributes:
        split: the split table; without it all files below the source folder are read.
        fps: the store's frame rate.
        options: for the readers; a rate in the split table wins over theirs.
    """

    split: Path | None = None
    fps: float = 50.0
    options: ReadOptions = ReadOptions()  # noqa: RUF009  (frozen)

    def __post_init__(self) -> None:
        if not 1 <= self.fps <= 1000:
            raise OptionError(f"--fps {self.fps:g}: a store has 1 to 1000 frames a second")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The files to read, in the order in which they will stand in the store.

    Attributes:
        source: the folder.
        jobs: one for each file.
        unlisted: motion capture files that are there but not in the split table.
    """

    source: Path
    settings: BuildSettings
    jobs: tuple[Job, ...]
    unlisted: tuple[str, ...] = ()

    def described(self) -> dict[str, Any]:
        """The settings as the store's header keeps them."""
        settings = self.settings
        return {
            "source": str(self.source.resolve()),
            "split": str(settings.split.resolve()) if settings.split else None,
            "options": {
                key: str(value) for key, value in asdict(settings.options).items() if value
            },
            "rows": _digest([job.said() for job in self.jobs]),
            "unlisted": list(self.unlisted),
        }


def make_plan(source: Path, *, settings: BuildSettings, besides: Path | None = None) -> Plan:
    """What to read below a folder.

    Args:
        besides: a folder to leave out: the store, if it stands below the source.

    Raises:
        OptionError: if there is no folder, nothing in it to read, or the split table is wrong.
    """
    if not source.is_dir():
        raise OptionError(f"{source}: no such folder; --source is a folder of motion capture")
    names = settings.options.names
    if names is not None and not names.is_file():
        raise OptionError(f"{names}: no such file; --names is a TOML file of joint names")
    for option in ("body_model", "joint_regressor"):
        path = getattr(settings.options, option)
        if path is not None and not path.exists():
            raise OptionError(f"{path}: no such file, given as --{option.replace('_', '-')}")
    present = {
        file.relative_to(source).as_posix(): file for file in _motion_files(source, besides=besides)
    }
    if settings.split is not None:
        table, rows = settings.split.resolve(), list(read_table(settings.split).values())
    else:
        table, rows = None, [_row_of(file, source) for file in sorted(present)]
    if not rows:
        kinds = ", ".join(sorted(_suffixes()))
        raise OptionError(f"{source}: no motion capture in it (looked for {kinds})")
    jobs = tuple(_jobs(source, rows, settings))
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
        stat = job.path.stat()
    except OSError:
        return False
    if stat.st_size != record.size:
        return False
    return stat.st_mtime_ns == record.mtime_ns or sha256_of(job.path) == record.sha256


def _motion_files(source: Path, *, besides: Path | None) -> Iterator[Path]:
    suffixes = _suffixes()
    left_out = besides.resolve() if besides else None
    for path in sorted(source.rglob("*")):
        is_hidden = any(part.startswith(".") for part in path.relative_to(source).parts)
        if path.suffix.lower() not in suffixes or is_hidden or not path.is_file():
            continue
        if left_out is None or left_out not in path.resolve().parents:
            yield path


def _readable() -> list[Format]:
    return [each for each in FORMATS if each.read_motion is not None]


def _suffixes() -> set[str]:
    return {suffix for each in _readable() for suffix in each.suffixes}


def _companions(path: Path) -> list[Path]:
    return [
        companion
        for each in _readable()
        if each.companions is not None and path.suffix.lower() in each.suffixes
        for companion in each.companions(path)
    ]


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
            whole.setdefault(file, TableRow(file=file, source=row.source, dataset=row.dataset))
        else:
            whole[row.file] = row
    for file, row in whole.items():
        yield _job(row, people.get(file, {}), source / file, settings)


def _job(row: TableRow, people: Mapping[str, TableRow], path: Path, settings: BuildSettings) -> Job:
    options = settings.options if row.fps is None else replace(settings.options, fps=row.fps)
    relevant = {
        **asdict(options),
        "names": sha256_of(options.names) if options.names else None,
        # Hundreds of megabytes, and never edited: where they are says which they are.
        "body_model": str(options.body_model.resolve()) if options.body_model else None,
        "joint_regressor": sha256_of(options.joint_regressor) if options.joint_regressor else None,
        "store_fps": settings.fps,
        "people": sorted((name, row.fps) for name, row in people.items()),
        "conversion": [VERSION, _code_digest()],
        "companions": [[each.name, sha256_of(each)] for each in _companions(path)],
    }
    return Job(
        file=row.file,
        path=path,
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
