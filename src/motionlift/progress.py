"""Telling how far something is that takes a while."""

from collections.abc import Callable

# Told how much is done, of how much (0 if nobody knows).
OnProgress = Callable[[int, int], None]


def part_of(on_progress: OnProgress | None, part: int, parts: int) -> OnProgress | None:
    """Tells of one of several parts, each as long as this one, as of the whole."""
    if on_progress is None:
        return None
    return lambda done, total: on_progress(part * total + done, parts * total)
