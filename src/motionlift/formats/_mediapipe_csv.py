"""MediaPipe's landmarks in CSV, a line a frame or a line a landmark, as people write them down.

A line a frame: the columns of a landmark are named by its number or name and by the coordinate, in
either order: `x0, y0, z0, v0`, `0_x`, `landmark_0_x`, `nose_x`, `NOSE_visibility`. Numbers count
from 0, or from 1 if there is a 33. A line a landmark: a column `landmark` (or `landmark_id`,
`landmark_name`, `id`, ...) with number or name, and `x`, `y`, `visibility`. Both may have `frame`,
`width`, `height` and `fps`. Landmarks without columns are missing.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
from jaxtyping import Float

from motionlift.errors import FormatError
from motionlift.formats._detections import Gathering
from motionlift.formats._shown import shown
from motionlift.formats._table import first_lines, number, read_lines, whole
from motionlift.skeletons import MEDIAPIPE33

_COORDINATES = {"x": 0, "y": 1, "v": 2, "vis": 2, "visibility": 2}
_COORDINATE = "(?P<coordinate>x|y|v|vis|visibility)"
_COLUMN = (
    re.compile(rf"{_COORDINATE}_?(?P<landmark>[0-9]{{1,2}})"),
    re.compile(rf"(?:landmark|lm|point|kp|joint|pose)?_?(?P<landmark>[0-9]{{1,2}})_?{_COORDINATE}"),
    re.compile(rf"(?P<landmark>[a-z_]+)_{_COORDINATE}"),
)
_LANDMARK_COLUMNS = (
    *("landmark", "landmark_id", "landmark_index", "landmark_name", "landmark_idx"),
    *("id", "idx", "index", "name", "joint", "keypoint"),
)
_FRAME_COLUMNS = ("frame", "frame_id", "frame_index", "frame_number", "frame_num", "frame_idx")
_SAID = ("width", "height", "fps")
# A body, and not something else with an x and a y.
_NEEDED = tuple(
    MEDIAPIPE33.index(f"{side}_{joint}")
    for side in ("left", "right")
    for joint in ("shoulder", "hip")
)

Line = tuple[int, list[str]]


def looks_like_csv(path: Path) -> bool:
    """Whether a file is such a table, by its first lines."""
    lines = first_lines(path, 1 + MEDIAPIPE33.num_joints, separator=",")
    if len(lines) < 2:
        return False
    names = _names(lines[0])
    columns = _wide_columns(names)
    if not columns and {"x", "y"} <= set(names):
        landmark = _place(names, _LANDMARK_COLUMNS)
        cells = [
            line[landmark] for line in lines[1:] if landmark is not None and len(line) > landmark
        ]
        columns = {number: {} for number in _landmarks(cells).values()}
    return set(_NEEDED) <= set(columns)


def add_csv(path: Path, gathering: Gathering) -> tuple[list[int], dict[str, object]]:
    """Adds the landmarks of a table; the frame of each person added, and what the table says.

    Raises:
        FormatError: if a line is damaged.
    """
    lines = read_lines(path, separator=",")
    names = _names(next(lines, (0, [""]))[1])
    said: dict[str, object] = {}
    whole_lines = _whole_lines(lines, names, said, path=path)
    frame = _place(names, _FRAME_COLUMNS)
    columns = _wide_columns(names)
    if columns:
        return _add_wide(whole_lines, columns, gathering, frame=frame, path=path), said
    landmark = _place(names, _LANDMARK_COLUMNS)
    if landmark is None or frame is None or not {"x", "y"} <= set(names):
        raise FormatError(
            f"{path}: expected columns of landmarks such as 'nose_x', or columns 'frame', "
            "'landmark', 'x', 'y' and 'visibility'"
        )
    coordinates = {_COORDINATES[name]: k for k, name in enumerate(names) if name in _COORDINATES}
    return _add_long(
        whole_lines, coordinates, gathering, frame=frame, landmark=landmark, path=path
    ), said


def _whole_lines(
    lines: Iterator[Line], names: Sequence[str], said: dict[str, object], *, path: Path
) -> Iterator[Line]:
    """The lines, each with all columns; fps and picture size of the first go to `said`."""
    for line, cells in lines:
        if len(cells) != len(names):
            raise FormatError(
                f"{path}:{line}: {len(cells)} cells, but {len(names)} columns; "
                "the file may be cut short"
            )
        if not said:
            said.update({name: cells[names.index(name)] for name in _SAID if name in names})
        yield line, cells


def _add_wide(
    lines: Iterator[Line],
    columns: Mapping[int, Mapping[int, int]],
    gathering: Gathering,
    *,
    frame: int | None,
    path: Path,
) -> list[int]:
    frames = []
    for count, (line, cells) in enumerate(lines):
        where = f"{path}:{line}"
        points = _nobody()
        for landmark, place in columns.items():
            points[landmark] = _point(cells, place, where=where)
        gathering.add(points, where=where)
        frames.append(count if frame is None else whole(cells[frame], where=where))
    return frames


def _add_long(
    lines: Iterator[Line],
    coordinates: Mapping[int, int],
    gathering: Gathering,
    *,
    frame: int,
    landmark: int,
    path: Path,
) -> list[int]:
    frames: list[int] = []
    # How landmarks are numbered shows only when all are seen; an hour of them is not held.
    words = {
        cells[landmark] for _, cells in read_lines(path, separator=",") if landmark < len(cells)
    }
    numbering = _landmarks(sorted(words))
    for cell, group in groupby(lines, key=lambda line: line[1][frame].strip()):
        of_frame = list(group)
        where = f"{path}:{of_frame[0][0]}"
        points = _nobody()
        for line, cells in of_frame:
            name = _word(cells[landmark])
            if name not in numbering:
                raise FormatError(
                    f"{path}:{line}: '{shown(name)}' is no landmark of MediaPipe Pose"
                )
            points[numbering[name]] = _point(cells, coordinates, where=f"{path}:{line}")
        gathering.add(points, where=where)
        frames.append(whole(cell, where=where))
    return frames


def _point(
    cells: Sequence[str], place: Mapping[int, int], *, where: str
) -> tuple[float, float, float]:
    """x, y, confidence; without a column for it, confidence is 1."""
    x, y = number(cells[place[0]], where=where), number(cells[place[1]], where=where)
    return x, y, number(cells[place[2]], where=where) if 2 in place else 1.0


def _nobody() -> Float[np.ndarray, "33 3"]:
    return np.full((MEDIAPIPE33.num_joints, 3), np.nan)


def _word(cell: str) -> str:
    return cell.strip().lower().replace(" ", "_").removeprefix("poselandmark.")


def _names(cells: Sequence[str]) -> list[str]:
    return [_word(cell) for cell in cells]


def _place(names: Sequence[str], wanted: Sequence[str]) -> int | None:
    return next((names.index(name) for name in wanted if name in names), None)


def _landmarks(cells: Sequence[str]) -> dict[str, int]:
    """The number, from 0, of each landmark that a cell names or numbers."""
    words = {_word(cell) for cell in cells}
    base = 1 if str(MEDIAPIPE33.num_joints) in words else 0
    found = {}
    for word in words:
        # MediaPipe says mouth_left, where the skeleton has the side first.
        name = re.sub(r"^mouth_(left|right)$", r"\1_mouth", word)
        if name in MEDIAPIPE33.joints:
            found[word] = MEDIAPIPE33.index(name)
        elif re.fullmatch("[0-9]{1,2}", word) and 0 <= int(word) - base < MEDIAPIPE33.num_joints:
            found[word] = int(word) - base
    return found


def _wide_columns(names: Sequence[str]) -> dict[int, dict[int, int]]:
    """The columns of each landmark's x, y and, if there is one, confidence."""
    parts = [
        (match["landmark"], match["coordinate"], column)
        for column, name in enumerate(names)
        for match in [next(filter(None, (each.fullmatch(name) for each in _COLUMN)), None)]
        if match
    ]
    numbering = _landmarks([landmark for landmark, _, _ in parts])
    columns: dict[int, dict[int, int]] = {}
    for landmark, coordinate, column in parts:
        if landmark in numbering:
            place = columns.setdefault(numbering[landmark], {})
            place[_COORDINATES[coordinate]] = column
    return {landmark: place for landmark, place in columns.items() if {0, 1} <= set(place)}
