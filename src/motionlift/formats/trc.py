"""TRC, the text table of points that OpenSim and Pose2Sim exchange.

    PathFileType  4  (X/Y/Z)  name
    DataRate  CameraRate  NumFrames  NumMarkers  Units  ...
    100       100         238        41          mm     ...
    Frame#  Time  R.Shoulder  L.Shoulder ...
                  X1  Y1  Z1  X2  Y2  Z2 ...
    1       0.00  -652.6 ...

Cells are parted by tabs, commas or spaces; an empty one, or NaN, is a point that was not seen.
Which joints can be had of the points, `_labelled.py` and `_markers.py` say.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from motionlift.errors import FormatError
from motionlift.formats import Format, ReadOptions
from motionlift.formats._flat_trc import is_flat_trc
from motionlift.formats._labelled import Recording, people_of
from motionlift.formats._timeline import GIVE_RATE
from motionlift.formats._trc_write import write
from motionlift.poses import Pose3D

_FRAME_NUMBER = re.compile(r"[0-9]{1,9}(\.0*)?")
# Times have few digits; a rate that differs by more from what they say is wrong.
_RATE_TOLERANCE = 0.02
_ROUNDING = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Table:
    labels: list[str]
    points: Float[np.ndarray, "frame point 3"]
    numbers: Int[np.ndarray, " frame"]
    times: Float[np.ndarray, " frame"]
    head: dict[str, str]


def read(path: Path, options: ReadOptions) -> Sequence[Pose3D]:
    """The people in the file.

    Raises:
        FormatError: if it is damaged, or its unit is unknown or cannot be right.
        SkeletonError: if of nobody enough joints can be had.
    """
    table = _read_table(path)
    fps, notes = _fps(table, path, options)
    declared = table.head.get("numframes", "")
    if declared.isdecimal() and declared != str(len(table.points)):
        notes.append(f"declares {declared[:12]} frames and holds {len(table.points)}")
    recording = Recording(
        source=str(path),
        labels=table.labels,
        points=table.points,
        fps=fps,
        unit=table.head.get("units", ""),
        up=None,
        usual_up="y",
        # TRC counts from 1; some programs from 0.
        frame_index=table.numbers - min(1, int(table.numbers[0])),
        notes=notes,
    )
    return people_of(recording, options)


def _read_table(path: Path) -> _Table:
    try:
        text = path.read_bytes().decode("utf-8-sig", errors="replace")
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror})") from error
    lines = text.splitlines()
    if len(lines) < 5 or not _is_trc(lines[0]):
        raise FormatError(
            f"{path}: not a TRC file: it should begin with PathFileType and have five lines of head"
        )
    separator = _separator(lines[3])
    head = _head(_cells(lines[1], separator), _cells(lines[2], separator))
    labels = [cell for cell in _cells(lines[3], separator) if cell][2:]
    if not labels:
        raise FormatError(f"{path}:4: names no points; expected Frame#, Time and their names")
    rows = [
        (number, _cells(line, separator))
        for number, line in enumerate(lines[4:], start=5)
        if line.strip(" \t,")
    ]
    # The fifth line names the axes, X1, Y1, ...; some leave it out.
    if rows and rows[0][0] == 5 and not _FRAME_NUMBER.fullmatch(rows[0][1][0]):
        del rows[0]
    if not rows:
        raise FormatError(f"{path}: holds no frames after its head")
    is_whole = text.endswith(("\n", "\r"))
    values = [_row(cells, len(labels), where=f"{path}:{number}") for number, cells in rows]
    if not is_whole and _declares_more(head, len(rows)):
        raise FormatError(f"{path}:{len(lines)}: the file is cut short within this line")
    table = np.array(values)
    numbers = table[:, 0].astype(np.int64)
    if (np.diff(numbers) < 1).any():
        line = rows[int(np.flatnonzero(np.diff(numbers) < 1)[0]) + 1][0]
        raise FormatError(f"{path}:{line}: frame numbers do not increase")
    points = table[:, 2:].reshape(len(table), len(labels), 3)
    points[~np.isfinite(points).all(axis=-1) | (points == 0).all(axis=-1)] = np.nan
    return _Table(labels=labels, points=points, numbers=numbers, times=table[:, 1], head=head)


def _head(names: Sequence[str], values: Sequence[str]) -> dict[str, str]:
    """What the second and third line say; a cell may be blank, or a separator stand twice."""
    in_place = dict(zip(map(str.lower, names), values, strict=False))
    if in_place.get("units", "").isalpha():
        return in_place
    return dict(zip((name.lower() for name in names if name), filter(None, values), strict=False))


def _row(cells: list[str], num_points: int, *, where: str) -> list[float]:
    """Frame number, time and coordinates of one line, NaN where a cell is empty."""
    expected = 2 + 3 * num_points
    if len(cells) < expected or any(cells[expected:]):
        raise FormatError(
            f"{where}: has {len(cells)} cells; expected a frame number, a time and "
            f"{3 * num_points} coordinates; the file may be cut short"
        )
    if not _FRAME_NUMBER.fullmatch(cells[0]):
        raise FormatError(f"{where}: '{cells[0][:20]}' is no frame number")
    try:
        return [float(cell) if cell else np.nan for cell in cells[:expected]]
    except ValueError as error:
        raise FormatError(f"{where}: holds what is no number ({str(error)[:60]})") from error


def _fps(table: _Table, path: Path, options: ReadOptions) -> tuple[float | None, list[str]]:
    """Frames a second by the frames' times, else as declared."""
    if options.fps is not None:
        return options.fps, []
    rate = table.head.get("datarate", "")
    try:
        declared = float(rate)
    except ValueError:
        declared = float("nan")
    steps = np.diff(table.times) / np.diff(table.numbers)
    step = float(np.median(steps)) if len(steps) else float("nan")
    timed = 1 / step if step > 1e-6 else float("nan")
    if np.isfinite(timed) and abs(timed - round(timed)) < _ROUNDING * timed:
        timed = float(round(timed))
    is_declared = 0 < declared < 1e5
    if is_declared and not abs(timed / declared - 1) > _RATE_TOLERANCE:
        return declared, []
    if np.isfinite(timed):
        said = f"{declared:g}" if is_declared else "no"
        return timed, [f"declares {said} frames a second, its times say {timed:g}: taken as that"]
    raise FormatError(
        f"{path}: says neither by its DataRate ('{rate[:12]}') nor by its times how many frames a "
        f"second there are; {GIVE_RATE}"
    )


def _declares_more(head: dict[str, str], frames: int) -> bool:
    declared = head.get("numframes", "")
    return bool(_FRAME_NUMBER.fullmatch(declared)) and int(float(declared)) > frames


def _separator(line: str) -> str | None:
    """What parts the cells: the commoner of tab and comma, None for spaces."""
    tabs, commas = line.count("\t"), line.count(",")
    if not tabs and not commas:
        return None
    return "\t" if tabs >= commas else ","


def _cells(line: str, separator: str | None) -> list[str]:
    return [cell.strip() for cell in line.split(separator)]


def _is_trc(first_line: str) -> bool:
    return first_line.lstrip().lower().startswith("pathfiletype")


def _sniff(path: Path) -> bool:
    try:
        with path.open("rb") as handle:
            is_trc = _is_trc(handle.read(64).decode("utf-8-sig", errors="replace"))
    except OSError:
        return False
    return is_trc and not is_flat_trc(path)


FORMAT = Format(
    name="trc",
    title="TRC",
    kind="motion",
    suffixes=(".trc",),
    sniff=_sniff,
    read_motion=read,
    write=write,
    needs_fps=True,
)
