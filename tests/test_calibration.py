"""Pinhole cameras project as the formula says, and Pose2Sim's files are read as it means them."""

from pathlib import Path

import numpy as np
import pytest

from motionlift.calibration import read_calibration
from motionlift.errors import FormatError

STRAIGHT = """
[cam]
matrix = [[1000.0, 0.0, 500.0], [0.0, 1000.0, 400.0], [0.0, 0.0, 1.0]]
rotation = [0.0, 0.0, 0.0]
translation = [0.0, 0.0, 5.0]
"""


def test_a_point_projects_to_focal_times_x_over_depth(tmp_path: Path) -> None:
    path = tmp_path / "calibration.toml"
    path.write_text(STRAIGHT)
    camera = read_calibration(path)["cam"]
    # (1, 2, 3) with y up is (3, 1, 2) with z up; this camera's axes are those of the latter.
    seen = camera.to_camera(np.array([1.0, 2.0, 3.0]))
    np.testing.assert_allclose(seen, [3.0, 1.0, 7.0])
    np.testing.assert_allclose(camera.to_image(seen), [500 + 1000 * 3 / 7, 400 + 1000 * 1 / 7])


def test_what_is_behind_the_camera_has_no_image(tmp_path: Path) -> None:
    path = tmp_path / "calibration.toml"
    path.write_text(STRAIGHT)
    camera = read_calibration(path)["cam"]
    assert np.isnan(camera.to_image(np.array([0.0, 0.0, -1.0]))).all()


def test_cameras_of_a_real_calibration_are_rigid(shared: Path) -> None:
    folder = shared / "keypoints" / "pose2sim" / "calibration"
    cameras = read_calibration(folder / "Calib_qualisys.toml")
    assert {"cam_01", "cam_03"} <= set(cameras)
    for camera in cameras.values():
        np.testing.assert_allclose(camera.rotation @ camera.rotation.T, np.eye(3), atol=1e-9)
        assert np.linalg.det(camera.rotation) == pytest.approx(1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no camera in it"),
        ("[cam]\nmatrix = [1", "not valid TOML"),
        (
            "[cam]\nmatrix = [[1.0, 2.0]]\nrotation = [0, 0, 0]\ntranslation = [0, 0, 0]",
            "camera cam",
        ),
        (STRAIGHT.replace("rotation", "rotations"), "camera cam needs"),
    ],
)
def test_a_damaged_calibration_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "calibration.toml"
    path.write_text(text)
    with pytest.raises(FormatError, match=message):
        read_calibration(path)
