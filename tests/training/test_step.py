"""What one step of a training is a function of."""

from motionlift.training.step import seed_of_step


def test_each_step_of_each_process_draws_its_own_dropout() -> None:
    seeds = [seed_of_step(3, step, rank) for step in range(50) for rank in range(4)]
    assert len(set(seeds)) == len(seeds)
    assert seed_of_step(3, 7, 1) == seed_of_step(3, 7, 1) != seed_of_step(4, 7, 1)
