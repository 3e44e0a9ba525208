import collections
import contextlib
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionlift.errors import WeightsError
from motionlift.network.pickles import read_pickle


class _Calls:
    """Pickles to a call of `function`."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def test_plain_containers_come_back_as_they_were() -> None:
    content = {
        "epoch": 3,
        "lr": [5e-4, -1, None, True],
        "optimizer": {0: (), 1: (1,), 2: (1, 2), 3: (1, 2, 3), 4: (1, 2, 3, 4)},
        "names": ["a", "ä"],
        "large": 2**40,
    }
    for protocol in (2, 3, 4, 5):
        assert read_pickle(pickle.dumps(content, protocol=protocol)) == content


def test_numpy_scalars_become_numbers() -> None:
    content = {"min_loss": np.float64(43.25), "step": np.int32(-7), "done": np.bool_(True)}
    for protocol in (2, 4):
        assert read_pickle(pickle.dumps(content, protocol=protocol)) == content


def test_a_value_named_twice_is_one_value() -> None:
    shared = [1]
    first, second = read_pickle(pickle.dumps([shared, shared], protocol=2))  # type: ignore[misc]
    assert first is second


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize(
    ("evil", "named"),
    [
        (lambda path: _Calls(os.system, f"touch {path}"), "posix.system"),
        (lambda path: _Calls(eval, f"open({str(path)!r}, 'w')"), "eval"),
        (lambda path: _Calls(getattr, "text", "upper"), "getattr"),
        (lambda path: [{"deep": (_Calls(os.mkdir, str(path)),)}], "posix.mkdir"),
        (lambda path: _Calls(_Calls(getattr, os, "system").call[0], os.name), "getattr"),
        (lambda path: _Calls(pickle.loads, b"."), "loads"),
        (lambda path: collections.Counter("a"), "collections.Counter"),
        (lambda path: np.zeros(3), "numpy"),
        (lambda path: path, "pathlib"),
    ],
)
def test_whatever_else_a_pickle_names_is_refused_and_not_run(
    tmp_path: Path, evil: Callable[[Path], object], named: str, protocol: int
) -> None:
    trace = tmp_path / "trace"
    with pytest.raises(WeightsError, match=rf"{named}.*not executed") as caught:
        read_pickle(pickle.dumps({"model_pos": evil(trace)}, protocol=protocol))
    assert "\n" not in str(caught.value)
    assert not trace.exists()


@pytest.mark.parametrize(
    "program",
    [
        b"cos\nsystem\n(S'id'\ntR.",
        b"(S'id'\nios\nsystem\n.",
        b"c__builtin__\ngetattr\n(cos\nsystem\nS'x'\ntR.",
        b"(cos\nsystem\nS'id'\no.",
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2.__globals__\n.",
        b"\x80\x02ccollections\nOrderedDict.fromkeys\n)R.",
        b"\x80\x02ccollections\nOrderedDict\n)\x81.",
        b"\x80\x04\x82\x01.",
        b"\x80\x02ccollections\nOrderedDict\n}b.",
        b"\x80\x02ccollections\nOrderedDict\n]q\x00tR.",
        b"\x80\x02ctorch\nFloatStorage\n)R.",
    ],
    ids=lambda program: ascii(program)[:30],
)
def test_programs_written_by_hand_are_refused(program: bytes) -> None:
    with pytest.raises(WeightsError):
        read_pickle(program)


@pytest.mark.parametrize(
    "program",
    [
        b"",
        b".",
        b"\x80\x02}",  # no end
        b"\x80\x02}}.",  # two results
        b"\x80\x02h\x07.",  # nothing is at memo 7
        b"\x80\x02}]K\x01s.",  # a list as a key
        b"\x80\x02t.",  # no mark
        b"\x80\x02K\x01K\x02a.",  # a number does not grow
        b"\x80\x02(}\x86.",  # takes what lies below a mark
        b"\x80\x02X\xff\xff\xff\x7fa.",  # a string longer than the file
        b"\x80\x02\x8a\xffa.",
        b"\x80\x02K\x01Q.",
    ],
    ids=lambda program: ascii(program)[:30],
)
def test_damaged_programs_are_refused(program: bytes) -> None:
    with pytest.raises(WeightsError, match="damaged"):
        read_pickle(program)


def test_a_large_memo_number_takes_no_memory() -> None:
    assert read_pickle(b"\x80\x02]r\xff\xff\xff\x7f.") == []


def test_lists_nested_without_end_are_read_without_recursion() -> None:
    depth = 100_000
    assert isinstance(read_pickle(b"\x80\x02" + b"]" * depth + b"a" * (depth - 1) + b"."), list)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_give_a_value_or_the_one_error(data: bytes) -> None:
    with contextlib.suppress(WeightsError):
        read_pickle(b"\x80\x02" + data)
