"""From frame numbers, wherever they stand, to a time line without gaps."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from motionlift.errors import FormatError
from motionlift.formats._json import whole_number
from motionlift.formats._shown import shown

# Four and a half hours at 60 frames a second; more is a damaged number, and would not fit.
MAX_FRAMES = 1_000_000
# What to do about a motion file without a frame rate; `data build` has --fps for its store's own.
GIVE_RATE = "give the rate with --fps (of data build: --source-fps)"
# Under which name people who write detections down themselves put a frame's number.
FRAME_KEYS = ("frame", "frame_id", "frame_index", "frame_number", "frame_num", "frame_idx")
_FRAME_KEYS_OF_JSON = (*FRAME_KEYS, "frameIndex", "frameNumber", "frameId")
# One damaged number must not stretch a short clip to hours.
_MOST_EMPTY = 1_000
_ALWAYS_FINE = 10_000
# Bytes: of a list of nobody, with whatever spaces and line ends.
_EMPTY_LIST = 16
_DIGITS = re.compile(r"(\d+)")


def frame_files(path: Path, *, made_by: str) -> list[tuple[int, Path]]:
    """The JSON files of a folder with one a frame, in the order of their frame numbers.

    A file is a folder of one. Names that begin with a dot do not count: macOS leaves such.

    Raises:
        FormatError: if there is no such file, or their names give no time line.
    """
    files = [path] if path.is_file() else list(_json_files(path))
    if not files:
        raise FormatError(
            f"{path}: no .json file in this folder; expected one for each frame, as {made_by} "
            "makes them"
        )
    frames = frames_of_names([file.name for file in files], source=path)
    return sorted(zip(frames, files, strict=True))


def first_json(path: Path) -> Path:
    """The file itself, or the file that tells what a folder holds; `path` where there is none.

    That is the first by name that is not empty, of those that are named alike most often: a
    settings file beside the frames, or a frame that was never written or has nobody in it, says
    nothing of the rest.
    """
    if path.is_file():
        return path
    alike: dict[str, list[Path]] = {}
    for file in sorted(_json_files(path)):
        alike.setdefault(_DIGITS.sub("0", file.name), []).append(file)
    files = max(alike.values(), key=len, default=[path])
    return next((file for file in files if _has_content(file)), files[0])


class NumberedFrames:
    """The frames of a JSON list: as they number themselves, else one after the other."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self._has_times_only = False

    def add(self, record: object, *, where: str) -> int:
        """The number of the record that comes next.

        Raises:
            FormatError: if it says one that is none.
        """
        number = len(self.numbers)
        if isinstance(record, dict):
            key = next((key for key in _FRAME_KEYS_OF_JSON if key in record), None)
            if key is not None:
                number = whole_number(record[key], where=where, what=f"'{key}'")
            elif any(str(name).lower().startswith("time") for name in record):
                self._has_times_only = True
        self.numbers.append(number)
        return number

    def notes(self) -> list[str]:
        """What was not read."""
        if not self._has_times_only:
            return []
        return [
            "frames say their times and not their numbers ('frame'): they are taken as one after "
            "the other, none left out"
        ]


def frames_of_names(names: Sequence[str], *, source: Path) -> list[int]:
    """The frame number in each file name: the one number by which the names differ.

    `cam01_000000000012_keypoints.json` is frame 12 beside `cam01_000000000013_keypoints.json`.
    A name alone is the frame of its last number, or 0.

    Raises:
        FormatError: if the names do not differ in exactly one number, or two give the same.
    """
    pieces = [_DIGITS.split(name) for name in names]
    if len(names) == 1:
        return [_number(pieces[0][-2], source=source)] if len(pieces[0]) > 1 else [0]
    for name, parts in zip(names, pieces, strict=True):
        if parts[::2] != pieces[0][::2]:
            raise FormatError(
                f"{source}: holds '{shown(names[0])}' and '{shown(name)}', which are not frames "
                "of one recording; expected file names that differ by the frame number alone"
            )
    varying = [
        place
        for place in range(1, len(pieces[0]), 2)
        if len({parts[place] for parts in pieces}) > 1
    ]
    if len(varying) != 1:
        raise FormatError(
            f"{source}: names such as '{shown(names[0])}' and '{shown(names[-1])}' differ by "
            f"{len(varying)} numbers, expected by the frame number alone; "
            "put each recording into a folder of its own"
        )
    frames = [_number(parts[varying[0]], source=source) for parts in pieces]
    if len(set(frames)) < len(frames):
        raise FormatError(f"{source}: two file names have the same frame number; remove one")
    return frames


def check_span(first: int, last: int, *, num_present: int, source: Path | str) -> None:
    """Refuse a time line that would not fit into memory, or is all but empty.

    Args:
        num_present: how many frames between the first and the last the source has.

    Raises:
        FormatError: if there are too many frames between the first and the last.
    """
    span = last - first + 1
    if span > MAX_FRAMES:
        why = f"more than {MAX_FRAMES} frames"
    elif span > _ALWAYS_FINE and span > _MOST_EMPTY * num_present:
        why = f"but only {num_present} of these frames are there"
    else:
        return
    raise FormatError(
        f"{source}: frame numbers run from {first} to {last}, {why}; if the numbers are right, "
        "split the recording into parts"
    )


def gap_note(num_present: int, *, first: int, last: int, what: str) -> list[str]:
    """A note on the frames between the first and the last that the source does not have."""
    num_missing = last - first + 1 - num_present
    if not num_missing:
        return []
    return [f"{num_missing} of frames {first} to {last} have no {what}; they stay empty"]


def _number(digits: str, *, source: Path) -> int:
    # A longer one does not fit the arrays that frame numbers are kept in.
    if len(digits.lstrip("0")) > 15:
        raise FormatError(f"{source}: '{shown(digits)}' is too large for a frame number")
    return int(digits)


def _has_content(file: Path) -> bool:
    """Whether it is there, and is neither empty nor an empty list; a link may lead nowhere."""
    try:
        size = file.stat().st_size
        return size > _EMPTY_LIST or file.read_bytes().strip() not in (b"", b"[]")
    except OSError:
        return False


def _json_files(folder: Path) -> Iterator[Path]:
    return (file for file in folder.glob("*.json") if not file.name.startswith("."))
