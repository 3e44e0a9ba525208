"""Reads the weights out of a checkpoint that PyTorch wrote (`.bin`, `.pt`, `.pth`).

Such a file is a zip archive, never compressed: `data.pkl` describes the tensors, and each storage
is a record `data/KEY`. `pickles.py` reads the description without executing it. Sizes that a file
claims are held against the bytes it has before memory is asked for. The names that the published
code uses: `model_pos` (or `model`, for action recognition) holds the tensors, each name behind
`module.` where the training ran on GPUs; optimiser, epoch and best loss may stand beside it.
"""

import math
import sys
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from motionlift.errors import WeightsError
from motionlift.network.pickles import StoredTensor, read_pickle

CHECKPOINT_SUFFIXES = (".bin", ".pt", ".pth")
_STATE_KEYS = ("model_pos", "model")
_PREFIX = "module."
# How the formats before PyTorch 1.6 begin: a bare pickle, or a tar archive with "sys_info".
_BARE_PICKLE = b"\x80"


def stored_tensors(path: Path) -> dict[str, StoredTensor]:
    """Where each of the weights lies in the checkpoint, by name; reads none of them yet.

    Raises:
        WeightsError: if the file is no checkpoint of weights, is damaged or cut short, or asks
            for anything but tensors, numbers and plain containers.
    """
    with _opened(path) as archive:
        data = _record(archive, path, f"{_folder(archive, path)}/data.pkl")
    try:
        content = read_pickle(data)
    except WeightsError as error:
        raise WeightsError(f"{path}: refused: {error}") from error
    state = content
    if isinstance(content, dict):
        state = next((content[key] for key in _STATE_KEYS if key in content), content)
    if not isinstance(state, dict):
        raise WeightsError(f"{path}: expected a dict of tensors, as published checkpoints have it")
    for name, value in state.items():
        if not isinstance(name, str) or not isinstance(value, StoredTensor):
            raise WeightsError(
                f"{path}: expected named tensors, under 'model_pos', 'model' or at the top, but "
                f"found {ascii(name)[:80]} to be something else"
            )
    return {name.removeprefix(_PREFIX): value for name, value in state.items()}


def read_stored(path: Path, tensors: Mapping[str, StoredTensor]) -> dict[str, Tensor]:
    """Those tensors, in the type they are stored in.

    Raises:
        WeightsError: if a storage is missing, damaged, or of another size than its tensors claim.
    """
    if _num_bytes(tensors.values()) > path.stat().st_size:
        raise WeightsError(f"{path}: its tensors claim more bytes than the file has; it is damaged")
    with _opened(path) as archive:
        folder = _folder(archive, path)
        if (order := _byte_order(archive, path, folder)) != sys.byteorder:
            raise WeightsError(f"{path}: written on a {order}-endian machine; save it again here")
        return {
            name: _read_tensor(archive, path, folder, stored=stored)
            for name, stored in tensors.items()
        }


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        with path.open("rb") as handle:
            start = handle.read(4)
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror})") from error
    if start.startswith(_BARE_PICKLE):
        raise WeightsError(
            f"{path}: a bare pickle (PyTorch before 1.6), which can only be read by executing it; "
            "load it with software you trust it to, and save it again with torch.save"
        )
    try:
        return zipfile.ZipFile(path)
    # zipfile meets damaged directories with errors of many kinds.
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, OverflowError) as error:
        what = "cut short or damaged" if start.startswith(b"PK") else "not a PyTorch checkpoint"
        raise WeightsError(f"{path}: {what} ({error}); fetch the file again") from error


def _folder(archive: zipfile.ZipFile, path: Path) -> str:
    """The folder in the archive that holds everything; its name is the writer's choice."""
    folders = [
        name.removesuffix("/data.pkl")
        for name in archive.namelist()
        if name.endswith("/data.pkl") and name.count("/") == 1
    ]
    if len(folders) != 1:
        raise WeightsError(f"{path}: a zip archive, but not a PyTorch checkpoint (no data.pkl)")
    return folders[0]


def _record(archive: zipfile.ZipFile, path: Path, name: str) -> bytes:
    """The bytes of a record, held against its checksum."""
    try:
        info = archive.getinfo(name)
        if info.compress_type != zipfile.ZIP_STORED or info.file_size > path.stat().st_size:
            raise zipfile.BadZipFile("records of a checkpoint are not compressed")
        return archive.read(info)
    except KeyError as error:
        raise WeightsError(f"{path}: the record {ascii(name)[:80]} is missing") from error
    except (zipfile.BadZipFile, ValueError, OSError, EOFError, RuntimeError) as error:
        raise WeightsError(f"{path}: damaged ({error}); fetch the file again") from error


def _byte_order(archive: zipfile.ZipFile, path: Path, folder: str) -> str:
    name = f"{folder}/byteorder"
    if name not in archive.namelist():
        return "little"  # files from before the record existed
    return _record(archive, path, name).decode("ascii", errors="replace")


def _read_tensor(
    archive: zipfile.ZipFile, path: Path, folder: str, *, stored: StoredTensor
) -> Tensor:
    storage = stored.storage
    extent = 0
    if 0 not in stored.shape:
        steps = zip(stored.shape, stored.stride, strict=True)
        extent = stored.offset + 1 + sum((size - 1) * stride for size, stride in steps)
    data = _record(archive, path, f"{folder}/data/{storage.key}")
    if len(data) != storage.count * storage.dtype.itemsize or extent > storage.count:
        raise WeightsError(
            f"{path}: storage {ascii(storage.key)[:80]} has {len(data)} bytes, which is not what "
            "its tensor claims; the file is damaged"
        )
    if not data:
        return torch.empty(stored.shape, dtype=storage.dtype)
    # A copy in a bytearray, because a tensor may be written to and bytes may not.
    whole = torch.frombuffer(bytearray(data), dtype=storage.dtype)
    return whole.as_strided(stored.shape, stored.stride, stored.offset).contiguous()


def _num_bytes(tensors: Iterable[StoredTensor]) -> int:
    return sum(math.prod(stored.shape) * stored.storage.dtype.itemsize for stored in tensors)
