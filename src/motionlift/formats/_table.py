"""Tables of text, comma or tab separated, as rows of numbers with an error that says which line."""

import csv
import math
from collections.abc import Iterator
from pathlib import Path

from motionlift.errors import FormatError
from motionlift.formats._shown import shown

# A thousand columns of numbers are 20 kB.
_MAX_LINE = 2**20


def read_lines(path: Path, *, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Number and cells of each line that is not empty.

    Raises:
        FormatError: if it cannot be read, or is no text.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            yield from _cells(handle, separator=separator, path=path)
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}: not a text file, a table was expected") from error
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror})") from error


def first_lines(path: Path, count: int, *, separator: str) -> list[list[str]]:
    """The first lines' cells; none if it is no file of text."""
    if not path.is_file():
        return []
    try:
        return [cells for _, cells in zip(range(count), _just_cells(path, separator), strict=False)]
    except FormatError:
        return []


def number(cell: str, *, where: str) -> float:
    """The number in a cell; NaN if it is empty.

    Raises:
        FormatError: if there is something else in it.
    """
    text = cell.strip()
    if not text:
        return math.nan
    try:
        return float(text)
    except ValueError as error:
        raise FormatError(f"{where}: found '{shown(text)}', expected a number") from error


def whole(cell: str, *, where: str) -> int:
    """The whole number in a cell; 3.0 is 3.

    Raises:
        FormatError: if there is something else in it, or it is too large for a frame.
    """
    value = number(cell, where=where)
    if not (value.is_integer() and 0 <= value < 10**15):
        raise FormatError(f"{where}: found '{shown(cell.strip())}', expected a frame number")
    return int(value)


def _just_cells(path: Path, separator: str) -> Iterator[list[str]]:
    return (cells for _, cells in read_lines(path, separator=separator))


def _cells(handle: Iterator[str], *, separator: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(_bounded(handle, path=path), delimiter=separator)
    try:
        for cells in reader:
            if any(map(str.strip, cells)):
                yield reader.line_num, cells
    except csv.Error as error:
        raise FormatError(f"{path}:{reader.line_num}: not a table ({error})") from error


def _bounded(handle: Iterator[str], *, path: Path) -> Iterator[str]:
    for line in handle:
        if len(line) > _MAX_LINE:
            raise FormatError(f"{path}: a line of {len(line)} characters, too long for a table")
        yield line
