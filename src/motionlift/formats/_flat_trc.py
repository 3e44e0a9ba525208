"""Tells a TRC that holds keypoints in pixels from one that holds 3D markers; its suffix cannot.

Sports2D writes x and y in pixels and 0 for z, with units "m" all the same. So a file counts as 2D
when every z in its first frames is 0, and it says "px" or the rest is far too large for metres.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from motionlift.errors import FormatError
from motionlift.formats._table import first_lines, number

# Nobody is filmed in motion this many metres wide, and no person is so few pixels.
_FARTHEST = 20.0
_HEADER_LINES = 5
# More only where nobody is in the first ones.
_SNIFFED_LINES = (200, 20_000)


def is_flat_trc(path: Path) -> bool:
    """Whether a file is a TRC whose markers lie in a picture; False for what cannot be read."""
    return next(
        (answer for many in _SNIFFED_LINES if (answer := _judged(path, many)) is not None), False
    )


def _judged(path: Path, many: int) -> bool | None:
    """The same by so many lines of numbers; None if nobody is in them."""
    lines = first_lines(path, _HEADER_LINES + many, separator="\t")
    if len(lines) <= _HEADER_LINES or lines[0][0].strip() != "PathFileType":
        return False
    is_in_pixels = dict(zip(lines[1], lines[2], strict=False)).get("Units") == "px"
    try:
        values = np.array(list(_coordinates(lines[_HEADER_LINES - 1 :]))).reshape(-1, 3)
    except FormatError:
        return is_in_pixels  # damaged: its reader says where
    # Who is not there is blank or 0.
    values = values[~np.isnan(values).any(axis=-1) & (values != 0).any(axis=-1)]
    if not len(values):
        return None
    if not (values[:, 2] == 0).all():
        return False
    return is_in_pixels or bool(np.abs(values[:, :2]).max() > _FARTHEST)


def _coordinates(lines: Sequence[Sequence[str]]) -> Iterator[list[float]]:
    """x, y and z of the markers of each line of numbers."""
    for cells in lines:
        # The fifth line names the axes, or is left out as empty.
        if not cells[0].strip():
            continue
        for k in range(2, len(cells) - 2, 3):
            yield [number(cell, where="") for cell in cells[k : k + 3]]
