"""The root's path in metres: exact where lift and keypoints are, and said where it is not known."""

from dataclasses import replace

import numpy as np
import pytest
from jaxtyping import Float
from numpy.testing import assert_allclose

from motionlift.calibration import PinholeCamera
from motionlift.camera import look_rotation
from motionlift.errors import MotionliftError
from motionlift.example import make_example
from motionlift.poses import Pose2D, Pose3D
from motionlift.scale import ANKLE_HEIGHT, stature
from motionlift.skeletons import H36M17
from motionlift.trajectory import camera_of_lens, in_world, solve_path, turns_to, up_of_body

IMAGE_SIZE, FOCAL = (1280, 720), 1450.0
Points = Float[np.ndarray, "frame 17 3"]


def walker(*, about: tuple[float, float, float] = (0.0, 0.5, 5.0)) -> Points:
    """The example's walk in camera space, its middle at a place before the camera."""
    joints = make_example().truth.positions.astype(np.float64)[::8]
    return joints - joints[:, H36M17.root].mean(axis=0) + np.array(about)


def rays_of(joints: Points) -> Float[np.ndarray, "frame 17 2"]:
    return joints[..., :2] / joints[..., 2:]


def lifted(joints: Points, camera: PinholeCamera, *, confidence: float = 0.9) -> Pose3D:
    """What a perfect lift in metres of these joints (camera space) is."""
    frames = np.arange(len(joints))
    image = camera.to_image(joints)
    ahead = turns_to(rays_of(joints)[:, H36M17.root])
    body = np.einsum("fba,fjb->fja", ahead, joints - joints[:, [H36M17.root]])
    seen = Pose2D(
        skeleton=H36M17,
        keypoints=image,
        confidence=np.full(image.shape[:2], confidence),
        frame_index=frames,
        fps=50.0,
        image_size=IMAGE_SIZE,
    )
    return Pose3D(
        skeleton=H36M17,
        positions=body,
        confidence=np.ones(image.shape[:2]),
        frame_index=frames,
        fps=50.0,
        units="m",
        space="camera",
        source="walk.json",
        lifted_from=seen,
        root_xy=image[:, H36M17.root],
        metres_per_pixel=0.003,
    )


def test_a_true_body_and_its_rays_give_the_true_path() -> None:
    joints = walker()
    body = joints - joints[:, [H36M17.root]]
    root, is_solved = solve_path(body, rays_of(joints), np.ones(body.shape[:2]))
    assert is_solved.all()
    assert_allclose(root, joints[:, H36M17.root], atol=1e-9)


def test_a_body_a_tenth_too_large_is_a_tenth_too_far() -> None:
    joints = walker()
    body = 1.1 * (joints - joints[:, [H36M17.root]])
    root, _ = solve_path(body, rays_of(joints), np.ones(body.shape[:2]))
    assert_allclose(root, 1.1 * joints[:, H36M17.root], rtol=1e-9)


def test_a_keypoint_without_confidence_does_not_count() -> None:
    joints = walker()
    body, rays = joints - joints[:, [H36M17.root]], rays_of(joints)
    weight = np.ones(body.shape[:2])
    rays[:, 3], weight[:, 3] = np.nan, 0.0
    rays[:, 5] += 0.4
    weight[:, 5] = 1e-9
    root, is_solved = solve_path(body, rays, weight)
    assert is_solved.all()
    assert_allclose(root, joints[:, H36M17.root], atol=1e-6)


def test_jitter_of_keypoints_is_averaged_over_the_body() -> None:
    joints = walker()
    body = joints - joints[:, [H36M17.root]]
    jitter = np.random.default_rng(0).normal(0, 2 / FOCAL, rays_of(joints).shape)
    root, _ = solve_path(body, rays_of(joints) + jitter, np.ones(body.shape[:2]))
    error = np.abs(root - joints[:, H36M17.root]).mean(axis=0)
    # Two pixels are 7 mm at 5 m; across, 17 joints average them.
    assert error[:2].max() < 0.004
    assert error[2] < 0.04


def test_a_person_beside_the_middle_of_the_picture_is_turned_and_placed() -> None:
    joints = walker(about=(2.0, -0.3, 4.5))
    camera = camera_of_lens(focal=FOCAL, image_size=IMAGE_SIZE)
    world = in_world(lifted(joints, camera), camera, on_floor=False)
    assert (world.units, world.space) == ("m", "world")
    assert_allclose(world.positions, joints * [1, -1, -1], atol=1e-5)


def test_the_ground_lies_under_the_lowest_foot_and_the_camera_above_it() -> None:
    joints = walker()
    camera = camera_of_lens(focal=FOCAL, image_size=IMAGE_SIZE)
    world = in_world(lifted(joints, camera), camera, on_floor=True)
    ankles = world.positions[:, [H36M17.index("left_ankle"), H36M17.index("right_ankle")], 1]
    lowest = np.percentile(ankles.min(axis=1), 2)
    assert lowest == pytest.approx(ANKLE_HEIGHT * stature(world.positions), abs=1e-5)
    assert any("y = 0, is under the lowest foot" in note for note in world.notes)


