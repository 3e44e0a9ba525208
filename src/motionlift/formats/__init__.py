"""The formats that motion comes and goes in: one file a format, found by its `FORMAT`.

A keypoint format reads into `Pose2D`s, one a person, the most prominent first. A motion format
reads into `Pose3D`s in `H36M17`: capture in world space, metres and y up, what motionlift
lifted as it was written. What a reader inferred, skipped or rescaled is in the `notes` of what it
returns.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from motionlift.errors import FormatError, OptionError
from motionlift.poses import MAX_FPS, Pose2D, Pose3D
from motionlift.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """What a user can say about a file that the file itself does not say, or says wrongly.

    Attributes:
        fps: frames a second, instead of what the file declares.
        skeleton: name of the keypoints' skeleton, where files of several look alike, or a TOML file
            with one of the user's own.
        names: TOML file that says which joints of an unknown motion capture skeleton are which.
        up: the axis that points up, where the file does not say.
        metres_per_unit: size of the file's unit of length, instead of what its source is known for.
        image_size: (width, height) in pixels, for keypoints given as parts of the picture.
        body_model: `.npz` of SMPL+H or SMPL-X, or a folder of them, for parameters of these models.
        joint_regressor: `.npy` of Human3.6M's 17 joints from the model's surface (17, vertex).

    Raises:
        OptionError: if a rate or a size is out of range.
    """

    fps: float | None = None
    skeleton: str | None = None
    names: Path | None = None
    up: Literal["x", "y", "z"] | None = None
    metres_per_unit: float | None = None
    image_size: tuple[int, int] | None = None
    body_model: Path | None = None
    joint_regressor: Path | None = None

    def __post_init__(self) -> None:
        if self.fps is not None and not 0 < self.fps <= MAX_FPS:
            raise OptionError(f"--fps {self.fps:g}: a frame rate is above 0, and at most {MAX_FPS}")
        if self.metres_per_unit is not None and not 0 < self.metres_per_unit < 1e6:
            raise OptionError(
                f"--metres-per-unit {self.metres_per_unit:g}: a size is above 0 and below 1e6"
            )
        if self.image_size is not None and min(self.image_size) < 1:
            raise OptionError("--image-size: width and height are above 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One format: how it is recognised, read and written.

    Attributes:
        name: as in `--format`; the name of the module.
        title: as people call it.
        kind: "keypoints" (2D) or "motion" (3D).
        suffixes: lower case, with the dot; empty for folders of files.
        sniff: whether a file or folder is of this format, judged by content, cheaply; False, never
            an error, for what cannot be read.
        read_keypoints: for kind "keypoints".
        read_motion: for kind "motion".
        write: writes one motion to that path as it is told; the caller renames it into place.
        needs_fps: whether a motion without a frame rate cannot be written.
        needs_whole: whether a frame without the person cannot be written.
        check: of a path to be written, whether this machine has what that takes; raises if not.
        companions: other files that reading a file takes: if one changes, the motion may.
    """

    name: str
    title: str
    kind: Literal["keypoints", "motion"]
    suffixes: tuple[str, ...]
    sniff: Callable[[Path], bool]
    read_keypoints: Callable[[Path, ReadOptions], Sequence[Pose2D]] | None = None
    read_motion: Callable[[Path, ReadOptions], Sequence[Pose3D]] | None = None
    write: Callable[[Pose3D, Path], None] | None = None
    needs_fps: bool = False
    needs_whole: bool = False
    check: Callable[[Path], None] | None = None
    companions: Callable[[Path], Sequence[Path]] | None = None


FORMATS: Registry[Format] = Registry(
    package=__name__, constant="FORMAT", kind="format", error=FormatError
)


