"""What `view` does: read motion, and write the page, the film or the picture that shows it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import tyro

from motionlift.cli._parsing import parse
from motionlift.cli._reading import MotionReading
from motionlift.cli._report import progress_bar, say, say_notes
from motionlift.errors import OptionError
from motionlift.formats import ReadOptions, read_motion
from motionlift.poses import Pose3D
from motionlift.viewer import film, picture
from motionlift.viewer.page import check_page, write_page


@dataclass(frozen=True, kw_only=True)
class ViewArguments:
    """Show motion in a web page that needs nothing else, in a film, or in a still picture."""

    files: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """motion to show; several files of one recording are people beside each other"""
    out: Annotated[Path | None, tyro.conf.arg(aliases=["-o"])] = None
    """page (.html) to write; beside the first file if neither this nor --render is given"""
    render: Path | None = None
    """film (.mp4, .gif) or picture (.png, .pdf, .svg) to write; -o takes these names too"""
    compare: Path | None = None
    """another motion of the first person, laid over it with its error"""
    video: Path | None = None
    """the video that the keypoints were detected in, shown behind them"""
    video_fps: float | None = None
    """frames a second that the video plays at, where they are not the motion's (slow motion)"""
    turn: float = 0.0
    """degrees a second that a film's camera circles the person by"""
    reading: Annotated[MotionReading, tyro.conf.arg(name="")]


def view(arguments: Sequence[str]) -> None:
    """Run `motionlift view` with these arguments."""
    asked = parse(ViewArguments, arguments, prog="motionlift view")
    options = asked.reading.options()
    if not asked.files:
        raise OptionError("give at least one file of motion, such as `motionlift lift` writes")
    outs = _outs(asked)
    for out in outs:
        _check(out, asked)
    people = [pose for file in asked.files for pose in _read(file, options)]
    if people[0].fps is None and any(map(_is_film, outs)):
        say_notes([f"frame rate unknown, drawn at {film.USUAL_FPS:g} a second; --fps says it"])
    reference = None if asked.compare is None else _first(asked.compare, options)
    if len(people) > 1 and any(map(_is_picture, outs)):
        say_notes([f"{len(people)} people; a picture shows the first"])
    made_of = [*asked.files, asked.compare, asked.video, *(Path(each.source) for each in people)]
    for out in outs:
        if any(each is not None and _is_same(out, each) for each in made_of):
            raise OptionError(f"{out}: is what this is made of; give another name")
    for out in outs:
        if _is_picture(out):
            picture.write_picture(out, people[0])
        elif _is_film(out):
            with progress_bar("drawing") as on_progress:
                film.write_film(
                    out, people, reference=reference, turn=asked.turn, on_progress=on_progress
                )
        else:
            write_page(
                out,
                people,
                reference=reference,
                video=asked.video,
                video_fps=asked.video_fps,
            )
        say("wrote", str(out))


def _first(file: Path, options: ReadOptions) -> Pose3D:
    """Whom the first person is compared with."""
    people = _read(file, options)
    if len(people) > 1:
        say_notes([f"{file}: holds {len(people)} people; the first is compared with"])
    return people[0]


def _is_same(out: Path, other: Path) -> bool:
    return out.exists() and other.exists() and out.samefile(other)


def _outs(asked: ViewArguments) -> list[Path]:
    if asked.render is not None and not (_is_picture(asked.render) or _is_film(asked.render)):
        known = ", ".join((*film.SUFFIXES, *picture.SUFFIXES))
        raise OptionError(f"{asked.render}: --render writes a film or a picture: {known}")
    if not asked.files[0].name:
        raise OptionError(f"{asked.files[0]}: is a folder; give a file of motion")
    given = [out for out in (asked.out, asked.render) if out is not None]
    return given or [asked.files[0].with_suffix(".html")]


def _check(out: Path, asked: ViewArguments) -> None:
    """Refuse what this kind of output cannot show, before anything is read."""
    if not abs(asked.turn) < float("inf"):
        raise OptionError(f"--turn {asked.turn:g}: degrees a second are a number")
    if asked.turn and not _is_film(out):
        raise OptionError(f"{out}: --turn is about films (.mp4, .gif)")
    if _is_picture(out):
        if asked.compare or asked.video or asked.video_fps or len(asked.files) > 1:
            raise OptionError(
                f"{out}: a picture shows one motion; for --compare, --video or several files write "
                "a page (.html)"
            )
        picture.check_picture(out)
    elif _is_film(out):
        if asked.video is not None or asked.video_fps is not None:
            raise OptionError(f"{out}: a film shows no video; write a page (.html) for --video")
        film.check_film(out)
    else:
        check_page(out)


def _is_picture(out: Path) -> bool:
    return out.suffix.lower() in picture.SUFFIXES


def _is_film(out: Path) -> bool:
    return out.suffix.lower() in film.SUFFIXES


def _read(file: Path, options: ReadOptions) -> list[Pose3D]:
    """The people in a file, named by it where there is no other name."""
    people = list(read_motion(file, options))
    if len(people) > 1:
        return people
    return [replace(people[0], person=people[0].person or file.stem)]
