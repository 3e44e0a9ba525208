"""Damaged copies of a file, and what a reader owes the person who has one."""

import io
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from motionlift.errors import MotionliftError
from motionlift.poses import Pose3D

# A sound file of the tests takes well under this; a size that the file made up does not.
MOST_BYTES = 64 * 2**20
MOST_SECONDS = 5.0  # of the processor: a busy machine is no fault of the file
_NUMBERS = (b"-1", b"0", b"1e308", b"nan", b"99999999999", b"-2147483648", b"4294967295")


def mutations(data: bytes, *, count: int, seed: int) -> Iterator[bytes]:
    """Copies with flipped bytes, cut short, with pieces lost, doubled or overwritten."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        kind = rng.integers(6)
        copy = bytearray(data)
        start, end = np.sort(rng.integers(0, len(data) + 1, 2))
        piece = slice(start, min(end, start + 64))
        if kind == 0:
            for place in rng.integers(0, len(data), rng.integers(1, 9)):
                copy[place] ^= 1 << rng.integers(8)
        elif kind == 1:
            del copy[start:]
        elif kind == 2:
            del copy[piece]
        elif kind == 3:
            copy[start:start] = copy[piece]
        elif kind == 4:
            copy[piece] = rng.bytes(piece.stop - piece.start)
        else:
            number = _NUMBERS[rng.integers(len(_NUMBERS))]
            copy[start : start + len(number)] = number
        yield bytes(copy)


def assert_survives(
    read: Callable[[], Sequence[Pose3D]],
    path: Path,
    *,
    count: int,
    seed: int = 0,
    inside: bytes | None = None,
    wrap: Callable[[bytes], bytes] = bytes,
) -> None:
    """However `path` is damaged, `read` gives poses or an error that the user can mend.

    It never takes more memory than a sound file could need, nor much time.

    Args:
        inside: what is damaged instead of the file's bytes, where a checksum guards those;
            `wrap` makes a file of it.
    """
    sound = path.read_bytes()
    target = sound if inside is None else inside
    tracemalloc.start()
    try:
        for number, damaged in enumerate(mutations(target, count=count, seed=seed)):
            path.write_bytes(wrap(damaged))
            tracemalloc.reset_peak()
            began = time.process_time()
            try:
                poses = read()
            except MotionliftError as error:
                assert path.parent.name in str(error).splitlines()[0], "which file?"
            except BaseException as error:
                raise AssertionError(f"mutation {number} of seed {seed}") from error
            else:
                assert poses, "nobody, and no error"
            assert time.process_time() - began < MOST_SECONDS, f"mutation {number} of seed {seed}"
            peak = tracemalloc.get_traced_memory()[1]
            assert peak < MOST_BYTES, f"{peak} bytes for mutation {number} of seed {seed}"
    finally:
        tracemalloc.stop()
        path.write_bytes(sound)


def unpacked(path: Path) -> dict[str, bytes]:
    """The members of an .npz archive by the names of their arrays."""
    with zipfile.ZipFile(path) as archive:
        return {name.removesuffix(".npy"): archive.read(name) for name in archive.namelist()}


def packed(members: dict[str, bytes]) -> bytes:
    """An .npz archive of these members, its checksums right."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return stream.getvalue()
