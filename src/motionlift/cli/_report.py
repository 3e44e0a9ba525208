"""How the lifting commands say what they did: labelled lines on stdout, notes on stderr."""

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from motionlift.formats import people_table
from motionlift.poses import Pose2D, Pose3D

if TYPE_CHECKING:
    from motionlift.lifting import Lifter

_LABEL_WIDTH = 10
_MOST_PEOPLE = 20


def say(label: str, text: str) -> None:
    """A line of the report; labels stand below each other."""
    print(f"{label:<{_LABEL_WIDTH}} {text}", flush=True)


@contextlib.contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr while the block runs, where somebody watches; the callback moves it."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task(title, total=None)
        yield lambda done, total: progress.update(bar, completed=done, total=total)


def say_notes(notes: Sequence[str], *, person: str = "") -> None:
    """What was inferred, skipped or rescaled, and of whom, where there are several."""
    about = f"person {person}: " if person else ""
    for note in notes:
        print(f"note: {about}{note}", file=sys.stderr)


def say_people(people: Sequence[Pose2D]) -> None:
    """Who was found, where there are several to choose from; of a crowd the most prominent."""
    if len(people) < 2:
        return
    head, *rows = people_table(people)
    for line in (head, *rows[:_MOST_PEOPLE]):
        print(line)
    if len(rows) > _MOST_PEOPLE:
        print(f"... and {len(rows) - _MOST_PEOPLE} more, less prominent")
    print(flush=True)


def say_lift(
    lifted: Pose3D, lifter: "Lifter", *, seconds: float, is_one_of_several: bool = False
) -> None:
    """What was lifted, with which network, where, how precisely and how fast."""
    say_notes(lifted.notes, person=lifted.person if is_one_of_several else "")
    rate = "frame rate unknown" if lifted.fps is None else f"{lifted.fps:g} frames a second"
    say("lifted", f"{lifted.num_frames} frames{of_person(lifted)}, {rate}")
    say_machine(lifter, seconds=seconds, frames=lifted.num_frames)


def say_machine(lifter: "Lifter", *, seconds: float, frames: int) -> None:
    """Which network ran where, why there, and the time a frame took."""
    millions = lifter.num_parameters / 1e6
    mirror = " and their mirror images" if lifter.flip else ""
    lengths = f"{lifter.window} and {lifter.short_window}" if lifter.short_window else lifter.window
    windows = f"windows of {lengths} frames at about {lifter.trained_fps:g} a second{mirror}"
    say("model", f"{lifter.model_name}, {millions:.2g} M parameters, {windows}")
    say("device", str(lifter.device))
    say("precision", str(lifter.precision))
    say("speed", f"{1000 * seconds / frames:.2f} ms a frame")


def of_person(pose: Pose2D | Pose3D) -> str:
    """Who it is, where there are several."""
    return f" of person {pose.person}" if pose.person else ""
