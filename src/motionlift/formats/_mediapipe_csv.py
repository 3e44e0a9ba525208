"""MediaPipe's landmarks in CSV, a line a frame or a line a landmark, as people write them down.

A line a frame: the columns of a landmark are named by its number or name and by the coordinate, in
either order: `x0, y0, z0, v0`, `0_x`, `landmark_0_x`, `nose_x`, `NOSE_visibility`. Numbers count
from 0, or from 1 if there is a 33 and no 0; those beyond are hands or a face, and left out. A line
a landmark: a column `landmark` (or `landmark_id`, `landmark_name`, `id`, ...) with number or name,
and `x`, `y`, `visibility`; a column `person` (or `person_id`, `pose_id`, ...) if there are several,
and `type`, of which `pose` is read. Both may have `frame`, `width`, `height` and `fps`. Landmarks
without columns are missing.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from jaxtyping import Float

from motionlift.errors import FormatError
from motionlift.formats._detections import Gathering
from motionlift.formats._shown import shown
from motionlift.formats._table import first_lines, number, read_lines, whole
from motionlift.formats._timeline import FRAME_KEYS
from motionlift.skeletons import MEDIAPIPE33

_COORDINATES = {"x": 0, "y": 1, "v": 2, "vis": 2, "visibility": 2}
_COORDINATE = "(?P<coordinate>x|y|v|vis|visibility)"
_COLUMN = (
    re.compile(rf"{_COORDINATE}_?(?P<landmark>[0-9]{{1,3}})"),
    re.compile(rf"(?:landmark|lm|point|kp|joint|pose)?_?(?P<landmark>[0-9]{{1,3}})_?{_COORDINATE}"),
    re.compile(rf"(?P<landmark>[a-z_]+)_{_COORDINATE}"),
)
_LANDMARK_COLUMNS = (
    *("landmark", "landmark_id", "landmark_index", "landmark_name", "landmark_idx"),
    *("id", "idx", "index", "name", "joint", "keypoint"),
)
_PERSON_COLUMNS = ("person", "person_id", "pose_id", "pose_index", "person_index", "track_id")
_KIND, _BODY = "type", "pose"
# Of MediaPipe Holistic: face, hands and body.
_MOST_A_FRAME = 543
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
        landmark, kind = _place(names, _LANDMARK_COLUMNS), _place(names, (_KIND,))
        if kind is not None:  # the body may stand behind the face
            lines = first_lines(path, 1 + _MOST_A_FRAME, separator=",")
        cells = [
            line[landmark]
            for line in lines[1:]
            if landmark is not None
            and len(line) > max(landmark, kind or 0)
            and (kind is None or _word(line[kind]) == _BODY)
        ]
        columns = {number: {} for number in _landmarks(cells).values()}
    return set(_NEEDED) <= set(columns)


def add_csv(path: Path, gathering: Gathering) -> tuple[list[int], dict[str, object], list[str]]:
    """Adds the landmarks of a table; the frame of each person added, what it says, and notes.

    Raises:
        FormatError: if a line is damaged, or a landmark stands twice in a frame.
    """
    lines = read_lines(path, separator=",")
    names = _names(next(lines, (0, [""]))[1])
    said: dict[str, object] = {}
    whole_lines = _whole_lines(lines, names, said, path=path)
    frame = _place(names, FRAME_KEYS)
    columns = _wide_columns(names)
    if columns:
        more = len({match["landmark"] for _, match in _matches(names)}) - len(columns)
        notes = [f"{more} more landmarks, which are no body's, are left out"] if more > 0 else []
        return _add_wide(whole_lines, columns, gathering, frame=frame, path=path), said, notes
    landmark = _place(names, _LANDMARK_COLUMNS)
    if landmark is None or frame is None or not {"x", "y"} <= set(names):
        raise FormatError(
            f"{path}: expected columns of landmarks such as 'nose_x', or columns 'frame', "
            "'landmark', 'x', 'y' and 'visibility'"
        )
    columns_of = _Columns(
        frame=frame,
        landmark=landmark,
        person=_place(names, _PERSON_COLUMNS),
        kind=_place(names, (_KIND,)),
        coordinates={_COORDINATES[name]: k for k, name in enumerate(names) if name in _COORDINATES},
    )
    return _add_long(whole_lines, columns_of, gathering, path=path), said, []


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    """Where a table with a line a landmark has what; None for a column that is not there."""

    frame: int
    landmark: int
    person: int | None
    kind: int | None
    coordinates: Mapping[int, int]

    def is_of_a_body(self, cells: Sequence[str]) -> bool:
        return self.kind is None or _word(cells[self.kind]) == _BODY


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
    lines: Iterator[Line], columns: _Columns, gathering: Gathering, *, path: Path
) -> list[int]:
    frames: list[int] = []
    # How landmarks are numbered shows only when all are seen; an hour of them is not held.
    fewest = max(columns.landmark, columns.kind or 0)
    words = {
        cells[columns.landmark]
        for place, (_, cells) in enumerate(read_lines(path, separator=","))
        if place and len(cells) > fewest and columns.is_of_a_body(cells)
    }
    numbering = _landmarks(sorted(words))
    bodies = (line for line in lines if columns.is_of_a_body(line[1]))
    for cell, group in groupby(bodies, key=lambda line: line[1][columns.frame].strip()):
        people: dict[str, Float[np.ndarray, "33 3"]] = {}
        where = ""
        for line, cells in group:
            here = f"{path}:{line}"
            where = where or here
            name = _word(cells[columns.landmark])
            if name not in numbering:
                raise FormatError(f"{here}: '{shown(name)}' is no landmark of MediaPipe Pose")
            person = "" if columns.person is None else cells[columns.person].strip()
            points = people.setdefault(person, _nobody())
            if not np.isnan(points[numbering[name]]).all():
                raise FormatError(
                    f"{here}: a second '{shown(name)}' in frame {shown(cell)}; with several people "
                    "a column 'person' says whose each landmark is"
                )
            points[numbering[name]] = _point(cells, columns.coordinates, where=here)
        for points in people.values():
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
    base = 1 if str(MEDIAPIPE33.num_joints) in words and "0" not in words else 0
    found = {}
    for word in words:
        # MediaPipe says mouth_left, where the skeleton has the side first.
        name = re.sub(r"^mouth_(left|right)$", r"\1_mouth", word)
        if name in MEDIAPIPE33.joints:
            found[word] = MEDIAPIPE33.index(name)
        elif re.fullmatch("[0-9]{1,3}", word) and 0 <= int(word) - base < MEDIAPIPE33.num_joints:
            found[word] = int(word) - base
    return found


def _wide_columns(names: Sequence[str]) -> dict[int, dict[int, int]]:
    """The columns of each landmark's x, y and, if there is one, confidence."""
    parts = [(match["landmark"], match["coordinate"], column) for column, match in _matches(names)]
    numbering = _landmarks([landmark for landmark, _, _ in parts])
    columns: dict[int, dict[int, int]] = {}
    for landmark, coordinate, column in parts:
        if landmark in numbering:
            place = columns.setdefault(numbering[landmark], {})
            place[_COORDINATES[coordinate]] = column
    return {landmark: place for landmark, place in columns.items() if {0, 1} <= set(place)}


def _matches(names: Sequence[str]) -> Iterator[tuple[int, re.Match[str]]]:
    """The columns of coordinates, by their names."""
    for column, name in enumerate(names):
        match = next(filter(None, (each.fullmatch(name) for each in _COLUMN)), None)
        if match:
            yield column, match
