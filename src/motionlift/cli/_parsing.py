"""From a command's arguments to its dataclass, by tyro, in the same way for all commands."""

from collections.abc import Sequence
from typing import Any, TypeVar

import tyro

Asked = TypeVar("Asked")


def parse(
    kind: type[Asked],
    arguments: Sequence[str],
    *,
    prog: str,
    description: str | None = None,
    default: Asked | None = None,
) -> Asked:
    """What was asked for; prints help or a usage error and exits where that is due.

    An option that may be left out takes no "None": that is said by leaving it out.

    Args:
        default: what the options are that are left out, where these are not the class's own.
    """
    config: tuple[Any, ...] = (tyro.conf.DisallowNone,)
    return tyro.cli(
        kind,
        args=list(arguments),
        prog=prog,
        description=description,
        default=tyro.MISSING_NONPROP if default is None else default,
        config=config,
    )
