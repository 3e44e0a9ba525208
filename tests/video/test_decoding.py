"""Videos give their pictures in order, upright, at their times; broken ones what is left."""

import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from motionlift.errors import FormatError, OptionError
from motionlift.video.decoding import Video
from motionlift.video.fingerprint import fingerprint
from motionlift.video.kinds import is_video
from tests.video.films import HEIGHT, WIDTH, copied, film, number_of, picture, sound, turned

pytest.importorskip("av")


def numbers(path: Path) -> list[int]:
    with Video(path) as video:
        return [number_of(each.pixels) for each in video.pictures()]


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp4", "mpeg4"),
        ("a.mp4", "libx264"),
        ("a.mkv", "libx264"),
        ("a.mov", "mpeg4"),
        ("a.ts", "mpeg2video"),
        ("a.webm", "libvpx"),
        ("name: with a colon.mp4", "mpeg4"),
    ],
)
def test_pictures_come_in_order_at_their_times(tmp_path: Path, name: str, codec: str) -> None:
    path = film(tmp_path / name, count=30, fps=25, codec=codec)
    with Video(path) as video:
        pictures = list(video.pictures())
        assert video.image_size == (WIDTH, HEIGHT)
        assert video.trouble() == video.notes == []
        assert 25 in video.rates
    assert [number_of(each.pixels) for each in pictures] == list(range(30))
    times = np.array([each.time for each in pictures])
    np.testing.assert_allclose(times - times[0], np.arange(30) / 25, atol=0.0011)


# Display matrix -> what a viewer sees of the coded picture.
TURNS = {
    (1, 0, 0, 1): lambda pixels: pixels,
    (0, 1, -1, 0): lambda pixels: np.rot90(pixels, -1),  # as a phone held upright
    (-1, 0, 0, -1): lambda pixels: np.rot90(pixels, 2),
    (0, -1, 1, 0): np.rot90,
    (-1, 0, 0, 1): lambda pixels: pixels[:, ::-1],
    (1, 0, 0, -1): lambda pixels: pixels[::-1],
}
SAID = ["", "turned by 90 degrees clockwise", "turned by 180", "turned by 270", "mirr", "mirr"]


@pytest.mark.parametrize(("matrix", "said"), list(zip(TURNS, SAID, strict=True)))
def test_pictures_are_turned_as_the_file_says(
    tmp_path: Path, matrix: tuple[int, int, int, int], said: str
) -> None:
    path = turned(film(tmp_path / "a.mp4", count=2), matrix)
    with Video(path) as video:
        seen = [each.pixels for each in video.pictures()][1]
        assert video.image_size == (seen.shape[1], seen.shape[0])
        assert len(video.notes) == bool(said)
        assert all(said in note for note in video.notes)
    expected = TURNS[matrix](picture(1))
    assert seen.shape == expected.shape
    assert np.abs(seen.astype(int) - expected).mean() < 20


def test_pixels_that_are_not_square_are_made_so(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", count=3, aspect=Fraction(4, 3))
    with Video(path) as video:
        shapes = {each.pixels.shape for each in video.pictures()}
        assert video.notes == [
            "pixels are not square; pictures of 96 x 64 are stretched to 128 x 64"
        ]
    assert shapes == {(64, 128, 3)}


def test_a_file_cut_short_gives_what_is_left_and_says_where_it_ends(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv", count=200)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with Video(path) as video:
        seen = [number_of(each.pixels) for each in video.pictures()]
        (note,) = [each for each in video.trouble() if "cut short" in each or "breaks off" in each]
    assert 50 < len(seen) < 150
    assert seen == list(range(len(seen)))
    assert f"after {len(seen)} pictures, at {(len(seen) - 1) / 25:.2f} s" in note


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_a_real_video_cut_short_gives_the_same_pictures_as_far_as_it_goes(
    shared: Path, tmp_path: Path, suffix: str
) -> None:
    whole = shared / "keypoints" / "pose2sim" / "single_cam01.mp4"
    path = copied(whole, tmp_path / f"cut{suffix}")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 4])
    with Video(path) as video:
        seen = [each.pixels[::8, ::8].copy() for each in video.pictures()]
        notes = video.trouble()
    assert 10 < len(seen) < 50
    end = f"after {len(seen)} pictures, at "
    (note,) = [each for each in notes if end in each]
    assert float(note.split(end)[1].split(" s")[0]) == pytest.approx((len(seen) - 1) / 60, abs=0.02)
    with Video(whole) as video:
        for ours, theirs in zip(seen, video.pictures(), strict=False):
            # Where the cut goes through a picture, the decoder mends what it can.
            if ours is not seen[-1]:
                np.testing.assert_array_equal(ours, theirs.pixels[::8, ::8])


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.8])
def test_a_file_without_its_index_is_one_line(tmp_path: Path, share: float) -> None:
    path = film(tmp_path / "a.mp4", count=50)  # the index stands at the end
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(FormatError, match="cannot be read as a video") as caught:
        Video(path)
    assert "\n" not in str(caught.value)


