"""A folder of inputs: what in it can be lifted, where each goes, and what is done already.

A folder that a format knows as one recording, such as OpenPose's with a file a frame, is one
input. Any other is searched: each file or folder in it that is keypoints is an input of its own.
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from motionlift.errors import MotionliftError, OptionError
from motionlift.files import written_beside
from motionlift.formats import FORMATS, Format
from motionlift.formats._unknown import broken

# Beside the outputs: what each was made of. Hidden, as what is only for the next run.
_RECORDS = ".lifted"
# The format of keypoints that reads lifted motion too.
_OWN = "keypoints-npz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One of several inputs.

    Attributes:
        path: the file, or folder of one recording.
        format: title of its format.
        out: the file to write.
        record: what was done with it in an earlier run, if it is there.
    """

    path: Path
    format: str
    out: Path
    record: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a folder holds.

    Attributes:
        others: files that are no input, in the order of their names.
        broken: files that would be one but for what is said, and folders that cannot be read.
    """

    inputs: Sequence[Input]
    others: Sequence[Path]
    broken: Mapping[Path, str]


def inputs_in(
    folder: Path, *, out: Path, suffix: str, recognise: Callable[[Path], str | None]
) -> Found | None:
    """The inputs in a folder, in the order of their names; None if it is itself an input.

    `out`, where it lies inside, is not searched.

    Args:
        suffix: of the files to write.
        recognise: the title of a file's or folder's format, None if it is no input.
    """
    if not folder.is_dir() or recognise(folder) is not None:
        return None
    titles: dict[Path, str] = {}
    others: list[Path] = []
    wrong: dict[Path, str] = {}
    for path in _below(
        folder, skip=out.resolve(), is_input=lambda path: path in titles, unreadable=wrong
    ):
        title = recognise(path)
        if title is not None:
            titles[path] = title
        elif not path.is_dir():
            why = _what_is_wrong(path)
            if why is None:
                others.append(path)
            else:
                wrong[path] = why
    paths = sorted(titles)  # what links lead to was found last
    names = _output_names([path.relative_to(folder) for path in paths], folder=folder)
    inputs = [
        Input(
            path=path,
            format=titles[path],
            out=out / name.with_name(name.name + suffix),
            record=out / _RECORDS / name.with_name(f"{name.name}{suffix}.json"),
        )
        for path, name in zip(paths, names, strict=True)
    ]
    return Found(inputs=inputs, others=sorted(others), broken=dict(sorted(wrong.items())))


def keypoint_title(path: Path, *, name: str | None = None) -> str | None:
    """The title of the format of keypoints that a file or folder has; None if it is of none.

    Lifted motion is none, although its keypoints are beside it: it would be lifted again.

    Args:
        name: of the one format to think of; all files with its suffix are taken for it then.
    """
    if name is not None:
        only = FORMATS.get(name)
        has_suffix = path.is_file() and path.suffix.lower() in only.suffixes
        return only.title if has_suffix or only.sniff(path) else None
    known = next((each for each in FORMATS if _knows(each, path)), None)
    if known is None or (known.name == _OWN and FORMATS.get("npz").sniff(path)):
        return None
    return known.title


def is_done(each: Input, made_by: Mapping[str, Any]) -> bool:
    """Whether an earlier run lifted this input, unchanged since, in this way, and kept it all."""
    try:
        record = json.loads(each.record.read_text("utf-8"))
        outputs = [each.out.parent / name for name in record["outputs"]]
        is_same = record["made_by"] == made_by and record["source"] == _state(each.path)
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return is_same and all(output.is_file() for output in outputs)


def remember(each: Input, outputs: Sequence[Path], *, made_by: Mapping[str, Any]) -> None:
    """Keep what was done, for `is_done` of a later run."""
    content = {
        "source": _state(each.path),
        "made_by": dict(made_by),
        "outputs": [output.name for output in outputs],
    }
    with written_beside(each.record) as beside:
        beside.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def share(inputs: Sequence[Input], environment: Mapping[str, str]) -> tuple[Sequence[Input], str]:
    """This process's part of the inputs under torchrun, and its name; all of them without.

    Raises:
        MotionliftError: if the launcher's variables are no numbers.
    """
    try:
        rank, count = int(environment.get("RANK", 0)), int(environment.get("WORLD_SIZE", 1))
    except ValueError as error:
        raise MotionliftError(f"RANK and WORLD_SIZE are torchrun's; found {error}") from error
    if not 0 <= rank < count:
        raise MotionliftError(f"RANK is {rank} of WORLD_SIZE {count}; start it with torchrun")
    return inputs[rank::count], f"process {rank + 1} of {count}" if count > 1 else ""


def check_out_folder(source: Path, out: Path) -> None:
    """Refuse an output folder that cannot be one.

    Raises:
        OptionError: if it is a file, named like one, or the folder of the inputs.
    """
    is_file_name = any(
        each.write is not None and out.suffix.lower() in each.suffixes for each in FORMATS
    )
    if out.is_file() or (is_file_name and not out.is_dir()):
        raise OptionError(
            f"{source}: holds several inputs, each of which gets a file of its own, but {out} is "
            "the name of a file; give -o a folder"
        )
    if out.resolve() == source.resolve():
        raise OptionError(f"{out}: is the folder of the inputs; give -o another one")


def _below(
    folder: Path, *, skip: Path, is_input: Callable[[Path], bool], unreadable: dict[Path, str]
) -> Iterator[Path]:
    """Files and folders at any depth, but nothing inside of what turned out to be an input.

    Each folder comes once, whatever links lead to it, and be it from inside: where it is itself, if
    that is below. Folders that cannot be read are put into `unreadable` with the reason.
    """
    seen = {str(skip)}
    waiting = [folder]
    links: list[Path] = []
    while waiting or links:
        path = waiting.pop() if waiting else links.pop(0)
        real = os.path.realpath(path)  # unlike resolve(), takes a link to itself
        if path != folder:
            if real in seen:
                continue
            yield path
        if not path.is_dir():
            continue
        seen.add(real)
        if is_input(path):
            continue
        try:
            inside = [each for each in sorted(path.iterdir()) if not each.name.startswith(".")]
        except OSError as error:
            unreadable[path] = f"cannot be read ({error.strerror})"
            continue
        links += [each for each in inside if each.is_symlink()]
        waiting += [each for each in inside if not each.is_symlink()]


def _what_is_wrong(path: Path) -> str | None:
    """What is wrong with a file of a name that keypoints have; None where nothing is known."""
    names = {each for kind in FORMATS if kind.read_keypoints for each in kind.suffixes}
    return broken(path) if path.suffix.lower() in names else None


def _output_names(inputs: Sequence[Path], *, folder: Path) -> list[Path]:
    """Each input's name without its suffix; with it where two would be the same."""
    bare = [each if (folder / each).is_dir() else each.with_suffix("") for each in inputs]
    count = Counter(bare)
    # An input's own name is for it alone: "a.json.csv" is not written as "a.json" is.
    whole = set(inputs)
    return [
        name if count[name] == 1 and (name == each or name not in whole) else each
        for each, name in zip(inputs, bare, strict=True)
    ]


def _knows(each: Format, path: Path) -> bool:
    return each.read_keypoints is not None and each.sniff(path)


def _state(path: Path) -> list[int]:
    """Number, bytes and latest change of an input's files."""
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    states = [each.stat() for each in files]
    sizes, times = [each.st_size for each in states], [each.st_mtime_ns for each in states]
    return [len(states), sum(sizes), max(times, default=0)]