def test_a_calibrated_camera_gives_the_world_it_was_calibrated_in() -> None:
    joints = walker()
    turn = look_rotation(yaw=np.float64(0.7), pitch=np.float64(0.2), roll=np.float64(0.05))
    camera = replace(
        camera_of_lens(focal=FOCAL, image_size=IMAGE_SIZE),
        rotation=turn,
        translation=np.array([0.3, 1.0, 4.0]),
        distortion=(-0.05, 0.02, 1e-3, -1e-3),
    )
    world = in_world(lifted(joints, camera), camera, on_floor=False)
    assert_allclose(world.positions, camera.to_world(joints), atol=1e-5)
    assert_allclose(camera.to_camera(camera.to_world(joints)), joints, atol=1e-12)


@pytest.mark.parametrize("up", [(0.0, -1.0, 0.0), (0.1, -0.9, 0.3), (0, 0, -1), (0, 0, 1)])
def test_the_given_up_is_up(up: tuple[float, float, float]) -> None:
    camera = camera_of_lens(focal=FOCAL, image_size=IMAGE_SIZE, up=up)
    assert_allclose(camera.rotation @ camera.rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(camera.rotation) == pytest.approx(1)
    assert_allclose(camera.to_world(np.array(up)), [0, np.linalg.norm(up), 0], atol=1e-12)


def test_somebody_upright_says_where_up_is() -> None:
    # The example's camera looks down by 0.07, turned about its axis by 0.01.
    turn = look_rotation(yaw=np.float64(0), pitch=np.float64(0.07), roll=np.float64(0.01))
    assert_allclose(up_of_body(walker()), turn @ [0, 1, 0], atol=0.02)


def test_frames_without_keypoints_enough_are_bridged_and_counted() -> None:
    joints = walker()
    camera = camera_of_lens(focal=FOCAL, image_size=IMAGE_SIZE)
    whole = lifted(joints, camera)
    assert whole.lifted_from is not None
    keypoints = whole.lifted_from.keypoints.copy()
    confidence = whole.lifted_from.confidence.copy()
    keypoints[10:12, 3:], confidence[10:12, 3:] = np.nan, 0.0
    seen = replace(whole.lifted_from, keypoints=keypoints, confidence=confidence)
    world = in_world(replace(whole, lifted_from=seen), camera, on_floor=False)
    root = world.positions[:, H36M17.root]
    assert_allclose(root[10], (2 * root[9] + root[12]) / 3, atol=1e-5)
    assert any("in 2 frames the keypoints do not say" in note for note in world.notes)


def test_keypoints_that_fall_on_one_point_are_bridged_like_missing_ones() -> None:
    camera = camera_of_lens(focal=FOCAL, image_size=IMAGE_SIZE)
    joints = walker()
    whole = lifted(joints, camera)
    assert whole.lifted_from is not None
    keypoints = whole.lifted_from.keypoints.copy()
    generator = np.random.default_rng(0)
    keypoints[10:15] = generator.uniform(100, 600, size=(5, 1, 2))
    glitch = replace(whole, lifted_from=replace(whole.lifted_from, keypoints=keypoints))
    world = in_world(glitch, camera, on_floor=False)
    assert any("in 5 frames the keypoints do not say" in note for note in world.notes)
    expected = in_world(whole, camera, on_floor=False).positions
    assert np.linalg.norm(world.positions - expected, axis=-1).max() < 0.2


def test_missing_frames_stay_missing() -> None:
    joints = walker()
    camera = camera_of_lens(focal=FOCAL, image_size=IMAGE_SIZE)
    whole = lifted(joints, camera)
    positions, confidence = whole.positions.copy(), whole.confidence.copy()
    positions[4], confidence[4] = np.nan, 0.0
    world = in_world(
        replace(whole, positions=positions, confidence=confidence), camera, on_floor=True
    )
    assert np.isnan(world.positions[4]).all()
    assert np.isfinite(world.positions[5]).all()


def test_keypoints_that_never_say_where_the_root_is_are_an_error() -> None:
    joints = walker()
    camera = camera_of_lens(focal=FOCAL, image_size=IMAGE_SIZE)
    whole = lifted(joints, camera)
    assert whole.lifted_from is not None
    keypoints = np.full_like(whole.lifted_from.keypoints, np.nan)
    confidence = np.zeros_like(whole.lifted_from.confidence)
    keypoints[:, :2], confidence[:, :2] = whole.lifted_from.keypoints[:, :2], 0.9
    seen = replace(whole.lifted_from, keypoints=keypoints, confidence=confidence)
    with pytest.raises(MotionliftError, match=r"walk\.json: in no frame"):
        in_world(replace(whole, lifted_from=seen), camera, on_floor=True)
