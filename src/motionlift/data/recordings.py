"""Which files and folders below a source are recordings, and how to tell that one has changed.

Motion capture is one file a recording. Keypoints often are a folder with a file for each frame:
then the folder is the recording, and what is in it is not looked at one by one.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from motionlift.files import sha256_of
from motionlift.formats import FORMATS, Format

Kind = Literal["motion", "keypoints"]


def find_recordings(
    source: Path, *, kind: Kind, besides: Path | None = None
) -> tuple[Path, dict[str, Path]]:
    """The folder that names are relative to, and the recordings by name, sorted.

    A source that is itself one recording stands alone, in its own folder. Files and folders whose
    names begin with a dot are passed over.

    Args:
        besides: a folder to leave out: the store, if it stands below the source.
    """
    if source.is_file() or (kind == "keypoints" and _is_folder_of_frames(source)):
        is_readable = source.is_dir() or source.suffix.lower() in suffixes(kind)
        return source.parent, {source.name: source} if is_readable else {}
    left_out = besides.resolve() if besides else None
    found = sorted(_below(source, kind=kind, left_out=left_out))
    return source, {path.relative_to(source).as_posix(): path for path in found}


def suffixes(kind: Kind) -> set[str]:
    """Of files that may be recordings."""
    return {suffix for each in _readable(kind) for suffix in each.suffixes}


def companions(path: Path, *, kind: Kind) -> list[Path]:
    """Other files that reading this one takes."""
    return [
        companion
        for each in _readable(kind)
        if each.companions is not None and path.suffix.lower() in each.suffixes
        for companion in each.companions(path)
    ]


def stamp_of(path: Path) -> tuple[int, int]:
    """Bytes and time of the last change, in ns.

    Of a folder: the bytes of all its files, and a number that is another when a name, a size or a
    time of any of them is.

    Raises:
        OSError: if it is not there.
    """
    if not path.is_dir():
        found = path.stat()
        return found.st_size, found.st_mtime_ns
    stats = [(file.name, file.stat()) for file in _frames(path)]
    lines = "".join(f"{name} {each.st_size} {each.st_mtime_ns}\n" for name, each in stats)
    digest = hashlib.sha256(lines.encode()).digest()
    return sum(each.st_size for _, each in stats), int.from_bytes(digest[:6], "big")


def checksum_of(path: Path) -> str:
    """SHA-256 of a file; of a folder, of the names and checksums of its files.

    Raises:
        StoreError: if it cannot be read.
    """
    if not path.is_dir():
        return sha256_of(path)
    lines = "".join(f"{sha256_of(file)}  {file.name}\n" for file in _frames(path))
    return hashlib.sha256(lines.encode()).hexdigest()


def _below(folder: Path, *, kind: Kind, left_out: Path | None) -> Iterator[Path]:
    known = suffixes(kind)
    for path in folder.iterdir():
        if path.name.startswith(".") or path.resolve() == left_out:
            continue
        if path.is_dir():
            if kind == "keypoints" and _is_folder_of_frames(path):
                yield path
            elif not path.is_symlink():  # which may lead back up
                yield from _below(path, kind=kind, left_out=left_out)
        elif path.suffix.lower() in known and path.is_file():
            yield path


def _is_folder_of_frames(path: Path) -> bool:
    return path.is_dir() and any(each.sniff(path) for each in _readable("keypoints"))


def _frames(folder: Path) -> list[Path]:
    return sorted(
        file for file in folder.iterdir() if file.is_file() and not file.name.startswith(".")
    )


def _readable(kind: Kind) -> list[Format]:
    return [
        each
        for each in FORMATS
        if (each.read_motion if kind == "motion" else each.read_keypoints) is not None
    ]
