"""The store: motion prepared for training, as memory-mapped arrays and a table.

A store is a folder:

- `store.json`: kind, version, frame rate, build settings, and the shards with their checksums;
- `sequences.jsonl`: a line a sequence, a `Sequence`;
- `sources.jsonl`: a line a source file, a `SourceRecord`: what became of it, and why;
- `shards/NNNNN_positions.npy` (frame, 17, 3) float32, world metres, y up, `H36M17` order, and
  `shards/NNNNN_visibility.npy` (frame, 17) bool. A joint that nobody saw is 0 in the positions.
  Motion that is 2D only has x, y and confidence there: pixels, x right, y down.

A store is written once and never changed, so any number of processes may read it. A new build
replaces it as a whole: arrays in use stay what they were, and a reader that comes too late for the
others is told so.
"""

import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Bool, Float

from motionlift.errors import MotionliftError, StoreError
from motionlift.files import read_json, sha256_of
from motionlift.skeletons import H36M17

KIND = "motionlift-store"
VERSION = 1
SPLITS = ("train", "val", "test", "")
ARRAYS: dict[str, tuple[str, tuple[int, ...]]] = {
    "positions": ("<f4", (H36M17.num_joints, 3)),
    "visibility": ("|b1", (H36M17.num_joints,)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """One recording of one person in a store, and where its frames are.

    Attributes:
        name: unique in the store: the file below the source folder, and "#person" if it holds more.
        source: where it comes from, such as one conversion of a data set.
        dataset, subject, action: as the split table says; "" where nothing does.
        split: "train", "val", "test", or "" where nothing says.
        fps: the store's frame rate.
        frames: how many, at `fps`.
        shard, start: the shard, and the first frame in it.
        licence: as the split table says.
        sha256: of the source file.
        fps_source: the frame rate of the source.
        units: "m", or "px" for motion that is 2D only: keypoints without 3D truth.
        notes: what was inferred, repaired or rescaled, a sentence each.
        take: the same for conversions of the same recording; "" for a recording that is here once.
    """

    name: str
    source: str = ""
    dataset: str = ""
    subject: str = ""
    action: str = ""
    split: str = ""
    fps: float
    frames: int
    shard: int
    start: int
    licence: str = ""
    sha256: str = ""
    fps_source: float
    units: str = "m"
    notes: tuple[str, ...] = ()
    take: str = ""

    def __post_init__(self) -> None:
        if self.split not in SPLITS or self.units not in ("m", "px"):
            raise StoreError(
                f"{self.name}: split is one of {SPLITS} and units are 'm' or 'px', "
                f"found '{self.split}' and '{self.units}'"
            )
        if self.frames < 1 or self.shard < 0 or self.start < 0 or not self.fps > 0:
            raise StoreError(f"{self.name}: a sequence has frames, at a place and a rate")

    @property
    def seconds(self) -> float:
        """How long it lasts: its number of frames over its rate."""
        return self.frames / self.fps


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRecord:
    """What became of one source file.

    Attributes:
        file: path below the source folder, with forward slashes; a folder, if each of its files is
            a frame.
        source, dataset, split: as in `Sequence`.
        size, mtime_ns, sha256: of the file when it was read; 0 and "" for one that is not there.
        key: digest of the settings that it was read with.
        sequences: names of the sequences that it gave.
        skipped: why it, or a person in it, gave none; "" if nothing was skipped.
        warnings: what is doubtful about it, and what was left out or masked, a sentence each.
    """

    file: str
    source: str = ""
    dataset: str = ""
    split: str = ""
    size: int = 0
    mtime_ns: int = 0
    sha256: str = ""
    key: str = ""
    sequences: tuple[str, ...] = ()
    skipped: str = ""
    warnings: tuple[str, ...] = ()


class Store:
    """A store, opened for reading. Cheap to open, cheap to pickle; arrays are mapped when used."""

    def __init__(self, path: Path, *, header: dict[str, Any], sequences: tuple[Sequence, ...]):
        self.path = path
        self.fps: float = header["fps"]
        self.header = header
        self.sequences = sequences
        self._arrays: dict[tuple[str, int], np.ndarray] = {}

    @classmethod
    def open(cls, path: Path) -> "Store":
        """The store at `path`; the tables are checked, and that every shard is there and whole.

        Raises:
            StoreError: if there is no store, or one of another version, or it is damaged.
        """
        path = Path(path)
        header = _read_header(path)
        sequences = tuple(_read_lines(path / "sequences.jsonl", Sequence))
        if len(sequences) != header["sequences"]:
            raise StoreError(
                f"{path / 'sequences.jsonl'}: {len(sequences)} lines, {header['sequences']} were "
                "written; build the store again"
            )
        store = cls(path, header=header, sequences=sequences)
        store._check_shards()
        return store

    @property
    def digest(self) -> str:
        """A hash of its sequences and frames; the same wherever and whenever it was built."""
        # Sources say when files were changed, and by which version they were read.
        content = {
            file: hash_ for file, hash_ in self.header["sha256"].items() if file != "sources.jsonl"
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def select(
        self, split: str | None = None, dataset: str | None = None, *, units: str | None = None
    ) -> tuple[Sequence, ...]:
        """The sequences of a split, a data set, or units, or all of these; without any, all."""
        return tuple(
            each
            for each in self.sequences
            if split in (None, each.split)
            and dataset in (None, each.dataset)
            and units in (None, each.units)
        )

    def positions(self, sequence: Sequence) -> Float[np.ndarray, "frame 17 3"]:
        """World positions in metres, y up; of keypoints, x, y in pixels, y down, and confidence.

        A read-only view of the file; unseen joints are 0.
        """
        return self._frames("positions", sequence)

    def visibility(self, sequence: Sequence) -> Bool[np.ndarray, "frame 17"]:
        """Which joints were seen, or filled over a short gap: a read-only view of the file."""
        return self._frames("visibility", sequence)

    def sources(self) -> tuple[SourceRecord, ...]:
        """What became of each source file, in the order in which they were read."""
        return tuple(_read_lines(self.path / "sources.jsonl", SourceRecord))

    def verify(self) -> None:
        """Read every byte and compare with the checksums.

        Raises:
            StoreError: that names the first file that differs.
        """
        for name, expected in self.header["sha256"].items():
            found = sha256_of(self.path / name)
            if found != expected:
                raise StoreError(
                    f"{self.path / name}: damaged (sha256 is {found[:12]}..., "
                    f"{expected[:12]}... was written); build the store again"
                )

    def _frames(self, kind: str, sequence: Sequence) -> np.ndarray:
        key = (kind, sequence.shard)
        if key not in self._arrays:
            file = shard_file(self.path, kind, sequence.shard)
            if _read_header(self.path)["sha256"] != self.header["sha256"]:
                raise StoreError(
                    f"{self.path}: was built again since it was opened; open it once more"
                )
            try:
                # A plain view of the map: slicing a `memmap` costs several times as much.
                self._arrays[key] = np.asarray(np.load(file, mmap_mode="r", allow_pickle=False))
            except (OSError, ValueError) as error:
                raise StoreError(f"{file}: cannot be read ({error})") from error
        return self._arrays[key][sequence.start : sequence.start + sequence.frames]

    def _check_shards(self) -> None:
        for number, frames in enumerate(self.header["shards"]):
            for kind in ARRAYS:
                file = shard_file(self.path, kind, number)
                expected = shard_bytes(kind, frames)
                size = file.stat().st_size if file.is_file() else 0
                if size != expected:
                    raise StoreError(
                        f"{file}: {size} bytes, {expected} were written; build the store again"
                    )
        for each in self.sequences:
            shards = self.header["shards"]
            if each.shard >= len(shards) or each.start + each.frames > shards[each.shard]:
                raise StoreError(
                    f"{self.path}: sequence {each.name} lies outside its shard; "
                    "build the store again"
                )

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_arrays": {}}


def shard_file(store: Path, kind: str, number: int) -> Path:
    """Where a shard's array is; `kind` is a key of `ARRAYS`."""
    return store / "shards" / f"{number:05d}_{kind}.npy"


def shard_bytes(kind: str, frames: int) -> int:
    """The size of a shard's file."""
    dtype, shape = ARRAYS[kind]
    per_frame = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return len(npy_header(kind, frames)) + frames * per_frame


def npy_header(kind: str, frames: int) -> bytes:
    """What a shard's file begins with; it has the same length for any number of frames."""
    dtype, shape = ARRAYS[kind]
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        stream, {"descr": dtype, "fortran_order": False, "shape": (frames, *shape)}
    )
    return stream.getvalue()


def as_line(record: Sequence | SourceRecord) -> str:
    """A record as a line of a table."""
    return json.dumps(asdict(record), ensure_ascii=False) + "\n"


Record = TypeVar("Record", Sequence, SourceRecord)


def from_dict(kind: type[Record], values: dict[str, Any]) -> Record:
    """The record of a line's values; fields that this version does not know are an error."""
    known = {field.name for field in fields(kind)}
    if set(values) - known:
        raise StoreError(f"unknown fields {sorted(set(values) - known)}")
    lists = {key: tuple(value) for key, value in values.items() if isinstance(value, list)}
    return kind(**{**values, **lists})


def _read_header(path: Path) -> dict[str, Any]:
    if not path.is_dir():
        raise StoreError(f"{path}: no store there; make one with: motionlift data build")
    file = path / "store.json"
    if not file.is_file():
        raise StoreError(f"{path}: not a store (store.json is missing)")
    header = read_json(file)
    if not isinstance(header, dict) or header.get("kind") != KIND:
        raise StoreError(f"{file}: not the header of a motionlift store")
    if header.get("version") != VERSION:
        raise StoreError(
            f"{path}: a store of version {header.get('version')}, this motionlift reads version "
            f"{VERSION}; build it again with: motionlift data build"
        )
    is_whole = (
        isinstance(header.get("fps"), float)
        and isinstance(header.get("sequences"), int)
        and isinstance(header.get("sha256"), dict)
        and isinstance(header.get("shards"), list)
        and all(isinstance(frames, int) and frames > 0 for frames in header["shards"])
    )
    if not is_whole:
        raise StoreError(f"{file}: damaged; build the store again")
    return header


def _read_lines(path: Path, kind: type[Record]) -> Iterator[Record]:
    try:
        with path.open(encoding="utf-8") as handle:
            for number, line in enumerate(handle, 1):
                try:
                    yield from_dict(kind, json.loads(line))
                except (ValueError, TypeError, AttributeError, MotionliftError) as error:
                    raise StoreError(
                        f"{path}:{number}: damaged ({error}); build the store again"
                    ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"{path}: cannot be read ({error})") from error
