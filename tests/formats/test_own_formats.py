"""The library's own npz, JSON and CSV give back what was written, to the last bit."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from motionlift.errors import FormatError
from motionlift.formats import ReadOptions, find_format, find_writer, read_motion
from motionlift.poses import Pose2D, Pose3D
from motionlift.skeletons import COCO17
from tests.formats.motion import assert_same_motion, lifted

NAMES = ("out.npz", "out.json", "out.csv", "out.long.csv")


def _written(motion: Pose3D, path: Path) -> Path:
    write = find_writer(path).write
    assert write is not None
    write(motion, path)
    return path


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("fps", [None, 29.97])
def test_lifted_motion_comes_back_exactly(tmp_path: Path, name: str, fps: float | None) -> None:
    motion = lifted(fps=fps)
    path = _written(motion, tmp_path / name)
    assert find_format(path, kind="motion") is find_writer(path)
    (back,) = read_motion(path)
    assert_same_motion(back, motion)
    assert back.positions.dtype == np.float32


def test_a_byte_order_mark_of_another_program_does_not_matter(tmp_path: Path) -> None:
    path = _written(lifted(), tmp_path / "out.csv")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert find_format(path, kind="motion").name == "csv-motion"
    (back,) = read_motion(path)
    assert_same_motion(back, lifted())


@pytest.mark.parametrize("name", NAMES)
def test_motion_that_was_not_lifted_comes_back_too(tmp_path: Path, name: str) -> None:
    motion = replace(lifted(), lifted_from=None, root_xy=None, units="m", space="world", model="")
    (back,) = read_motion(_written(motion, tmp_path / name))
    assert_same_motion(back, motion)


@pytest.mark.parametrize("name", NAMES)
def test_keypoints_without_a_picture_size_come_back(tmp_path: Path, name: str) -> None:
    motion = lifted()
    assert isinstance(motion.lifted_from, Pose2D)
    motion = replace(motion, lifted_from=replace(motion.lifted_from, image_size=None))
    assert_same_motion(read_motion(_written(motion, tmp_path / name))[0], motion)


@pytest.mark.parametrize("name", NAMES)
def test_the_size_of_a_pixel_comes_back(tmp_path: Path, name: str) -> None:
    motion = replace(lifted(), units="m", metres_per_pixel=0.0042)
    assert_same_motion(read_motion(_written(motion, tmp_path / name))[0], motion)


@pytest.mark.parametrize("said", ["-0.5", "0", '"wide"'])
def test_a_pixel_without_a_size_is_refused(tmp_path: Path, said: str) -> None:
    path = _written(replace(lifted(), units="m", metres_per_pixel=0.25), tmp_path / "out.json")
    path.write_text(
        path.read_text().replace('"metres_per_pixel": 0.25', f'"metres_per_pixel": {said}')
    )
    with pytest.raises(FormatError, match=r"out\.json"):
        read_motion(path)


@pytest.mark.parametrize("name", NAMES)
def test_extreme_numbers_come_back_exactly(tmp_path: Path, name: str) -> None:
    motion = lifted()
    positions = motion.positions.copy()
    positions[0, :4, 0] = [1e-38, 3.4e38, -0.0, 16777217]
    motion = replace(motion, positions=positions)
    assert_same_motion(read_motion(_written(motion, tmp_path / name))[0], motion)


@pytest.mark.parametrize("name", NAMES)
def test_given_frame_rate_wins(tmp_path: Path, name: str) -> None:
    path = _written(lifted(), tmp_path / name)
    assert read_motion(path, ReadOptions(fps=50))[0].fps == 50


def test_notes_that_are_no_list_are_none(tmp_path: Path) -> None:
    path = _written(replace(lifted(), notes=()), tmp_path / "out.csv")
    path.write_text(path.read_text().replace('"notes": []', '"notes": 5', 1))
    assert read_motion(path)[0].notes == ()


@pytest.mark.parametrize("name", NAMES)
def test_cut_files_are_refused(tmp_path: Path, name: str) -> None:
    path = _written(lifted(), tmp_path / name)
    whole = path.read_bytes()
    for share in (0.3, 0.6, 0.95):
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(FormatError) as caught:
            read_motion(path, format=find_writer(path).name)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_other_skeletons_are_not_written(tmp_path: Path, name: str) -> None:
    pose = Pose3D(
        skeleton=COCO17,
        positions=np.zeros((1, 17, 3)),
        confidence=np.ones((1, 17)),
        frame_index=np.arange(1),
        fps=None,
    )
    with pytest.raises(FormatError, match="not those of COCO17"):
        _written(pose, tmp_path / name)


def test_numbers_of_json_and_csv_are_short(tmp_path: Path) -> None:
    motion = lifted()
    positions = motion.positions.copy()
    positions[0, 0] = [0.1, 0.2, 0.3]
    motion = replace(motion, positions=positions)
    assert "[0.1, 0.2, 0.3]" in _written(motion, tmp_path / "out.json").read_text()
    assert "5,0.1,0.2,0.3,1.0" in _written(motion, tmp_path / "out.csv").read_text()
    assert "5,pelvis,0.1,0.2,0.3,1.0" in _written(motion, tmp_path / "o.long.csv").read_text()


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("out.json", '"version": 1', '"version": 9', "version 9, this library reads version 1"),
        ("out.json", '"units": "px"', '"units": "miles"', "units are"),
        ("out.json", '"frame": 6', '"frame": 5', "frame numbers must increase"),
        ("out.json", '"frame": 6', '"frame": "six"', "'frame' is 'six'"),
        ("out.json", '"positions": [[', '"positions": [[1.0, ', "3 numbers each"),
        ("out.csv", "\n6,", "\nsix,", "found 'six', expected a number"),
        ("out.csv", "pelvis_x", "pelvis_q", "no column 'pelvis_x'"),
        ("out.csv", '"fps": 30.0', '"fps": "fast"', "'fps' has shape ()"),
        ("out.csv", '"fps": 30.0', '"fps": 0', "says 0 frames a second; give the rate with --fps"),
        ("out.json", '"fps": 30.0', '"fps": -5', "says -5 frames a second"),
        ("out.csv", '"fps": 30.0', '"fps": [1, [2]]', "'fps' is [1, [2]], no number"),
        ("out.json", '"fps"', '"metres_per_pixel": [1, [2]], "fps"', "'metres_per_pixel' is"),
        ("out.csv", "# motionlift {", "# motionlift [", "expected '# motionlift '"),
        ("out.long.csv", "6,pelvis", "6,nose", "found 'nose', expected pelvis"),
    ],
)
def test_damage_is_one_line_that_says_where(
    tmp_path: Path, name: str, old: str, new: str, message: str
) -> None:
    path = _written(lifted(), tmp_path / name)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(FormatError) as caught:
        read_motion(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
