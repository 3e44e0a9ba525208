"""Pickles are read as data: arrays and containers come back, and nothing ever runs."""

import collections
import os
import pickle
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from motionlift.errors import FormatError
from motionlift.formats._pickles import load_object_npz, read_pickle

ARRAYS = [
    np.arange(6, dtype=np.float32).reshape(2, 3),
    np.asfortranarray(np.arange(6, dtype=np.int64).reshape(2, 3)),
    np.arange(3, dtype=">f8"),
    np.array([True, False]),
    np.array(["one", "two"]),
    np.array(5.0),
    np.empty((0, 17, 2)),
]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}{array.shape}")
def test_arrays_come_back(array: np.ndarray, protocol: int) -> None:
    back = read_pickle(pickle.dumps({"a": [array, array]}, protocol), where="x")
    assert_array_equal(back["a"][0], array)
    assert back["a"][0].dtype == array.dtype


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_containers_and_numbers_come_back(protocol: int) -> None:
    content = {"a": [1, -2, 2**70, 1.5, None, True, "ä", ("x", (), [])], 3: {}, "b": b"\xff\x00"}
    assert read_pickle(pickle.dumps(content, protocol), where="x") == content


def test_numpy_numbers_come_back() -> None:
    data = pickle.dumps([np.float32(0.5), np.int64(7), np.bool_(True)])
    assert read_pickle(data, where="x") == [0.5, 7, True]


def test_arrays_of_objects_are_nested_lists(tmp_path: Path) -> None:
    ragged = np.empty((2, 2), dtype=object)
    ragged[0] = [[], np.ones((1, 4, 17))]
    ragged[1] = [[], []]
    np.savez(
        tmp_path / "a.npz", ragged=ragged, one=np.array({"w": 640}, dtype=object), n=np.ones(3)
    )
    content = load_object_npz(tmp_path / "a.npz")
    assert content["one"] == {"w": 640}
    assert content["ragged"][1] == [[], []]
    assert_array_equal(content["ragged"][0][1], np.ones((1, 4, 17)))
    assert_array_equal(content["n"], np.ones(3))


def test_what_is_shared_is_not_copied() -> None:
    content: list[Any] = [1]
    for _ in range(100):  # written out it would be 2^100 numbers
        content = [content, content]
    back = read_pickle(pickle.dumps(content), where="x")
    assert back[0] is back[1]


class _Runs:
    def __init__(self, call: Any, *arguments: Any) -> None:
        self.reduced = (call, arguments)

    def __reduce__(self) -> Any:
        return self.reduced


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "call",
    [
        _Runs(os.system, "touch RAN"),
        _Runs(eval, "open('RAN', 'w')"),
        _Runs(subprocess.Popen, ["touch", "RAN"]),
        _Runs(getattr, "text", "upper"),
        collections.Counter("ab"),
        {1, 2},
    ],
)
def test_whatever_else_is_refused_and_does_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Any, protocol: int
) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez(tmp_path / "a.npz", positions_2d=np.array([call, 0], dtype=object))
    data = pickle.dumps([call], protocol)
    with pytest.raises(FormatError, match="and nothing else is read"):
        read_pickle(data, where="file.npz")
    with pytest.raises(FormatError, match=r"a\.npz: 'positions_2d'.*nothing else is read"):
        load_object_npz(tmp_path / "a.npz")
    assert not (tmp_path / "RAN").exists()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"N",
        pickle.dumps(ARRAYS)[:-40],
        pickle.dumps(np.arange(9)).replace(b"K\x09\x85", b"K\xff\x85"),
        b"cnumpy\nndarray\n.",
        b"\x80\x04" + b"]" * 10**5 + b"a" * (10**5 - 1) + b".",
        b"\x80\x02}(]K\x01u.",
        b"\x80\x02g\x00.",
    ],
)
def test_damage_is_one_line(data: bytes) -> None:
    with pytest.raises(FormatError, match="file: "):
        read_pickle(data, where="file")


def test_damaged_bytes_never_escape_as_anything_else() -> None:
    data = pickle.dumps({"a": ARRAYS, "b": np.array([{}, []], dtype=object)}, 4)
    rng = np.random.default_rng(0)
    for _ in range(500):
        copy = bytearray(data)
        for place in rng.integers(0, len(data), 3):
            copy[place] = rng.integers(256)
        try:
            read_pickle(bytes(copy), where="file")
        except FormatError as error:
            assert "\n" not in str(error)
