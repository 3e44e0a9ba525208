"""Sports2D: `NAME_px_person00.trc`, one person's keypoints in pixels in a table of markers.

TRC is a format for 3D markers; Sports2D writes x and y in pixels (y down) and 0 for z, with units
"m" all the same in its header; `_flat_trc` tells such files from 3D markers. The markers' names say
which is which; there are no confidences; an empty cell is missing. Source: Sports2D,
`trc_data_from_XYZtime`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from jaxtyping import Float

from motionlift.errors import FormatError
from motionlift.formats import Format, ReadOptions
from motionlift.formats._cleaning import fps_of
from motionlift.formats._detections import MAX_JOINTS, Gathering
from motionlift.formats._flat_trc import is_flat_trc
from motionlift.formats._named import naming_of
from motionlift.formats._people import people_of
from motionlift.formats._table import number, read_lines, whole
from motionlift.poses import Pose2D

_HEADER_LINES = 4
# The skeletons of Pose2Sim call the top of the head so.
_SAME = {"Head": "head_top"}


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
        if not seen and not cells[0].strip():
            continue  # X1, Y1, Z1, ...: some leave that line out, or empty
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
    if len(lines) < _HEADER_LINES or lines[0][1][0].strip() != "PathFileType":
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


FORMAT = Format(
    name="sports2d-trc",
    title="Sports2D TRC in pixels",
    kind="keypoints",
    suffixes=(".trc",),
    sniff=is_flat_trc,
    read_keypoints=read,
)
