"""`motionlift weights verify`: whether weights are, to the last bit, what their card describes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from motionlift.cli import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """Check weights against their checksums: those that ship, or the files given.

    Attributes:
        files: weights, each held to the card beside it. Without any: all that ships, cards too,
            held to the list that ships with them.
    """

    files: tuple[Path, ...] = ()


def run(arguments: Sequence[str]) -> None:
    """Parse, check and print."""
    import tyro

    positional = Annotated[Arguments, tyro.conf.Positional]
    asked = tyro.cli(positional, args=arguments, prog="motionlift weights verify")

    from motionlift.network.manifest import verify_file, verify_folder
    from motionlift.network.weights import MODELS

    if asked.files:
        checked = [(str(path), verify_file(path)) for path in asked.files]
    else:
        checked = verify_folder(MODELS)
    for name, checksum in checked:
        print(f"{checksum}  {name}")
    print(f"{len(checked)} file{'s' * (len(checked) != 1)} whole")


COMMAND = Command(
    name="weights-verify", summary="check the weights that ship against their checksums", run=run
)
