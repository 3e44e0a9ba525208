"""How a training is asked to stop: Ctrl-C, or SIGTERM as a cluster sends it."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

# A Ctrl-C can reach a process twice at once: from the terminal, and from what started it.
_SECONDS_OF_ONE_ASKING = 1.0


@dataclass(slots=True)
class Stop:
    """Whether somebody asked."""

    asked: bool = False


@contextmanager
def stop_signals() -> Iterator[Stop]:
    """Ctrl-C and SIGTERM ask for a stop with a checkpoint; a second Ctrl-C stops at once.

    A second SIGTERM asks for nothing new: clusters send it to torchrun, which sends it on, and to
    its workers too.
    """
    stop = Stop()
    asked_at = 0.0

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal asked_at
        now = time.monotonic()
        if stop.asked and number == signal.SIGINT and now - asked_at > _SECONDS_OF_ONE_ASKING:
            raise KeyboardInterrupt
        if not stop.asked:
            stop.asked, asked_at = True, now

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
