"""What a file is that no format knows, so that an error can say it in a few words."""

import json
import zipfile
from pathlib import Path

from motionlift.formats._shown import shown
from motionlift.video.kinds import is_video

# How files of other kinds begin, after their specifications.
_BEGINNINGS = {
    "a picture (JPEG)": (0, b"\xff\xd8\xff"),
    "a picture (PNG)": (0, b"\x89PNG\r\n\x1a\n"),
    "a picture (WebP)": (8, b"WEBP"),
    "a picture (BMP)": (0, b"BM"),
    "a picture (TIFF)": (0, b"II*\x00"),
    "a picture (TIFF, big-endian)": (0, b"MM\x00*"),
    "a PDF": (0, b"%PDF-"),
    "glTF, which is written but not read": (0, b"glTF"),
    "compressed (gzip), to be unpacked first": (0, b"\x1f\x8b"),
    "compressed (7-Zip), to be unpacked first": (0, b"7z\xbc\xaf\x27\x1c"),
}
_HEAD = 64
# Checking a larger file would take longer than anybody waits for an error.
_MOST_JSON = 64 * 2**20
_ZIP = b"PK\x03\x04"


def broken(path: Path) -> str | None:
    """What is wrong with a file that cannot be what its name says; None where nothing is known.

    Such a file is unreadable, empty, or JSON or an archive that is damaged or cut off.
    """
    try:
        with path.open("rb") as handle:
            head = handle.read(_HEAD).removeprefix(b"\xef\xbb\xbf").lstrip()
        size = path.stat().st_size
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if not head:
        return "an empty file"
    if head.startswith(_ZIP) and not zipfile.is_zipfile(path):
        return "an archive (.npz, .zip) that is cut off or damaged"
    is_json = path.suffix.lower() == ".json" or head[:1] in (b"{", b"[")
    if not is_json or known_kind(path) is not None or size > _MOST_JSON:
        return None
    return _wrong_json(path.read_bytes())


def known_kind(path: Path) -> str | None:
    """What a file is by its first bytes, if that is something else than poses."""
    try:
        with path.open("rb") as handle:
            head = handle.read(_HEAD)
    except OSError:
        return None
    for kind, (at, begin) in _BEGINNINGS.items():
        if head[at : at + len(begin)] == begin:
            return kind
    return "a video" if is_video(path) else None


def what_it_is(path: Path) -> str | None:
    """What a file is that no format knows; None where that is not clear."""
    if not path.is_file():
        return None
    return broken(path) or known_kind(path)


def _wrong_json(data: bytes) -> str | None:
    try:
        text = data.decode("utf-8-sig")
        json.loads(text)
    except UnicodeDecodeError as error:
        return f"not valid JSON: no text at byte {error.start}"
    except json.JSONDecodeError as error:
        at = len(text[: error.pos].encode())
        is_cut = not text[error.pos :].strip() or error.msg.startswith("Unterminated")
        if is_cut:
            return f"JSON that is cut off after {len(data)} bytes (line {1 + text.count(chr(10))})"
        return f"not valid JSON at byte {at} (line {error.lineno}: {error.msg})"
    except (RecursionError, ValueError) as error:
        return f"not valid JSON ({shown(str(error))})"
    return None
