import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from motionlift.errors import FormatError
from motionlift.formats._archives import (
    array_headers,
    looks_like_archive,
    read_arrays,
    read_object_bytes,
)


def _npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def _archive(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return path


def test_arrays_come_back_as_numpy_wrote_them(tmp_path: Path) -> None:
    arrays = {
        "plain": np.arange(6.0).reshape(2, 3),
        "fortran": np.asfortranarray(np.arange(6).reshape(2, 3)),
        "scalar": np.float32(2.5),
        "names": np.array(["hip", "knee"]),
        "none": np.zeros((0, 3)),
    }
    np.savez_compressed(tmp_path / "a.npz", **arrays)
    read = read_arrays(tmp_path / "a.npz")
    assert set(read) == set(arrays)
    for name, array in arrays.items():
        assert_array_equal(read[name], array)


def test_headers_tell_shape_and_type_without_the_data(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", positions=np.zeros((5, 17, 3), np.float32))
    header = array_headers(tmp_path / "a.npz")["positions"]
    assert (header.shape, header.dtype) == ((5, 17, 3), np.float32)


def test_python_objects_are_left_out_and_can_be_had_as_bytes(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", poses=np.array({"S1": 1}, dtype=object), fps=np.float32(50))
    assert set(read_arrays(tmp_path / "a.npz")) == {"fps"}
    assert read_object_bytes(tmp_path / "a.npz", "poses").startswith(b"\x80")
    with pytest.raises(FormatError, match="no array of Python objects named 'fps'"):
        read_object_bytes(tmp_path / "a.npz", "fps")


def test_a_shape_larger_than_the_data_is_refused_without_allocating(tmp_path: Path) -> None:
    data = _npy(np.zeros((1, 3))).replace(b"(1, 3)", b"(9999999999, 3)")
    data = data.replace(b" " * 9 + b"\n", b"\n")
    with pytest.raises(FormatError, match=r"says shape \(9999999999, 3\) but has 24 bytes"):
        read_arrays(_archive(tmp_path / "a.npz", positions=data))


def test_a_member_that_claims_more_than_deflate_can_hold_is_refused(tmp_path: Path) -> None:
    path = _archive(tmp_path / "a.npz", positions=_npy(np.zeros(3)))
    data = bytearray(path.read_bytes())
    # The size when unpacked, in the entry of the central directory.
    place = data.rindex(b"PK\x01\x02") + 24
    data[place : place + 4] = (2**31).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(FormatError, match="claims 2147483648 bytes"):
        read_arrays(path)


def test_numbers_that_are_no_characters_are_refused(tmp_path: Path) -> None:
    data = _npy(np.array(["hip"])).replace("h".encode("utf-32-le"), b"\xff\xff\xff\x7f")
    with pytest.raises(FormatError, match="no text"):
        read_arrays(_archive(tmp_path / "a.npz", names=data))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"positions", b"\x93NUMPY\x01\x00"])
def test_what_is_no_archive_is_an_error_and_not_recognised(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    assert not looks_like_archive(path, ("positions",))
    with pytest.raises(FormatError, match=r"a\.npz: not a readable \.npz archive"):
        read_arrays(path)


def test_a_member_that_is_no_array_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="not a readable"):
        read_arrays(_archive(tmp_path / "a.npz", positions=b"no array"))
