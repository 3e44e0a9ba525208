"""The command line: finds the subcommand; what a user can mend becomes one line and exit code 2.

Each subcommand is one file with one constant, `COMMAND`. Nothing but the chosen one is imported
beyond its summary, so that `--help` answers at once.
"""

import gc
import io
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from motionlift.errors import MotionliftError, OptionError
from motionlift.registry import Registry

_OBJECTS_BEFORE_COLLECTING = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One subcommand.

    Attributes:
        name: as typed; the module's name. A dash makes two words: `data-build` is `data build`.
        summary: one line for `motionlift --help`.
        run: parses the arguments behind the name, does the work and prints.
    """

    name: str
    summary: str
    run: Callable[[Sequence[str]], None]


COMMANDS: Registry[Command] = Registry(
    package=__name__, constant="COMMAND", kind="command", error=OptionError
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    if arguments is None:
        # Importing PyTorch makes objects by the hundred thousand, none of them garbage: looking for
        # some among them again and again takes a quarter of a second of every start.
        gc.set_threshold(_OBJECTS_BEFORE_COLLECTING)
        # Names of files may hold bytes that no console can show.
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if not words or words[0] in ("-h", "--help"):
            print(_help(), flush=True)
            return 0 if words else 2
        if words[0] == "--version":
            from importlib.metadata import version

            print(f"motionlift {version('motionlift')}", flush=True)
            return 0
        name, rest = _split(words)
        COMMANDS.get(name).run(rest)
    except MotionliftError as error:
        print(f"motionlift: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("motionlift: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 141
    return 0


def _split(words: list[str]) -> tuple[str, list[str]]:
    two_words = "-".join(words[:2])
    if two_words in COMMANDS.names():
        return two_words, words[2:]
    return words[0], words[1:]


def _as_typed(name: str) -> str:
    """`data-fit-noise` is typed `data fit-noise`."""
    return name.replace("-", " ", 1)


def _help() -> str:
    lines = [
        "motionlift: 2D keypoints in, 3D motion out",
        "",
        "usage: motionlift COMMAND [options]      (motionlift COMMAND --help lists them)",
        "",
    ]
    lines += [f"  {_as_typed(each.name):<16} {each.summary}" for each in COMMANDS]
    return "\n".join(lines)
