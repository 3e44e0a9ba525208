"""DeepLabCut: tables of keypoints, `.csv` or `.h5`, of one person or several.

Above the numbers stand lines `scorer`, `individuals` (with several), `bodyparts` and `coords`
(x, y, likelihood), in pixels; to their left the frame number, or the image's path in labelled data,
which has no likelihood. Body parts are the user's own: known names of human joints are recognised,
others need `--skeleton FILE.toml`. The `.h5` holds the same (see `_deeplabcut_h5`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from motionlift.errors import FormatError
from motionlift.formats import Format, ReadOptions
from motionlift.formats._deeplabcut_h5 import looks_like_h5, read_h5
from motionlift.formats._detections import MAX_KEYPOINTS, Gathering
from motionlift.formats._named import Naming, naming_of
from motionlift.formats._people import people_of
from motionlift.formats._shown import shown
from motionlift.formats._table import first_lines, number, read_lines
from motionlift.formats._timeline import frames_of_names
from motionlift.poses import Pose2D

_COORDINATES = ("x", "y", "likelihood")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Table:
    """The numbers, and above each column: individual, body part, coordinate."""

    columns: tuple[tuple[str, str, str], ...]
    index: tuple[str, ...]
    values: Float[np.ndarray, "frame column"]


def read(path: Path, options: ReadOptions) -> Sequence[Pose2D]:
    """Everybody in the file, most prominent first.

    Raises:
        FormatError: if it is damaged, or nobody is in it.
        SkeletonError: if its body parts have unknown names.
    """
    if looks_like_h5(path):
        levels, index, values = read_h5(path)
        table = _Table(columns=_columns(levels, path=path), index=index, values=values)
    else:
        table = _read_csv(path)
    frames = _frames(table.index, path=path)
    parts = tuple(dict.fromkeys(part for _, part, _ in table.columns))
    naming = naming_of(parts, asked=options.skeleton, path=path)
    gathering = Gathering(path)
    frame: list[int] = []
    tracks: list[str] = []
    individuals = list(dict.fromkeys(who for who, _, _ in table.columns))
    for who in individuals:
        points = _points(table, who, parts)
        for k in np.flatnonzero(~np.isnan(points[..., :2]).all(axis=(1, 2))):
            gathering.add(naming.ordered(points[k]), where=f"{path}: frame {frames[k]}")
            frame.append(frames[k])
            tracks.append(who)
    return people_of(
        gathering,
        frame,
        path=path,
        options=options,
        skeleton=naming.skeleton,
        track=tracks,
        span=(min(frames), max(frames)),
        num_frames=len(frames),
        notes=_notes(table, naming),
    )


def _notes(table: _Table, naming: Naming) -> list[str]:
    has_likelihood = any(coordinate == "likelihood" for _, _, coordinate in table.columns)
    notes = list(naming.notes)
    if not has_likelihood:
        notes.append("the file has no likelihoods; every keypoint is taken as sure")
    return notes


def _points(table: _Table, who: str, parts: Sequence[str]) -> Float[np.ndarray, "frame part 3"]:
    points = np.full((len(table.values), len(parts), 3), np.nan)
    points[..., 2] = 1.0
    for column, (individual, part, coordinate) in enumerate(table.columns):
        if individual == who:
            place = (parts.index(part), _COORDINATES.index(coordinate))
            points[:, place[0], place[1]] = table.values[:, column]
    return points


def _columns(levels: Sequence[Sequence[str]], *, path: Path) -> tuple[tuple[str, str, str], ...]:
    """Individual, body part and coordinate of each column; the scorer does not matter."""
    columns = []
    for names in levels:
        individual = names[1] if len(names) == 4 else ""
        if len(names) not in (3, 4) or names[-1] not in _COORDINATES:
            raise FormatError(
                f"{path}: a column is {shown('/'.join(map(str, names)))}, expected scorer, "
                "body part and one of x, y, likelihood"
            )
        columns.append((individual, names[-2], names[-1]))
    return tuple(columns)


def _frames(index: Sequence[str], *, path: Path) -> list[int]:
    """Frame numbers: the index itself, or the numbers in images' names."""
    if all(name.isdecimal() and len(name) < 16 for name in index):
        return [int(name) for name in index]
    names = [name.replace("\\", "/").rpartition("/") for name in index]
    folders = sorted({folder for folder, _, _ in names})
    if len(folders) > 1:
        raise FormatError(
            f"{path}: images of {len(folders)} recordings, such as {shown(folders[0])} and "
            f"{shown(folders[1])}; keep the lines of one"
        )
    return frames_of_names([name for _, _, name in names], source=path)


def _read_csv(path: Path) -> _Table:
    lines = read_lines(path, separator=",")
    header = []
    for line, cells in lines:
        header.append(cells)
        if cells[0].strip() == "coords":
            break
        if len(header) == 4:
            raise FormatError(f"{path}:{line}: expected a line 'coords', as DeepLabCut writes it")
    if not header or header[-1][0].strip() != "coords":
        raise FormatError(f"{path}: the file ends before a line 'coords'; it may be cut short")
    # Labelled data has its image's path in three columns, as empty cells above them show.
    width = 1 + sum(1 for cell in header[-1][1:3] if not cell.strip())
    if len({len(cells) for cells in header}) > 1 or len(header[0]) <= width:
        raise FormatError(f"{path}: the lines of the header differ in length")
    levels = list(zip(*(cells[width:] for cells in header), strict=True))
    index, rows = [], []
    for where, cells in _whole_lines(lines, len(header[0]), path=path):
        index.append("/".join(cell.strip() for cell in cells[:width]))
        rows.append(np.array([number(cell, where=where) for cell in cells[width:]]))
        if len(rows) * len(levels) > 3 * MAX_KEYPOINTS:
            raise FormatError(f"{path}: more than {len(rows)} frames; split the recording")
    if not rows:
        raise FormatError(f"{path}: no frame below the header")
    return _Table(columns=_columns(levels, path=path), index=tuple(index), values=np.stack(rows))


def _whole_lines(
    lines: Iterator[tuple[int, list[str]]], width: int, *, path: Path
) -> Iterator[tuple[str, list[str]]]:
    for line, cells in lines:
        if len(cells) != width:
            raise FormatError(
                f"{path}:{line}: {len(cells)} cells, but {width} columns; it may be cut short"
            )
        yield f"{path}:{line}", cells


def _sniff(path: Path) -> bool:
    if looks_like_h5(path):
        return True
    lines = first_lines(path, 4, separator=",")
    starts = [line[0].strip() for line in lines]
    return starts[:1] == ["scorer"] and "bodyparts" in starts


FORMAT = Format(
    name="deeplabcut",
    title="DeepLabCut table",
    kind="keypoints",
    suffixes=(".h5", ".csv"),
    sniff=_sniff,
    read_keypoints=read,
)
