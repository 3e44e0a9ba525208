"""What `motionlift lift` does with a folder of several inputs: each to a file of its own.

An input that cannot be read is said, and does not stop the others; the command fails at its end.
What an earlier run has lifted in the same way is left as it is. Under torchrun each process takes
its part.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motionlift.cli._inputs import (
    Found,
    Input,
    check_out_folder,
    inputs_in,
    is_done,
    keypoint_title,
    remember,
    share,
)
from motionlift.cli._report import of_person, say, say_machine
from motionlift.errors import MotionliftError, OptionError
from motionlift.files import check_writable, sha256_of
from motionlift.finishing import LiftOptions
from motionlift.formats import FORMATS, find_writer
from motionlift.network.manifest import MANIFEST
from motionlift.video.kinds import is_video

if TYPE_CHECKING:
    from motionlift.cli._lifting import LiftArguments
    from motionlift.lifting import Lifter

_NAMED = 5


def inputs_of(asked: "LiftArguments") -> Found | None:
    """The inputs, if the source is a folder of several; None if it is one, or there is none.

    Raises:
        OptionError: if there are flags for several inputs, or a folder for their files is needed.
        MotionliftError: if the folder cannot be read, or holds only what is broken or lifted.
    """
    source = asked.source.source
    suffix = asked.to or ".npz"
    found = inputs_in(
        source,
        out=asked.out,
        suffix=suffix,
        recognise=lambda path: keypoint_title(path, name=asked.source.format),
    )
    if found is not None and not found.inputs and asked.source.format is None:
        # Beside keypoints, videos are what these were found in.
        found = inputs_in(source, out=asked.out, suffix=suffix, recognise=_video_title)
    if found is not None and found.broken and not found.inputs:
        _say_broken(found)
        raise MotionliftError(f"{source}: nothing in this folder can be lifted")
    if found is not None and not found.inputs and any(map(_is_motion, found.others)):
        raise MotionliftError(
            f"{source}: nothing in this folder can be lifted; it holds 3D motion already, which "
            "`motionlift view` shows"
        )
    if found is None or not found.inputs:
        if (asked.to is not None or asked.overwrite) and source.exists():
            raise OptionError(
                f"{source}: is not a folder of several inputs, so --to and --overwrite change "
                "nothing; leave them out"
            )
        return None
    check_out_folder(source, asked.out)
    find_writer(found.inputs[0].out)
    check_writable(found.inputs[0].out)
    return found


def lift_folder(asked: "LiftArguments", found: Found, options: LiftOptions) -> None:
    """Lift what is not done yet of this process's part.

    Raises:
        MotionliftError: at the end, if some could not be lifted.
    """
    own, process = share(found.inputs, os.environ)
    made_by = _made_by(asked)
    waiting = [each for each in own if asked.overwrite or not is_done(each, made_by)]
    _say_found(asked.source.source, found)
    if process:
        say("part", f"{len(own)} of {len(found.inputs)} inputs, {process}")
    if len(waiting) < len(own):
        say(
            "skipped",
            f"{len(own) - len(waiting)} inputs that are lifted already; --overwrite lifts them too",
        )
    _say_broken(found)
    failed = list(found.broken)
    if waiting:
        failed += _lift_inputs(waiting, asked, options, made_by, found)
    if failed:
        more = f" and {len(failed) - _NAMED} more" if len(failed) > _NAMED else ""
        raise MotionliftError(
            f"{len(failed)} of {len(waiting) + len(found.broken)} inputs could not be lifted: "
            f"{_names(failed[:_NAMED], asked.source.source)}{more}; what is wrong with each is "
            "said above"
        )


def _lift_inputs(
    waiting: Sequence[Input],
    asked: "LiftArguments",
    options: LiftOptions,
    made_by: Mapping[str, Any],
    found: Found,
) -> list[Path]:
    """Lift each; those that could not be."""
    lifter, frames, seconds = _lifter_of(asked), 0, 0.0
    failed = []
    taken = {each.out: each.path for each in found.inputs}
    for each in waiting:
        try:
            lifted = _lift_input(each, asked, lifter, options, made_by, taken)
        except MotionliftError as error:
            print(f"motionlift: {each.path}: {_without(each.path, error)}", file=sys.stderr)
            failed.append(each.path)
            continue
        frames, seconds = frames + lifted[0], seconds + lifted[1]
    if frames:
        say_machine(lifter, seconds=seconds, frames=frames)
    return failed


def _lift_input(
    each: Input,
    asked: "LiftArguments",
    lifter: "Lifter",
    options: LiftOptions,
    made_by: Mapping[str, Any],
    taken: dict[Path, Path],
) -> tuple[int, float]:
    """Frames lifted, and the seconds that took.

    Args:
        taken: whose each output is; no input writes that of another.
    """
    from motionlift.cli._lifting import check_rates, lift_people, people_of

    people = people_of(replace(asked.source, source=each.path), out=each.out)
    check_rates(people)
    for _, out in people:
        if taken.setdefault(out, each.path) != each.path:
            raise MotionliftError(
                f"{each.path}: its result {out.name} would overwrite that of {taken[out]}; rename "
                "one of them"
            )
    outputs, frames, seconds = [], 0, 0.0
    for lifted, took, out in lift_people(people, lifter, options):
        for note in lifted.notes:
            print(f"note: {each.path}{of_person(lifted)}: {note}", file=sys.stderr)
        say("lifted", f"{each.path}{of_person(lifted)}, {lifted.num_frames} frames -> {out}")
        outputs.append(out)
        frames, seconds = frames + lifted.num_frames, seconds + took
    remember(each, outputs, made_by=made_by)
    return frames, seconds


def _lifter_of(asked: "LiftArguments") -> "Lifter":
    """The network, on this process's own GPU under torchrun."""
    from motionlift.cli._lifting import make_lifter

    network = asked.network
    local_rank = os.environ.get("LOCAL_RANK")
    if network.device is None and local_rank is not None and local_rank.isdigit():
        import torch

        if torch.cuda.is_available():
            device = f"cuda:{int(local_rank) % torch.cuda.device_count()}"
            network = replace(network, device=device)
    return make_lifter(network, flip=asked.flip, short_windows=asked.short_windows)


