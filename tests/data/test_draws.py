"""Random numbers are functions of (seed, epoch, sample, name), and have the right distribution."""

import torch
from torch import Tensor

from motionlift.data.draws import Draws


def _draws(first: int, last: int, *, seed: int = 1, epoch: int = 0) -> Draws:
    return Draws.of(torch.arange(first, last), seed=seed, epoch=epoch)


def test_a_sample_draws_the_same_in_any_batch() -> None:
    whole, part = _draws(0, 10), _draws(4, 6)
    assert torch.equal(whole.normal("noise", 9, 17)[4:6], part.normal("noise", 9, 17))
    assert torch.equal(whole.uniform("yaw")[4:6], part.uniform("yaw"))


def test_seed_epoch_sample_and_name_each_change_the_draw() -> None:
    base = _draws(0, 50).uniform("a", 20)
    others = [
        _draws(0, 50, seed=2).uniform("a", 20),
        _draws(0, 50, epoch=1).uniform("a", 20),
        _draws(50, 100).uniform("a", 20),
        _draws(0, 50).uniform("b", 20),
    ]
    for other in others:
        assert (base == other).float().mean() < 0.01
        assert abs(_correlation(base, other)) < 0.1


def test_uniform_fills_its_range_evenly() -> None:
    drawn = _draws(0, 200).uniform("u", 1000, low=-2.0, high=3.0)
    assert drawn.min() >= -2
    assert drawn.max() < 3
    counts = torch.histc(drawn, bins=10, min=-2, max=3) / drawn.numel()
    assert (counts - 0.1).abs().max() < 0.003


def test_normal_has_the_moments_of_a_standard_normal() -> None:
    drawn = _draws(0, 200).normal("n", 1001)
    assert abs(drawn.mean()) < 0.01
    assert abs(drawn.std() - 1) < 0.01
    assert abs((drawn**4).mean() - 3) < 0.1
    assert drawn.isfinite().all()


def test_neighbouring_draws_and_samples_are_independent() -> None:
    drawn = _draws(0, 400).normal("n", 500)
    assert abs(_correlation(drawn[:, :-1], drawn[:, 1:])) < 0.01
    assert abs(_correlation(drawn[:-1], drawn[1:])) < 0.01
    assert abs(_correlation(drawn[:, :250], drawn[:, 250:])) < 0.01


def test_chance_holds_its_probability() -> None:
    assert abs(_draws(0, 300).chance("c", 1000, probability=0.05).float().mean() - 0.05) < 0.002


def _correlation(a: Tensor, b: Tensor) -> float:
    return float(torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1])
