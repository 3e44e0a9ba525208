"""NumPy's `.npz` archives, read without trusting what they say about themselves.

`np.load` allocates whatever an array's header asks for before it looks whether the data is there.
Here a header must agree with the size of its member in the archive, and that is bounded, so that a
damaged or hostile file costs an error and nothing else. Pickled members (object arrays) are left to
`motionlift.formats._pickles`.
"""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from motionlift.errors import FormatError

# No motion capture archive comes near; what claims more is damaged, or a decompression bomb.
LARGEST_MEMBER = 4 * 2**30
# Deflate cannot shrink data further than this (zlib's documentation: 1032 to 1).
LARGEST_RATIO = 1040

_LONGEST_HEADER = 10_000
_HEADER = re.compile(
    rb"\{'descr': '([<>|=]?[?a-zA-Z][0-9]{0,9})', 'fortran_order': (True|False), "
    rb"'shape': \(([0-9L, ]*)\),? ?\}\s*"
)

# What zipfile and zlib raise for damaged files, and NumPy for types and shapes that cannot be.
_DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    TypeError,
    IndexError,
    OverflowError,
    AttributeError,
    NotImplementedError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
    zipfile.BadZipFile,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayHeader:
    """What an archive says about one of its arrays."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def array_headers(path: Path) -> dict[str, ArrayHeader]:
    """Name, shape and type of each array in an archive, without reading the arrays.

    Raises:
        FormatError: if it is not an archive of arrays, or is damaged.
    """
    with _opened(path) as archive:
        headers = {}
        for member in archive.infolist():
            with archive.open(member) as stream:
                headers[_array_name(member)] = _read_header(stream)[0]
        return headers


def looks_like_archive(path: Path, names: Iterable[str]) -> bool:
    """Whether this is an archive that holds arrays of these names; False for what is damaged."""
    if not path.is_file():
        return False
    try:
        with _opened(path) as archive:
            held = {_array_name(member) for member in archive.infolist()}
    except FormatError:
        return False
    return set(names) <= held


def object_head(path: Path, name: str, *, length: int = 4096) -> bytes:
    """The beginning of the array of Python objects of that name; empty if there is none."""
    try:
        with _opened(path) as archive, archive.open(f"{name}.npy") as stream:
            header, _ = _read_header(stream)
            return stream.read(length) if header.dtype.hasobject else b""
    except FormatError:
        return b""


def read_arrays(path: Path, *, only: Container[str] | None = None) -> dict[str, np.ndarray]:
    """The arrays of an archive by name, those of Python objects left out.

    Args:
        only: names of the arrays to read, if not all.

    Raises:
        FormatError: if it is not an archive of arrays, or is damaged, or claims to be huge.
    """
    with _opened(path) as archive:
        arrays = {}
        for member in archive.infolist():
            if only is not None and _array_name(member) not in only:
                continue
            data = _member_bytes(archive, member)
            stream = io.BytesIO(data)
            header, fortran_order = _read_header(stream)
            if not header.dtype.hasobject:
                arrays[_array_name(member)] = _to_array(
                    data, header, offset=stream.tell(), fortran_order=fortran_order
                )
        return arrays


def read_npy(path: Path) -> np.ndarray:
    """The one array of a `.npy` file.

    Raises:
        FormatError: if it is damaged, or an array of Python objects.
    """
    try:
        data = path.read_bytes()
        stream = io.BytesIO(data)
        header, fortran_order = _read_header(stream)
        if header.dtype.hasobject:
            raise ValueError("it holds Python objects")
        return _to_array(data, header, offset=stream.tell(), fortran_order=fortran_order)
    except _DAMAGE as error:
        raise FormatError(f"{path}: not a readable .npy array ({error})") from error


def read_object_bytes(path: Path, name: str) -> bytes:
    """The pickle inside the array of Python objects of that name, as it stands in the archive.

    Raises:
        FormatError: if the archive is damaged, or has no array of objects of that name.
    """
    with _opened(path) as archive:
        for member in archive.infolist():
            if _array_name(member) != name:
                continue
            data = _member_bytes(archive, member)
            stream = io.BytesIO(data)
            header, _ = _read_header(stream)
            if header.dtype.hasobject:
                return data[stream.tell() :]
    raise FormatError(f"{path}: holds no array of Python objects named '{name}'")


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except _DAMAGE as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FormatError(
            f"{path}: not a readable .npz archive ({reason}); it may be damaged or cut short"
        ) from error


def _member_bytes(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    # zipfile asks for the compressed bytes in one piece, however many they are said to be.
    if member.header_offset + member.compress_size > archive.start_dir:
        raise ValueError(f"'{member.filename}' claims {member.compress_size} bytes in the archive")
    most = min(LARGEST_MEMBER, LARGEST_RATIO * (member.compress_size + 1))
    if member.file_size > most:
        raise ValueError(f"'{member.filename}' claims {member.file_size} bytes")
    return archive.read(member)


def _array_name(member: zipfile.ZipInfo) -> str:
    return member.filename.removesuffix(".npy")


def _read_header(stream: IO[bytes]) -> tuple[ArrayHeader, bool]:
    # NumPy's own parser evaluates the text as Python and mends what Python 2 wrote; damage takes
    # both to strange places. What NumPy writes for plain arrays has one form.
    if stream.read(6) != b"\x93NUMPY":
        raise ValueError("a member is not an array")
    version = stream.read(2)
    length_format = {b"\x01\x00": "<H", b"\x02\x00": "<I", b"\x03\x00": "<I"}.get(version)
    if length_format is None:
        raise ValueError(f"an array's header has version {version!r}")
    (length,) = struct.unpack(length_format, stream.read(struct.calcsize(length_format)))
    if length > _LONGEST_HEADER:
        raise ValueError(f"an array's header claims {length} bytes")
    match = _HEADER.fullmatch(stream.read(length))
    if match is None:
        raise ValueError("an array's header is not as NumPy writes it")
    kind, fortran_order, sizes = (group.decode("ascii") for group in match.groups())
    shape = tuple(int(size.strip("L ")) for size in sizes.split(",") if size.strip())
    return ArrayHeader(shape=shape, dtype=np.dtype(kind)), fortran_order == "True"


def _to_array(data: bytes, header: ArrayHeader, *, offset: int, fortran_order: bool) -> np.ndarray:
    """What follows the header, as an array that shares its memory."""
    count = 1
    for length in header.shape:
        count *= int(length)
    size = len(data) - offset
    if count < 0 or count * header.dtype.itemsize != size:
        raise ValueError(f"an array says shape {header.shape} but has {size} bytes")
    if header.dtype.itemsize == 0:
        raise ValueError(f"an array of empty elements ({header.dtype})")
    if header.dtype.kind == "U":
        # NumPy makes broken strings of numbers that are no characters.
        codes = np.frombuffer(data, dtype=header.dtype.byteorder + "u4", offset=offset)
        if ((codes > 0x10FFFF) | ((codes >= 0xD800) & (codes < 0xE000))).any():
            raise ValueError("an array of text holds what is no text")
    array = np.frombuffer(data, dtype=header.dtype, offset=offset)
    return array.reshape(header.shape, order="F" if fortran_order else "C")
