import os
import time

from motionlift.data.pool import run_in_order


def _work(job: int) -> int:
    if job == 5:
        os._exit(3)
    time.sleep(0.02 * (job % 3))
    return 10 * job


def _died(job: int) -> int:
    return -job


def test_results_come_in_order_and_a_death_costs_one_job() -> None:
    results = list(run_in_order(_work, range(12), workers=2, on_death=_died))
    assert results == [-5 if job == 5 else 10 * job for job in range(12)]


def test_a_death_that_is_noticed_between_two_results_costs_one_job_too() -> None:
    results = run_in_order(_work, range(40), workers=2, on_death=_died)
    first = next(results)
    time.sleep(1)  # time for the death; without it this is the test above
    assert [first, *results] == [-5 if job == 5 else 10 * job for job in range(40)]


def test_one_worker_is_this_process() -> None:
    assert list(run_in_order(lambda job: os.getpid(), [1], workers=1, on_death=_died)) == [
        os.getpid()
    ]
