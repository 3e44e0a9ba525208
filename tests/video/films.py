"""Small videos whose pictures say which they are, and ways to damage or turn them."""

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

WIDTH, HEIGHT = 96, 64
_BITS, _BLOCK = 12, 16
_CLOCK = 12_000


def picture(number: int) -> np.ndarray:
    """A picture with its number in blocks, black or white, six in a row; the rest is red."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[..., 0] = 255
    for bit in range(_BITS):
        row, column = divmod(bit, WIDTH // _BLOCK)
        block = pixels[row * _BLOCK :, column * _BLOCK :][:_BLOCK, :_BLOCK]
        block[:] = 255 * (number >> bit & 1)
    return pixels


def number_of(pixels: np.ndarray) -> int:
    """The number that a picture bears."""
    middle = _BLOCK // 2
    places = [divmod(bit, WIDTH // _BLOCK) for bit in range(_BITS)]
    values = [pixels[r * _BLOCK + middle, c * _BLOCK + middle].mean() > 128 for r, c in places]
    return sum(int(value) << bit for bit, value in enumerate(values))


def film(
    path: Path,
    times: Sequence[float] | None = None,
    *,
    count: int = 20,
    fps: int = 25,
    codec: str = "mpeg4",
    aspect: Fraction | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """Write a video of `count` pictures at `fps`, or one picture at each of these seconds."""
    import av

    seconds = [k / fps for k in range(count)] if times is None else list(times)
    # Some codecs know one rate and no other times.
    scaler = av.video.reformatter.VideoReformatter()
    clock = fps if times is None else _CLOCK
    with av.open(str(path), "w", options=options or {}) as container:
        stream = container.add_stream(codec, rate=fps)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, clock)
        stream.codec_context.gop_size = 10
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        for number, second in enumerate(seconds):
            frame = av.VideoFrame.from_ndarray(picture(number), format="rgb24")
            frame = scaler.reformat(frame, format="yuv420p", threads=1)
            frame.time_base, frame.pts = Fraction(1, clock), round(second * clock)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def copied(video: Path, path: Path) -> Path:
    """The same pictures in another file, its index at the beginning."""
    import av

    options = {"movflags": "faststart"} if path.suffix == ".mp4" else {}
    with av.open(str(video)) as source, av.open(str(path), "w", options=options) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    return path


def sound(path: Path) -> Path:
    """Write a file that has sound and no picture."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        samples = np.zeros((1, 1024), np.float32)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def turned(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """The MP4 file with this display matrix (a, b, c, d), as phones write it."""
    data = path.read_bytes()
    at = data.index(b"tkhd") + 4
    at += 4 + (20 if data[at] == 0 else 32) + 16
    a, b, c, d = (value << 16 for value in matrix)
    new = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data[:at] + new + data[at + len(new) :])
    return path
