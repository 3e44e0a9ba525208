from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from motionlift import losses
from motionlift.tasks.lift import _TERMS

Arrays = dict[str, np.ndarray]
Term = Callable[[Tensor, Arrays], Tensor]
F, J = 3, 17


def _with_target(function: Callable[[Tensor, Tensor], Tensor]) -> Term:
    def term(predicted: Tensor, golden: Arrays) -> Tensor:
        frames = predicted.shape[1]
        return function(predicted, torch.from_numpy(golden["gt"][:, :frames]).to(predicted))

    return term


def _reprojection(predicted: Tensor, golden: Arrays) -> Tensor:
    frames = predicted.shape[1]
    target = torch.from_numpy(golden["gt"][:, :frames, :, :2]).to(predicted)
    confidence = torch.from_numpy(golden["conf"][:, :frames, :, 0]).to(predicted)
    return losses.reprojection_loss(predicted, target, confidence)


# The published name of each term, and ours.
TERMS: dict[str, Term] = {
    "loss_mpjpe": _with_target(losses.position_loss),
    "n_mpjpe": _with_target(losses.scale_loss),
    "loss_velocity": _with_target(losses.velocity_loss),
    "loss_2d_weighted": _reprojection,
    "loss_limb_var": lambda predicted, golden: losses.limb_variance_loss(predicted),
    "loss_limb_gt": _with_target(losses.limb_length_loss),
    "loss_angle": _with_target(losses.angle_loss),
    "loss_angle_velocity": _with_target(losses.angle_velocity_loss),
}
EACH_TERM = pytest.mark.parametrize("name", TERMS)


@pytest.fixture(scope="module")
def golden(shared: Path) -> Arrays:
    with np.load(shared / "reference" / "losses.npz", allow_pickle=False) as file:
        return dict(file)


@EACH_TERM
def test_values_and_gradients_are_the_published_ones(golden: Arrays, name: str) -> None:
    predicted = torch.from_numpy(golden["pred"]).requires_grad_()
    loss = TERMS[name](predicted, golden)
    loss.backward()
    assert predicted.grad is not None
    np.testing.assert_allclose(loss.item(), golden[f"{name}/value64"], rtol=1e-12)
    np.testing.assert_allclose(predicted.grad.numpy(), golden[f"{name}/grad64"], atol=1e-12)


@EACH_TERM
def test_single_precision_is_close(golden: Arrays, name: str) -> None:
    loss = TERMS[name](torch.from_numpy(golden["pred"]).float(), golden)
    np.testing.assert_allclose(loss.item(), golden[f"{name}/value32"], rtol=1e-5)


@EACH_TERM
@pytest.mark.parametrize("frames", [1, 2])
def test_the_shortest_clips_have_losses_too(golden: Arrays, name: str, frames: int) -> None:
    predicted = torch.from_numpy(golden["pred"][:, :frames]).requires_grad_()
    loss = TERMS[name](predicted, golden)
    loss.backward()
    assert predicted.grad is not None
    assert predicted.grad.isfinite().all()
    np.testing.assert_allclose(loss.item(), golden[f"{name}/T{frames}_value64"], rtol=1e-12)


@EACH_TERM
@pytest.mark.parametrize("edge", ["identical", "zero_pred", "both_zero", "collapsed_pred"])
def test_degenerate_poses_give_finite_losses_and_gradients(
    golden: Arrays, name: str, edge: str
) -> None:
    changed = dict(golden)
    if edge == "both_zero":
        changed["gt"] = np.zeros_like(golden["gt"])
    poses = {
        "identical": golden["gt"],
        "zero_pred": np.zeros_like(golden["pred"]),
        "both_zero": np.zeros_like(golden["pred"]),
        "collapsed_pred": np.repeat(golden["gt"][:, :, :1], J, axis=2),
    }
    predicted = torch.from_numpy(poses[edge]).requires_grad_()
    loss = TERMS[name](predicted, changed)
    loss.backward()
    assert predicted.grad is not None
    assert predicted.grad.isfinite().all()
    assert loss.isfinite()
    published = golden[f"edge_{edge}/{name}/value64"]
    if np.isfinite(published):
        np.testing.assert_allclose(loss.item(), published, rtol=1e-6, atol=1e-12)


def test_a_zero_prediction_has_no_scale_and_stays_zero() -> None:
    target = torch.randn(2, F, J, 3)
    loss = losses.scale_loss(torch.zeros(2, F, J, 3), target)
    torch.testing.assert_close(loss, target.norm(dim=-1).mean())


def test_position_is_the_length_of_the_way_between() -> None:
    target = torch.zeros(1, F, J, 3)
    assert losses.position_loss(target + torch.tensor([3.0, 0, 4.0]), target).item() == 5


def test_a_constant_offset_has_no_velocity_error() -> None:
    target = torch.arange(F).view(1, F, 1, 1) * torch.ones(1, F, J, 3)
    assert losses.velocity_loss(target + 7, target).item() == 0