def _made_by(asked: "LiftArguments") -> dict[str, Any]:
    """All that decides what is in an output beside input and format: if it changes, lift again."""
    said = asdict(asked)
    del said["out"], said["to"], said["overwrite"], said["source"]["source"]
    del said["network"]["device"]
    weights = Path(asked.network.model)
    shipped = Path(str(files("motionlift.models"))) / MANIFEST
    files_asked = {
        "weights": weights if weights.is_file() else shipped,
        "calibration": asked.finishing.calibration,
        "skeleton": Path(asked.source.skeleton or ""),
    }
    digests = {
        name: sha256_of(path) for name, path in files_asked.items() if path and path.is_file()
    }
    made_by = {"asked": said, "files": digests, "motionlift": version("motionlift")}
    return json.loads(json.dumps(made_by, default=str))


def _video_title(path: Path) -> str | None:
    return "video" if is_video(path) else None


def _say_found(source: Path, found: Found) -> None:
    counts = Counter(each.format for each in found.inputs)
    kinds = ", ".join(f"{count} {title}" for title, count in sorted(counts.items()))
    say("inputs", f"{len(found.inputs)} in {source}: {kinds}")
    left_out: dict[str, list[Path]] = {}
    for path in found.others:
        left_out.setdefault(_why_left_out(path), []).append(path)
    for why, paths in left_out.items():
        files = "1 file is" if len(paths) == 1 else f"{len(paths)} files are"
        more = ", ..." if len(paths) > _NAMED else ""
        names = _names(paths[:_NAMED], source)
        print(f"note: {files} left out, {why}: {names}{more}", file=sys.stderr)


def _why_left_out(path: Path) -> str:
    if is_video(path):
        return "a video beside keypoints (to find people in it, give it by itself)"
    return "3D motion already" if _is_motion(path) else "no keypoints"


def _is_motion(path: Path) -> bool:
    return any(each.read_motion is not None and each.sniff(path) for each in FORMATS)


def _say_broken(found: Found) -> None:
    for path, why in found.broken.items():
        print(f"motionlift: {path}: {why}", file=sys.stderr)


def _names(paths: Sequence[Path], folder: Path) -> str:
    return ", ".join(str(path.relative_to(folder)) for path in paths)


def _without(path: Path, error: MotionliftError) -> str:
    """The message, without the path if it begins with that."""
    return str(error).removeprefix(f"{path}: ")
