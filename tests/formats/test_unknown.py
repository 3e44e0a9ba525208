"""What is said of files that no format knows."""

from pathlib import Path

import numpy as np
import pytest

import motionlift
from motionlift.errors import FormatError
from motionlift.example import make_example
from motionlift.formats._unknown import broken, known_kind, what_it_is
from motionlift.formats.keypoints_npz import write_keypoints
from tests.samples import lifted_walk

_PICTURE = b"\xff\xd8\xff\xe0" + bytes(90)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.json", b"", "an empty file; expected 2D keypoints, or a video of people"),
        ("a.npz", b" \n", "an empty file"),
        ("a.jpg", _PICTURE, "a picture (JPEG)"),
        ("a.json", _PICTURE, "a picture (JPEG)"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(90), "a picture (PNG)"),
        ("a.npz", b"PK\x03\x04" + bytes(90), "an archive (.npz, .zip) that is cut off or damaged"),
        ("a.json", b'{"a": [1,\n 2, {"b"', "JSON that is cut off after 18 bytes (line 2)"),
        ("a.json", b'[{"a": "unfini', "JSON that is cut off after 14 bytes"),
        ("a.txt", b'{"a": 12', "JSON that is cut off after 8 bytes"),
        ("a.json", b'{"a": [1, 2,, 3]}', "not valid JSON at byte 12 (line 1: Expecting value)"),
        # Bytes are counted, not characters: the two vowels have two each.
        ("a.json", '{"äö": [1,, 3]}'.encode(), "not valid JSON at byte 12 (line 1"),
        ("a.json", b'{"a": "\xff\xfe"}', "not valid JSON: no text at byte 7"),
        ("a.json", b"hello", "not valid JSON at byte 0"),
    ],
)
def test_broken_files_are_said_in_a_few_words(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(FormatError) as error:
        motionlift.read(path, kind="keypoints")
    assert str(error.value).startswith(f"{path}: {said}")
    assert "any known format" not in str(error.value)


@pytest.mark.parametrize("suffix", [".npz", ".json", ".csv", ".trc", ".c3d", ".bvh"])
def test_3d_motion_to_be_lifted_is_said_to_be_so(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    motionlift.write(make_example().truth, path)
    with pytest.raises(FormatError, match=r"3D motion already .*`motionlift view` shows it"):
        motionlift.read(path, kind="keypoints")


def test_lifted_motion_gives_the_keypoints_beside_it_and_says_so(tmp_path: Path) -> None:
    lifted = lifted_walk()
    motionlift.write(lifted, tmp_path / "a.npz")
    (pose,) = motionlift.read(tmp_path / "a.npz", kind="keypoints")
    assert lifted.lifted_from is not None
    np.testing.assert_array_equal(pose.keypoints, lifted.lifted_from.keypoints)
    assert any("holds 3D motion already" in note for note in pose.notes)


def test_keypoints_to_be_shown_are_said_to_be_so(tmp_path: Path) -> None:
    write_keypoints(make_example().keypoints, tmp_path / "k.npz")
    with pytest.raises(FormatError, match=r"2D keypoints .*`motionlift lift` makes that of them"):
        motionlift.read(tmp_path / "k.npz", kind="motion")


def test_an_unreadable_file_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    path.write_text("{}")

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refused)
    assert broken(path) == "cannot be read (Permission denied)"


def test_nothing_is_said_of_what_may_be_fine(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"a": 1}')
    assert what_it_is(path) is None
    assert what_it_is(tmp_path) is None
    assert known_kind(path) is None


def test_only_readers_of_keypoints_are_told_of_the_option_format(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("hello")
    with pytest.raises(FormatError, match="give --format"):
        motionlift.read(path, kind="keypoints")
    with pytest.raises(FormatError, match="not motion in any known format") as error:
        motionlift.read(path, kind="motion")
    assert "--format" not in str(error.value)
