"""Writing a store: shards that only grow while they are written, then the tables, then one rename.

`ShardWriter` appends frames in a folder beside the store. What it has appended is safe from a
kill: whoever knows how far each sequence reached (a build keeps a journal) can cut off the rest
and go on.
`publish` completes the folder and puts it in the store's place.
"""

import contextlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from jaxtyping import Bool, Float

from motionlift.data.store import (
    ARRAYS,
    KIND,
    VERSION,
    Sequence,
    SourceRecord,
    as_line,
    npy_header,
    shard_bytes,
    shard_file,
)
from motionlift.errors import StoreError
from motionlift.files import sha256_of, written_beside
from motionlift.skeletons import H36M17

# 128 MiB of positions: few enough files for a large store, small enough to copy around.
FRAMES_PER_SHARD = 2**27 // (H36M17.num_joints * 3 * 4)


class ShardWriter:
    """Appends sequences to the shards of a folder; a sequence is never split over two.

    Args:
        folder: where `shards/` is, or will be.
        extents: frames to keep in each shard of an earlier, interrupted writer; the rest is cut.
        frames_per_shard: a shard is full when the next sequence would reach beyond this.
    """

    def __init__(
        self,
        folder: Path,
        *,
        extents: Iterable[int] = (),
        frames_per_shard: int = FRAMES_PER_SHARD,
    ) -> None:
        self.folder = folder
        self.shards = list(extents)
        self._frames_per_shard = frames_per_shard
        self._files: dict[str, BinaryIO] = {}
        (folder / "shards").mkdir(parents=True, exist_ok=True)
        if self.shards:
            self._open(len(self.shards) - 1)

    def add(
        self,
        positions: Float[np.ndarray, "frame 17 3"],
        visibility: Bool[np.ndarray, "frame 17"],
    ) -> tuple[int, int]:
        """Append one sequence; returns its shard and its first frame there."""
        is_full = self.shards and self.shards[-1] + len(positions) > self._frames_per_shard
        if not self.shards or is_full:
            self.close()
            self.shards.append(0)
            self._open(len(self.shards) - 1)
        start = self.shards[-1]
        arrays = {"positions": positions, "visibility": visibility}
        for kind, (dtype, _) in ARRAYS.items():
            self._files[kind].write(np.ascontiguousarray(arrays[kind], dtype=dtype).tobytes())
            self._files[kind].flush()
        self.shards[-1] += len(positions)
        return len(self.shards) - 1, start

    def finish(self) -> dict[str, str]:
        """Complete the shards; returns their checksums by path below the folder."""
        self.close()
        for number, frames in enumerate(self.shards):
            for kind in ARRAYS:
                with shard_file(self.folder, kind, number).open("rb+") as handle:
                    handle.write(npy_header(kind, frames))
                    handle.flush()
                    os.fsync(handle.fileno())
        files = [
            shard_file(self.folder, kind, n) for n in range(len(self.shards)) for kind in ARRAYS
        ]
        return {file.relative_to(self.folder).as_posix(): sha256_of(file) for file in files}

    def close(self) -> None:
        """Close the files; what was appended is in them."""
        for handle in self._files.values():
            handle.close()
        self._files = {}

    def _open(self, number: int) -> None:
        for kind in ARRAYS:
            handle = shard_file(self.folder, kind, number).open("ab")
            if self.shards[number]:
                handle.truncate(shard_bytes(kind, self.shards[number]))
            else:
                handle.truncate(0)
                handle.write(npy_header(kind, 0))
            self._files[kind] = handle


class StoreWriter:
    """Fills a new store, sequence by sequence; see `create_store`."""

    def __init__(self, shards: ShardWriter, *, fps: float) -> None:
        self.fps = fps
        self.sequences: list[Sequence] = []
        self.shards = shards

    def add(self, name: str, positions: Float[np.ndarray, "frame 17 3"], **fields: Any) -> Sequence:
        """Append one sequence at the store's rate; a joint that is NaN was not seen.

        `fields` are those of `Sequence`, such as `split="train"`.
        """
        if any(each.name == name for each in self.sequences):
            raise StoreError(f"{self.shards.folder.name}: two sequences are named {name}")
        visibility = ~np.isnan(positions).any(axis=-1)
        shard, start = self.shards.add(np.where(visibility[..., None], positions, 0.0), visibility)
        place = {"shard": shard, "start": start, "frames": len(positions), "fps": self.fps}
        sequence = Sequence(**{"fps_source": self.fps, **fields, "name": name, **place})
        self.sequences.append(sequence)
        return sequence


@contextlib.contextmanager
def create_store(path: Path, *, fps: float = 50.0) -> Iterator[StoreWriter]:
    """A writer of a new store at `path`, which appears there whole when the block ends well."""
    with written_beside(path) as beside, contextlib.closing(ShardWriter(beside)) as shards:
        writer = StoreWriter(shards, fps=fps)
        yield writer
        complete(
            beside,
            shards=shards.shards,
            checksums=shards.finish(),
            sequences=writer.sequences,
            fps=fps,
        )


def complete(
    folder: Path,
    *,
    shards: Iterable[int],
    checksums: Mapping[str, str],
    sequences: Iterable[Sequence],
    fps: float,
    sources: Iterable[SourceRecord] = (),
    settings: Mapping[str, Any] | None = None,
) -> None:
    """Write the tables and the header that make a folder of shards a store.

    Args:
        shards: how many frames each has.
        checksums: of the shards' files, as `ShardWriter.finish` gives them.
    """
    checksums = dict(checksums)
    sequences = tuple(sequences)
    for name, records in (("sequences.jsonl", sequences), ("sources.jsonl", tuple(sources))):
        _write(folder / name, "".join(as_line(record) for record in records))
        checksums[name] = sha256_of(folder / name)
    header = {
        "kind": KIND,
        "version": VERSION,
        "fps": float(fps),
        "skeleton": H36M17.name,
        "sequences": len(sequences),
        "shards": list(shards),
        "settings": dict(settings or {}),
        "sha256": checksums,
    }
    _write(folder / "store.json", json.dumps(header, indent=1) + "\n")


def publish(folder: Path, path: Path) -> None:
    """Put a complete store in its place; the one that stood there stays until the last moment."""
    previous = previous_of(path)
    shutil.rmtree(previous, ignore_errors=True)
    if path.exists():
        path.rename(previous)
    folder.rename(path)
    shutil.rmtree(previous, ignore_errors=True)


def recover(path: Path) -> None:
    """Put the old store back if a kill came between the two renames of `publish`."""
    previous = previous_of(path)
    if previous.exists() and not path.exists():
        previous.rename(path)


def previous_of(path: Path) -> Path:
    """Where `publish` keeps the old store while it renames the new one."""
    return path.parent / f".{path.name}.previous"


def _write(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
