"""Work spread over processes: results in the order of the jobs, with few of them waiting.

Workers are spawned, so that they behave alike on every system and inherit no threads. They end with
their parent, even if that is killed. A worker that dies costs the job it was at, no other.
"""

import contextlib
import itertools
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeAlias, TypeVar

J = TypeVar("J")
R = TypeVar("R")

Waiting: TypeAlias = deque[tuple[J, Future[R]]]

# Results that wait for their turn are all the memory that grows with the number of workers.
JOBS_PER_WORKER = 8


def run_in_order(
    work: Callable[[J], R],
    jobs: Iterable[J],
    *,
    workers: int,
    on_death: Callable[[J], R],
) -> Generator[R]:
    """`work(job)` for each job, in order; with one worker, in this process.

    Args:
        on_death: what stands for the result of a job whose process died (out of memory, a crash
            in a native library).
    """
    if workers <= 1:
        yield from map(work, jobs)
        return
    executor = _executor(workers)
    waiting: Waiting[J, R] = deque()
    remaining = iter(jobs)
    try:
        while True:
            _submit(executor, work, remaining, waiting, most=workers * JOBS_PER_WORKER)
            if not waiting:
                return
            try:
                result = waiting[0][1].result()
            except BrokenProcessPool:
                executor.shutdown()
                yield from _one_by_one(work, waiting, on_death)
                waiting.clear()
                executor = _executor(workers)
                continue
            waiting.popleft()
            yield result
    finally:
        executor.shutdown(cancel_futures=True)


def available_cores() -> int:
    """How many cores this process may use."""
    with contextlib.suppress(AttributeError):  # not on every system
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _submit(
    executor: ProcessPoolExecutor,
    work: Callable[[J], R],
    remaining: Iterator[J],
    waiting: Waiting[J, R],
    *,
    most: int,
) -> None:
    """Hand out jobs until `most` are waiting or none remain."""
    for job in itertools.islice(remaining, most - len(waiting)):
        try:
            future = executor.submit(work, job)
        except BrokenProcessPool as error:  # a worker died since the last result
            future = Future()
            future.set_exception(error)
        waiting.append((job, future))


def _one_by_one(
    work: Callable[[J], R], suspects: Iterable[tuple[J, Future[R]]], on_death: Callable[[J], R]
) -> Iterator[R]:
    """Nobody knows which of the jobs under way was to blame: each not done goes alone once."""
    for job, attempt in suspects:
        is_known = attempt.done() and attempt.exception() is None
        yield attempt.result() if is_known else _alone(work, job, on_death)


def _alone(work: Callable[[J], R], job: J, on_death: Callable[[J], R]) -> R:
    with _executor(1) as executor:
        try:
            return executor.submit(work, job).result()
        except BrokenProcessPool:
            return on_death(job)


def _executor(workers: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker)


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent to handle
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: "multiprocessing.process.BaseProcess") -> None:
    parent.join()
    os._exit(1)
