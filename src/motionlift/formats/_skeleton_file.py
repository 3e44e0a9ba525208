"""A skeleton of the user's own, from a small TOML file.

    name = "MINE"                                  # optional; the file's name without it
    joints = ["nose", "l_hip", "r_hip", "l_knee"]  # as the keypoints are ordered, or named
    bones = [["l_hip", "l_knee"]]                  # optional: parent, joint; for drawing

    [to_h36m17]                                    # each a keypoint, or several to average
    nose = "nose"
    pelvis = ["l_hip", "r_hip"]
    left_knee = "l_knee"

Joints of `H36M17` that are not in the table stay missing.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from motionlift.errors import SkeletonError
from motionlift.skeletons import H36M17, Skeleton


def read_skeleton(path: Path) -> Skeleton:
    """The skeleton in a TOML file.

    Raises:
        SkeletonError: if the file cannot be read, or says something that makes no skeleton.
    """
    table = _read(path)
    unknown = set(table) - {"name", "joints", "bones", "to_h36m17"}
    if unknown:
        raise SkeletonError(
            f"{path}: unknown key '{min(unknown)}'; there are: name, joints, bones, to_h36m17"
        )
    name = table.get("name", path.stem)
    joints = _texts(table.get("joints"), where=f"{path}: 'joints'")
    if len(set(joints)) < len(joints):
        raise SkeletonError(f"{path}: 'joints': joint names must differ")
    mapping = table.get("to_h36m17")
    if not isinstance(name, str) or not isinstance(mapping, dict) or not mapping:
        raise SkeletonError(
            f"{path}: expected a text 'name' and a table [to_h36m17] that says how its joints are "
            "had from these"
        )
    return Skeleton(
        name=name,
        joints=joints,
        parents=_parents(joints, table.get("bones", []), path=path),
        to_h36m17=_mapping(mapping, joints, path=path),
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SkeletonError(f"{path}: cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SkeletonError(f"{path}: not valid TOML ({str(error)[:100]})") from error


def _texts(value: object, *, where: str) -> tuple[str, ...]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not values or not all(isinstance(v, str) for v in values):
        raise SkeletonError(f"{where}: expected names of joints, such as ['nose', 'left_hip']")
    return tuple(values)


def _mapping(
    table: Mapping[str, object], joints: tuple[str, ...], *, path: Path
) -> dict[str, tuple[str, ...]]:
    mapping = {}
    for joint, value in table.items():
        if joint not in H36M17.joints:
            raise SkeletonError(
                f"{path}: [to_h36m17] has '{joint}', but the joints of H36M17 are: "
                f"{', '.join(H36M17.joints)}"
            )
        mapping[joint] = _texts(value, where=f"{path}: [to_h36m17] {joint}")
        for source in mapping[joint]:
            if source not in joints:
                raise SkeletonError(f"{path}: [to_h36m17] {joint}: no joint is named '{source}'")
    return mapping


def _parents(joints: tuple[str, ...], bones: object, *, path: Path) -> tuple[int, ...]:
    parents = [-1] * len(joints)
    if not isinstance(bones, list):
        raise SkeletonError(f"{path}: 'bones': expected a list of [parent, joint]")
    for bone in bones:
        names = _texts(bone, where=f"{path}: 'bones'")
        if len(names) != 2 or not set(names) <= set(joints):
            raise SkeletonError(f"{path}: 'bones' has {list(names)}, expected two of the joints")
        parents[joints.index(names[1])] = joints.index(names[0])
    return tuple(parents)
