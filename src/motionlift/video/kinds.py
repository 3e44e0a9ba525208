"""Tells a video from everything else, without PyAV: by its name, or by how it begins."""

from pathlib import Path

_NAMES = (
    "3gp asf avi dv flv gif h264 hevc ivf m2ts m4v mkv mov mp4 mpeg mpg mts mxf nut ogv ts vob "
    "webm wmv y4m"
)
SUFFIXES = frozenset(f".{name}" for name in _NAMES.split(" "))
# Where the bytes stand, and what they are; after the containers' specifications.
_BEGINNINGS = (
    (4, b"ftyp"),  # MP4, MOV, 3GP
    (4, b"moov"),
    (4, b"mdat"),
    (0, b"\x1a\x45\xdf\xa3"),  # Matroska, WebM
    (8, b"AVI "),
    (0, b"FLV\x01"),
    (0, b"\x00\x00\x01\xba"),  # MPEG program stream
    (0, b"OggS"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),  # ASF, WMV
    (0, b"GIF8"),
    (0, b"YUV4MPEG2"),
)
# HEIF and AVIF: still pictures in the container of MP4 (ISO/IEC 23008-12).
_STILL_BRANDS = (b"heic", b"heix", b"mif1", b"avif")
_TRANSPORT_PACKET = 188


def is_video(path: Path) -> bool:
    """Whether a file claims to be a video: one that is damaged does so too."""
    if not path.is_file():
        return False
    if path.suffix.lower() in SUFFIXES:
        return True
    try:
        with path.open("rb") as file:
            start = file.read(4 * _TRANSPORT_PACKET)
    except OSError:
        return False
    if start[4:8] == b"ftyp" and start[8:12] in _STILL_BRANDS:
        return False
    if any(start[at : at + len(bytes_)] == bytes_ for at, bytes_ in _BEGINNINGS):
        return True
    # MPEG transport stream: packets of one length, each of which begins with the same byte.
    return start[::_TRANSPORT_PACKET] == b"G" * 4
