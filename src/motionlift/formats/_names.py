"""Which joints of a motion capture skeleton are which: namings, each a small TOML file.

Those in `names/` are built in; `--names my.toml` adds one. A naming fits a skeleton that has every
joint it names; a prefix that all of a file's joints share ("mixamorig:") is looked past.

    title = "Daz and Poser"
    metres_per_unit = 0.01            # optional: the unit that files of these names have
    up = "y"                          # optional: the axis that points up
    [joints]                          # landmark (see `motionlift.kinematics`) = joint of the file
    left_hip = "lThigh"               # ... the twelve of the limbs; "lFoot/End" is an end site
    spine = ["abdomen", "chest"]      # optional: vertebral joints from below upward
    neck = "neck"                     # optional: base of the neck
    head = "head"                     # optional: joint that the head turns in
    [head]                            # optional; without it the head is placed from points alone
    axes = ["+x", "+y", "+z"]         # the head's left, up and forward in that joint's own axes
    skull_base = [0.0, 0.05, 0.02]    # where skull meets neck, seen from that joint along left,
                                      # up and forward, in lengths of the leg
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from motionlift.errors import SkeletonError
from motionlift.formats._world import AXES, Axis
from motionlift.kinematics import LIMB_LANDMARKS

_BUILT_IN = Path(__file__).parent / "names"
_CENTRAL = ("neck", "head", "head_top", "nose")
# Without legs there is no way to judge a file's unit or to place a head.
_REQUIRED = tuple(name for name in LIMB_LANDMARKS if name.endswith(("hip", "knee", "ankle")))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Naming:
    """What the joints of one family of skeletons are called.

    Attributes:
        name: the TOML file's, without its suffix.
        joints: landmark -> joint of the file.
        head_axes: columns are the head's left, up and forward axes in those of its joint.
        skull_base: from the head's joint to the landmark "head", as the module says.
    """

    name: str
    title: str
    joints: Mapping[str, str]
    metres_per_unit: float | None = None
    up: Axis = "y"
    head_axes: Float[np.ndarray, "3 3"] | None = None
    skull_base: tuple[float, float, float] = (0.0, 0.0, 0.0)


def find_naming(
    found: Sequence[str], *, source: str, own: Path | None = None
) -> tuple[Naming, dict[str, str]]:
    """The naming that fits the joints found, and landmark -> joint in the file's own words.

    Of several that fit, the one that names most joints.

    Raises:
        SkeletonError: if none fits; it lists the joints and shows a TOML to start from. Also if
            the user's own does not fit, or is damaged.
    """
    namings = _built_in() if own is None else (read_naming(own),)
    prefix = _shared_prefix(found)
    fitting = []
    for naming in namings:
        for start in ("", prefix):
            joints = {mark: start + joint for mark, joint in naming.joints.items()}
            if set(joints.values()) <= set(found):
                fitting.append((naming, joints))
    if fitting:
        return max(fitting, key=lambda each: len(each[1]))
    listed = ", ".join(found)
    if own is not None:
        absent = sorted(set(namings[0].joints.values()) - set(found))
        raise SkeletonError(
            f"{source}: has no joints {', '.join(absent)}, which {own} names; it has: {listed}"
        )
    known = ", ".join(naming.name for naming in namings)
    raise SkeletonError(
        f"{source}: joints named as in none of the namings known ({known}); it has: {listed}. "
        f"Say which is which in a file such as this, and pass it with --names:\n\n{_template()}"
    )


def read_naming(path: Path) -> Naming:
    """The naming in a TOML file.

    Raises:
        SkeletonError: if it is missing, no TOML, or not as the module says.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise SkeletonError(f"{path}: cannot be read as TOML ({error})") from error
    _check_keys(table, {"title", "metres_per_unit", "up", "joints", "head"}, path)
    head = _table(table, "head", path)
    _check_keys(head, {"axes", "skull_base"}, path)
    unit, up = table.get("metres_per_unit"), table.get("up", "y")
    if unit is not None and not (type(unit) in (int, float) and 0 < unit < 1e6):
        raise SkeletonError(f"{path}: metres_per_unit is {unit!r}; expected a number above 0")
    if up not in AXES:
        raise SkeletonError(f"{path}: up is {up!r}; expected one of {', '.join(AXES)}")
    base = head.get("skull_base", [0.0, 0.0, 0.0])
    if not (
        isinstance(base, list)
        and len(base) == 3
        and all(type(x) in (int, float) and abs(x) < 1 for x in base)
    ):
        raise SkeletonError(f"{path}: skull_base is {base!r}; expected three lengths below 1")
    return Naming(
        name=path.stem,
        title=str(table.get("title", path.stem)),
        joints=_joints(_table(table, "joints", path), path),
        metres_per_unit=unit,
        up=up,
        head_axes=_axes(head["axes"], path) if "axes" in head else None,
        skull_base=(base[0], base[1], base[2]),
    )


