"""The lift with all that can be asked for beyond it: what goes together, and what is said."""

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from motionlift.api import Beyond
from motionlift.errors import OptionError
from motionlift.finishing import LiftOptions, finish, lift_with
from motionlift.poses import Pose2D, Pose3D
from motionlift.scale import stature
from motionlift.skeletons import H36M17
from tests.flat_lifts import keypoints, lifter

CALIBRATION = """
[cam_01]
matrix = [[1000.0, 0.0, 640.0], [0.0, 1000.0, 360.0], [0.0, 0.0, 1.0]]
distortions = [0.0, 0.0, 0.0, 0.0]
rotation = [1.2, -1.2, 1.2]
translation = [0.0, 1.0, 5.0]
fisheye = false
"""


def test_nothing_asked_for_is_the_lift_and_nothing_else() -> None:
    pose = keypoints()
    plain, done = lifter().lift_pose(pose), lift_with(lifter(), pose, LiftOptions())
    assert_array_equal(done.positions, plain.positions)
    assert done.notes == plain.notes
    assert (done.units, done.space) == ("px", "camera")


def test_everything_at_once_is_done_in_order_and_said(tmp_path: Path) -> None:
    seen: list[Pose2D] = []
    pose = keypoints(fps=120.0)
    confidence, points = pose.confidence.copy(), pose.keypoints.copy()
    points[20:22, 5], confidence[20:22, 5] = np.nan, 0.0
    options = LiftOptions(
        height=1.8, fov=50.0, smooth="savgol", interpolate_gaps=5, fps_out=30.0, up="person"
    )
    lifting = lifter(seen, trained_fps=200.0)
    done = lift_with(lifting, replace(pose, keypoints=points, confidence=confidence), options)
    assert seen[0].fps == 200
    assert (done.units, done.space, done.fps) == ("m", "world", 30.0)
    assert stature(done.positions) == pytest.approx(1.8, rel=0.02)
    said = [
        "2 keypoints in gaps of at most 5 frames",
        "lifted",
        "120 frames a second is far from what the network was trained for",
        "lifted twice",
        "given height of 1.8 m",
        "root's path in metres is solved in each frame",
        "y = 0, is under the lowest foot",
        "up is the median direction from the ankles to the shoulders",
        "smoothed: Savitzky-Golay over 0.25 s",
        "resampled from 120 to 30 frames a second",
    ]
    places = [next(k for k, note in enumerate(done.notes) if part in note) for part in said]
    assert places == sorted(places)


@pytest.mark.parametrize("fps", [30.0, 50.0, 120.0])
def test_filled_gaps_are_lifted_but_not_kept_as_if_they_were_found(fps: float) -> None:
    seen: list[Pose2D] = []
    pose = keypoints(fps=fps)
    confidence, points = pose.confidence.copy(), pose.keypoints.copy()
    points[20:22], confidence[20:22] = np.nan, 0.0
    broken = replace(pose, keypoints=points, confidence=confidence)
    done = lift_with(lifter(seen), broken, LiftOptions(interpolate_gaps=5))
    assert (seen[0].confidence > 0).all()
    assert done.lifted_from is not None
    assert_array_equal(done.lifted_from.keypoints, broken.keypoints)
    assert_array_equal(done.lifted_from.confidence[20:22], 0)
    assert f"{2 * 17} keypoints in gaps of at most 5 frames are interpolated" in done.notes


@pytest.mark.parametrize("options", [{"smooth": "savgol"}, {"fps_out": 25.0}])
def test_a_missing_rate_is_said_before_the_lift(options: dict[str, Any]) -> None:
    seen: list[Pose2D] = []
    with pytest.raises(OptionError, match="has no frame rate; give --fps"):
        lift_with(lifter(seen), keypoints(fps=None), LiftOptions(**options))
    assert not seen


def test_height_alone_gives_metres_and_says_that_the_path_is_not_known() -> None:
    done = lift_with(lifter(), keypoints(), LiftOptions(height=1.6))
    assert (done.units, done.space) == ("m", "camera")
    assert_array_equal(done.positions[:, H36M17.root], 0)
    assert done.metres_per_pixel is not None
    assert "where the root is in metres is not known" in done.notes[-1]


