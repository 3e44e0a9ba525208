"""What a whole recipe costs on this machine, told as soon as a few steps have shown it."""

import time
from collections.abc import Callable

from motionlift.training.plan import Epoch, Plan

# The first step allocates, and compiles if it was asked to; it is left out where there are others.
_STEPS_TO_SEE = 3


class Cost:
    """Times the first steps, and says once what all of them take at that pace.

    The pace is frames a second, so that stages with clips of other lengths count by their length;
    attention over more frames costs somewhat more than that.
    """

    def __init__(
        self, plan: Plan, *, first_step: int, last_step: int, say: Callable[[str], None]
    ) -> None:
        self._plan, self._say = plan, say
        self._told_at = min(first_step + _STEPS_TO_SEE, last_step)
        self._first = first_step + 1
        self._since = time.monotonic()
        self._frames = self._steps = 0

    def step_done(self, step: int, epoch: Epoch, *, clips: int) -> None:
        """A step is done; validation and checkpoint after the last one told of do not count."""
        if step > self._told_at:
            return
        self._frames += clips * epoch.stage.frames
        self._steps += 1
        if step == self._told_at:
            self._say(self._told(time.monotonic() - self._since))
        elif step == self._first:
            self._since = time.monotonic()
            self._frames = self._steps = 0

    def _told(self, seconds: float) -> str:
        plan = self._plan
        whole = seconds / self._frames * plan.total_frames
        return (
            f"the whole recipe: {len(plan.epochs)} epochs, {plan.total_steps} steps, about "
            f"{duration(whole)} of this machine as it is now, at {seconds / self._steps:.3g} s a "
            "step; validation and checkpoints come on top"
        )


def duration(seconds: float) -> str:
    """For people: minutes up to two hours, then hours, with days from two on."""
    if seconds < 7200:
        return f"{seconds / 60:.2g} minutes" if seconds < 600 else f"{seconds / 60:.0f} minutes"
    hours = seconds / 3600
    return f"{hours:.0f} hours" + (f" ({hours / 24:.0f} days)" if hours >= 48 else "")
