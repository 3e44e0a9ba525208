from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from motionlift.errors import FormatError
from motionlift.formats._c3d_file import read_c3d_file
from tests.formats.c3d_files import DEC, PC, SGI, write_c3d

_LABELS = ["LASI", "RASI", "Anna:C7"]


def _points(num_frames: int = 5) -> np.ndarray:
    points = np.random.default_rng(1).normal(0, 1000, (num_frames, 3, 3))
    points[2, 1] = np.nan
    return points


@pytest.mark.parametrize("processor", [PC, DEC, SGI])
def test_floats_of_every_processor_are_read(tmp_path: Path, processor: int) -> None:
    file = read_c3d_file(write_c3d(tmp_path / "a.c3d", _LABELS, _points(), processor=processor))
    assert_array_equal(file.points, _points().astype(np.float32))
    assert file.labels == _LABELS
    assert file.fps == 100
    assert file.parameters["POINT:UNITS"] == ["mm"]


@pytest.mark.parametrize("processor", [PC, DEC, SGI])
def test_integers_are_scaled(tmp_path: Path, processor: int) -> None:
    path = write_c3d(tmp_path / "a.c3d", _LABELS, _points(), processor=processor, scale=0.25)
    assert_allclose(read_c3d_file(path).points, _points(), atol=0.126)


def test_analog_channels_are_stepped_over(tmp_path: Path) -> None:
    file = read_c3d_file(write_c3d(tmp_path / "a.c3d", _LABELS, _points(), analog=6))
    assert_array_equal(file.points, _points().astype(np.float32))


def test_a_point_at_exactly_the_origin_was_not_seen(tmp_path: Path) -> None:
    points = _points()
    points[0, 0] = 0
    file = read_c3d_file(write_c3d(tmp_path / "a.c3d", _LABELS, points))
    assert np.isnan(file.points[0, 0]).all()
    assert np.isnan(file.points).all(axis=-1).sum() == 2


def test_frames_beyond_what_the_header_can_count(tmp_path: Path) -> None:
    trial = {
        "TRIAL:ACTUAL_START_FIELD": [1.0, 0.0],
        "TRIAL:ACTUAL_END_FIELD": [70_000.0 - 65_536, 1.0],
    }
    path = tmp_path / "a.c3d"
    write_c3d(path, ["A"], np.ones((60_000, 1, 3)), parameters=trial)
    path.write_bytes(path.read_bytes() + np.ones((10_000, 4), "<f4").tobytes())
    assert len(read_c3d_file(path).points) == 70_000


@pytest.mark.parametrize("stale", [25, 100])
def test_a_length_from_before_the_file_was_edited_is_not_believed(
    tmp_path: Path, stale: int
) -> None:
    """Programs that cut or lengthen a recording leave the trial's old length behind."""
    trial = {
        "TRIAL:ACTUAL_START_FIELD": [1.0, 0.0],
        "TRIAL:ACTUAL_END_FIELD": [float(stale), 0.0],
    }
    path = write_c3d(tmp_path / "a.c3d", _LABELS, _points(num_frames=50), parameters=trial)
    assert len(read_c3d_file(path).points) == 50


def test_frames_that_nothing_counts_are_those_that_are_there(tmp_path: Path) -> None:
    path = tmp_path / "a.c3d"
    write_c3d(path, ["A"], np.ones((65_535, 1, 3)), parameters={"POINT:FRAMES": -1.0})
    held = path.read_bytes()
    path.write_bytes(held + np.ones((4_480, 4), "<f4").tobytes())
    assert len(read_c3d_file(path).points) == 70_016


def test_texts_filled_up_with_zeros_are_trimmed(tmp_path: Path) -> None:
    path = write_c3d(tmp_path / "a.c3d", ["LASI\0\0", "RASI\0", "C7"], _points())
    assert read_c3d_file(path).labels == ["LASI", "RASI", "C7"]


def test_more_labels_than_one_parameter_holds(tmp_path: Path) -> None:
    more = {"POINT:LABELS2": ["LKNE"]}
    points = np.concatenate([_points(), np.ones((5, 1, 3))], axis=1)
    file = read_c3d_file(write_c3d(tmp_path / "a.c3d", _LABELS, points, parameters=more))
    assert file.labels == [*_LABELS, "LKNE"]


def test_a_file_cut_short_says_how_much_is_there(tmp_path: Path) -> None:
    path = write_c3d(tmp_path / "a.c3d", _LABELS, _points(num_frames=100))
    path.write_bytes(path.read_bytes()[: -50 * 48])
    with pytest.raises(FormatError, match=r"declares 100 frames and holds 5[0-9]; it is cut short"):
        read_c3d_file(path)


@pytest.mark.parametrize(
    ("at", "byte", "message"),
    [
        (1, 0x51, "not a C3D file"),
        (0, 200, "parameters lie outside the file"),
        (515, 99, r"numbers of an unknown kind \(99\)"),
        (2, 0, "holds no points"),
    ],
)
def test_damage_is_an_error(tmp_path: Path, at: int, byte: int, message: str) -> None:
    path = write_c3d(tmp_path / "a.c3d", _LABELS, _points())
    data = bytearray(path.read_bytes())
    data[at] = byte
    path.write_bytes(data)
    with pytest.raises(FormatError, match=message):
        read_c3d_file(path)


@pytest.mark.parametrize(
    "name",
    [
        "pycgm/Movement_trial.c3d",
        "pycgm/Static_trial.c3d",
        "opensim/walking2.c3d",
        "kineticstoolkit/sprintbasket.c3d",
        "kineticstoolkit/walkingOptiTrack.c3d",
        "pyomeca/markers_analogs.c3d",
    ],
)
def test_agrees_with_ezc3d_to_the_last_bit(shared: Path, name: str) -> None:
    ezc3d = pytest.importorskip("ezc3d")
    path = shared / "mocap" / "c3d" / name
    ours, theirs = read_c3d_file(path), ezc3d.c3d(str(path))
    assert_array_equal(ours.points, theirs["data"]["points"][:3].transpose(2, 1, 0))
    assert ours.labels == theirs["parameters"]["POINT"]["LABELS"]["value"]
    assert ours.fps == theirs["parameters"]["POINT"]["RATE"]["value"][0]
