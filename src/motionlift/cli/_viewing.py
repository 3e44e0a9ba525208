"""What `view` does: read motion, and write the page or the picture that shows it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import tyro

from motionlift.cli._report import say
from motionlift.errors import OptionError
from motionlift.formats import ReadOptions, read_motion
from motionlift.poses import Pose3D
from motionlift.viewer.page import check_page, write_page
from motionlift.viewer.picture import SUFFIXES, write_picture


@dataclass(frozen=True, kw_only=True)
class ViewArguments:
    """Show motion in a web page that needs nothing else, or in a still picture."""

    files: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """motion to show; several files of one recording are people beside each other"""
    out: Annotated[Path | None, tyro.conf.arg(aliases=["-o"])] = None
    """page (.html) or picture (.png, .pdf, .svg) to write; beside the first file if not given"""
    compare: Path | None = None
    """another motion of the first person, laid over it with its error"""
    video: Path | None = None
    """the video that the keypoints were detected in, shown behind them"""
    fps: float | None = None
    """frames a second, instead of what the files say"""


def view(arguments: Sequence[str]) -> None:
    """Run `motionlift view` with these arguments."""
    asked = tyro.cli(ViewArguments, args=list(arguments), prog="motionlift view")
    if not asked.files:
        raise OptionError("give at least one file of motion, such as `motionlift lift` writes")
    out = asked.out or asked.files[0].with_suffix(".html")
    is_picture = out.suffix.lower() in SUFFIXES
    if is_picture and (asked.compare or asked.video or len(asked.files) > 1):
        raise OptionError(
            f"{out}: a picture shows one motion; for --compare, --video or several files write "
            "a page (.html)"
        )
    if not is_picture:
        check_page(out)
    people = [pose for file in asked.files for pose in _read(file, fps=asked.fps)]
    if is_picture:
        write_picture(out, people[0])
    else:
        reference = None if asked.compare is None else _read(asked.compare, fps=asked.fps)[0]
        write_page(out, people, reference=reference, video=asked.video)
    say("wrote", str(out))


def _read(file: Path, *, fps: float | None) -> list[Pose3D]:
    """The people in a file, named by it where there is no other name."""
    people = list(read_motion(file, ReadOptions(fps=fps)))
    if len(people) > 1:
        return people
    return [replace(people[0], person=people[0].person or file.stem)]
