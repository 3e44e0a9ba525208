"""Sports2D: `NAME_px_person00.trc`, one person's keypoints in pixels in a table of markers.

TRC is a format for 3D markers; Sports2D writes x and y in pixels (y down) and 0 for z, with units
"m" all the same in its header. So a file counts as 2D when every z is 0 and the rest is far too
large for metres, or when it says "px". The markers' names say which is which; there are no
confidences; an empty cell is missing. Source: Sports2D, `trc_data_from_XYZtime`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from jaxtyping import Float

from motionlift.errors import FormatError
from motionlift.formats import Format, ReadOptions
from motionlift.formats._cleaning import fps_of
from motionlift.formats._detections import MAX_JOINTS, Gathering
from motionlift.formats._named import naming_of
from motionlift.formats._people import people_of
from motionlift.formats._table import first_lines, number, read_lines, whole
from motionlift.poses import Pose2D

# Nobody is filmed in motion this many metres wide, and no person is so few pixels.
_FARTHEST = 20.0
_HEADER_LINES = 5
# The skeletons of Pose2Sim call the top of the head so.
_SAME = {"Head": "head_top"}
_SNIFFED_LINES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    fps: str
    markers: tuple[str, ...]


def read(path: Path, options: ReadOptions) -> Sequence[Pose2D]:
    """The person in the file.

    Raises:
        FormatError: if it is damaged, or nobody is in it.
        SkeletonError: if its markers have unknown names.
    """
    lines = read_lines(path, separator="\t")
    header = _header(list(islice(lines, _HEADER_LINES)), path=path)
    naming = naming_of(header.markers, asked=options.skeleton, path=path, same=_SAME)
    gathering = Gathering(path)
    frame: list[int] = []
    seen: list[int] = []
    for line, cells in lines:
        where = f"{path}:{line}"
        seen.append(whole(cells[0], where=where))
        points = _points(cells, len(header.markers), where=where)
        if not np.isnan(points[:, :2]).all():
            gathering.add(naming.ordered(points), where=where)
            frame.append(seen[-1])
    fps, doubts = fps_of(header.fps)
    return people_of(
        gathering,
        frame,
        path=path,
        options=options,
        skeleton=naming.skeleton,
        span=(min(seen), max(seen)) if seen else None,
        num_frames=len(seen),
        fps=fps,
        notes=(
            "the file has no confidences; every keypoint is taken as sure",
            *naming.notes,
            *doubts,
        ),
    )


def _header(lines: Sequence[tuple[int, list[str]]], *, path: Path) -> _Header:
    # An empty fifth line is skipped by the table's reader; then the first frame is here too.
    if len(lines) < 4 or lines[0][1][0].strip() != "PathFileType":
        raise FormatError(f"{path}: expected the header of a TRC file, 'PathFileType ...'")
    said = dict(zip(lines[1][1], lines[2][1], strict=False))
    cells = lines[3][1]
    markers = tuple(cell.strip() for cell in cells[2:] if cell.strip())
    if cells[0].strip() != "Frame#" or not 0 < len(markers) <= MAX_JOINTS:
        raise FormatError(f"{path}:{lines[3][0]}: expected 'Frame#', 'Time' and markers' names")
    return _Header(fps=said.get("DataRate", ""), markers=markers)


def _points(cells: Sequence[str], num_markers: int, *, where: str) -> Float[np.ndarray, "marker 3"]:
    """x, y and confidence 1 of each marker; NaN where the cells are empty."""
    values = [number(cell, where=where) for cell in cells[2 : 2 + 3 * num_markers]]
    # Trailing empty cells may be left out.
    values += [np.nan] * (3 * num_markers - len(values))
    points = np.array(values).reshape(num_markers, 3)
    points[:, 2] = 1.0
    return points


def _sniff(path: Path) -> bool:
    lines = first_lines(path, _HEADER_LINES + _SNIFFED_LINES, separator="\t")
    if len(lines) <= _HEADER_LINES or lines[0][0].strip() != "PathFileType":
        return False
    said = dict(zip(lines[1], lines[2], strict=False))
    if said.get("Units") == "px":
        return True
    try:
        values = np.array(list(_coordinates(lines[_HEADER_LINES:]))).reshape(-1, 3)
    except FormatError:
        return False
    values = values[~np.isnan(values).any(axis=-1)]
    return bool(
        len(values) and (values[:, 2] == 0).all() and np.abs(values[:, :2]).max() > _FARTHEST
    )


def _coordinates(lines: Sequence[Sequence[str]]) -> Iterator[list[float]]:
    for cells in lines:
        for k in range(2, len(cells) - 2, 3):
            yield [number(cell, where="") for cell in cells[k : k + 3]]


FORMAT = Format(
    name="sports2d-trc",
    title="Sports2D TRC in pixels",
    kind="keypoints",
    suffixes=(".trc",),
    sniff=_sniff,
    read_keypoints=read,
)
