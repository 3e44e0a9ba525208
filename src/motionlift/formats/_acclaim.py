"""The text of Acclaim's two files: skeletons (.asf) and motions (.amc)."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from motionlift.errors import FormatError

ROOT = "root"
_AXIS_ORDER = re.compile(r"[xyz]{3}")
_DOF = re.compile(r"[rt][xyz]|l")
_FRAME_NUMBER = re.compile(r"[0-9]{1,9}")
# Beyond this a number is damage, and its square might overflow.
_LARGEST = 1e9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bone:
    """One bone of a skeleton.

    Attributes:
        direction: unit vector in the skeleton's axes, where it points without motion.
        length: in the file's unit.
        axis: angles of the bone's own frame, about the axes of `axis_order`.
        axis_order: "xyz": about x first, then about the fixed y, then about the fixed z.
        dof: degrees of freedom in the motion's order: "rx", ..., "tx", ... (the root's alone).
    """

    name: str
    direction: Float[np.ndarray, "3"]
    length: float
    axis: Float[np.ndarray, "3"]
    axis_order: str
    dof: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Acclaim:
    """A skeleton.

    Attributes:
        bones: by name, without the root.
        parents: bone -> parent, parents before their children.
        root: the root, which has no length.
        root_position: where it stands without motion.
        length_unit: the file's `length`.
        is_degrees: the file's `angle`.
    """

    bones: dict[str, Bone]
    parents: dict[str, str]
    root: Bone
    root_position: Float[np.ndarray, "3"]
    length_unit: float
    is_degrees: bool


def parse_asf(path: Path) -> Acclaim:
    """The skeleton that a .asf file holds.

    Raises:
        FormatError: if it cannot be read or is not as Acclaim defined it; says which line.
    """
    sections = _sections(path)
    missing = [name for name in ("root", "bonedata", "hierarchy") if name not in sections]
    if missing:
        raise FormatError(
            f"{path}: no section :{missing[0]}; an Acclaim skeleton has :root, :bonedata and "
            ":hierarchy, the file may be cut short"
        )
    units = {line.words[0]: line for line in sections.get("units", []) if len(line.words) > 1}
    root, position = _root(sections["root"], path)
    bones: dict[str, Bone] = {}
    for bone in _bones(sections["bonedata"], path):
        if bone.name in bones or bone.name == ROOT:
            raise FormatError(f"{path}: two bones are named '{bone.name[:40]}'")
        bones[bone.name] = bone
    return Acclaim(
        bones=bones,
        parents=_parents(sections["hierarchy"], bones, path),
        root=root,
        root_position=position,
        length_unit=float(units["length"].numbers(path, 1)[0]) if "length" in units else 1.0,
        is_degrees="angle" not in units or units["angle"].words[1].startswith("deg"),
    )


def parse_amc(
    path: Path, skeleton: Acclaim
) -> tuple[Int[np.ndarray, " frame"], dict[str, Float[np.ndarray, "frame value"]]]:
    """Frame numbers, and for each bone that moves its values in every frame.

    Raises:
        FormatError: if it cannot be read, holds no frames, or does not fit the skeleton.
    """
    lines = [line for line in _read_lines(path) if line.words[0][0] not in "#:"]
    starts = [number for number, line in enumerate(lines[:10_000]) if len(line.words) == 1]
    if not starts or starts[0] != 0:
        raise FormatError(f"{path}: no frame begins with its number; expected an Acclaim motion")
    height = starts[1] if len(starts) > 1 else len(lines)
    pattern = [(line.words[0], len(line.words)) for line in lines[1:height]]
    _check_pattern(pattern, skeleton, path)
    _check_frames(lines, height, pattern, path)
    columns = {
        name: _numbers_of(lines[row::height], path)
        for row, (name, _) in enumerate(pattern, start=1)
    }
    numbers = _frame_numbers(lines[::height], path)
    return numbers, columns


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    words: list[str]

    def numbers(self, path: Path, count: int) -> list[float]:
        """The `count` numbers after the first word; anything else is an error."""
        try:
            values = [float(word) for word in self.words[1 : 1 + count]]
        except ValueError:
            values = []
        if len(values) != count or not _are_sane(np.array(values)):
            raise FormatError(
                f"{path}:{self.number}: found '{' '.join(self.words)[:60]}'; expected {count} "
                f"numbers after '{self.words[0][:20]}'"
            )
        return values


def _read_lines(path: Path) -> list[_Line]:
    try:
        text = path.read_bytes().decode("latin-1")
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror})") from error
    split = (line.split() for line in text.split("\n"))
    return [_Line(number, words) for number, words in enumerate(split, start=1) if words]


def _sections(path: Path) -> dict[str, list[_Line]]:
    sections: dict[str, list[_Line]] = {}
    inside: list[_Line] = []
    for line in _read_lines(path):
        first = line.words[0]
        if first.startswith("#"):
            continue
        if first.startswith(":"):
            inside = sections.setdefault(first[1:].lower(), [])
        else:
            inside.append(line)
    return sections


def _root(lines: list[_Line], path: Path) -> tuple[Bone, Float[np.ndarray, "3"]]:
    fields = {line.words[0].lower(): line for line in lines}
    for name in ("order", "axis", "position", "orientation"):
        if name not in fields:
            raise FormatError(f"{path}: the :root section says no '{name}'")
    dof = _dof(fields["order"], path)
    if sorted(dof) != ["rx", "ry", "rz", "tx", "ty", "tz"]:
        raise FormatError(
            f"{path}:{fields['order'].number}: the root moves by {' '.join(dof)}; expected each "
            "of tx ty tz rx ry rz once"
        )
    bone = Bone(
        name=ROOT,
        direction=np.zeros(3),
        length=0.0,
        axis=np.array(fields["orientation"].numbers(path, 3)),
        axis_order=_axis_order(fields["axis"], fields["axis"].words[-1], path),
        dof=dof,
    )
    return bone, np.array(fields["position"].numbers(path, 3))


def _bones(lines: list[_Line], path: Path) -> Iterator[Bone]:
    fields: dict[str, _Line] = {}
    for line in lines:
        word = line.words[0].lower()
        if word == "begin":
            fields = {"begin": line}
        elif word == "end":
            yield _bone(fields, path)
        else:
            fields[word] = line


def _bone(fields: dict[str, _Line], path: Path) -> Bone:
    for name in ("begin", "name", "direction", "length", "axis"):
        if name not in fields:
            where = f":{fields['begin'].number}" if "begin" in fields else ""
            raise FormatError(f"{path}{where}: a bone says no '{name}'")
    direction = np.array(fields["direction"].numbers(path, 3))
    size = float(np.linalg.norm(direction))
    if not 0.9 < size < 1.1:
        raise FormatError(
            f"{path}:{fields['direction'].number}: a direction of length {size:.3g}; expected 1"
        )
    if len(fields["name"].words) < 2:
        raise FormatError(f"{path}:{fields['name'].number}: a bone's name is empty")
    dof = _dof(fields["dof"], path) if "dof" in fields else ()
    if any(not each.startswith("r") for each in dof):
        raise FormatError(
            f"{path}:{fields['dof'].number}: a bone moves by {' '.join(dof)}; only rotations "
            "(rx ry rz) can be read"
        )
    return Bone(
        name=fields["name"].words[1],
        direction=direction,
        length=fields["length"].numbers(path, 1)[0],
        axis=np.array(fields["axis"].numbers(path, 3)),
        axis_order=_axis_order(fields["axis"], fields["axis"].words[-1], path),
        dof=dof,
    )


def _dof(line: _Line, path: Path) -> tuple[str, ...]:
    dof = tuple(word.lower() for word in line.words[1:])
    if len(set(dof)) != len(dof) or not all(_DOF.fullmatch(each) for each in dof):
        raise FormatError(
            f"{path}:{line.number}: found '{' '.join(line.words)[:60]}'; expected some of "
            "rx ry rz tx ty tz l"
        )
    return dof


def _axis_order(line: _Line, word: str, path: Path) -> str:
    order = word.lower()
    if not _AXIS_ORDER.fullmatch(order) or len(set(order)) != 3:
        raise FormatError(
            f"{path}:{line.number}: found '{word[:20]}'; expected an order of axes such as XYZ"
        )
    return order


def _parents(lines: list[_Line], bones: dict[str, Bone], path: Path) -> dict[str, str]:
    parents: dict[str, str] = {}
    for line in lines:
        parent, *children = line.words
        if parent in ("begin", "end"):
            continue
        for word in (parent, *children):
            if word not in bones and word != ROOT:
                raise FormatError(f"{path}:{line.number}: no bone is named '{word[:40]}'")
        if parent != ROOT and parent not in parents:
            raise FormatError(
                f"{path}:{line.number}: '{parent}' has children before it has a parent"
            )
        for child in children:
            if child in parents or child == ROOT:
                raise FormatError(f"{path}:{line.number}: '{child}' has two parents")
            parents[child] = parent
    loose = sorted(set(bones) - set(parents))
    if loose:
        raise FormatError(f"{path}: bones without a parent in :hierarchy: {', '.join(loose)}")
    return parents


def _check_pattern(pattern: list[tuple[str, int]], skeleton: Acclaim, path: Path) -> None:
    known = {**skeleton.bones, ROOT: skeleton.root}
    for name, words in pattern:
        expected = len(known[name].dof) if name in known else 0
        if words != expected + 1:
            raise FormatError(
                f"{path}: the first frame gives {words - 1} numbers for '{name[:40]}', the "
                f"skeleton has {expected} for it; the .asf may be another subject's"
            )
    named = [name for name, _ in pattern]
    still = [name for name, bone in known.items() if bone.dof and name not in named]
    if still or len(set(named)) != len(named):
        raise FormatError(
            f"{path}: the first frame must name each moving bone once; missing: "
            f"{', '.join(still) or 'none'}"
        )


def _check_frames(
    lines: list[_Line], height: int, pattern: list[tuple[str, int]], path: Path
) -> None:
    expected = [("", 1), *pattern]
    for row, line in enumerate(lines):
        name, words = expected[row % height]
        if len(line.words) != words or (name and line.words[0] != name):
            raise FormatError(
                f"{path}:{line.number}: found '{' '.join(line.words)[:40]}'; expected "
                f"{f'{words - 1} numbers for {name}' if name else 'the number of a frame'}"
            )
    if len(lines) % height:
        raise FormatError(
            f"{path}:{lines[-1].number}: the last frame has {len(lines) % height} of {height} "
            "lines; the file is cut short"
        )


def _numbers_of(lines: list[_Line], path: Path) -> Float[np.ndarray, "frame value"]:
    try:
        values = np.array([[float(word) for word in line.words[1:]] for line in lines])
    except ValueError:
        values = np.array([[np.nan]])
    if not _are_sane(values):
        for line in lines:
            line.numbers(path, len(line.words) - 1)
    return values


def _are_sane(values: Float[np.ndarray, "..."]) -> bool:
    return bool((np.abs(values) < _LARGEST).all())


def _frame_numbers(lines: list[_Line], path: Path) -> Int[np.ndarray, " frame"]:
    for line in lines:
        if not _FRAME_NUMBER.fullmatch(line.words[0]):
            raise FormatError(f"{path}:{line.number}: '{line.words[0][:20]}' is no frame's number")
    numbers = [int(line.words[0]) for line in lines]
    if any(after <= before for before, after in itertools.pairwise(numbers)):
        raise FormatError(f"{path}: frame numbers do not increase")
    return np.array(numbers)