def find_format(
    path: Path, *, kind: Literal["keypoints", "motion"] | None = None, name: str | None = None
) -> Format:
    """The format of a file or folder: the one named, or the one whose sniff says yes.

    Without a kind, formats of both are asked, motion first: lifted motion has keypoints beside it.

    Raises:
        FormatError: if nothing is there, or it is of no known format of that kind.
    """
    if not path.exists():
        raise FormatError(f"{path}: no such file or folder")
    if name is not None:
        return FORMATS.get(name)
    readable = [each for each in FORMATS if kind in (None, each.kind) and _reader(each) is not None]
    # The suffix only decides who is asked first: content decides.
    readable.sort(
        key=lambda each: (each.kind == "keypoints", path.suffix.lower() not in each.suffixes)
    )
    for each in readable:
        if each.sniff(path):
            return each
    raise FormatError(f"{path}: {_what_is_wrong(path, kind, readable)}")


def read_keypoints(
    path: Path, options: ReadOptions | None = None, *, format: str | None = None
) -> Sequence[Pose2D]:
    """The people whose keypoints a file or folder holds, the most prominent first.

    Raises:
        FormatError: if it cannot be read, or holds nobody.
    """
    chosen = find_format(path, kind="keypoints", name=format)
    if chosen.read_keypoints is None:
        raise FormatError(f"{path}: format {chosen.name} holds no 2D keypoints")
    return chosen.read_keypoints(path, options or ReadOptions())


def people_table(people: Sequence[Pose2D]) -> list[str]:
    """Who was found, for choosing: lines of name, frames, from, to, mean confidence and size.

    Of people as `read_keypoints` returns them, each of whom is seen in a frame at least.
    """
    from motionlift.formats._people import table_lines

    return table_lines(people)


def read_motion(
    path: Path, options: ReadOptions | None = None, *, format: str | None = None
) -> Sequence[Pose3D]:
    """The people whose 3D motion a file holds.

    Raises:
        FormatError: if it cannot be read, or holds nobody.
    """
    chosen = find_format(path, kind="motion", name=format)
    if chosen.read_motion is None:
        raise FormatError(f"{path}: format {chosen.name} holds no 3D motion that can be read")
    return chosen.read_motion(path, options or ReadOptions())


def find_writer(path: Path) -> Format:
    """The format that writes to a path of that suffix.

    Raises:
        FormatError: if no format has that suffix; it lists those there are. Or if the machine lacks
            what the format takes.
    """
    writers = [each for each in FORMATS if each.write is not None]
    for each in writers:
        if path.suffix.lower() in each.suffixes:
            if each.check is not None:
                each.check(path)
            return each
    known = ", ".join(sorted({suffix for each in writers for suffix in each.suffixes}))
    raise FormatError(f"{path}: cannot write '{path.suffix}' files; choose one of: {known}")


def _what_is_wrong(
    path: Path, kind: Literal["keypoints", "motion"] | None, readable: Sequence[Format]
) -> str:
    """Why nothing of that kind can be read, and what to do, of a path that is there."""
    from motionlift.formats._unknown import what_it_is

    if path.is_dir() and not any(path.iterdir()):
        return f"the folder is empty; expected a file or folder of {kind or 'poses'}"
    found = what_it_is(path)
    if found is not None:
        return f"{found}; expected {_EXPECTED[kind]}"
    others = (each for each in FORMATS if kind is not None and each.kind != kind)
    other = next((each for each in others if each.sniff(path)), None)
    if other is not None and kind == "keypoints":
        return (
            f"3D motion already ({other.title}), nothing to lift; `motionlift view` shows it, and "
            "Python's motionlift.read and motionlift.write make another format of it"
        )
    if other is not None:
        return f"2D keypoints ({other.title}), no 3D motion; `motionlift lift` makes that of them"
    titles = ", ".join(each.title for each in readable)
    doubt = "; if it is one of these, give --format" if kind == "keypoints" else ""
    return f"not {kind or 'poses'} in any known format ({titles}){doubt}"


_EXPECTED = {
    "keypoints": "2D keypoints, or a video of people",
    "motion": "3D motion, such as `motionlift lift` writes",
    None: "keypoints, 3D motion, or a video of people",
}


def _reader(each: Format) -> object:
    return each.read_keypoints if each.kind == "keypoints" else each.read_motion
