"""Writes small C3D files in each of the number formats that there are, by the user guide."""

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

PC, DEC, SGI = 84, 85, 86
_BLOCK = 512
Value = str | Sequence[str] | float | Sequence[float]


def write_c3d(
    path: Path,
    labels: Sequence[str],
    points: Float[np.ndarray, "frame point 3"],
    *,
    fps: float = 100.0,
    processor: int = PC,
    scale: float = -1.0,
    parameters: Mapping[str, Value] | None = None,
    analog: int = 0,
) -> Path:
    """One recording; NaN is a point that was not seen.

    Args:
        scale: below 0 for points as floats, else the size of an integer's unit.
        parameters: "GROUP:NAME" -> value, besides those that every file has.
        analog: values a frame that stand behind its points.
    """
    order = ">" if processor == SGI else "<"
    num_frames, num_points = points.shape[:2]
    every = {
        "POINT:USED": float(num_points),
        "POINT:SCALE": scale,
        "POINT:RATE": fps,
        "POINT:LABELS": list(labels),
        "POINT:UNITS": "mm",
        "POINT:Y_SCREEN": "+Z",
        **(parameters or {}),
    }
    block = _parameter_block(every, order=order, processor=processor)
    header = bytearray(_BLOCK)
    header[0:2] = bytes((2, 0x50))
    struct.pack_into(f"{order}5H", header, 2, num_points, analog, 1, num_frames, 10)
    header[12:16] = _floats(np.array([scale]), processor)
    struct.pack_into(f"{order}2H", header, 16, 2 + len(block) // _BLOCK, 1)
    header[20:24] = _floats(np.array([fps]), processor)
    values = np.zeros((num_frames, num_points, 4))
    unseen = np.isnan(points).any(axis=-1)
    values[..., :3] = np.where(unseen[..., None], 0, points)
    values[..., 3] = np.where(unseen, -1, 0)
    rows = np.concatenate(
        [values.reshape(num_frames, -1), np.full((num_frames, analog), 7.0)], axis=1
    )
    if scale < 0:
        data = _floats(rows, processor)
    else:
        rows[:, : 4 * num_points].reshape(num_frames, num_points, 4)[..., :3] /= scale
        data = np.round(rows).astype(f"{order}i2").tobytes()
    path.write_bytes(bytes(header) + block + data + bytes(-len(data) % _BLOCK))
    return path


def _floats(values: np.ndarray, processor: int) -> bytes:
    if processor == SGI:
        return values.astype(">f4").tobytes()
    if processor == PC:
        return values.astype("<f4").tobytes()
    words = (values * 4).astype("<f4").view("<u2").reshape(-1, 2)[:, ::-1]
    return np.ascontiguousarray(words).tobytes()


def _parameter_block(parameters: Mapping[str, Value], *, order: str, processor: int) -> bytes:
    groups = {name.partition(":")[0]: 0 for name in parameters}
    entries = b""
    for number, group in enumerate(groups, start=1):
        groups[group] = number
        entries += struct.pack("bb", len(group), -number) + group.encode()
        entries += struct.pack(f"{order}hB", 3, 0)
    for full, value in parameters.items():
        group, _, name = full.partition(":")
        data = _value(value, processor)
        entries += struct.pack("bb", len(name), groups[group]) + name.encode()
        entries += struct.pack(f"{order}h", 3 + len(data)) + data + b"\0"
    size = 4 + len(entries) + 2
    blocks = -(-size // _BLOCK)
    block = bytes((1, 0x50, blocks, processor)) + entries
    return block + bytes(blocks * _BLOCK - len(block))


def _value(value: Value, processor: int) -> bytes:
    if isinstance(value, str):
        return struct.pack("bBB", -1, 1, len(value)) + value.encode()
    if isinstance(value, float):
        return struct.pack("bB", 4, 0) + _floats(np.array([value]), processor)
    if all(isinstance(each, str) for each in value):
        width = max(len(str(each)) for each in value)
        texts = "".join(str(each).ljust(width) for each in value)
        return struct.pack("bBBB", -1, 2, width, len(value)) + texts.encode()
    numbers = np.array(value, dtype=float)
    return struct.pack("bBB", 4, 1, len(numbers)) + _floats(numbers, processor)
