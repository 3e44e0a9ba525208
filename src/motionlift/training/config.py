"""Settings to TOML and back: what a run folder keeps, and what `--config` reads."""

import dataclasses
import tomllib
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import tomli_w

from motionlift.errors import MotionliftError, RecipeError

Record = TypeVar("Record")


def to_toml(record: Any, *, extra: Mapping[str, Any] | None = None) -> str:
    """A dataclass, nested as it is, as TOML; `extra` goes to a table of its own, `[about]`."""
    table = dataclasses.asdict(record)
    return tomli_w.dumps({**table, "about": dict(extra)} if extra else table)


def read_toml(path: Path, *, like: Record) -> Record:
    """The record `like`, with what the file sets; a table `[about]` is passed over.

    Raises:
        RecipeError: if the file is not TOML, or sets what there is not, or to another type.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: not valid TOML ({error})") from error
    table.pop("about", None)
    try:
        return _merged(like, table, where=str(path))
    except MotionliftError as error:  # a record's own, of a value out of range, knows no file
        if str(path) in str(error):
            raise
        raise RecipeError(f"{path}: {error}") from error


def differences(ours: Any, theirs: Any, *, prefix: str = "") -> list[str]:
    """The fields in which two records of a kind differ, as "field: ours, not theirs"."""
    found = []
    for field in dataclasses.fields(ours):
        mine, other = getattr(ours, field.name), getattr(theirs, field.name)
        if dataclasses.is_dataclass(mine):
            found += differences(mine, other, prefix=f"{prefix}{field.name}.")
        elif mine != other:
            found.append(f"{prefix}{field.name}: {mine}, not {other}")
    return found


def unsaid(record: Any, table: Mapping[str, Any], *, prefix: str = "") -> list[str]:
    """The fields of a record of which the table says nothing."""
    found = []
    for field in dataclasses.fields(record):
        value, name = getattr(record, field.name), f"{prefix}{field.name}"
        if field.name not in table:
            found.append(name)
        elif dataclasses.is_dataclass(value):
            found += unsaid(value, table[field.name], prefix=f"{name}.")
    return found


def _merged(record: Any, table: Mapping[str, Any], *, where: str) -> Any:
    known = {field.name for field in dataclasses.fields(record)}
    if unknown := sorted(set(table) - known):
        raise RecipeError(f"{where}: no setting is named {unknown}; there are: {sorted(known)}")
    hints = typing.get_type_hints(type(record))
    changes = {
        name: _converted(value, hints[name], getattr(record, name), where=f"{where}: {name}")
        for name, value in table.items()
    }
    return dataclasses.replace(record, **changes)


def _converted(value: Any, hint: Any, current: Any, *, where: str) -> Any:
    if dataclasses.is_dataclass(current):
        if not isinstance(value, dict):
            raise RecipeError(f"{where} is {value!r}, but a table was expected")
        return _merged(current, value, where=where)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal and value in arguments:
        return value
    if origin is tuple and isinstance(value, list):
        if dataclasses.is_dataclass(arguments[0]):
            return tuple(_built(arguments[0], each, where=where) for each in value)
        return tuple(value)
    if isinstance(value, dict) and isinstance(current, Mapping):
        return value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint in (bool, int, float, str) and type(value) is hint:
        return value
    is_choice = origin is typing.Literal
    expected = " or ".join(map(str, arguments)) if is_choice else getattr(hint, "__name__", hint)
    raise RecipeError(f"{where} is {value!r}, but {expected} was expected")


def _built(kind: Any, table: Any, *, where: str) -> Any:
    hints = typing.get_type_hints(kind)
    if not isinstance(table, dict) or set(table) != set(hints):
        raise RecipeError(f"{where}: each entry needs {sorted(hints)}, found {table!r}")
    return kind(
        **{
            name: _converted(value, hints[name], None, where=f"{where}.{name}")
            for name, value in table.items()
        }
    )
