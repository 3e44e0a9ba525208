"""The library's own lifted motion as CSV: a line a frame, or, in `NAME.long.csv`, a line a joint.

The first line is `# motionlift {...}`, JSON with what is no column; programs that do not skip lines
that begin with # can be told to (pandas: `comment="#"`). The columns, in `_lifted`'s words:

    wide   frame, JOINT_x, JOINT_y, JOINT_z, JOINT_confidence for all joints; then, for lifted
           motion, JOINT_expected_error, root_x, root_y and JOINT_image_x, JOINT_image_y,
           JOINT_image_confidence
    long   frame, joint, x, y, z, confidence; expected_error, root_x, root_y, image_x, image_y,
           image_confidence

What is missing is an empty cell.
"""

import codecs
import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from motionlift.errors import FormatError
from motionlift.formats import Format, ReadOptions
from motionlift.formats._lifted import TEXTS, array_of, parts_of, pose_of, shortest
from motionlift.formats._shown import shown
from motionlift.formats._table import number, read_lines, whole
from motionlift.formats._timeline import MAX_FRAMES
from motionlift.poses import Pose3D
from motionlift.skeletons import H36M17

_START = "# motionlift "
_MAX_HEAD = 2**20
_OF_JOINT = ("x", "y", "z", "confidence")
_OF_KEYPOINT = ("image_x", "image_y", "image_confidence")
_OF_FRAME = ("root_x", "root_y")
_ERROR = "expected_error"

Columns = dict[str, Float[np.ndarray, " frame"]]


def write(pose: Pose3D, path: Path) -> None:
    """Write lifted motion, or any other in `H36M17`.

    Raises:
        FormatError: if the joints are not those of `H36M17`.
    """
    parts = parts_of(pose, path)
    head: dict[str, Any] = {name: str(parts[name]) for name in TEXTS}
    head |= {"fps": pose.fps, "notes": list(pose.notes)}
    if "image_size" in parts:
        head["image_size"] = parts["image_size"].tolist()
    if pose.metres_per_pixel is not None:
        head["metres_per_pixel"] = pose.metres_per_pixel
    columns = _columns(parts)
    with path.open("w", encoding="utf-8", newline="") as handle:
        handle.write(_START + json.dumps(head, ensure_ascii=False) + "\n")
        table = csv.writer(handle, lineterminator="\n")
        is_long = path.name.lower().endswith(".long.csv")
        table.writerows((_long if is_long else _wide)(parts["frame_index"], columns))


def read(path: Path, options: ReadOptions) -> Sequence[Pose3D]:
    """The motion in a file that `write` made, as it was.

    Raises:
        FormatError: if the file is damaged, or something in it is not as `write` makes it.
    """
    head = _head(path)
    lines = read_lines(path, separator=",")
    names = next((cells for _, cells in lines if not cells[0].startswith("#")), [""])
    if names[0] != "frame" or len(set(names)) < len(names):
        raise FormatError(f"{path}: expected columns of different names, the first 'frame'")
    rows = _rows(lines, names, path)
    frames, columns = (
        _gathered_long(rows, names, path) if "joint" in names else _gathered(rows, names)
    )
    parts = _parts(columns, path)
    parts["frame_index"] = np.array(frames, dtype=int)
    parts["joint_names"] = np.array(H36M17.joints)
    parts |= {name: np.array(str(head[name]), dtype=np.str_) for name in TEXTS if name in head}
    notes = head.get("notes")
    said = notes if isinstance(notes, list) else []
    parts["notes"] = np.array([str(note) for note in said], dtype=np.str_)
    parts["fps"] = np.array(np.nan)
    parts |= {
        name: array_of(head[name], name=name, path=path)
        for name in ("fps", "image_size", "metres_per_pixel")
        if head.get(name) is not None
    }
    return [pose_of(parts, options, path)]


def _columns(parts: Mapping[str, np.ndarray]) -> Columns:
    """All columns but the frame, in the names of the wide table."""
    positions = shortest(parts["positions"])
    columns = {}
    for k, joint in enumerate(H36M17.joints):
        for axis in range(3):
            columns[f"{joint}_{_OF_JOINT[axis]}"] = positions[:, k, axis]
        columns[f"{joint}_confidence"] = parts["confidence"][:, k]
    if _ERROR in parts:
        expected = shortest(parts[_ERROR])
        columns |= {f"{joint}_{_ERROR}": expected[:, k] for k, joint in enumerate(H36M17.joints)}
    if "root_xy" in parts:
        columns |= {name: parts["root_xy"][:, k] for k, name in enumerate(_OF_FRAME)}
    if "keypoints" in parts:
        for k, joint in enumerate(H36M17.joints):
            for axis, name in enumerate(_OF_KEYPOINT):
                columns[f"{joint}_{name}"] = parts["keypoints"][:, k, axis]
    return columns


