"""What a training shows while it runs: a line every few seconds, and events for TensorBoard."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from motionlift.network.compute import Compute
from motionlift.network.device import peak_memory_mb
from motionlift.training.events import Events
from motionlift.training.plan import Plan
from motionlift.training.run import Run

_SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """Says epoch, step, loss terms, learning rates, clips a second, time left and memory.

    Args:
        run: where the events go; None in processes that write nothing.
    """

    def __init__(
        self,
        *,
        first_step: int,
        last_step: int,
        plan: Plan,
        compute: Compute,
        say: Callable[[str], None],
        run: Run | None = None,
    ) -> None:
        self._first_step = first_step
        self._last_step = last_step
        self._epochs = len(plan.epochs)
        self._compute = compute
        self._say = say
        self._started = self._last_line = time.monotonic()
        self._clips = 0
        self._events = run and Events(run.events_path, first_step=first_step, say=say)

    def show(self, row: Mapping[str, Any], *, clips: int) -> None:
        """One step is done; says so if the last line is old enough, or this is the first step."""
        self._clips += clips
        if self._events:
            self._events.add(row)
        now = time.monotonic()
        step = row["step"]
        is_first = step == self._first_step + 1
        if not is_first and now - self._last_line < _SECONDS_BETWEEN_LINES:
            return
        seconds = now - self._last_line
        left = (now - self._started) / (step - self._first_step) * (self._last_step - step)
        numbers = "  ".join(
            f"{name} {value:.4g}"
            for name, value in row.items()
            if name not in ("step", "epoch", "split")
        )
        self._say(
            f"epoch {row['epoch'] + 1}/{self._epochs}  step {step}/{self._last_step}  {numbers}  "
            f"{self._clips / max(seconds, 1e-9):.1f} clips/s  {_clock(left)} left  "
            f"{peak_memory_mb(self._compute.device):.0f} MB"
        )
        self._last_line, self._clips = now, 0
        self.flush()

    def show_validation(self, row: Mapping[str, Any]) -> None:
        """One validation is done."""
        numbers = "  ".join(
            f"{name} {value:.4g}"
            for name, value in row.items()
            if name not in ("step", "split", "loss", "frames")
        )
        self._say(f"validation at step {row['step']}, {row['frames']} frames: {numbers}")
        if self._events:
            self._events.add(row)
            self._events.flush()

    def flush(self) -> None:
        """Bring the events up to date."""
        if self._events:
            self._events.flush()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
