"""Pinhole cameras project as the formula says, and Pose2Sim's files are read as it means them."""

from pathlib import Path

import numpy as np
import pytest

from motionlift.calibration import choose_camera, read_calibration
from motionlift.errors import FormatError, OptionError

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
        (
            STRAIGHT.replace("[0.0, 0.0, 0.0]", "[[1, 0, 0], [0, 1, 0], [0, 0, 1]]"),
            r"camera cam needs .* rotation \(3\)",
        ),
    ],
)
def test_a_damaged_calibration_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "calibration.toml"
    path.write_text(text)
    with pytest.raises(FormatError, match=message):
        read_calibration(path)


LENSES = {
    "perfect": "",
    "barrel": "distortions = [-0.2, 0.05, 0.001, -0.002]",
    "third order": "distortions = [-0.1, 0.03, 0.0, 0.0, -0.01]",
    "fisheye": "distortions = [-0.02, 0.01, -0.003, 0.001]\nfisheye = true",
}


@pytest.mark.parametrize("lens", LENSES)
def test_rays_are_what_the_lens_draws_undone(tmp_path: Path, lens: str) -> None:
    path = tmp_path / "calibration.toml"
    path.write_text(STRAIGHT + LENSES[lens])
    camera = choose_camera(path, None)
    rays = np.random.default_rng(0).uniform(-0.7, 0.7, (200, 2))
    points = 3.0 * np.concatenate([rays, np.ones((200, 1))], axis=1)
    image = camera.to_image(points)
    np.testing.assert_allclose(camera.to_rays(image), rays, atol=1e-5)
    if lens != "perfect":
        straight = 1000 * rays + [500, 400]
        assert np.abs(image - straight).max() > 5


def test_radial_distortion_is_the_factor_that_the_formula_says(tmp_path: Path) -> None:
    path = tmp_path / "calibration.toml"
    path.write_text(STRAIGHT + "distortions = [-0.1, 0.02, 0.0, 0.0]")
    image = choose_camera(path, "cam").to_image(np.array([0.5, 0.0, 1.0]))
    factor = 1 - 0.1 * 0.25 + 0.02 * 0.0625
    np.testing.assert_allclose(image, [500 + 1000 * 0.5 * factor, 400])


def test_a_fisheye_draws_the_angle(tmp_path: Path) -> None:
    path = tmp_path / "calibration.toml"
    path.write_text(STRAIGHT + "distortions = [0.0, 0.0, 0.0, 1e-9]\nfisheye = true")
    image = choose_camera(path, "cam").to_image(np.array([1.0, 0.0, 1.0]))
    np.testing.assert_allclose(image, [500 + 1000 * np.pi / 4, 400], atol=1e-3)


def test_pixels_beyond_the_lens_have_no_ray(tmp_path: Path) -> None:
    path = tmp_path / "calibration.toml"
    path.write_text(STRAIGHT + "distortions = [-0.3, 0.0, 0.0, 0.0]")
    # r (1 - 0.3 r^2) is never larger than 0.703.
    rays = choose_camera(path, "cam").to_rays(np.array([[500.0 + 650, 400], [500.0 + 800, 400]]))
    assert np.isfinite(rays[0]).all()
    assert np.isnan(rays[1]).all()


def test_a_calibration_may_be_named_by_its_text(tmp_path: Path) -> None:
    path = tmp_path / "calibration.toml"
    path.write_text(STRAIGHT)
    assert set(read_calibration(str(path))) == {"cam"}


def test_a_camera_is_chosen_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "calibration.toml"
    path.write_text(STRAIGHT + STRAIGHT.replace("[cam]", "[other]"))
    assert choose_camera(path, "other").name == "other"
    with pytest.raises(OptionError, match="has 2 cameras; say which with --camera: cam, other"):
        choose_camera(path, None)
    with pytest.raises(OptionError, match="no camera 'third'; there are: cam, other"):
        choose_camera(path, "third")


@pytest.mark.parametrize(
    "line",
    [
        "distortions = [1.0]",
        'distortions = "none"',
        "size = 3",
        "size = [0.0, 0.0]",
        "size = [inf, 720.0]",
        "size = [-1280.0, 720.0]",
        "fisheye = true\ndistortions = [1,2,3,4,5]",
    ],
)
def test_a_strange_lens_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "calibration.toml"
    path.write_text(STRAIGHT + line)
    with pytest.raises(FormatError, match="camera cam needs"):
        read_calibration(path)


def test_a_focal_length_of_nothing_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "calibration.toml"
    path.write_text(STRAIGHT.replace("[1000.0, 0.0", "[0.0, 0.0"))
    with pytest.raises(FormatError, match="focal length is not above 0"):
        read_calibration(path)
