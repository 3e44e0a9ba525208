"""Limbs of another motion: rigid motions and identities have closed answers."""

import pytest
import torch

from motionlift.data.draws import Draws
from motionlift.data.limbs import LIMBS, exchanged, limbs_known, with_limbs_of
from motionlift.skeletons import H36M17
from tests.data.bodies import moving

EVERYTHING = torch.ones(1, H36M17.num_joints, dtype=torch.bool)
LEGS = exchanged(torch.zeros(1))


def _person(seed: int) -> torch.Tensor:
    return torch.from_numpy(moving(5, seed=seed))[None].double()


def test_limbs_of_the_same_motion_change_nothing() -> None:
    torch.testing.assert_close(with_limbs_of(_person(0), _person(0), EVERYTHING), _person(0))


def test_how_the_other_person_stands_and_faces_does_not_matter() -> None:
    angle = torch.tensor(1.1).double()
    turn = torch.tensor(
        [
            [angle.cos(), 0.0, angle.sin()],
            [0.0, 1.0, 0.0],
            [-angle.sin(), 0.0, angle.cos()],
        ]
    ).double()
    elsewhere = _person(1) @ turn.T + torch.tensor([3.0, 0.5, -2.0])
    expected = with_limbs_of(_person(0), _person(1), EVERYTHING)
    torch.testing.assert_close(with_limbs_of(_person(0), elsewhere, EVERYTHING), expected)


def test_a_limb_has_the_lengths_and_bends_it_has_in_the_other_motion() -> None:
    own, other = _person(0), _person(1)
    mixed = with_limbs_of(own, other, LEGS)
    hip, knee, ankle = (H36M17.index(f"left_{joint}") for joint in ("hip", "knee", "ankle"))
    for first, last in ((hip, knee), (knee, ankle), (hip, ankle)):
        length = (other[:, :, last] - other[:, :, first]).norm(dim=-1)
        torch.testing.assert_close((mixed[:, :, last] - mixed[:, :, first]).norm(dim=-1), length)


def test_all_joints_but_the_limbs_own_stay() -> None:
    mixed = with_limbs_of(_person(0), _person(1), LEGS)
    moved = (mixed != _person(0)).flatten(0, 1).any(dim=0).any(dim=-1)
    assert torch.equal(moved, LEGS[0])
    assert [H36M17.joints[joint] for joint in LEGS[0].nonzero()[:, 0]] == [
        "right_knee",
        "right_ankle",
        "left_knee",
        "left_ankle",
    ]


def test_each_limb_is_drawn_as_often_as_the_others() -> None:
    which = exchanged(Draws.of(torch.arange(6000), seed=0, epoch=0).uniform("limb"))
    kinds, counts = which.unique(dim=0, return_counts=True)
    assert len(kinds) == len(LIMBS) == 6
    assert counts.float() == pytest.approx(1000, abs=120)


def test_a_body_folded_in_line_with_its_hips_stays_finite() -> None:
    flat = torch.zeros(1, 5, 17, 3).double()
    assert with_limbs_of(flat, _person(0), EVERYTHING).isfinite().all()


def test_a_limb_is_known_where_both_girdles_and_all_of_it_were_seen() -> None:
    at = H36M17.index
    own, other = torch.ones(3, 1, 17), torch.ones(3, 1, 17)
    own[0, 0, at("left_hip")] = 0
    other[1, 0, at("left_knee")] = 0
    other[2, 0, at("thorax")] = 0
    known = limbs_known(own, other)[:, 0]
    names = [{H36M17.joints[joint] for joint in row.nonzero()[:, 0]} for row in known]
    legs = {f"{side}_{joint}" for side in ("left", "right") for joint in ("knee", "ankle")}
    arms = {f"{side}_{joint}" for side in ("left", "right") for joint in ("elbow", "wrist")}
    assert names == [arms, arms | legs - {"left_knee", "left_ankle"}, set()]
