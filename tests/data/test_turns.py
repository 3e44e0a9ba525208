"""Limbs turned: rigid limbs keep what they are, and world and body agree on what a turn is."""

import torch

from motionlift.data.draws import Draws
from motionlift.data.turns import TURNING, turn_limbs
from motionlift.skeletons import H36M17
from tests.data.bodies import moving

DRAWS = Draws.of(torch.arange(40), seed=0, epoch=0)
SEEN = torch.ones(40, 5, 17)


def _people() -> torch.Tensor:
    return torch.stack([torch.from_numpy(moving(5, seed=seed)) for seed in range(40)]).double()


def test_bones_keep_their_lengths_and_girdles_their_shape() -> None:
    people = _people()
    turned = turn_limbs(people, SEEN, DRAWS, turn=0.5)
    at = H36M17.index
    rigid = [*H36M17.bones, (at("left_shoulder"), at("right_shoulder"))]
    for first, last in rigid:
        before = (people[:, :, first] - people[:, :, last]).norm(dim=-1)
        torch.testing.assert_close((turned[:, :, first] - turned[:, :, last]).norm(dim=-1), before)


def test_knees_and_elbows_bend_as_they_did() -> None:
    people = _people()
    turned = turn_limbs(people, SEEN, DRAWS, turn=0.5)
    for first, last in (("left_shoulder", "left_wrist"), ("right_hip", "right_ankle")):
        ends = [H36M17.index(first), H36M17.index(last)]
        before = (people[:, :, ends[0]] - people[:, :, ends[1]]).norm(dim=-1)
        after = (turned[:, :, ends[0]] - turned[:, :, ends[1]]).norm(dim=-1)
        torch.testing.assert_close(after, before)


def test_the_hips_stay_and_everything_else_moves_by_up_to_some_decimetres() -> None:
    people = _people()
    moved = (turn_limbs(people, SEEN, DRAWS, turn=0.5) - people).norm(dim=-1).mean(dim=(0, 1))
    hips = [H36M17.index(joint) for joint in ("pelvis", "left_hip", "right_hip")]
    assert torch.equal(moved[hips], torch.zeros(3).double())
    moved[hips] = 0.1
    assert moved.min() > 0.03
    assert moved.max() < 0.3


def test_a_turn_is_the_same_in_all_frames_of_a_clip() -> None:
    still = _people()[:, :1].expand(-1, 5, -1, -1)
    turned = turn_limbs(still, SEEN, DRAWS, turn=0.5)
    torch.testing.assert_close(turned, turned[:, :1].expand(-1, 5, -1, -1))


def test_how_the_person_stands_and_faces_does_not_matter() -> None:
    angle = torch.tensor(1.1).double()
    about = torch.stack(
        [
            torch.stack([angle.cos(), angle * 0, angle.sin()]),
            torch.tensor([0.0, 1.0, 0.0]).double(),
            torch.stack([-angle.sin(), angle * 0, angle.cos()]),
        ]
    )
    people, there = _people(), torch.tensor([3.0, 0.5, -2.0]).double()
    turned = turn_limbs(people @ about.T + there, SEEN, DRAWS, turn=0.5)
    expected = turn_limbs(people, SEEN, DRAWS, turn=0.5) @ about.T + there
    torch.testing.assert_close(turned, expected)


def test_a_clip_whose_girdles_were_not_seen_all_the_time_stays_as_it_is() -> None:
    people, seen = _people(), SEEN.clone()
    seen[3, 2, H36M17.index("thorax")] = 0
    seen[4, :, H36M17.index("left_wrist")] = 0
    changed = (turn_limbs(people, seen, DRAWS, turn=0.5) != people).flatten(1).any(dim=1)
    assert not changed[3]
    assert changed[4]


def test_a_body_without_a_frame_stays_finite_and_where_it_is() -> None:
    flat = torch.zeros(40, 5, 17, 3)
    assert torch.equal(turn_limbs(flat, SEEN, DRAWS, turn=0.5), flat)


def test_the_trunk_turns_first_and_carries_the_arms() -> None:
    joints, pivot, _, _ = TURNING[0]
    assert pivot == "pelvis"
    assert {"left_wrist", "right_wrist", "head_top"} <= set(joints)
