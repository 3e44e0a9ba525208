"""Reads JSON of any size piece by piece: an hour of detections does not fit into memory as objects.

    with JsonFile(path) as json:
        for key in json.members():
            if key == "frames":
                for frame in json.elements(): ...

Every error is a `FormatError` that says in which line.
"""

import contextlib
import functools
import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from jaxtyping import Float

from motionlift.errors import FormatError
from motionlift.formats._shown import shown

_CHUNK = 2**20
# One frame of a crowd with hands and faces has some 100 kB.
_MAX_VALUE = 16 * 2**20
_GLIMPSE = 32
# A camera may run for minutes before anybody comes.
_SEARCHED = 10_000


class JsonFile:
    """A JSON file that is read forward, once.

    Raises:
        FormatError: from every method, if the file cannot be read or is not JSON.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._text = ""
        self._at = 0
        self._lines = 0
        self._is_whole = False
        self._decoder = json.JSONDecoder()
        try:
            # "replace" would hide damage; a wrong byte is an error wherever it is met.
            self._handle = path.open(encoding="utf-8-sig")
            self._size = path.stat().st_size
        except OSError as error:
            raise FormatError(f"{path}: cannot be read ({error.strerror})") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._handle.close()

    def peek(self) -> str:
        """The next character that is no space; empty at the end of the file."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in " \t\r\n":
                self._at += 1
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def value(self) -> Any:
        """The next value, whole."""
        if self.peek() == "":
            raise self._wrong("the file ends where a value is expected; it may be cut short")
        while True:
            try:
                found, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                # Wrong in the middle is wrong; at the end there may be more to come.
                is_open = error.pos > len(self._text) - 32 or "Unterminated" in error.msg
                if is_open and self._more():
                    continue
                cut = "; the file may be cut short" if is_open else ""
                raise self._wrong(f"not valid JSON ({error.msg}){cut}", at=error.pos) from error
            except RecursionError as error:
                raise self._wrong("nested too deep to be keypoints") from error
            except ValueError as error:  # Python refuses integers of thousands of digits
                raise self._wrong(f"not valid JSON ({error})") from error
            # A number at the end of what is read so far may go on: "1." and "1e+" look like 1.
            if end + 2 < len(self._text) or not self._more():
                self._at = end
                return found

    def elements(self) -> Iterator[Any]:
        """The elements of the list that comes next, one at a time."""
        self._expect("[", what="a list")
        if self.peek() == "]":
            self._at += 1
            return
        while True:
            yield self.value()
            if self._next_of(",]") == "]":
                return

    def members(self) -> Iterator[str]:
        """The keys of the object that comes next; read, or `value()` away, each one's value."""
        self._expect("{", what="an object")
        if self.peek() == "}":
            self._at += 1
            return
        while True:
            key = self.value() if self.peek() == '"' else None
            if not isinstance(key, str):
                raise self._wrong("expected a key in quotes")
            self._next_of(":")
            yield key
            if self._next_of(",}") == "}":
                return

    def progress(self) -> float:
        """The share of the file that is read, about: what is read ahead counts as read."""
        place = os.lseek(self._handle.fileno(), 0, os.SEEK_CUR)
        return min(place / self._size, 1.0) if self._size else 1.0

    def end(self) -> None:
        """Check that nothing follows."""
        if self.peek() != "":
            raise self._wrong("something follows the end of the JSON")

    def _expect(self, opening: str, *, what: str) -> None:
        if self.peek() != opening:
            raise self._wrong(f"expected {what}")
        self._at += 1

    def _next_of(self, allowed: str) -> str:
        found = self.peek()
        if found == "" or found not in allowed:
            expected = " or ".join(f"'{each}'" for each in allowed)
            reason = f"'{shown(found)}' found" if found else "the file ends; it may be cut short"
            raise self._wrong(f"expected {expected}, {reason}")
        self._at += 1
        return found

    def _more(self) -> bool:
        """Read on; False at the end of the file."""
        if self._is_whole:
            return False
        waiting = len(self._text) - self._at
        if waiting > _MAX_VALUE:
            raise self._wrong(f"a value of more than {_MAX_VALUE >> 20} MiB, none is as large")
        try:
            # As much again as there is: a value is tried a few times only, however long.
            chunk = self._handle.read(max(_CHUNK, waiting))
        except UnicodeDecodeError as error:
            raise FormatError(f"{self._path}: not a text file, JSON was expected") from error
        except OSError as error:
            raise FormatError(f"{self._path}: cannot be read ({error.strerror})") from error
        self._is_whole = not chunk
        if chunk:
            self._lines += self._text.count("\n", 0, self._at)
            self._text, self._at = self._text[self._at :] + chunk, 0
        return bool(chunk)

    def _wrong(self, what: str, *, at: int | None = None) -> FormatError:
        line = 1 + self._lines + self._text.count("\n", 0, self._at if at is None else at)
        return FormatError(f"{self._path}:{line}: {what}")