def test_standing_still_misses_the_velocity_of_the_target() -> None:
    target = torch.arange(F).view(1, F, 1, 1) * torch.tensor([0.0, 2.0, 0.0]).expand(1, F, J, 3)
    assert losses.velocity_loss(torch.zeros_like(target), target).item() == 2


def test_scale_does_not_matter_to_the_scale_loss() -> None:
    target = torch.randn(2, F, J, 3, dtype=torch.float64)
    assert losses.scale_loss(0.3 * target, target).item() == pytest.approx(0, abs=1e-12)


def test_joints_without_confidence_add_nothing_but_count() -> None:
    predicted = torch.zeros(1, 1, J, 3)
    target = torch.tensor([3.0, 4.0]).expand(1, 1, J, 2)
    confidence = torch.zeros(1, 1, J)
    confidence[..., 0] = 1
    assert losses.reprojection_loss(predicted, target, confidence).item() == pytest.approx(5 / J)


def test_depth_does_not_matter_to_the_reprojection() -> None:
    predicted = torch.randn(1, F, J, 3)
    ones = torch.ones(1, F, J)
    moved = predicted + torch.tensor([0.0, 0.0, 9.0])
    loss = losses.reprojection_loss(moved, predicted[..., :2], ones)
    assert loss.item() == 0


def _flat_case() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    predicted = torch.randn(2, 5, 17, 3, generator=generator, dtype=torch.float64)
    target = torch.randn(2, 5, 17, 2, generator=generator, dtype=torch.float64)
    confidence = torch.rand(2, 5, 17, generator=generator, dtype=torch.float64)
    return predicted, target, confidence


def test_a_reprojection_that_only_stands_elsewhere_is_no_error() -> None:
    predicted, _, confidence = _flat_case()
    where = torch.randn(2, 5, 1, 2, dtype=torch.float64)
    loss = losses.placed_reprojection_loss(predicted, predicted[..., :2] + where, confidence)
    torch.testing.assert_close(loss, torch.zeros_like(loss), atol=1e-12, rtol=0)


def test_what_stands_at_unseen_joints_the_root_too_does_not_count() -> None:
    predicted, target, confidence = _flat_case()
    confidence[:, :, [0, 7]] = 0
    predicted.requires_grad_()
    loss = losses.placed_reprojection_loss(predicted, target, confidence)
    (gradient,) = torch.autograd.grad(loss, predicted)
    moved = target.clone()
    moved[:, :, [0, 7]] = 1e3
    again = losses.placed_reprojection_loss(predicted, moved, confidence)
    torch.testing.assert_close(again, loss)
    assert (gradient[:, :, [0, 7]] == 0).all() and (gradient[..., 2] == 0).all()
    assert gradient.abs().sum() > 0


def test_placing_by_hand_gives_the_published_reprojection() -> None:
    predicted = torch.tensor([[0.0, 0.0, 5.0], [1.0, 0.0, 5.0]])
    target = torch.tensor([[10.0, 3.0], [13.0, 3.0]])
    # Weights 1 and 1/2: the mean shift is (10 + 12 / 2) / 1.5, so the errors are 2/3 and 4/3.
    loss = losses.placed_reprojection_loss(predicted, target, torch.tensor([1.0, 0.5]))
    torch.testing.assert_close(loss, torch.tensor((2 / 3 + 0.5 * 4 / 3) / 2))


def test_a_frame_where_nobody_is_seen_has_no_reprojection_error() -> None:
    predicted, target, confidence = _flat_case()
    predicted.requires_grad_()
    loss = losses.placed_reprojection_loss(predicted, target, torch.zeros_like(confidence))
    (gradient,) = torch.autograd.grad(loss, predicted)
    assert loss.item() == 0 and (gradient == 0).all()


@pytest.mark.parametrize("name", ["scale", "limb_gt", "limb_var", "angle", "angle_velocity"])
def test_a_joint_that_nobody_knows_has_no_part_in_any_term(name: str) -> None:
    """Wherever it stands, errors and gradients of the others are the same."""
    generator = torch.Generator().manual_seed(0)
    target, predicted = (torch.randn(2, 5, J, 3, generator=generator) for _ in range(2))
    is_known = torch.ones(2, 5, J, dtype=torch.bool)
    is_known[:, 1:3, 13] = False  # the left wrist, for some of the frames
    term = _TERMS[name]

    def found(place: float) -> tuple[Tensor, Tensor]:
        answer = predicted.clone().requires_grad_()
        moved = torch.where(is_known[..., None], target, place)
        loss = term(torch.where(is_known[..., None], answer, moved), moved, is_known)
        loss.backward()
        assert answer.grad is not None
        return loss.detach(), answer.grad

    for one, other in zip(found(0.0), found(7.0), strict=True):
        torch.testing.assert_close(one, other)
    assert found(0.0)[0] > 0
