"""Perspective is taken out of keypoints, exactly where depths are exact, before a second lift."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from motionlift.calibration import PinholeCamera
from motionlift.perspective import lift_without_perspective, without_perspective
from motionlift.poses import Pose2D, Pose3D
from motionlift.scale import in_metres, stature
from motionlift.skeletons import H36M17
from motionlift.trajectory import camera_of_lens, turns_to
from tests.test_trajectory import FOCAL, IMAGE_SIZE, Points, lifted, rays_of, walker


@pytest.fixture
def camera() -> PinholeCamera:
    return camera_of_lens(focal=FOCAL, image_size=IMAGE_SIZE)


def in_pixels(joints: Points, camera: PinholeCamera) -> Pose3D:
    """What a perfect lift of these joints (camera space) is before anybody says a height."""
    metric = lifted(joints, camera)
    size = FOCAL / np.linalg.norm(joints[:, H36M17.root], axis=-1)
    return replace(
        metric,
        positions=metric.positions * size[:, None, None],
        units="px",
        metres_per_pixel=None,
    )


def seen_from_afar(joints: Points, camera: PinholeCamera) -> Points:
    """The joints as a camera that looks straight at the root sees them without perspective."""
    turns = turns_to(rays_of(joints)[:, H36M17.root])
    body = np.einsum("fba,fjb->fja", turns, joints - joints[:, [H36M17.root]])
    size = FOCAL / np.linalg.norm(joints[:, H36M17.root], axis=-1)
    root = camera.to_image(joints)[:, [H36M17.root]]
    return root + size[:, None, None] * body[..., :2]


@pytest.mark.parametrize("about", [(0.0, 0.5, 3.0), (1.5, -1.0, 4.0)])
def test_with_true_depths_the_keypoints_become_those_of_a_parallel_camera(
    about: tuple[float, float, float], camera: PinholeCamera
) -> None:
    joints = walker(about=about)
    pose = in_pixels(joints, camera)
    height = stature(joints - joints[:, [H36M17.root]])
    parallel = without_perspective(pose, camera, height=height)
    wanted = seen_from_afar(joints, camera)
    assert_allclose(parallel.keypoints, wanted, atol=0.05)
    assert pose.lifted_from is not None
    assert np.abs(pose.lifted_from.keypoints - wanted).max() > 20


def test_from_far_away_there_is_no_perspective() -> None:
    camera = camera_of_lens(focal=300 * FOCAL, image_size=IMAGE_SIZE)
    joints = walker(about=(0.0, 0.0, 1500.0))
    pose = replace(in_pixels(joints, camera), root_xy=camera.to_image(joints)[:, H36M17.root])
    parallel = without_perspective(pose, camera, height=1.7)
    assert pose.lifted_from is not None
    assert_allclose(parallel.keypoints, pose.lifted_from.keypoints, atol=1.0)


def test_keypoints_that_nobody_saw_stay_missing(camera: PinholeCamera) -> None:
    pose = in_pixels(walker(), camera)
    assert pose.lifted_from is not None
    keypoints, confidence = pose.lifted_from.keypoints.copy(), pose.lifted_from.confidence.copy()
    keypoints[:, H36M17.index("spine")], confidence[:, H36M17.index("spine")] = np.nan, 0.0
    seen = replace(pose.lifted_from, keypoints=keypoints, confidence=confidence)
    parallel = without_perspective(replace(pose, lifted_from=seen), camera, height=1.7)
    assert (parallel.is_visible == seen.is_visible).all()
    assert np.isfinite(parallel.keypoints[parallel.is_visible]).all()


def test_a_keypoint_where_the_lens_sees_nothing_is_left_out_and_said(
    camera: PinholeCamera,
) -> None:
    matrix = np.array([[1450.0, 0, 640], [0, 1450.0, 360], [0, 0, 1]])
    camera = replace(camera, matrix=matrix, distortion=(-0.35, 0.12, 0.0, 0.0))
    pose = in_pixels(walker(), camera)
    assert pose.lifted_from is not None
    wrist = H36M17.index("left_wrist")
    keypoints = pose.lifted_from.keypoints.copy()
    keypoints[3, wrist] = [-2500.0, -1500.0]
    seen = replace(pose.lifted_from, keypoints=keypoints)
    first = replace(pose, lifted_from=seen)
    parallel = without_perspective(first, camera, height=1.7)
    lost = np.argwhere(seen.is_visible & ~parallel.is_visible).tolist()
    assert lost == [[3, wrist]]
    again = lift_without_perspective(lambda *_: first, seen, camera, height=1.7)
    assert "1 keypoints, where the lens sees nothing, were left out" in again.notes[-1]


def test_the_second_lift_answers_and_the_first_says_where(camera: PinholeCamera) -> None:
    joints = walker()
    first = in_pixels(joints, camera)
    assert first.lifted_from is not None
    asked: list[Pose2D] = []
    told: list[tuple[int, int]] = []

    def lift(pose: Pose2D, on_progress: object) -> Pose3D:
        asked.append(pose)
        assert callable(on_progress)
        on_progress(len(joints), len(joints))
        positions = first.positions * (1.0 if len(asked) == 1 else 1.5)
        return replace(first, positions=positions, root_xy=100.0 * len(asked) + first.root_xy)

    again = lift_without_perspective(
        lift,
        first.lifted_from,
        camera,
        height=1.7,
        on_progress=lambda done, total: told.append((done, total)),
    )
    assert asked[0] is first.lifted_from
    assert np.abs(asked[1].keypoints - asked[0].keypoints).max() > 10
    assert_allclose(again.positions, 1.5 * first.positions)
    assert_allclose(again.root_xy, 100.0 + first.root_xy)
    assert again.lifted_from is first.lifted_from
    assert told == [(len(joints), 2 * len(joints)), (2 * len(joints), 2 * len(joints))]
    assert "lifted twice" in again.notes[-1]
    assert in_metres(again, height=1.7).units == "m"