def test_sound_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="has no video stream"):
        Video(sound(tmp_path / "a.mp4"))


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{other}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{other}'\n",
    ],
)
def test_playlists_open_nothing(tmp_path: Path, text: str) -> None:
    other = film(tmp_path / "other.ts", codec="mpeg2video")
    path = tmp_path / "a.mp4"
    path.write_text(text.format(other=other))
    with pytest.raises(FormatError, match="cannot be read as a video"):
        Video(path)


def test_without_pyav_one_line_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = film(tmp_path / "a.mp4", count=2)
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(OptionError, match=r'pip install "motionlift\[video\]"'):
        Video(path)


@pytest.mark.parametrize(
    ("name", "codec", "count"),
    [("a.mp4", "libx264", 40), ("a.mkv", "mpeg4", 25), ("a.ts", "mpeg2video", 6)],
)
def test_damaged_files_never_crash(tmp_path: Path, name: str, codec: str, count: int) -> None:
    whole = film(tmp_path / name, count=25, codec=codec).read_bytes()
    path = tmp_path / f"damaged_{name}"
    rng = np.random.default_rng(0)
    read = 0
    for _ in range(count):
        data = bytearray(whole[: rng.integers(1, len(whole))] if rng.random() < 0.3 else whole)
        for place in rng.integers(0, len(data), rng.integers(0, 30)):
            data[place] = rng.integers(256)
        path.write_bytes(bytes(data))
        try:
            with Video(path) as video:
                read += sum(1 for _ in video.pictures())
                assert all("\n" not in note for note in video.trouble())
        except FormatError as error:
            assert "\n" not in str(error)
    assert read


def test_only_what_claims_to_be_a_video_is_one(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.mkv", "a.avi", "a.ts", "a.mpg", "a.gif"):
        codec = {"a.ts": "mpeg2video", "a.mpg": "mpeg2video", "a.gif": "gif"}.get(name, "mpeg4")
        if name == "a.gif":
            (tmp_path / name).write_bytes(b"GIF89a")
        else:
            film(tmp_path / name, codec=codec, count=5)
        hidden = (tmp_path / name).rename(tmp_path / f"{name}_without_suffix")
        assert is_video(hidden), name
    photograph = b"\0\0\0\x18ftypheic" + bytes(100)
    others = (b"", b"{}", b"G" * 100, b"\x89PNG\r\n", b"PK\x03\x04" + bytes(100), photograph)
    for content in others:
        (tmp_path / "other").write_bytes(content)
        assert not is_video(tmp_path / "other")
    (tmp_path / "broken.MP4").write_bytes(b"?")
    assert is_video(tmp_path / "broken.MP4")
    assert not is_video(tmp_path)
    assert not is_video(tmp_path / "missing.mp4")


def test_the_fingerprint_follows_the_content_and_not_the_name(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", count=100)
    copy = tmp_path / "b.mp4"
    copy.write_bytes(path.read_bytes())
    assert fingerprint(path) == fingerprint(copy)
    data = bytearray(path.read_bytes())
    for place in (0, len(data) // 2, len(data) - 1):
        changed = bytearray(data)
        changed[place] ^= 1
        copy.write_bytes(bytes(changed))
        assert fingerprint(path) != fingerprint(copy)


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="tells memory on Linux only")
@pytest.mark.parametrize(
    "count", [2_000, pytest.param(90_000, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])]
)
def test_memory_does_not_grow_with_length(tmp_path: Path, count: int) -> None:
    # 90,000 pictures are an hour at 25 a second.
    path = film(tmp_path / "a.mp4", count=count)
    memory = []
    with Video(path) as video:
        for k, _ in enumerate(video.pictures()):
            if k % 500 == 499:
                memory.append(_resident_mb())
    assert len(memory) == count // 500
    # A picture is 18 kB: keeping them all would take 27 MB at least.
    assert memory[-1] - memory[0] < 8
