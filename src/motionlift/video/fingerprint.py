"""Tells whether a video is still the one that something was detected in."""

import hashlib
from pathlib import Path

from motionlift.errors import FormatError

_PIECE = 2**18
_NUM_PIECES = 16


def fingerprint(path: Path) -> dict[str, str | int]:
    """Size, and a digest of pieces spread over the file: soon had, however long it is.

    Name and time of change do not count: copies of a video are the same video.

    Raises:
        FormatError: if the file cannot be read.
    """
    try:
        size = path.stat().st_size
        digest = hashlib.sha256()
        with path.open("rb") as file:
            for k in range(_NUM_PIECES):
                # The first piece is the beginning, the last the end.
                file.seek(max(0, size - _PIECE) * k // (_NUM_PIECES - 1))
                digest.update(file.read(_PIECE))
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror})") from error
    return {"size": size, "sha256_of_pieces": digest.hexdigest()}
