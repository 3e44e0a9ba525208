"""What stands in a C3D file: parameters, and the path of each labelled point.

Our own parser, for a damaged file must not take the process with it, as it does with the C++
libraries that there are. It reads all three number formats (PC, DEC, SGI), integer and float
points, and long recordings (c3d.org, user guide of 2008, with the later parameters for more than
65,535 frames and more than 255 labels). Analog channels are stepped over. Nothing is allocated by
a size that the file declares before the file is known to be as long.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from motionlift.errors import FormatError

_BLOCK = 512
_MOST = 65_535
# Texts are filled up with spaces; some programs take zeros.
_FILLING = " \t\r\n\0"
_KEY = 0x50
_PC, _DEC, _SGI = 84, 85, 86
_BYTES = {-1: 1, 1: 1, 2: 2, 4: 4}

Value = list[str] | Float[np.ndarray, "..."]
Parameters = Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class C3dFile:
    """One recording.

    Attributes:
        labels: names of the points, as they stand in the file.
        points: in the file's axes and unit; NaN where the file says that a point was not seen.
        fps: points' frames a second; None if the file says none that can be.
        first_frame: the number of the first, from 0; a trial that was cut begins later.
        parameters: "GROUP:NAME" -> texts, or numbers in the shape that the file gives them.
    """

    labels: list[str]
    points: Float[np.ndarray, "frame point 3"]
    fps: float | None
    parameters: Parameters
    first_frame: int


def is_c3d(head: bytes) -> bool:
    """Whether a file that begins so may be C3D."""
    return len(head) >= _BLOCK and head[0] > 0 and head[1] == _KEY


def read_c3d_file(path: Path) -> C3dFile:
    """Parses a C3D file.

    Raises:
        FormatError: if it is no C3D file, damaged, cut short, or holds no points.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror})") from error
    if not is_c3d(data):
        raise FormatError(f"{path}: not a C3D file (its first block is not one's)")
    try:
        return _parse(data, path)
    except (struct.error, IndexError, ValueError, OverflowError) as error:
        raise FormatError(f"{path}: damaged or cut short ({error})") from error


