"""What `motionlift lift` does with a folder of several inputs: each to a file of its own.

An input that cannot be read is said, and does not stop the others. What an earlier run has lifted
in the same way is left as it is. Under torchrun each process takes its part.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, replace
from importlib.metadata import version
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
from motionlift.files import check_writable
from motionlift.finishing import LiftOptions
from motionlift.formats import find_writer
from motionlift.video.kinds import is_video

if TYPE_CHECKING:
    from motionlift.cli._lifting import LiftArguments
    from motionlift.lifting import Lifter

_NAMED = 5


def inputs_of(asked: "LiftArguments") -> Found | None:
    """The inputs, if the source is a folder of several; None if it is one, or there is none.

    Raises:
        OptionError: if there are flags for several inputs, or a folder for their files is needed.
    """
    source = asked.source.source
    suffix = asked.to or ".npz"
    found = inputs_in(
        source,
        out=asked.out,
        suffix=suffix,
        recognise=lambda path: keypoint_title(path, name=asked.source.format),
    )
    if found is None and asked.source.format is None:
        # Beside keypoints, videos are what these were found in.
        found = inputs_in(source, out=asked.out, suffix=suffix, recognise=_video_title)
    if found is None:
        if asked.to is not None or asked.overwrite:
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
    if not waiting:
        return
    lifter, frames, seconds = _lifter_of(asked), 0, 0.0
    failed: list[Input] = []
    for each in waiting:
        try:
            lifted = _lift_input(each, asked, lifter, options, made_by)
        except MotionliftError as error:
            print(f"motionlift: {each.path}: {_without(each.path, error)}", file=sys.stderr)
            failed.append(each)
            continue
        frames, seconds = frames + lifted[0], seconds + lifted[1]
    if frames:
        say_machine(lifter, seconds=seconds, frames=frames)
    if failed:
        names = ", ".join(
            str(each.path.relative_to(asked.source.source)) for each in failed[:_NAMED]
        )
        more = f" and {len(failed) - _NAMED} more" if len(failed) > _NAMED else ""
        raise MotionliftError(
            f"{len(failed)} of {len(waiting)} inputs could not be lifted: {names}{more}; what is "
            "wrong with each is said above"
        )


def _lift_input(
    each: Input,
    asked: "LiftArguments",
    lifter: "Lifter",
    options: LiftOptions,
    made_by: Mapping[str, Any],
) -> tuple[int, float]:
    """Frames lifted, and the seconds that took."""
    from motionlift.cli._lifting import lift_people, people_of

    people = people_of(replace(asked.source, source=each.path), out=each.out)
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
    return make_lifter(network, flip=asked.flip)


def _made_by(asked: "LiftArguments") -> dict[str, Any]:
    """All that decides what is in an output beside the input: if it changes, lift again."""
    said = asdict(asked)
    del said["out"], said["overwrite"], said["source"]["source"]
    del said["network"]["device"]
    weights = Path(asked.network.model)
    state = [weights.stat().st_size, weights.stat().st_mtime_ns] if weights.is_file() else None
    made_by = {"asked": said, "weights": state, "motionlift": version("motionlift")}
    return json.loads(json.dumps(made_by, default=str))


def _video_title(path: Path) -> str | None:
    return "video" if is_video(path) else None


def _say_found(source: Path, found: Found) -> None:
    counts = Counter(each.format for each in found.inputs)
    kinds = ", ".join(f"{count} {title}" for title, count in sorted(counts.items()))
    say("inputs", f"{len(found.inputs)} in {source}: {kinds}")
    if found.others:
        names = ", ".join(str(each.relative_to(source)) for each in found.others[:_NAMED])
        more = ", ..." if len(found.others) > _NAMED else ""
        print(
            f"note: {len(found.others)} files are no keypoints and are left out: {names}{more}",
            file=sys.stderr,
        )


def _without(path: Path, error: MotionliftError) -> str:
    """The message, without the path if it begins with that."""
    return str(error).removeprefix(f"{path}: ")
