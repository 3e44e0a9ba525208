"""The library's own file of lifted motion as JSON: the parts of `_lifted`, a line a frame.

    {"format": "motionlift", "version": 1, "units": "px", ..., "joint_names": [...], "frames": [
    {"frame": 0, "positions": [[x, y, z], ...], "confidence": [...], "expected_error": [...],
     "root_xy": [x, y], "keypoints": [[x, y, confidence], ...]},
    ...
    ]}

What is missing is null.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from motionlift.errors import FormatError
from motionlift.formats import Format, ReadOptions
from motionlift.formats._json import JsonFile, glimpse, numbers, rows, whole_number
from motionlift.formats._lifted import TEXTS, array_of, parts_of, pose_of, shortest
from motionlift.formats._shown import shown
from motionlift.formats._timeline import MAX_FRAMES
from motionlift.poses import Pose3D

_PER_FRAME = ("positions", "confidence", "expected_error", "root_xy", "keypoints")
_SINGLE = ("positions", "expected_error")
_WIDTH = {"positions": 3, "keypoints": 3}


def write(pose: Pose3D, path: Path) -> None:
    """Write lifted motion, or any other in `H36M17`.

    Raises:
        FormatError: if the joints are not those of `H36M17`.
    """
    parts = parts_of(pose, path)
    head: dict[str, Any] = {"format": "motionlift", "version": 1}
    head |= {
        name: _plain(part)
        for name, part in parts.items()
        if name not in _PER_FRAME and name != "frame_index"
    }
    with path.open("w", encoding="utf-8", newline="\n") as handle:
        handle.write(_line(head)[:-1] + ', "frames": [\n')
        handle.writelines(_frame_lines(parts))
        handle.write("]}\n")


def read(path: Path, options: ReadOptions) -> Sequence[Pose3D]:
    """The motion in a file that `write` made, as it was.

    Raises:
        FormatError: if the file is damaged, or something in it is not as `write` makes it.
    """
    head: dict[str, Any] = {}
    frames: dict[str, list[Any]] = {}
    with JsonFile(path) as file:
        for key in file.members():
            if key == "frames":
                frames = _read_frames(file, path)
            else:
                head[key] = file.value()
        file.end()
    if head.get("version") != 1:
        raise FormatError(
            f"{path}: version {shown(head.get('version'))}, this library reads version 1"
        )
    parts = {name: np.array(values) for name, values in frames.items()}
    for name in ("joint_names", "notes"):
        parts[name] = np.array([str(each) for each in _list(head.get(name, []))], dtype=np.str_)
    parts |= {name: np.array(str(head[name]), dtype=np.str_) for name in TEXTS if name in head}
    fps = numbers([head.get("fps")], where=f"{path}: 'fps'", expected="a number or null")
    parts["fps"] = fps.reshape(())
    if "image_size" in head:
        side = [whole_number(n, where=str(path), what="a side") for n in _list(head["image_size"])]
        parts["image_size"] = np.array(side)
    if head.get("metres_per_pixel") is not None:
        size = head["metres_per_pixel"]
        parts["metres_per_pixel"] = array_of(size, name="metres_per_pixel", path=path)
    parts["positions"] = parts.get("positions", np.empty(0))
    parts |= {name: parts[name].astype(np.float32) for name in _SINGLE if name in parts}
    return [pose_of(parts, options, path)]


def _frame_lines(parts: Mapping[str, np.ndarray]) -> Iterator[str]:
    present = [name for name in _PER_FRAME if name in parts]
    count = len(parts["frame_index"])
    for k in range(count):
        line: dict[str, Any] = {"frame": int(parts["frame_index"][k])}
        for name in present:
            values = parts[name][k]
            line[name] = _plain(shortest(values) if values.dtype == np.float32 else values)
        yield _line(line) + (",\n" if k + 1 < count else "\n")


def _line(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, allow_nan=False)


def _plain(part: np.ndarray) -> Any:
    """Lists, texts and numbers, with null for NaN."""
    if part.dtype.kind != "f":
        return part.tolist()
    plain = part.astype(object)
    plain[np.isnan(part)] = None
    return plain.tolist()


def _read_frames(file: JsonFile, path: Path) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {"frame_index": []}
    for k, content in enumerate(file.elements()):
        where = f"{path}: frame {k}"
        if not isinstance(content, dict):
            raise FormatError(f"{where}: expected an object with 'frame' and 'positions'")
        if k >= MAX_FRAMES:
            raise FormatError(f"{path}: more than {MAX_FRAMES} frames; split the recording")
        number = whole_number(content.get("frame"), where=where, what="'frame'")
        found["frame_index"].append(number)
        for name in _PER_FRAME:
            if name not in content:
                continue
            expected = f"the numbers of '{name}'"
            values = found.setdefault(name, [])
            if name in _WIDTH:
                values.append(
                    rows(content[name], width=_WIDTH[name], where=where, expected=expected)
                )
            else:
                values.append(numbers(content[name], where=where, expected=expected))
            if len(values) != k + 1 or values[-1].shape != values[0].shape:
                raise FormatError(f"{where}: '{name}' is not as in the frames before")
    return found


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _sniff(path: Path) -> bool:
    begin = glimpse(path)
    return isinstance(begin, dict) and begin.get("format") == "motionlift"


FORMAT = Format(
    name="json-motion",
    title="motionlift JSON",
    kind="motion",
    suffixes=(".json",),
    sniff=_sniff,
    read_motion=read,
    write=write,
)
