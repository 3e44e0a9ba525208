"""Whether settings lie where they mean something: one line says which does not."""

import math
from typing import Any

from motionlift.errors import RecipeError


def check_at_least_0(record: Any, *names: str, of: str) -> None:
    """These settings are finite numbers of 0 or more.

    Args:
        of: where the record stands among the settings, for the message.

    Raises:
        RecipeError: that names the first that is not.
    """
    for name in names:
        value = getattr(record, name)
        if not 0 <= value < math.inf:
            raise RecipeError(f"{of}.{name.replace('_', '-')} is {value}, but at least 0")


def check_shares(record: Any, *names: str, of: str) -> None:
    """These settings are shares or probabilities, in 0..1; see `check_at_least_0`."""
    for name in names:
        value = getattr(record, name)
        if not 0 <= value <= 1:
            raise RecipeError(f"{of}.{name.replace('_', '-')} is {value}, but in [0, 1]")
