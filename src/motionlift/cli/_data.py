"""What `motionlift data build`, `show` and `merge` take and do.

What does the work is imported when the arguments have been understood: `--help` answers at once.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from motionlift.cli._parsing import parse


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """Make a training store of all motion in a folder, or update the one that is there.

    Attributes:
        source: folder with recordings, at any depth, or one recording.
        kind: read motion capture, or 2D keypoints, whose sequences have no 3D truth; merge
            stores of both to train on both.
        out: the store, a folder. If it is a store already, unchanged files are not read again.
        split: CSV table of the files to read, with the split of each (columns file and split; also
            source, dataset, subject, action, fps, skeleton, licence, sha256). Files that are not in
            it are counted and named.
        fps: frames a second of the store.
        source_fps: real frames a second of all files, where they declare them wrongly; an fps in
            the table wins.
        skeleton: of the keypoints, where files of several look alike; the table's wins.
        image_size: width and height in pixels, for keypoints given as parts of the picture.
        names: TOML file that names the joints of a skeleton that is not known yet.
        up: axis that points up, instead of what the files say; not for files in a camera's axes.
        metres_per_unit: size of the files' unit of length, instead of what is known or measured.
        body_model: for AMASS: the .npz of SMPL+H or SMPL-X, or the folder of the downloaded ones.
        joint_regressor: for AMASS: .npy of Human3.6M's 17 joints from that model's surface; without
            it the model's own joints are taken.
        workers: processes that read files; as many as there are cores if not given.
        fresh: read every file again, even if nothing changed.
    """

    source: Path
    out: Path
    kind: Literal["motion", "keypoints"] = "motion"
    split: Path | None = None
    fps: float = 50.0
    source_fps: float | None = None
    skeleton: str | None = None
    image_size: tuple[int, int] | None = None
    names: Path | None = None
    up: Literal["x", "y", "z"] | None = None
    metres_per_unit: float | None = None
    body_model: Path | None = None
    joint_regressor: Path | None = None
    workers: int | None = None
    fresh: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """Show what a training store holds: sequences, minutes, what was skipped and why.

    Attributes:
        store: the store, a folder.
        json: write the same to this JSON file.
        verify: read all of it and compare with its checksums.
    """

    store: Annotated[Path, tyro.conf.Positional]
    json: Path | None = None
    verify: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """Merge training stores of one frame rate into a new one.

    Attributes:
        stores: the stores, folders.
        out: the new store, a folder that is not there yet.
    """

    stores: Annotated[tuple[Path, ...], tyro.conf.Positional]
    out: Path


def build(arguments: Sequence[str]) -> None:
    """Parse, build and print the table."""
    parsed = parse(Build, arguments, prog="motionlift data build")

    from motionlift.cli._data_tables import print_summary, progress_bar
    from motionlift.data.build import build_store
    from motionlift.data.finish import REPORT
    from motionlift.data.plan import BuildSettings
    from motionlift.data.summary import summary
    from motionlift.formats import ReadOptions

    options = ReadOptions(
        fps=parsed.source_fps,
        skeleton=parsed.skeleton,
        image_size=parsed.image_size,
        names=parsed.names,
        up=parsed.up,
        metres_per_unit=parsed.metres_per_unit,
        body_model=parsed.body_model,
        joint_regressor=parsed.joint_regressor,
    )
    with progress_bar("Reading") as on_progress:
        result = build_store(
            parsed.source,
            parsed.out,
            settings=BuildSettings(
                kind=parsed.kind, split=parsed.split, fps=parsed.fps, options=options
            ),
            workers=parsed.workers,
            fresh=parsed.fresh,
            on_progress=on_progress,
        )
    print_summary(summary(result.store))
    print(
        f"{result.read} files read, {result.reused} unchanged; the store is {parsed.out}, "
        f"with pictures in {parsed.out / REPORT}"
    )


def show(arguments: Sequence[str]) -> None:
    """Parse, summarise and print."""
    parsed = parse(Show, arguments, prog="motionlift data show")

    from motionlift.cli._data_tables import print_summary
    from motionlift.data.store import Store
    from motionlift.data.summary import summary
    from motionlift.files import written_beside

    store = Store.open(parsed.store)
    if parsed.verify:
        store.verify()
    values = summary(store)
    if parsed.json is not None:
        with written_beside(parsed.json) as beside:
            beside.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print_summary(values)
    if parsed.verify:
        print("verified: every file is as it was written")


def merge(arguments: Sequence[str]) -> None:
    """Parse, merge and print the table."""
    parsed = parse(Merge, arguments, prog="motionlift data merge")

    from motionlift.cli._data_tables import print_summary
    from motionlift.data.merge import merge_stores
    from motionlift.data.summary import summary

    print_summary(summary(merge_stores(parsed.stores, parsed.out)))
    print(f"{len(parsed.stores)} stores merged; the new one is {parsed.out}")