def _parts(columns: Columns, path: Path) -> dict[str, np.ndarray]:
    def stacked(names: Sequence[str]) -> np.ndarray:
        missing = [name for name in names if name not in columns]
        if missing:
            raise FormatError(f"{path}: no column '{missing[0]}'")
        return np.stack([columns[name] for name in names], axis=-1)

    def of_joints(names: Sequence[str]) -> np.ndarray:
        return np.stack([stacked([f"{j}_{name}" for name in names]) for j in H36M17.joints], axis=1)

    parts = {
        "positions": of_joints(_OF_JOINT[:3]).astype(np.float32),
        "confidence": of_joints(_OF_JOINT[3:])[..., 0],
    }
    if f"{H36M17.joints[0]}_{_ERROR}" in columns:
        parts[_ERROR] = of_joints((_ERROR,))[..., 0].astype(np.float32)
    if _OF_FRAME[0] in columns:
        parts["root_xy"] = stacked(_OF_FRAME)
    if f"{H36M17.joints[0]}_{_OF_KEYPOINT[0]}" in columns:
        parts["keypoints"] = of_joints(_OF_KEYPOINT)
    return parts


def _wide(frames: np.ndarray, columns: Columns) -> Iterator[list[Any]]:
    yield ["frame", *columns]
    for k, frame in enumerate(frames.tolist()):
        yield [frame, *(_cell(values[k]) for values in columns.values())]


def _long(frames: np.ndarray, columns: Columns) -> Iterator[list[Any]]:
    names = [
        *_OF_JOINT,
        *((_ERROR,) if f"{H36M17.joints[0]}_{_ERROR}" in columns else ()),
        *(name for name in _OF_FRAME if name in columns),
        *(name for name in _OF_KEYPOINT if f"{H36M17.joints[0]}_{name}" in columns),
    ]
    yield ["frame", "joint", *names]
    for k, frame in enumerate(frames.tolist()):
        for joint in H36M17.joints:
            of_joint = (columns.get(f"{joint}_{name}", columns.get(name)) for name in names)
            yield [frame, joint, *(_cell(values[k]) for values in of_joint if values is not None)]


def _cell(value: np.floating[Any]) -> str:
    return "" if np.isnan(value) else repr(float(value))


def _head(path: Path) -> dict[str, Any]:
    try:
        with path.open(encoding="utf-8-sig") as handle:
            line = handle.readline(_MAX_HEAD)
        head = json.loads(line.removeprefix(_START)) if line.startswith(_START) else None
    except (OSError, ValueError, RecursionError) as error:
        raise FormatError(f"{path}:1: expected '{_START}' and JSON ({str(error)[:80]})") from error
    if not isinstance(head, dict):
        raise FormatError(f"{path}:1: expected '{_START}' and a JSON object")
    return head


def _rows(
    lines: Iterator[tuple[int, list[str]]], names: Sequence[str], path: Path
) -> Iterator[tuple[str, list[str]]]:
    for line, cells in lines:
        if len(cells) != len(names):
            raise FormatError(
                f"{path}:{line}: {len(cells)} cells, but {len(names)} columns; it may be cut short"
            )
        yield f"{path}:{line}", cells


def _gathered(
    rows: Iterator[tuple[str, list[str]]], names: Sequence[str]
) -> tuple[list[int], Columns]:
    frames, values = [], []
    for where, cells in rows:
        frames.append(whole(cells[0], where=where))
        values.append(np.array([number(cell, where=where) for cell in cells[1:]]))
        if len(frames) > MAX_FRAMES:
            raise FormatError(f"{where}: more than {MAX_FRAMES} frames; split the recording")
    table = np.stack(values) if values else np.empty((0, len(names) - 1))
    return frames, {name: table[:, k] for k, name in enumerate(names[1:])}


def _gathered_long(
    rows: Iterator[tuple[str, list[str]]], names: Sequence[str], path: Path
) -> tuple[list[int], Columns]:
    """The columns of the wide table, from lines of one joint each, in the skeleton's order."""
    if list(names[1:2]) != ["joint"]:
        raise FormatError(f"{path}: expected 'joint' as second column")
    frames: list[int] = []
    values = []
    for count, (where, cells) in enumerate(rows):
        joint = H36M17.joints[count % H36M17.num_joints]
        frame = whole(cells[0], where=where)
        if joint == H36M17.joints[0]:
            frames.append(frame)
        if cells[1] != joint or frame != frames[-1]:
            raise FormatError(f"{where}: found '{shown(cells[1])}', expected {joint}, in order")
        values.append([number(cell, where=where) for cell in cells[2:]])
        if len(frames) > MAX_FRAMES:
            raise FormatError(f"{where}: more than {MAX_FRAMES} frames; split the recording")
    if len(values) != len(frames) * H36M17.num_joints:
        raise FormatError(f"{path}: the last frame lacks joints; the file may be cut short")
    table = np.array(values).reshape(len(frames), H36M17.num_joints, len(names) - 2)
    columns = {}
    for k, name in enumerate(names[2:]):
        if name in _OF_FRAME:
            columns[name] = table[:, 0, k]
            continue
        columns |= {f"{joint}_{name}": table[:, j, k] for j, joint in enumerate(H36M17.joints)}
    return frames, columns


def _sniff(path: Path) -> bool:
    try:
        with path.open("rb") as handle:
            head = handle.read(len(codecs.BOM_UTF8) + len(_START))
            return head.removeprefix(codecs.BOM_UTF8).startswith(_START.encode())
    except OSError:
        return False


FORMAT = Format(
    name="csv-motion",
    title="motionlift CSV",
    kind="motion",
    suffixes=(".csv",),
    sniff=_sniff,
    read_motion=read,
    write=write,
)