def test_focal_and_field_of_view_say_the_same() -> None:
    focal = 640 / np.tan(np.radians(25))
    by_focal = lift_with(lifter(), keypoints(), LiftOptions(height=1.7, focal=focal))
    by_fov = lift_with(lifter(), keypoints(), LiftOptions(height=1.7, fov=50.0))
    assert_allclose(by_focal.positions, by_fov.positions, atol=1e-5)


def test_a_given_picture_size_wins_over_that_of_the_file() -> None:
    pose = keypoints()
    options = LiftOptions(height=1.7, focal=1000.0, image_size=(1480, 720))
    moved = lift_with(lifter(), pose, options)
    plain = lift_with(lifter(), pose, LiftOptions(height=1.7, focal=1000.0))
    shift = moved.positions[:, H36M17.root] - plain.positions[:, H36M17.root]
    assert (shift[:, 0] < -0.2).all()


def test_a_calibration_gives_its_own_world(tmp_path: Path) -> None:
    path = tmp_path / "cameras.toml"
    path.write_text(CALIBRATION)
    pose = replace(keypoints(), image_size=None)
    done = lift_with(lifter(), pose, LiftOptions(height=1.7, calibration=path))
    assert (done.units, done.space) == ("m", "world")
    assert done.notes[-1] == f"the world is that of {path}, with y up"


def test_a_calibration_is_scaled_to_pictures_that_were_made_smaller(tmp_path: Path) -> None:
    path = tmp_path / "cameras.toml"
    path.write_text(CALIBRATION + "size = [1280.0, 720.0]")
    options = LiftOptions(height=1.7, calibration=path)
    whole = lift_with(lifter(), keypoints(), options)
    pose = keypoints()
    halved = replace(pose, keypoints=pose.keypoints / 2, image_size=(640, 360))
    done = lift_with(lifter(), halved, options)
    np.testing.assert_allclose(done.positions, whole.positions, atol=1e-3)
    assert (
        "of a picture of (1280, 720) pixels and was scaled to one of (640, 360)" in done.notes[-1]
    )
    # A file without a size may be helped by the option.
    unsaid = replace(halved, image_size=None)
    told = lift_with(lifter(), unsaid, replace(options, image_size=(640, 360)))
    np.testing.assert_allclose(told.positions, whole.positions, atol=1e-3)


def test_a_picture_of_unknown_size_is_taken_as_calibrated_and_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "cameras.toml"
    path.write_text(CALIBRATION + "size = [1280.0, 720.0]")
    pose = replace(keypoints(), image_size=None)
    done = lift_with(lifter(), pose, LiftOptions(height=1.7, calibration=path))
    assert "is not known: taken for 1280 x 720 as calibrated, --image-size" in done.notes[-1]


def test_a_calibration_of_pictures_of_another_shape_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cameras.toml"
    path.write_text(CALIBRATION + "size = [1000.0, 1000.0]")
    with pytest.raises(OptionError, match=r"\(1000, 1000\) pixels, the keypoints of one of \(1280"):
        lift_with(lifter(), keypoints(), LiftOptions(height=1.7, calibration=path))


def test_some_pixels_cut_off_an_edge_are_said_and_let_be(tmp_path: Path) -> None:
    path = tmp_path / "cameras.toml"
    path.write_text(CALIBRATION + "size = [1288.0, 720.0]")
    done = lift_with(lifter(), keypoints(), LiftOptions(height=1.7, calibration=path))
    assert "of (1288, 720) pixels and is used as it is for one of (1280, 720)" in done.notes[-1]


def test_an_unknown_picture_size_is_an_error_before_the_lift() -> None:
    seen: list[Pose2D] = []
    pose = replace(keypoints(), image_size=None)
    with pytest.raises(OptionError, match=r"walk\.json: .* give --image-size"):
        lift_with(lifter(seen), pose, LiftOptions(height=1.7, focal=1000.0))
    assert not seen


def test_the_rate_of_the_training_is_that_of_the_weights() -> None:
    seen: list[Pose2D] = []
    lift_with(lifter(seen, trained_fps=100.0), keypoints(fps=100.0), LiftOptions())
    done = lift_with(lifter(seen, trained_fps=100.0), keypoints(fps=25.0), LiftOptions())
    assert [each.fps for each in seen] == [100.0, 100.0]
    assert "25 frames a second is far from what the network was trained for" in done.notes[-1]


