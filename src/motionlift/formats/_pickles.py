"""Reads pickled NumPy arrays and plain containers as data: nothing is called, nothing imported.

Files of VideoPose3D and Detectron keep Python objects in `.npz`, and PyTables keeps them in HDF5.
A pickle is a program for a small stack machine. This is such a machine for the opcodes that write
containers, texts, numbers and arrays. Where the pickle names a function or class, the name is
looked up in a short table of our own stand-ins, which build records; any other name ends the
reading. The opcodes are described in the standard library's `pickletools`, which splits them.
"""

import math
import pickletools
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from motionlift.errors import FormatError
from motionlift.formats._archives import array_headers, read_arrays, read_object_bytes
from motionlift.formats._shown import shown

_DAMAGE = (AttributeError, LookupError, TypeError, ValueError, OverflowError, MemoryError)


class _RefusedError(Exception):
    """The pickle asks for something that data does not need."""


def load_object_npz(path: Path) -> dict[str, Any]:
    """What an archive of arrays holds, by name; arrays of Python objects as lists and dicts.

    Arrays come as NumPy arrays, never of objects: an array of objects is a list of its elements,
    of lists if it has several axes, and an array of one object is that object.

    Raises:
        FormatError: if it is damaged, or a pickle in it is more than arrays and containers.
    """
    objects = {
        name: read_pickle(read_object_bytes(path, name), where=f"{path}: '{name}'")
        for name, header in array_headers(path).items()
        if header.dtype.hasobject
    }
    return {**read_arrays(path), **objects}


def read_pickle(data: bytes, *, where: str) -> Any:
    """What a pickle describes.

    Raises:
        FormatError: if it is damaged, or names anything but arrays and plain containers.
    """
    machine = _Machine()
    try:
        with warnings.catch_warnings():
            # Damage looks like odd escapes in a text; the value is checked, not how it is written.
            warnings.simplefilter("ignore", DeprecationWarning)
            for opcode, argument, _ in pickletools.genops(data):
                machine.step(opcode.name, argument)
        return _finished(machine.pop(), {})
    except _RefusedError as error:
        raise FormatError(
            f"{where}: {error}; expected arrays, numbers, texts, lists and dicts only, and nothing "
            "else is read, because it could run code"
        ) from error
    except (*_DAMAGE, RecursionError) as error:
        raise FormatError(f"{where}: a damaged pickle; the file may be cut short") from error


@dataclass(frozen=True, slots=True)
class _Name:
    """A function or class that the pickle names, from the table below."""

    name: str


@dataclass(slots=True, eq=False)
class _Type:
    """A dtype; its byte order comes later, as its state."""

    code: str
    order: str = "="

    def set_state(self, state: Any) -> None:
        if state[1] not in ("<", ">", "=", "|"):
            raise ValueError("no byte order")
        self.order = state[1]

    def dtype(self) -> np.dtype[Any]:
        if not _PLAIN_TYPE.fullmatch(self.code):
            raise _RefusedError(f"holds values of type '{shown(self.code)}'")
        return np.dtype(self.code).newbyteorder(self.order.replace("|", "="))  # type: ignore[arg-type]


@dataclass(slots=True, eq=False)
class _Array:
    """An array; shape, type and data come later, as its state."""

    shape: tuple[int, ...] = (0,)
    type: _Type = field(default_factory=lambda: _Type("f8"))
    is_fortran: bool = False
    data: Any = b""

    def set_state(self, state: Any) -> None:
        _, self.shape, self.type, self.is_fortran, self.data = state

    def values(self) -> np.ndarray:
        """The array, if it is one of numbers or texts."""
        data = self.data.encode("latin1") if isinstance(self.data, str) else self.data
        dtype = self.type.dtype()
        if self.count() * dtype.itemsize != len(data):
            raise ValueError("shape and data of an array disagree")
        order: Literal["F", "C"] = "F" if self.is_fortran else "C"
        return np.frombuffer(data, dtype=dtype).reshape(self.shape, order=order)

    def count(self) -> int:
        """How many elements the shape says there are."""
        if not (isinstance(self.shape, tuple) and len(self.shape) <= 8):
            raise ValueError("no shape")
        if not all(type(n) is int and n >= 0 for n in self.shape):
            raise ValueError("no shape")
        return math.prod(self.shape)


_PLAIN_TYPE = re.compile(r"b1|[iu][1248]|f[248]|[US][1-9][0-9]{0,3}")
_OBJECT_TYPES = ("O8", "O4", "O")


def _dtype(code: str, *_: object) -> _Type:
    if not isinstance(code, str):
        raise TypeError("no type code")
    return _Type(code)


def _no_bytes() -> bytes:
    return b""  # how Python 3 writes them in the pickles of Python 2


def _array(*_: object) -> _Array:
    return _Array()


def _scalar(kind: _Type, data: Any) -> Any:
    return _Array(shape=(), type=kind, data=data).values().item()


def _from_buffer(data: Any, kind: _Type, shape: Any, order: str) -> _Array:
    return _Array(shape=shape, type=kind, is_fortran=order == "F", data=bytes(data))