def glimpse(path: Path) -> Any:
    """How a JSON file begins, to judge what it is; None if it is no JSON as far as that.

    A list has one element only: the first that tells something, which a frame with nobody in it
    does not, or the first of all. An object has its first members, up to a long list, or as far as
    it is not damaged.
    """
    if not path.is_file():
        return None
    try:
        stamp = path.stat()
    except OSError:
        return None
    return _glimpse(path, stamp.st_mtime_ns, stamp.st_size)


# Every format that is JSON asks, one after the other, and a beginning can be long.
@functools.lru_cache(maxsize=1)
def _glimpse(path: Path, _changed: int, _size: int) -> Any:
    members: dict[str, Any] = {}
    with contextlib.suppress(FormatError), JsonFile(path) as json_file:
        if json_file.peek() == "[":
            return _telling(json_file.elements())
        members.update(_first_members(json_file))  # keeps what came before an error
    return members or None


def numbers(values: object, *, where: str, expected: str) -> Float[np.ndarray, " value"]:
    """A flat list of JSON numbers as an array; null is NaN.

    Raises:
        FormatError: if it is no list, or something in it is no number.
    """
    if not isinstance(values, list):
        raise FormatError(f"{where}: found {_kind(values)}, expected {expected}")
    # By type, because NumPy would take "1.5" and true for numbers.
    odd = set(map(type, values)) - {int, float, type(None)}
    if odd:
        raise FormatError(f"{where}: found {odd.pop().__name__} in a list, expected {expected}")
    try:
        return np.array(values, dtype=np.float64)
    except OverflowError as error:
        raise FormatError(f"{where}: a number is too large, expected {expected}") from error


def triples(values: object, *, where: str) -> Float[np.ndarray, "joint 3"]:
    """Keypoints from a flat list x, y, confidence, x, y, confidence, ...

    Raises:
        FormatError: if it is no list of numbers, or their count is no multiple of 3.
    """
    flat = numbers(values, where=where, expected="x, y, confidence of each keypoint")
    if len(flat) % 3:
        raise FormatError(
            f"{where}: {len(flat)} numbers, expected x, y, confidence of each keypoint, "
            "so a multiple of 3"
        )
    return flat.reshape(-1, 3)


def rows(
    values: object, *, width: int, where: str, expected: str
) -> Float[np.ndarray, "row width"]:
    """A list of lists of so many numbers each; null is NaN.

    Raises:
        FormatError: if it is none.
    """
    if not isinstance(values, list):
        raise FormatError(f"{where}: found {_kind(values)}, expected {expected}")
    for row in values:
        if not isinstance(row, list) or len(row) != width:
            raise FormatError(f"{where}: expected {expected}, {width} numbers each")
    flat = [value for row in values for value in row]
    return numbers(flat, where=where, expected=expected).reshape(-1, width)


def whole_number(value: object, *, where: str, what: str) -> int:
    """An integer that fits a frame number or an id; 3.0 is 3.

    Raises:
        FormatError: if it is none.
    """
    if type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is not int or not 0 <= value < 10**15:
        raise FormatError(f"{where}: {what} is '{shown(value)}', expected a whole number")
    return value


def _first_members(json_file: JsonFile) -> Iterator[tuple[str, Any]]:
    for key in itertools.islice(json_file.members(), _GLIMPSE):
        if json_file.peek() != "[":
            yield key, json_file.value()
            continue
        elements = json_file.elements()
        yield key, _telling(elements)
        if len(list(itertools.islice(elements, _GLIMPSE))) == _GLIMPSE:
            return


def _telling(elements: Iterator[Any]) -> list[Any]:
    """The first that tells something, in a list; else the first of all, if there is one."""
    first = list(itertools.islice(elements, 1))
    searched = itertools.chain(first, itertools.islice(elements, _SEARCHED))
    return next(([each] for each in searched if _tells(each) and _is_like(each, first[0])), first)


def _is_like(record: object, first: object) -> bool:
    """Whether it may be one more of what `first` is, rather than damage behind it."""
    if isinstance(record, dict) and isinstance(first, dict):
        return first.keys() <= record.keys()
    return first is None or isinstance(record, type(first))


def _tells(value: object) -> bool:
    """Whether a frame or a record holds more than numbers of its own: somebody's keypoints."""
    if isinstance(value, dict):
        return any(_tells(each) for each in value.values() if isinstance(each, dict | list))
    if isinstance(value, list):
        return any(bool(each) if isinstance(each, dict) else _tells(each) for each in value)
    return value is not None


def _kind(value: object) -> str:
    names = {dict: "an object", str: "a text", type(None): "nothing"}
    return names.get(type(value), type(value).__name__)