def _parse(data: bytes, path: Path) -> C3dFile:
    numbers = _Numbers.of(data, path)
    parameters = _read_parameters(data, numbers)
    num_points, num_analog = numbers.u16(data, 2), numbers.u16(data, 4)
    if not num_points:
        raise FormatError(f"{path}: holds no points, only analog channels")
    scale = _number(parameters, "POINT:SCALE", numbers.f32(data, 12))
    # Programs that edit a file keep the header right and forget the parameter of the same meaning.
    start = (numbers.u16(data, 16) - 1) * _BLOCK
    is_float = scale < 0
    width = 4 if is_float else 2
    frame_bytes = width * (4 * num_points + num_analog)
    held = (len(data) - start) // frame_bytes
    # The last block of a file is filled up, or left out.
    num_frames = _num_frames(
        data, parameters, numbers, held=held, most_beyond=-(-_BLOCK // frame_bytes)
    )
    if start < _BLOCK or num_frames < 1 or num_frames > held:
        raise FormatError(
            f"{path}: declares {num_frames} frames and holds {max(held, 0)}; it is cut short or "
            "damaged"
        )
    frames = np.frombuffer(data, np.uint8, num_frames * frame_bytes, start)
    frames = frames.reshape(num_frames, frame_bytes)[:, : 16 * num_points * width // 4]
    values = numbers.array(np.ascontiguousarray(frames), is_float=is_float)
    values = values.reshape(num_frames, num_points, 4)
    with np.errstate(invalid="ignore"):  # damage may look like a signalling NaN
        points = values[..., :3].astype(np.float64)
    if not is_float:
        points *= scale
    # Below 0, the fourth number says that the point was not seen; some programs put it at 0.
    unseen = (values[..., 3] < 0) | (points == 0).all(axis=-1) | ~np.isfinite(points).all(axis=-1)
    points[unseen] = np.nan
    fps = _number(parameters, "POINT:RATE", numbers.f32(data, 20))
    return C3dFile(
        labels=_labels(parameters, num_points),
        points=points,
        fps=fps if 0 < fps < 1e5 else None,
        parameters=parameters,
        first_frame=_first_frame(data, parameters, numbers),
    )


@dataclass(frozen=True, slots=True)
class _Numbers:
    """How a file writes numbers: PC and DEC have the low byte first, SGI the high one."""

    processor: int

    @classmethod
    def of(cls, data: bytes, path: Path) -> "_Numbers":
        start = (data[0] - 1) * _BLOCK
        if start < _BLOCK or start + 4 > len(data):
            raise FormatError(f"{path}: its parameters lie outside the file; it is cut short")
        processor = data[start + 3]
        if processor not in (_PC, _DEC, _SGI):
            raise FormatError(
                f"{path}: numbers of an unknown kind ({processor}); expected 84 (PC), 85 (DEC) "
                "or 86 (SGI)"
            )
        return cls(processor)

    @property
    def order(self) -> str:
        return ">" if self.processor == _SGI else "<"

    def u16(self, data: bytes, at: int) -> int:
        return int(struct.unpack_from(f"{self.order}H", data, at)[0])

    def i16(self, data: bytes, at: int) -> int:
        return int(struct.unpack_from(f"{self.order}h", data, at)[0])

    def f32(self, data: bytes, at: int) -> float:
        raw = np.frombuffer(data, np.uint8, 4, at)
        return float(self.array(raw[None], is_float=True)[0, 0])

    def array(self, raw: np.ndarray, *, is_float: bool) -> np.ndarray:
        """Rows of bytes as rows of numbers."""
        if not is_float:
            return raw.view(f"{self.order}i2")
        if self.processor != _DEC:
            return raw.view(f"{self.order}f4")
        # DEC's floats have their two halves exchanged and the exponent 2 higher.
        words = raw.view("<u2").reshape(*raw.shape[:-1], -1, 2)[..., ::-1]
        return np.ascontiguousarray(words).view("<f4")[..., 0] / np.float32(4)


def _read_parameters(data: bytes, numbers: _Numbers) -> Parameters:
    at = (data[0] - 1) * _BLOCK + 4
    groups: dict[int, str] = {}
    entries: list[tuple[int, str, Value]] = []
    while at + 2 <= len(data) and data[at]:
        # A negative length marks an entry as locked, a negative number that of a group.
        length, group = (abs(struct.unpack_from("b", data, at)[0]), data[at + 1])
        name = data[at + 2 : at + 2 + length].decode("latin-1").strip().upper()
        step_at = at + 2 + length
        if group > 127:
            groups[256 - group] = name
        else:
            entries.append((group, name, _value(data, step_at + 2, numbers)))
        step = numbers.i16(data, step_at)
        if step <= 0:
            break
        at = step_at + step
    return {f"{groups[group]}:{name}": value for group, name, value in entries if group in groups}


def _value(data: bytes, at: int, numbers: _Numbers) -> Value:
    kind = struct.unpack_from("b", data, at)[0]
    if kind not in _BYTES:
        raise ValueError(f"a parameter of unknown type {kind}")
    shape = tuple(data[at + 2 : at + 2 + data[at + 1]])
    start = at + 2 + data[at + 1]
    count = 1
    for length in shape:
        count *= length
    if start + count * _BYTES[kind] > len(data):
        raise ValueError("a parameter reaches beyond the end of the file")
    raw = np.frombuffer(data, np.uint8, count * _BYTES[kind], start)
    if kind == -1:
        width = shape[0] if shape else 1
        text = raw.tobytes().decode("latin-1")
        return (
            [text[n : n + width].strip(_FILLING) for n in range(0, len(text), width)]
            if width
            else []
        )
    if kind == 1:
        return raw.astype(np.float64).reshape(shape, order="F")
    values = numbers.array(raw[None], is_float=kind == 4)[0] if count else raw
    return values.astype(np.float64).reshape(shape, order="F")


def _number(parameters: Parameters, name: str, otherwise: float) -> float:
    value = parameters.get(name)
    if not isinstance(value, np.ndarray) or not value.size or not np.isfinite(value.flat[0]):
        return otherwise
    return float(value.flat[0])


def _first_frame(data: bytes, parameters: Parameters, numbers: _Numbers) -> int:
    start = parameters.get("TRIAL:ACTUAL_START_FIELD")
    if isinstance(start, np.ndarray) and start.size == 2:
        first = int(start.flat[0]) % 65536 + int(start.flat[1]) % 65536 * 65536
    else:
        first = numbers.u16(data, 6)
    return max(first - 1, 0)


def _num_frames(
    data: bytes, parameters: Parameters, numbers: _Numbers, *, held: int, most_beyond: int
) -> int:
    """Frames of the points: of what is declared, the first that the file's length bears out.

    The header cannot count beyond 65,535, and programs that cut or lengthen a recording leave
    parameters of the old length behind.

    Args:
        held: how many the file has room for.
        most_beyond: how many of these may be the filling of its last block.
    """
    header = numbers.u16(data, 8) - numbers.u16(data, 6) + 1
    declared: list[int] = []
    ends = [parameters.get(f"TRIAL:ACTUAL_{end}_FIELD") for end in ("START", "END")]
    if all(isinstance(end, np.ndarray) and end.size == 2 for end in ends):
        # Two words, the low one first, both without a sign.
        first, last = (int(end.flat[0]) % 65536 + int(end.flat[1]) % 65536 * 65536 for end in ends)  # type: ignore[union-attr]
        declared.append(last - first + 1)
    declared += [int(_number(parameters, "POINT:LONG_FRAMES", 0)), header]
    declared.append(int(_number(parameters, "POINT:FRAMES", 0)) % 65536)
    declared = [count for count in declared if count >= 1]
    is_too_long_for_the_header = numbers.u16(data, 8) == _MOST and held > _MOST
    return next(
        (count for count in declared if held - most_beyond <= count <= held),
        held if is_too_long_for_the_header else next(iter(declared), header),
    )


def _labels(parameters: Parameters, num_points: int) -> list[str]:
    labels: list[str] = []
    for name in ("POINT:LABELS", *(f"POINT:LABELS{number}" for number in range(2, 300))):
        more: Any = parameters.get(name)
        if not isinstance(more, list):
            break
        labels += more
    # Points without a label cannot be joints.
    return [*labels, *[""] * num_points][:num_points]
