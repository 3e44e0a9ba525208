"""The split table: which files to read, what they are, and the split of each.

A CSV file with a header line. `file` (below the source folder) and `split` (train, val, test, or
empty) are required; `source`, `dataset`, `subject`, `action`, `fps`, `skeleton`, `licence` and
`sha256` are used where they are there; other columns are let be. `fps` is the real rate, instead of
the declared one; `skeleton` is of keypoints whose layout their file does not tell.
"""

import csv
import math
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from motionlift.data.store import SPLITS
from motionlift.errors import OptionError

REQUIRED = ("file", "split")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """One line of the table; see `Sequence` for the fields."""

    file: str
    source: str = ""
    dataset: str = ""
    subject: str = ""
    action: str = ""
    split: str = ""
    fps: float | None = None
    skeleton: str = ""
    licence: str = ""
    sha256: str = ""


def read_table(path: Path) -> dict[str, TableRow]:
    """The rows of a split table by file, in their order.

    Raises:
        OptionError: if it is no such table; names the line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle)
            missing = [name for name in REQUIRED if name not in (reader.fieldnames or ())]
            if missing:
                raise OptionError(
                    f"{path}: the split table has no column '{missing[0]}'; "
                    f"it needs: {', '.join(REQUIRED)}"
                )
            rows: dict[str, TableRow] = {}
            for values in reader:
                row = _row(values, where=f"{path}:{reader.line_num}")
                if row.file in rows:
                    raise OptionError(f"{path}:{reader.line_num}: {row.file} is listed twice")
                rows[row.file] = row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise OptionError(f"{path}: the split table cannot be read ({error})") from error
    if not rows:
        raise OptionError(f"{path}: the split table lists no file")
    return rows


def _row(values: dict[str, str | None], *, where: str) -> TableRow:
    text = {name: (values.get(name) or "").strip() for name in TableRow.__dataclass_fields__}
    file = PurePosixPath(text["file"].replace("\\", "/"))
    if not text["file"] or file.is_absolute() or ".." in file.parts:
        raise OptionError(
            f"{where}: '{text['file']}' is not a file below the source folder, as 'walks/01.bvh' is"
        )
    if text["split"] not in SPLITS:
        raise OptionError(
            f"{where}: split is '{text['split']}'; expected train, val, test or nothing"
        )
    written = text.pop("fps")
    try:
        fps = float(written) if written else None
    except ValueError:
        raise OptionError(f"{where}: fps is '{written}', not a number") from None
    if fps is not None and not 0 < fps < math.inf:
        raise OptionError(f"{where}: fps is {written}, but above 0")
    return TableRow(**{**text, "file": str(file)}, fps=fps)