@cache
def _built_in() -> tuple[Naming, ...]:
    return tuple(read_naming(path) for path in sorted(_BUILT_IN.glob("*.toml")))


def _joints(table: Mapping[str, Any], path: Path) -> dict[str, str]:
    """Landmark -> joint, the list `spine` spelt out as spine_1, spine_2, ..."""
    _check_keys(table, {*LIMB_LANDMARKS, *_CENTRAL, "spine"}, path)
    absent = [name for name in _REQUIRED if name not in table]
    if absent:
        raise SkeletonError(f"{path}: [joints] does not name {', '.join(absent)}")
    spine = table.get("spine", [])
    if not isinstance(spine, list):
        raise SkeletonError(f"{path}: spine is {spine!r}; expected a list of joints' names")
    joints = {mark: joint for mark, joint in table.items() if mark != "spine"}
    joints |= {f"spine_{number}": joint for number, joint in enumerate(spine, 1)}
    for mark, joint in joints.items():
        if not isinstance(joint, str) or not joint:
            raise SkeletonError(f"{path}: {mark} is {joint!r}; expected a joint's name")
    if len(set(joints.values())) != len(joints):
        raise SkeletonError(f"{path}: [joints] gives two landmarks the same joint")
    return joints


def _axes(given: object, path: Path) -> Float[np.ndarray, "3 3"]:
    """Unit vectors of texts such as "+x", as columns; they must be right-handed."""
    known = {
        sign + axis: value * np.eye(3)[number]
        for sign, value in (("+", 1.0), ("-", -1.0))
        for number, axis in enumerate(AXES)
    }
    if not (isinstance(given, list) and len(given) == 3 and all(each in known for each in given)):
        raise SkeletonError(f"{path}: axes is {given!r}; expected three such as ['+x', '+y', '+z']")
    axes = np.stack([known[each] for each in given], axis=1)
    if np.linalg.det(axes) < 0.5:
        raise SkeletonError(
            f"{path}: axes {given} are not left, up and forward: left x up must be forward"
        )
    return axes


def _table(table: Mapping[str, Any], key: str, path: Path) -> Mapping[str, Any]:
    value = table.get(key, {})
    if not isinstance(value, dict):
        raise SkeletonError(f"{path}: {key} must be a table, [{key}]")
    return value


def _check_keys(table: Mapping[str, Any], known: set[str], path: Path) -> None:
    unknown = sorted(set(table) - known)
    if unknown:
        raise SkeletonError(
            f"{path}: unknown {', '.join(unknown)}; there are: {', '.join(sorted(known))}"
        )


def _shared_prefix(names: Sequence[str]) -> str:
    """What all names begin with, up to a colon or an underscore."""
    first, last = min(names), max(names)
    differing = (n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b)
    prefix = first[: next(differing, len(first))]
    return prefix[: max(prefix.rfind(":"), prefix.rfind("_")) + 1]


def _template() -> str:
    limbs = "\n".join(f'{name} = ""' for name in LIMB_LANDMARKS)
    return (
        f'title = "my skeleton"\n# metres_per_unit = 0.01\n\n[joints]\n{limbs}\n'
        '# spine = ["", ""]  # from below upward\n# neck = ""\n# head = ""\n\n'
        '# [head]\n# axes = ["+x", "+y", "+z"]  # its left, up and forward in its own axes\n'
    )