def _encode(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise ValueError("bytes of Python 2 are written as latin1")
    return text.encode("latin1")


_CALLS: dict[str, Callable[..., Any]] = {
    "collections.OrderedDict": dict,
    "__builtin__.bytes": _no_bytes,
    "numpy.dtype": _dtype,
    "numpy.ndarray": _array,
    "_codecs.encode": _encode,
}
for _core in ("numpy.core", "numpy._core"):
    _CALLS[f"{_core}.multiarray._reconstruct"] = _array
    _CALLS[f"{_core}.multiarray.scalar"] = _scalar
    _CALLS[f"{_core}.numeric._frombuffer"] = _from_buffer


class _Machine:
    """The stack machine. Containers are filled in place, so that shared ones stay shared."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self._outer: list[list[Any]] = []
        self._memo: dict[int, Any] = {}

    def step(self, opcode: str, argument: Any) -> None:
        if opcode in _PUSH_ARGUMENT:
            self.stack.append(argument)
        elif opcode in _PUSH_CONSTANT:
            self.stack.append(_PUSH_CONSTANT[opcode]())
        elif opcode in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"):
            self._memo[len(self._memo) if argument is None else argument] = self.stack[-1]
        elif opcode in ("GET", "BINGET", "LONG_BINGET"):
            self.stack.append(self._memo[argument])
        elif opcode == "MARK":
            self._outer.append(self.stack)
            self.stack = []
        elif opcode in ("GLOBAL", "STACK_GLOBAL"):
            self._name(argument)
        elif opcode in _BUILDERS:
            _BUILDERS[opcode](self)
        elif opcode not in ("PROTO", "FRAME", "STOP"):
            raise _RefusedError(f"holds a pickle that uses {opcode}")

    def pop(self) -> Any:
        return self.stack.pop()

    def to_mark(self) -> list[Any]:
        items, self.stack = self.stack, self._outer.pop()
        return items

    def _name(self, argument: str | None) -> None:
        if argument is None:
            name, module = self.pop(), self.pop()
        else:
            module, name = argument.split(" ")
        if f"{module}.{name}" not in _CALLS:
            raise _RefusedError(f"holds a pickle that names '{shown(module)}.{shown(name)}'")
        self.stack.append(_Name(f"{module}.{name}"))

    def call(self) -> None:
        arguments, called = self.pop(), self.pop()
        if not isinstance(called, _Name) or not isinstance(arguments, tuple):
            raise TypeError("only a name can be called")
        self.stack.append(_CALLS[called.name](*arguments))

    def build(self) -> None:
        state = self.pop()
        built = self.stack[-1]
        if not isinstance(built, _Type | _Array):
            raise TypeError("only an array or its type has a state")
        built.set_state(state)

    def extend(self, items: list[Any]) -> None:
        if not isinstance(self.stack[-1], list):
            raise TypeError("not a list")
        self.stack[-1].extend(items)

    def update(self, items: list[Any]) -> None:
        if not isinstance(self.stack[-1], dict):
            raise TypeError("not a dict")
        self.stack[-1].update(_pairs(items))


def _pairs(items: list[Any]) -> dict[Any, Any]:
    keys = items[::2]
    if not all(type(key) in (str, bytes, int, float, bool, type(None)) for key in keys):
        raise TypeError("keys are texts and numbers")
    return dict(zip(keys, items[1::2], strict=True))


def _tuple(count: int) -> Callable[[_Machine], None]:
    def build(machine: _Machine) -> None:
        items = [machine.pop() for _ in range(count)]
        machine.stack.append(tuple(reversed(items)))

    return build


_PUSH_ARGUMENT = frozenset(
    {
        *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
        *("STRING", "BINSTRING", "SHORT_BINSTRING"),
        *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
        *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
    }
)
_PUSH_CONSTANT: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_TUPLE": tuple,
}
_BUILDERS: dict[str, Callable[[_Machine], None]] = {
    "REDUCE": _Machine.call,
    "BUILD": _Machine.build,
    "LIST": lambda machine: _push(machine, machine.to_mark()),
    "DICT": lambda machine: _push(machine, _pairs(machine.to_mark())),
    "TUPLE": lambda machine: _push(machine, tuple(machine.to_mark())),
    "TUPLE1": _tuple(1),
    "TUPLE2": _tuple(2),
    "TUPLE3": _tuple(3),
    "APPEND": lambda machine: machine.extend([machine.pop()]),
    "APPENDS": lambda machine: machine.extend(machine.to_mark()),
    "SETITEM": lambda machine: machine.update([*_two(machine)]),
    "SETITEMS": lambda machine: machine.update(machine.to_mark()),
}


def _push(machine: _Machine, value: Any) -> None:
    # After `to_mark`, which puts the outer stack back.
    machine.stack.append(value)


def _two(machine: _Machine) -> tuple[Any, Any]:
    value, key = machine.pop(), machine.pop()
    return key, value


def _finished(value: Any, done: dict[int, Any]) -> Any:
    """The value with NumPy arrays in the place of records; what is shared stays shared."""
    if not isinstance(value, list | dict | tuple | _Array):
        if isinstance(value, _Name | _Type):
            raise _RefusedError("holds something that is no data")
        return value
    if id(value) in done:
        return done[id(value)]
    if isinstance(value, list):
        done[id(value)] = value
        value[:] = [_finished(each, done) for each in value]
        return value
    if isinstance(value, dict):
        done[id(value)] = value
        value.update({key: _finished(each, done) for key, each in value.items()})
        return value
    if isinstance(value, tuple):
        done[id(value)] = tuple(_finished(each, done) for each in value)
        return done[id(value)]
    if value.type.code not in _OBJECT_TYPES:
        done[id(value)] = value.values()
        return done[id(value)]
    if not isinstance(value.data, list) or len(value.data) != value.count():
        raise ValueError("shape and data of an array disagree")
    nested: list[Any] = []
    done[id(value)] = nested
    elements = [_finished(each, done) for each in value.data]
    if value.shape == ():
        done[id(value)] = elements[0]
        return elements[0]
    nested.extend(_nested(elements, value.shape))
    return nested


def _nested(elements: list[Any], shape: tuple[int, ...]) -> list[Any]:
    if len(shape) < 2:
        return elements
    size = len(elements) // shape[0] if shape[0] else 0
    return [_nested(elements[k * size : (k + 1) * size], shape[1:]) for k in range(shape[0])]
