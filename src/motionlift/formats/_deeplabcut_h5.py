"""DeepLabCut's `.h5`: a table that pandas wrote, in its "table" or its "fixed" layout.

Read with h5py, so that neither pandas nor PyTables is needed. In the "table" layout the columns'
names are a pickle in an attribute, which is read as data (see `_pickles`) and never executed.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from motionlift.errors import FormatError
from motionlift.formats._detections import MAX_KEYPOINTS
from motionlift.formats._pickles import read_pickle
from motionlift.formats._shown import shown

if TYPE_CHECKING:
    import h5py

_MAGIC = b"\x89HDF\r\n\x1a\n"
# What h5py raises for damaged files and for things of another kind than expected.
_DAMAGE = (OSError, KeyError, ValueError, TypeError, AttributeError, IndexError, RuntimeError)

Table = tuple[list[tuple[str, ...]], tuple[str, ...], Float[np.ndarray, "frame column"]]


def looks_like_h5(path: Path) -> bool:
    """Whether a file is HDF5 with a table of pandas in it."""
    if not _is_hdf5(path):
        return False
    try:
        import h5py
    except ImportError:
        return True  # so that reading says what to install
    try:
        with h5py.File(path, "r") as file:
            return any("pandas_type" in group.attrs for group in file.values())
    except _DAMAGE:
        return False


def read_h5(path: Path) -> Table:
    """Names above each column, the index, and the numbers.

    Raises:
        FormatError: if it is damaged, holds no such table, or h5py is not installed.
    """
    try:
        import h5py
    except ImportError as error:
        raise FormatError(
            f'{path}: HDF5 needs h5py; run: pip install "motionlift[deeplabcut]"'
        ) from error
    try:
        with h5py.File(path, "r") as file:
            groups = [group for group in file.values() if "pandas_type" in group.attrs]
            if len(groups) != 1:
                raise FormatError(f"{path}: {len(groups)} tables of pandas in it, expected one")
            layout = _text(groups[0].attrs["pandas_type"])
            if layout not in _LAYOUTS:
                raise FormatError(
                    f"{path}: a pandas {shown(layout)}, expected a table of keypoints"
                )
            table = _LAYOUTS[layout](groups[0], path)
    except _DAMAGE as error:
        raise FormatError(f"{path}: a damaged HDF5 file ({str(error)[:80]})") from error
    columns, index, values = table
    if values.shape != (len(index), len(columns)) or values.dtype.kind not in "fiu":
        raise FormatError(f"{path}: names, index and numbers of the table do not go together")
    return columns, index, values.astype(float)


def _read_table(group: "h5py.Group", path: Path) -> Table:
    data = group["table"]
    _check_size(data, path=path)
    axes = read_pickle(bytes(group.attrs["non_index_axes"]), where=f"{path}: 'non_index_axes'")
    (_, names), *_ = axes
    rows = data[()]
    return _names(names), tuple(map(_text, rows["index"])), rows["values_block_0"]


def _read_fixed(group: "h5py.Group", path: Path) -> Table:
    _check_size(group["block0_values"], path=path)
    columns = _names(_levels(group, "block0_items"))
    if _text(group.attrs["axis1_variety"]) == "multi":
        index = tuple("/".join(names) for names in _names(_levels(group, "axis1")))
    else:
        index = tuple(map(_text, group["axis1"][()]))
    return columns, index, group["block0_values"][()]


_LAYOUTS: dict[str, Callable[["h5py.Group", Path], Table]] = {
    "frame_table": _read_table,
    "frame": _read_fixed,
}


def _levels(group: "h5py.Group", axis: str) -> list[tuple[Any, ...]]:
    """The names of a MultiIndex: for each level a list of names, and which it is at each place."""
    levels = []
    for k in range(int(group.attrs[f"{axis}_nlevels"])):
        names, labels = group[f"{axis}_level{k}"], group[f"{axis}_label{k}"]
        _check_size(names, path=None)
        _check_size(labels, path=None)
        levels.append([names[()][label] for label in labels[()]])
    return list(zip(*levels, strict=True))


def _names(columns: Sequence[Sequence[Any]]) -> list[tuple[str, ...]]:
    return [tuple(map(_text, names)) for names in columns]


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _check_size(data: "h5py.Dataset", *, path: Path | None) -> None:
    # HDF5 may claim any size for data that is not there.
    if data.nbytes > 3 * 8 * MAX_KEYPOINTS:
        raise FormatError(f"{path}: the table claims {data.nbytes} bytes; split the recording")


def _is_hdf5(path: Path) -> bool:
    try:
        with path.open("rb") as handle:
            return handle.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False