def test_the_rate_that_it_has_is_no_resampling() -> None:
    done = lift_with(lifter(), keypoints(), LiftOptions(fps_out=50.0))
    assert done.notes[-1] == "lifted"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"height": -1.0}, "--height -1"),
        ({"height": 1.7, "focal": 0.0}, "--focal 0: "),
        ({"height": 1.7, "focal": float("nan")}, "--focal nan: "),
        ({"height": 1.7, "fov": 180.0}, "--fov 180: "),
        ({"height": 1.7, "fov": 60.0, "image_size": (0, 720)}, "--image-size: "),
        ({"height": 1.7, "fov": 50.0, "focal": 1000.0}, "--focal and --fov: "),
        ({"height": 1.7, "fov": 50.0, "calibration": Path("c")}, "--fov and --calibration: "),
        ({"focal": 1000.0}, "give --height too"),
        ({"calibration": Path("c.toml")}, "give --height too"),
        ({"camera": "cam_01"}, "give --calibration too"),
        ({"up": "person"}, "give --focal or --fov too"),
        ({"height": 1.7, "calibration": Path("c"), "up": "person"}, "says which way is up"),
        ({"height": 1.7, "fov": 50.0, "up": "sky"}, "--up sky: expected"),
        ({"height": 1.7, "fov": 50.0, "up": "0,0,0"}, "--up 0,0,0: expected"),
        ({"height": 1.7, "fov": 50.0, "up": "1,2"}, "--up 1,2: expected"),
        ({"smooth": "butter"}, "--smooth butter: expected"),
        ({"interpolate_gaps": -1}, "--interpolate-gaps -1"),
        ({"fps_out": 0.0}, "--fps-out 0"),
        ({"fps_out": float("inf")}, "--fps-out inf"),
    ],
)
def test_what_is_out_of_range_or_without_effect_is_refused(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        LiftOptions(**options)


def test_the_library_takes_the_same_options() -> None:
    assert set(Beyond.__annotations__) == {field.name for field in fields(LiftOptions)}


def test_finishing_a_motion_that_was_read_back_is_the_same(tmp_path: Path) -> None:
    from motionlift import read, write

    write(lifter().lift_pose(keypoints()), tmp_path / "px.npz")
    (back,) = read(tmp_path / "px.npz", kind="motion")
    options = LiftOptions(height=1.7)
    assert_allclose(
        finish(back, options).positions,
        lift_with(lifter(), keypoints(), options).positions,
        atol=1e-5,
    )


def test_a_path_that_is_found_later_leaves_the_perspective_in_and_says_so() -> None:
    options = LiftOptions(height=1.7, focal=1000.0)
    later = finish(lifter().lift_pose(keypoints()), options)
    assert "whose perspective is still in the joints" in later.notes[-1]
    at_once = lift_with(lifter(), keypoints(), options)
    assert not any("still in the joints" in note for note in at_once.notes)


def test_gaps_are_not_filled_after_the_lift() -> None:
    with pytest.raises(OptionError, match="--interpolate-gaps: the keypoints are lifted already"):
        finish(lifter().lift_pose(keypoints()), LiftOptions(interpolate_gaps=5))


def test_up_may_be_given_as_a_direction() -> None:
    level: Callable[[str], Pose3D] = lambda up: lift_with(  # noqa: E731
        lifter(), keypoints(), LiftOptions(height=1.7, focal=1000.0, up=up)
    )
    assert_allclose(level("0,-1,0").positions, level("camera").positions, atol=1e-6)
    tilted = level("0,-1,0.2")
    assert tilted.notes[-1] == "up is 0,-1,0.2 in the camera's axes, as given"
    assert not np.allclose(tilted.positions, level("camera").positions, atol=0.05)


def test_motion_that_is_in_metres_already_is_refused() -> None:
    metric = finish(lifter().lift_pose(keypoints()), LiftOptions(height=1.7))
    with pytest.raises(OptionError, match=r"walk\.json is no lift in pixels"):
        finish(metric, LiftOptions(height=1.8))


def test_keypoints_outside_the_picture_are_said_and_so_is_a_size_turned_around() -> None:
    pose = keypoints()
    tall = replace(pose, keypoints=pose.keypoints + np.array([0.0, 600.0]))
    options = LiftOptions(height=1.7, focal=1000.0, image_size=(1280, 720))
    notes = lift_with(lifter(), tall, options).notes
    assert any("lie outside a picture of 1280 x 720; is it 720 x 1280?" in note for note in notes)
    inside = lift_with(lifter(), pose, options).notes
    assert not any("lie outside" in note for note in inside)
