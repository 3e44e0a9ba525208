"""What ends a training before its last step: somebody who asks, and a loss that is not finite.

It is asked by Ctrl-C, or by SIGTERM as a cluster sends it.
"""

import math
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from torch import nn

from motionlift.errors import MotionliftError
from motionlift.training.run import Run

_MOST_NAMES = 8
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


def check_finite(loss: float, samples: Iterable[str], run: Run, *, step: int) -> None:
    """The loss of a step, counted from 0, on these samples is a number.

    Raises:
        MotionliftError: if it is not; it names the step and the samples.
    """
    if math.isfinite(loss):
        return
    names = list(samples)
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    where = f"step {step + 1}, on {', '.join(names[:_MOST_NAMES])}{more}"
    raise MotionliftError(f"{run.path}: the loss is not finite at {where}; {_remedy(run)}")


def check_finite_weights(model: nn.Module, run: Run, *, step: int) -> None:
    """Weights that are about to be kept are numbers: gradients can fail where the loss did not.

    Raises:
        MotionliftError: if they are not.
    """
    if not all(each.isfinite().all() for each in model.parameters()):
        raise MotionliftError(
            f"{run.path}: weights are not finite after step {step}; {_remedy(run)}"
        )


def _remedy(run: Run) -> str:
    last = run.state_path.parent / "model.safetensors"
    return (
        f"begin another run from the last good weights (--model {last}, if it is there), with a "
        "lower learning rate or with optimizer.clip"
    )
