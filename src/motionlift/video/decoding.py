"""A video file as pictures in the order of their times, upright, one in memory at a time.

What cannot be decoded is left out and counted; a file that breaks off ends where it breaks off,
and `Video.trouble` says so. PyAV does the decoding, with FFmpeg inside; nothing but the file
itself is ever opened, whatever a playlist in it says.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from jaxtyping import UInt8

from motionlift.errors import FormatError, OptionError

# FFmpeg knows hundreds of formats, among them playlists that name other files.
_CONTAINERS = (
    "mov,mp4,matroska,webm,avi,flv,mpegts,mpeg,mpegvideo,ogg,asf,gif,mxf,dv,ivf,nut,h264,hevc,"
    "yuv4mpegpipe"
)
# 16K pictures; a damaged header that claims more must not fill the memory.
_MOST_PIXELS = 2**27
# A file may end earlier than it says by this part, or by so many seconds, without being cut.
_SHORTFALL = 0.02
_SHORTFALL_SECONDS = 0.25


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """One picture of a video, as a viewer is to see it.

    Attributes:
        time: when it is shown, in seconds; NaN if the file does not say.
        pixels: red, green, blue.
    """

    time: float
    pixels: UInt8[np.ndarray, "height width 3"]


class Video:
    """An open video; a context manager.

    Attributes:
        codec: such as "h264".
        rates: frames a second that the file names, the most trusted first.
        seconds: length that the file claims; None if it does not.
        num_pictures: how many pictures to expect, for a progress bar; None if nobody knows.
        image_size: width and height as shown, once the first picture is out.
        notes: what was turned, stretched or skipped so far.
    """

    def __init__(self, path: Path) -> None:
        """Open a file.

        Raises:
            FormatError: if it cannot be opened, or has no video in it.
            OptionError: if PyAV is not installed.
        """
        self._path = path
        self._av = _import_av()
        self._container = self._open()
        streams = [each for each in self._container.streams.video if not _is_cover(each)]
        if not streams or streams[0].codec_context is None:
            self._container.close()
            raise FormatError(f"{path}: has no video stream; expected a video of people")
        self._stream = streams[0]
        self._stream.thread_type = "AUTO"
        self._stream.codec_context.options = {"max_pixels": str(_MOST_PIXELS)}
        self.codec: str = self._stream.codec_context.name
        self.rates = [
            float(rate) for rate in (self._stream.guessed_rate, self._stream.average_rate) if rate
        ]
        self.seconds = self._claimed_seconds()
        self.num_pictures = self._stream.frames or self._expected_pictures()
        self.image_size: tuple[int, int] | None = None
        self.notes: list[str] = []
        if len(streams) > 1:
            self.notes.append(f"the file has {len(streams)} video streams; the first is used")
        self._scaler = self._av.video.reformatter.VideoReformatter()
        self._num_damaged = 0
        self._num_resized = 0
        self._last_time = float("nan")
        self._num_decoded = 0
        self._broke_off = ""

    def __enter__(self) -> "Video":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._container.close()

    def pictures(self) -> Iterator[Picture]:
        """All that can be decoded, in order; the file is read as they are asked for."""
        for frame in self._frames():
            try:
                picture = self._upright(frame)
            except (self._av.FFmpegError, ValueError, MemoryError):
                self._num_damaged += 1
                continue
            time = float("nan") if frame.time is None else float(frame.time)
            self._num_decoded += 1
            self._last_time = time
            yield Picture(time=time, pixels=picture)

    def trouble(self) -> list[str]:
        """After the last picture: what was damaged, and where the file broke off."""
        found = []
        if self._num_damaged:
            found.append(f"{self._num_damaged} pieces of the video are damaged; left out or mended")
        if self._num_resized:
            found.append(f"{self._num_resized} pictures are of another size; scaled to the first's")
        end = f"after {self._num_decoded} pictures"
        if np.isfinite(self._last_time):
            end += f", at {self._last_time:.2f} s"
        if self._broke_off:
            found.append(f"the video breaks off {end} ({self._broke_off}); the rest is lost")
        elif self._is_short():
            found.append(
                f"the video ends {end}, but the file says {self.seconds:.2f} s; it may be cut short"
            )
        return found

    def _open(self) -> Any:
        options = {"protocol_whitelist": "file", "format_whitelist": _CONTAINERS}
        try:
            # The prefix keeps a name such as "a:b.mp4" from being taken for an address.
            return self._av.open(f"file:{self._path}", options=options)
        except (self._av.FFmpegError, OSError, ValueError) as error:
            raise FormatError(
                f"{self._path}: cannot be read as a video ({_reason(error)}); it may be damaged, "
                "cut short, or something else"
            ) from error

    def _frames(self) -> Iterator[Any]:
        for packet in self._packets():
            try:
                frames = packet.decode()
            except (self._av.FFmpegError, ValueError):
                self._num_damaged += 1
                continue
            for frame in frames:
                self._num_damaged += bool(frame.is_corrupt)
                yield frame

    def _packets(self) -> Iterator[Any]:
        """Compressed pieces as they stand in the file, and an empty one that ends decoding."""
        packets = self._container.demux(self._stream)
        while True:
            try:
                yield next(packets)
            except StopIteration:
                return
            except (self._av.FFmpegError, ValueError, OSError) as error:
                self._broke_off = _reason(error)
                end = self._av.Packet()
                end.stream = self._stream
                yield end
                return

    def _upright(self, frame: Any) -> UInt8[np.ndarray, "height width 3"]:
        """The picture's pixels, square and turned as the file says."""
        width, height = self._coded_size(frame)
        pixels = self._scaled(frame, width, height)
        matrix = _display_matrix(frame)
        upright = _turned(pixels, matrix)
        if self.image_size is None:
            self.image_size = (upright.shape[1], upright.shape[0])
            self._first_size = (frame.width, frame.height)
            self._say_shape(frame, width, matrix)
        self._num_resized += (frame.width, frame.height) != self._first_size
        if upright.shape[1::-1] != self.image_size:
            # The first picture settles it: keypoints of one clip have one picture.
            wide, high = self.image_size
            upright = self._scaled(frame, wide, high)
        return np.ascontiguousarray(upright)

    def _scaled(self, frame: Any, width: int, height: int) -> UInt8[np.ndarray, "height width 3"]:
        # Starting threads anew for each picture takes longer than they save.
        scaled = self._scaler.reformat(frame, width, height, "rgb24", threads=1)
        return scaled.to_ndarray()

    def _coded_size(self, frame: Any) -> tuple[int, int]:
        """Width and height with square pixels, before turning."""
        aspect = self._stream.sample_aspect_ratio
        if not aspect or not 0.1 < aspect < 10:
            return frame.width, frame.height
        return max(1, round(frame.width * aspect)), frame.height

    def _say_shape(self, frame: Any, width: int, matrix: tuple[int, int, int, int]) -> None:
        if width != frame.width:
            self.notes.append(
                f"pixels are not square; pictures of {frame.width} x {frame.height} are "
                f"stretched to {width} x {frame.height}"
            )
        a, b, c, d = matrix
        if (abs(a) > abs(b) and a > 0 and d > 0) or not any(matrix):
            return
        how = "turned" if a * d - b * c > 0 else "mirrored"
        angle = f" by {int(-frame.rotation) % 360} degrees clockwise" if how == "turned" else ""
        self.notes.append(f"pictures are {how}{angle}, as the file says they are to be shown")

    def _claimed_seconds(self) -> float | None:
        stream, container = self._stream, self._container
        if stream.duration and stream.time_base:
            return float(stream.duration * stream.time_base)
        return container.duration / self._av.time_base if container.duration else None

    def _expected_pictures(self) -> int | None:
        if self.seconds is None or not self.rates:
            return None
        return max(1, round(self.seconds * self.rates[0]))

    def _is_short(self) -> bool:
        if self.seconds is None or not np.isfinite(self._last_time):
            return False
        start = self._stream.start_time
        begin = float(start * self._stream.time_base) if start else 0.0
        last = 1.0 / self.rates[0] if self.rates else 0.0
        missing = self.seconds - (self._last_time - begin + last)
        return missing > max(_SHORTFALL * self.seconds, _SHORTFALL_SECONDS, 2 * last)


def _import_av() -> Any:
    try:
        import av
    except ImportError as error:
        raise OptionError(
            'reading a video needs PyAV; get it with: pip install "motionlift[video]"'
        ) from error
    return av


def _is_cover(stream: Any) -> bool:
    """Whether it is the picture on a song's cover."""
    return bool(stream.disposition & type(stream.disposition).attached_pic)


def _display_matrix(frame: Any) -> tuple[int, int, int, int]:
    """How (x, y) of the coded picture moves when shown: x' = a x + c y, y' = b x + d y."""
    data = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return 1, 0, 0, 1
    a, b, _, c, d = np.frombuffer(bytes(data), dtype=np.int32)[:5].tolist()
    return a, b, c, d


def _turned(
    pixels: UInt8[np.ndarray, "height width 3"], matrix: tuple[int, int, int, int]
) -> UInt8[np.ndarray, "shown_height shown_width 3"]:
    """Quarter turns and mirrors as the matrix has them; nothing between, nor does any camera."""
    a, b, c, d = matrix
    if abs(a) >= abs(b):
        return pixels[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]
    turned = pixels.transpose(1, 0, 2)
    return turned[:: -1 if b < 0 else 1, :: -1 if c < 0 else 1]


def _reason(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error).splitlines()[0]
