"""Reads the pickle inside a PyTorch checkpoint as data: nothing in it is ever called or imported.

A pickle is a program for a small stack machine. This is such a machine with the opcodes that
`torch.save` writes, and no others. Where a pickle names a function or class, the name is looked up
in a short table of our own stand-ins, which build records; a name outside the table ends the
reading. The opcodes are described in the standard library's `pickletools`, which splits them.
"""

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from motionlift.errors import WeightsError


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """A record of the archive that holds numbers: its key, their type, and how many there are."""

    key: str
    dtype: torch.dtype
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTensor:
    """Where a tensor lies in its storage, in elements. Its sizes are as the file claims them."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


def read_pickle(data: bytes) -> object:
    """What the pickle describes: dicts, lists, tuples, numbers, strings and `StoredTensor`s.

    Raises:
        WeightsError: if it names anything but tensors, NumPy scalars and plain containers, uses
            another opcode, or is damaged. The message does not name the file; the caller does.
    """
    machine = _Machine()
    try:
        for opcode, argument, _ in pickletools.genops(data):
            machine.step(opcode.name, argument)
        return machine.result()
    except (AttributeError, LookupError, TypeError, ValueError, OverflowError) as error:
        raise WeightsError("its data.pkl is damaged; fetch the file again") from error


@dataclass(frozen=True, slots=True)
class _Name:
    """A function or class that the pickle names, from the table below."""

    name: str


@dataclass(frozen=True, slots=True)
class _NumpyType:
    code: str


def _tensor(storage: object, offset: int, shape: Any, stride: Any, *_: object) -> StoredTensor:
    if not isinstance(storage, Storage):
        raise TypeError("a tensor is built on a storage")
    sizes = (offset, *shape[:8], *stride[:8])
    if not len(shape) == len(stride) <= 8 or not all(type(n) is int and n >= 0 for n in sizes):
        raise ValueError("offset, shape and stride are whole numbers, not negative")
    return StoredTensor(storage=storage, offset=offset, shape=tuple(shape), stride=tuple(stride))


def _parameter(data: object, *_: object) -> object:
    return data


def _ordered_dict() -> dict[Any, Any]:
    return {}  # its items follow, one by one


def _numpy_type(code: str, *_: object) -> _NumpyType:
    if code not in ("b1", *(f"{kind}{size}" for kind in "iuf" for size in (1, 2, 4, 8))):
        raise ValueError("not the type of a number")
    return _NumpyType(code)


def _numpy_scalar(dtype: _NumpyType, data: bytes) -> bool | int | float:
    (value,) = np.frombuffer(data, dtype=np.dtype(dtype.code).newbyteorder("<"))
    return value.item()


def _bytes(text: str, encoding: str) -> bytes:
    if encoding != "latin1" or len(text) > _LONGEST_NUMBER:
        raise ValueError("these are the bytes of a number, written as latin1")
    return text.encode("latin1")


_LONGEST_NUMBER = 8  # bytes
_CALLS: dict[str, Callable[..., object]] = {
    "collections.OrderedDict": _ordered_dict,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": _parameter,
    "torch.nn.parameter.Parameter": _parameter,
    "numpy.dtype": _numpy_type,
    "numpy.core.multiarray.scalar": _numpy_scalar,
    "numpy._core.multiarray.scalar": _numpy_scalar,
    "_codecs.encode": _bytes,  # how Python 3 writes bytes in the pickles of Python 2
}
_STORAGES = {
    "torch.FloatStorage": torch.float32,
    "torch.DoubleStorage": torch.float64,
    "torch.HalfStorage": torch.float16,
    "torch.BFloat16Storage": torch.bfloat16,
    "torch.LongStorage": torch.int64,
    "torch.IntStorage": torch.int32,
    "torch.ShortStorage": torch.int16,
    "torch.CharStorage": torch.int8,
    "torch.ByteStorage": torch.uint8,
    "torch.BoolStorage": torch.bool,
}


def _key(key: object) -> object:
    """A key of a dict; numbers and strings only, because hashing others could take for ever."""
    if type(key) not in (str, int, float, bool):
        raise TypeError("keys are strings or numbers")
    return key


class _Machine:
    """The stack machine: a stack, marks on it, and a memo of what may be named again."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}
        self._has_stopped = False

    def result(self) -> object:
        (value,) = self._stack
        if not self._has_stopped:
            raise ValueError("the pickle has no end")
        return value

    def step(self, opcode: str, argument: Any) -> None:
        """Does what one opcode says."""
        if opcode in _PUSH:
            self._stack.append(argument)
        elif opcode in _MAKE:
            self._stack.append(_MAKE[opcode]())
        elif opcode in _TUPLES:
            count = _TUPLES[opcode]
            self._stack[-count:] = [tuple(self._take(count))]
        elif opcode in _MACHINE:
            _MACHINE[opcode](self, argument)
        elif opcode not in ("PROTO", "FRAME"):
            raise WeightsError(
                f"its data.pkl uses the opcode {opcode}, which no checkpoint of weights needs; it "
                "was not executed. Do not load this file with other software either"
            )

    def _take(self, count: int) -> list[Any]:
        if not 0 < count <= len(self._stack) - (self._marks[-1] if self._marks else 0):
            raise IndexError("the stack is empty")
        return self._stack[-count:]

    def _pop(self) -> Any:
        (value,) = self._take(1)
        self._stack.pop()
        return value

    def _pop_to_mark(self) -> list[Any]:
        start = self._marks.pop()
        values = self._stack[start:]
        del self._stack[start:]
        return values

    def _mark(self, _: Any) -> None:
        self._marks.append(len(self._stack))

    def _tuple(self, _: Any) -> None:
        self._stack.append(tuple(self._pop_to_mark()))

    def _append(self, _: Any) -> None:
        self._extend_list([self._pop()])

    def _appends(self, _: Any) -> None:
        self._extend_list(self._pop_to_mark())

    def _extend_list(self, values: list[Any]) -> None:
        (target,) = self._take(1)
        if type(target) is not list:
            raise TypeError("only lists grow")
        target.extend(values)

    def _set_item(self, _: Any) -> None:
        pair = self._take(2)
        del self._stack[-2:]
        self._extend_dict(pair)

    def _set_items(self, _: Any) -> None:
        self._extend_dict(self._pop_to_mark())

    def _extend_dict(self, values: list[Any]) -> None:
        (target,) = self._take(1)
        if type(target) is not dict:
            raise TypeError("only dicts have items")
        keys = map(_key, values[::2])
        target.update(zip(keys, values[1::2], strict=True))

    def _put(self, place: int) -> None:
        (self._memo[place],) = self._take(1)

    def _memoize(self, _: Any) -> None:
        self._put(len(self._memo))

    def _get(self, place: int) -> None:
        self._stack.append(self._memo[place])

    def _global(self, argument: str) -> None:
        """A function or class is named, as "module name"."""
        name = argument.replace(" ", ".")
        if name not in _CALLS and name not in _STORAGES:
            raise WeightsError(
                f"its data.pkl asks for {ascii(name)[1:-1][:80]}, but weights are made of tensors, "
                "numbers and plain containers only; it was not executed. Do not load this file "
                "with other software either, unless you trust who made it"
            )
        self._stack.append(_Name(name))

    def _stack_global(self, _: Any) -> None:
        name, module = self._pop(), self._pop()
        if type(name) is not str or type(module) is not str:
            raise TypeError("a name is a string")
        self._global(f"{module} {name}")

    def _reduce(self, _: Any) -> None:
        arguments, function = self._pop(), self._pop()
        if type(function) is not _Name or type(arguments) is not tuple:
            raise TypeError("only names are called")
        self._stack.append(_CALLS[function.name](*arguments))

    def _build(self, _: Any) -> None:
        """State for an object: `_metadata` of an ordered dict, byte order of a NumPy type."""
        state = self._pop()
        (target,) = self._take(1)
        if type(target) is _NumpyType:
            if state[1] not in ("<", "|"):
                raise ValueError("numbers are little-endian")
        elif type(target) is not dict:
            raise TypeError("only ordered dicts and NumPy types have a state")

    def _persistent(self, _: Any) -> None:
        kind, storage, key, _location, count = self._pop()
        if kind != "storage" or type(storage) is not _Name or type(key) is not str:
            raise ValueError("only storages lie outside the pickle")
        if type(count) is not int or count < 0:
            raise ValueError("a storage has a count")
        self._stack.append(Storage(key=key, dtype=_STORAGES[storage.name], count=count))

    def _stop(self, _: Any) -> None:
        self._has_stopped = True


_PUSH = {
    *("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"),
    *("BINUNICODE", "SHORT_BINUNICODE", "BINBYTES", "SHORT_BINBYTES"),
}
_MAKE: dict[str, Callable[[], object]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_MACHINE: dict[str, Callable[[_Machine, Any], None]] = {
    "MARK": _Machine._mark,
    "TUPLE": _Machine._tuple,
    "APPEND": _Machine._append,
    "APPENDS": _Machine._appends,
    "SETITEM": _Machine._set_item,
    "SETITEMS": _Machine._set_items,
    "BINPUT": _Machine._put,
    "LONG_BINPUT": _Machine._put,
    "MEMOIZE": _Machine._memoize,
    "BINGET": _Machine._get,
    "LONG_BINGET": _Machine._get,
    "GLOBAL": _Machine._global,
    "STACK_GLOBAL": _Machine._stack_global,
    "REDUCE": _Machine._reduce,
    "BUILD": _Machine._build,
    "BINPERSID": _Machine._persistent,
    "STOP": _Machine._stop,
}
