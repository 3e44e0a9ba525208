"""Bodies and cameras: closed forms for the flip and the projections, moments for the draws."""

import math

import pytest
import torch

from motionlift.camera import look_rotation
from motionlift.data.draws import Draws
from motionlift.data.views import (
    BodySettings,
    ViewSettings,
    flip,
    rotations_of_views,
    see,
    vary_body,
)
from motionlift.skeletons import H36M17
from tests.data.bodies import moving


def _people(count: int, frames: int = 5) -> torch.Tensor:
    return torch.stack([torch.from_numpy(moving(frames, seed=seed)) for seed in range(count)])


def _draws(count: int) -> Draws:
    return Draws.of(torch.arange(count), seed=0, epoch=0)


def test_flip_twice_is_identity() -> None:
    people = _people(3)
    assert torch.equal(flip(flip(people)), people)


def test_flip_puts_the_left_wrist_where_the_right_was_mirrored() -> None:
    people = _people(1)
    left, right = H36M17.index("left_wrist"), H36M17.index("right_wrist")
    expected = people[:, :, right] * torch.tensor([-1.0, 1.0, 1.0])
    assert torch.equal(flip(people)[:, :, left], expected)


def test_tumbled_cameras_look_every_way_alike() -> None:
    turned = rotations_of_views(_draws(20000), ViewSettings(tumbled=1.0))
    # Of uniform rotations each entry has mean 0 and variance 1/3, and the axes are independent.
    assert turned.mean(dim=0).abs().max() < 0.02
    torch.testing.assert_close(turned.var(dim=0), torch.full((3, 3), 1 / 3), atol=0.01, rtol=0)


def test_half_of_the_samples_are_flipped() -> None:
    people = _people(1).expand(2000, -1, -1, -1)
    varied = vary_body(people, _draws(2000), BodySettings(flip=0.5))
    share = (varied != people).flatten(1).any(dim=1).float().mean()
    assert abs(share - 0.5) < 0.05


def test_rescaled_bones_keep_their_directions_and_both_sides_alike() -> None:
    people = _people(4)
    varied = vary_body(people, _draws(4), BodySettings(bone_scale=0.1, limb_scale=0.1, flip=0.0))
    factors = {}
    for parent, joint in H36M17.bones:
        before = people[:, :, joint] - people[:, :, parent]
        after = varied[:, :, joint] - varied[:, :, parent]
        factor = after.norm(dim=-1) / before.norm(dim=-1)
        torch.testing.assert_close(after, before * factor[..., None], atol=1e-5, rtol=1e-4)
        assert factor.std(dim=1).max() < 1e-3  # the same in every frame
        factors[joint] = factor
    for joint, other in enumerate(H36M17.mirror):
        if joint in factors:
            torch.testing.assert_close(factors[joint], factors[other], atol=1e-3, rtol=1e-3)


def test_a_front_view_shows_the_person_upright_with_left_on_the_right() -> None:
    camera, image = see(_people(1), _draws(1), ViewSettings(kind="front"))
    head, ankle = H36M17.index("head_top"), H36M17.index("left_ankle")
    assert (image[..., head, 1] < image[..., ankle, 1]).all()
    left, right = H36M17.index("left_shoulder"), H36M17.index("right_shoulder")
    assert (image[..., left, 0] > image[..., right, 0]).all()
    nose, thorax = H36M17.index("nose"), H36M17.index("thorax")
    assert (camera[..., nose, 2] < camera[..., thorax, 2]).all()  # it looks at us


def test_views_turn_bodies_and_do_not_deform_them() -> None:
    people = _people(6)
    camera, image = see(people, _draws(6), ViewSettings())
    assert torch.equal(image, camera[..., :2])
    before = (people[:, :, :, None] - people[:, :, None]).norm(dim=-1)
    after = (camera[:, :, :, None] - camera[:, :, None]).norm(dim=-1)
    torch.testing.assert_close(before, after, atol=1e-5, rtol=1e-4)


def test_a_camera_from_above_sees_the_head_nearer_than_the_feet() -> None:
    pitch = torch.tensor([0.8])
    rotation = look_rotation(yaw=torch.zeros(1), pitch=pitch, roll=torch.zeros(1))
    up_in_camera = rotation[0] @ torch.tensor([0.0, 1.0, 0.0])
    torch.testing.assert_close(up_in_camera, torch.tensor([0.0, -math.cos(0.8), -math.sin(0.8)]))


def test_yaw_covers_the_circle_and_rotations_are_proper() -> None:
    rotations = rotations_of_views(_draws(4000), ViewSettings())
    torch.testing.assert_close(torch.linalg.det(rotations), torch.ones(4000))
    forward = rotations[:, 2, [0, 2]]
    angle = torch.atan2(forward[:, 0], forward[:, 1])
    counts = torch.histc(angle, bins=8, min=-math.pi, max=math.pi) / 4000
    assert (counts - 1 / 8).abs().max() < 0.02


def test_shares_of_high_and_low_cameras_are_as_set() -> None:
    settings = ViewSettings(tripod_pitch=0.0, high=0.3, low=0.2)
    down = -rotations_of_views(_draws(5000), settings)[:, 2, 1]  # sine of the pitch
    assert abs((down > 1e-6).float().mean() - 0.3) < 0.03
    assert abs((down < -1e-6).float().mean() - 0.2) < 0.03


def test_perspective_enlarges_what_is_nearer_by_distance() -> None:
    settings = ViewSettings(projection="perspective", nearest=2.5)
    camera, image = see(_people(50), _draws(50), settings)
    ratio = (camera[..., :2] / image)[..., 1:, :]
    nearness = ratio.mean(dim=-1) - 1
    slope = (nearness / camera[..., 1:, 2])[camera[..., 1:, 2].abs() > 0.05]
    assert slope.min() >= -1e-3
    assert slope.max() <= 1 / 2.5 + 1e-3


def test_weak_perspective_scales_whole_poses() -> None:
    camera, image = see(_people(8), _draws(8), ViewSettings(projection="weak-perspective"))
    ratio = camera[..., :2] / image
    assert ratio.flatten(2).std(dim=-1).max() < 1e-4


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_the_share_of_perspective_samples_is_as_set(share: float) -> None:
    settings = ViewSettings(projection="perspective", share=share)
    camera, image = see(_people(1).expand(1000, -1, -1, -1), _draws(1000), settings)
    is_perspective = (camera[..., :2] != image).flatten(1).any(dim=1).float().mean()
    assert abs(is_perspective - share) < 0.05


def test_detectors_samples_have_a_share_of_their_own() -> None:
    settings = ViewSettings(projection="perspective", share=0.1, share_of_detectors=0.7)
    detected = torch.arange(2000) % 2 == 0
    people = _people(1).expand(2000, -1, -1, -1)
    camera, image = see(people, _draws(2000), settings, detected=detected)
    is_perspective = (camera[..., :2] != image).flatten(1).any(dim=1).float()
    assert abs(is_perspective[detected].mean() - 0.7) < 0.05
    assert abs(is_perspective[~detected].mean() - 0.1) < 0.05
