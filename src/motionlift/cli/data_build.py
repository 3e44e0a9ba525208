"""`motionlift data build`: motion capture in, a training store out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from motionlift.cli import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """Make a training store of all motion capture in a folder, or update the one that is there.

    Attributes:
        source: folder with motion capture files, at any depth.
        out: the store, a folder. If it is a store already, unchanged files are not read again.
        split: CSV table of the files to read, with the split of each (columns file and split; also
            source, dataset, subject, action, fps, licence, sha256). Files that are not in it are
            counted and named.
        fps: frames a second of the store.
        source_fps: real frames a second of all files, where they declare them wrongly; an fps in
            the table wins.
        names: TOML file that names the joints of a skeleton that is not known yet.
        up: axis that points up, where the files do not say.
        metres_per_unit: size of the files' unit of length, instead of what is known or measured.
        workers: processes that read files; as many as there are cores if not given.
        fresh: read every file again, even if nothing changed.
    """

    source: Path
    out: Path
    split: Path | None = None
    fps: float = 50.0
    source_fps: float | None = None
    names: Path | None = None
    up: Literal["x", "y", "z"] | None = None
    metres_per_unit: float | None = None
    workers: int | None = None
    fresh: bool = False


def run(arguments: Sequence[str]) -> None:
    """Parse, build and print the table."""
    import tyro

    parsed = tyro.cli(Arguments, args=arguments, prog="motionlift data build")

    from motionlift.cli._data_tables import print_summary, progress_bar
    from motionlift.data.build import build_store
    from motionlift.data.plan import BuildSettings
    from motionlift.data.summary import summary
    from motionlift.formats import ReadOptions

    settings = BuildSettings(
        split=parsed.split,
        fps=parsed.fps,
        options=ReadOptions(
            fps=parsed.source_fps,
            names=parsed.names,
            up=parsed.up,
            metres_per_unit=parsed.metres_per_unit,
        ),
    )
    with progress_bar("Reading") as on_progress:
        result = build_store(
            parsed.source,
            parsed.out,
            settings=settings,
            workers=parsed.workers,
            fresh=parsed.fresh,
            on_progress=on_progress,
        )
    print_summary(summary(result.store))
    print(f"{result.read} files read, {result.reused} unchanged; the store is {parsed.out}")


COMMAND = Command(name="data-build", summary="make a training store from motion capture", run=run)
