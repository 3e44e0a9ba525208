"""Files written whole or not at all, JSON read with an error that helps, and checksums."""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from motionlift.errors import FormatError, MotionliftError


@contextlib.contextmanager
def written_beside(path: Path) -> Iterator[Path]:
    """A temporary path in the folder of `path`, renamed to it if the block ends well.

    On an error, Ctrl-C and SIGTERM included, nothing is left behind, and what stood at `path`
    before stands there still. The temporary name keeps the suffix, because many writers look at
    it. The block may also make a folder there.

    Raises:
        MotionliftError: if the folder does not exist or cannot be written to, or the disk is full.
    """
    if path.is_dir() and any(path.iterdir()):
        raise MotionliftError(
            f"{path}: is a folder that is not empty; give another path or empty it"
        )
    with _sigterm_as_exception():
        scratch = _make_scratch(path)
        try:
            beside = scratch / path.name
            yield beside
            if beside.is_file():
                _sync(beside)
            elif path.is_dir():
                path.rmdir()
            os.replace(beside, path)  # noqa: PTH105  (named in the design; the same call)
        except MotionliftError as error:
            # What a writer says of the temporary path is of the one that was asked for.
            if str(scratch) not in str(error):
                raise
            raise type(error)(str(error).replace(str(beside), str(path))) from error
        except OSError as error:
            raise MotionliftError(
                f"{path}: could not be written ({error.strerror or error})"
            ) from error
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def check_writable(path: Path) -> None:
    """Refuse a path that no file can be written to, before the work that would be for nothing.

    Raises:
        MotionliftError: if it is a folder, or its folder cannot be made or written to.
    """
    try:
        if path.is_dir():
            raise MotionliftError(f"{path}: is a folder; give the name of a file in it")
        folder = next(parent for parent in path.absolute().parents if parent.exists())
        # Permissions alone do not tell: file systems can be full, or refuse for other reasons.
        tempfile.TemporaryDirectory(dir=folder, prefix=f".{path.name}.").cleanup()
    except OSError as error:
        raise MotionliftError(
            f"{path}: cannot be written ({error.strerror}); choose a folder you may write to"
        ) from error


def read_json(path: Path) -> Any:
    """What a JSON file holds; a damaged one's error says at which line.

    Raises:
        FormatError: if the file is missing, unreadable, not text, cut short, or nested too deep.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        raise FormatError(
            f"{path}:{error.lineno}: not valid JSON ({error.msg}); the file may be cut short"
        ) from error
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}: not a text file, JSON was expected") from error
    except RecursionError as error:
        raise FormatError(f"{path}: nested too deep to be keypoints") from error
    except ValueError as error:  # Python refuses integers of thousands of digits
        raise FormatError(f"{path}: not valid JSON ({error})") from error
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror})") from error


class _Terminated(BaseException):
    """SIGTERM, on its way out of the blocks that have something to clean up."""


@contextlib.contextmanager
def _sigterm_as_exception() -> Iterator[None]:
    """SIGTERM unwinds the block as Ctrl-C does, and ends the process after it.

    A handler that somebody has set, as a training does, stays. So it is in other threads, in which
    none can be set.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def unwind(number: int, frame: FrameType | None) -> None:
        # A second one must not stop the cleaning up.
        signal.signal(number, signal.SIG_IGN)
        raise _Terminated

    signal.signal(signal.SIGTERM, unwind)
    try:
        yield
    except _Terminated:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _make_scratch(path: Path) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    except OSError as error:
        raise MotionliftError(
            f"{path}: cannot be written ({error.strerror}); choose a folder you may write to"
        ) from error


def _sync(path: Path) -> None:
    with path.open("rb+") as handle:
        os.fsync(handle.fileno())


def sha256_of(path: Path) -> str:
    """The checksum of a file's bytes, in hexadecimal, read piece by piece.

    Raises:
        MotionliftError: if it cannot be read.
    """
    try:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError as error:
        raise MotionliftError(f"{path}: cannot be read ({error.strerror})") from error
