"""What `lift` and `encode` do: parse, check the way out, read, run the network, write, and say so.

Results go to stdout, notes to stderr. PyTorch is imported only when there is something to lift.
"""

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import tyro

from motionlift.api import choose_people, write
from motionlift.cli._detecting import Detection, keypoint_source
from motionlift.cli._folder import inputs_of, lift_folder
from motionlift.cli._lift_options import Finishing, options_of
from motionlift.cli._parsing import parse
from motionlift.cli._reading import KeypointReading
from motionlift.cli._report import (
    of_person,
    progress_bar,
    say,
    say_lift,
    say_machine,
    say_notes,
    say_people,
)
from motionlift.errors import FormatError, MotionliftError, OptionError
from motionlift.files import check_writable, written_beside
from motionlift.finishing import LiftOptions, lift_with
from motionlift.formats import find_writer, read_keypoints
from motionlift.formats._outgoing import known_fps, note_on_ends
from motionlift.gaps import between_detections
from motionlift.poses import Pose2D, Pose3D

if TYPE_CHECKING:
    from motionlift.lifting import Lifter


@dataclass(frozen=True, kw_only=True)
class Source(KeypointReading):
    """Which keypoints, and what their file does not say."""

    source: Annotated[Path, tyro.conf.Positional]
    """file or folder of keypoints, or a video of people, or for lift a folder of several"""
    person: str = "largest"
    """largest, all, or the name of one of the people found; all writes a file for each"""
    detection: Annotated[Detection, tyro.conf.arg(name="")] = field(default_factory=Detection)


@dataclass(frozen=True, kw_only=True)
class Network:
    """Which network, and where it runs."""

    model: str = "default"
    """name of weights that ship with motionlift, or the path of a file"""
    device: str | None = None
    """cpu, cuda, cuda:1 or mps; the fastest that is here if not given"""
    precision: Literal["fp32", "bf16"] | None = None
    """what the device is made for if not given"""


Out = Annotated[Path, tyro.conf.arg(aliases=["-o"])]
# A suffix of two parts, which says more than its last.
_LONG = ".long.csv"
Unprefixed = tyro.conf.arg(name="")


@dataclass(frozen=True, kw_only=True)
class LiftArguments:
    """Lift 2D keypoints to 3D motion: one frame out for one frame in."""

    out: Out
    """file to write, whose suffix says in which format; a folder if there are several inputs"""
    source: Annotated[Source, Unprefixed]
    network: Annotated[Network, Unprefixed]
    flip: bool = True
    """average with the mirror image's answer, which is nearer to the truth; without it, half the
    time"""
    short_windows: bool = True
    """average with the answer by windows of a fifth of the frames, which does not believe detectors
    that err the same way for seconds; without it, half the time"""
    finishing: Annotated[Finishing, Unprefixed]
    to: str | None = None
    """for a folder of several inputs: suffix of the files to write; .npz if not given"""
    overwrite: bool = False
    """for a folder of several inputs: lift again what an earlier run has lifted"""


@dataclass(frozen=True, kw_only=True)
class EncodeArguments:
    """Write the network's representation of each joint and frame of 2D keypoints."""

    out: Out
    """.npz file to write: features (frame, 17, channel), frame_index, fps, joint_names"""
    source: Annotated[Source, Unprefixed]
    network: Annotated[Network, Unprefixed]


def lift(arguments: Sequence[str]) -> None:
    """Run `motionlift lift` with these arguments."""
    asked = parse(LiftArguments, arguments, prog="motionlift lift")
    options = options_of(asked.finishing, image_size=asked.source.image_size)
    found = inputs_of(asked)
    if found is not None:
        lift_folder(asked, found, options)
        return
    check_writable(asked.out)
    find_writer(asked.out)
    people = people_of(asked.source, out=asked.out, with_table=True)
    check_rates(people)
    lifter = make_lifter(asked.network, flip=asked.flip, short_windows=asked.short_windows)
    are_several = len(people) > 1
    for lifted, seconds, out in lift_people(people, lifter, options):
        say_lift(lifted, lifter, seconds=seconds, is_one_of_several=are_several)
        say("wrote", str(out))


def check_rates(people: list[tuple[Pose2D, Path]]) -> None:
    """Refuse keypoints without a frame rate for files that need one, before the work.

    Raises:
        FormatError: if there are such.
    """
    for pose, out in people:
        if find_writer(out).needs_fps:
            known_fps(pose, out)


def lift_people(
    people: list[tuple[Pose2D, Path]], lifter: "Lifter", options: LiftOptions
) -> Iterator[tuple[Pose3D, float, Path]]:
    """Lift and write each of them: the motion, the seconds its lift took, and its file.

    The list is emptied on the way, because for an hour of video its keypoints fill memory. Of
    several people one who cannot be lifted is said, and the others go on.

    Raises:
        OptionError: if the options do not go with the keypoints.
        MotionliftError: at the end, if somebody could not be lifted.
    """
    count, failed = len(people), list[str]()
    while people:
        pose, out = people.pop(0)
        began = time.perf_counter()
        try:
            with progress_bar("lifting") as on_progress:
                lifted = lift_with(lifter, pose, options, on_progress=on_progress)
            seconds = time.perf_counter() - began
            write(lifted, out)
        except MotionliftError as error:
            if count == 1 or isinstance(error, OptionError):
                raise
            name = pose.person or out.stem
            print(f"motionlift: person {name}: {error}", file=sys.stderr)
            failed.append(name)
            continue
        finally:
            del pose
        if find_writer(out).needs_whole:
            lifted = replace(lifted, notes=(*lifted.notes, *note_on_ends(lifted, out)))
        yield lifted, seconds, out
    if failed:
        raise MotionliftError(
            f"{len(failed)} of {count} people could not be lifted: {', '.join(failed)}"
        )


def encode(arguments: Sequence[str]) -> None:
    """Run `motionlift encode` with these arguments."""
    asked = parse(EncodeArguments, arguments, prog="motionlift encode")
    check_writable(asked.out)
    if asked.out.suffix != ".npz":
        raise FormatError(f"{asked.out}: features are written as .npz; give such a name")
    people = people_of(asked.source, out=asked.out, with_table=True)
    lifter = make_lifter(asked.network)
    are_several = len(people) > 1
    for found, out in people:
        pose = between_detections(found)
        began = time.perf_counter()
        with progress_bar("encoding") as on_progress:
            features = lifter.encode_pose(pose, on_progress=on_progress)
        seconds = time.perf_counter() - began
        with written_beside(out) as beside:
            np.savez(beside, **_features_file(features, pose, lifter))
        say_notes(pose.notes, person=pose.person if are_several else "")
        channels = features.shape[2]
        say("encoded", f"{pose.num_frames} frames{of_person(pose)}, {channels} channels a joint")
        say_machine(lifter, seconds=seconds, frames=pose.num_frames)
        say("wrote", str(out))


def make_lifter(asked: Network, *, flip: bool = False, short_windows: bool = False) -> "Lifter":
    """The network asked for, ready to lift; imports PyTorch."""
    from motionlift.lifting import Lifter
    from motionlift.network.weights import load_model

    model = load_model(asked.model)
    return Lifter(
        model,
        device=asked.device,
        precision=asked.precision,
        flip=flip,
        short_windows=short_windows,
    )


def people_of(asked: Source, *, out: Path, with_table: bool = False) -> list[tuple[Pose2D, Path]]:
    """Who is to be lifted, and the file for each of them; says who was found if asked to."""
    options = asked.options()
    is_of_keypoints = any(
        each is not None for each in (asked.format, asked.skeleton, asked.image_size)
    )
    source = keypoint_source(asked.source, asked.detection, out=out, is_keypoints=is_of_keypoints)
    people = read_keypoints(source, options, format=asked.format)
    if with_table:
        say_people(people)
    chosen = choose_people(people, asked.person)
    outputs = [out] if len(chosen) == 1 else _outputs_of([pose.person for pose in chosen], out)
    for each in outputs:
        if each.exists() and each.samefile(asked.source):
            raise OptionError(f"{each}: is the source itself; give -o another name")
    return list(zip(chosen, outputs, strict=True))


def _outputs_of(people: Sequence[str], out: Path) -> list[Path]:
    """A file for each person, named after them; numbered where two names would be one."""
    names = ["".join(c if c.isalnum() or c in "-_" else "-" for c in each) for each in people]
    if len(set(names)) < len(names):
        names = [f"{name}-{number}" for number, name in enumerate(names, 1)]
    end = _LONG if out.name.lower().endswith(_LONG) else out.suffix
    stem = out.name[: len(out.name) - len(end)]
    return [out.with_name(f"{stem}_{name}{out.name[len(stem) :]}") for name in names]


def _features_file(features: np.ndarray, pose: Pose2D, lifter: "Lifter") -> dict[str, Any]:
    from motionlift.skeletons import H36M17

    return {
        "features": features,
        "joint_names": np.array(H36M17.joints),
        "frame_index": pose.frame_index,
        "fps": np.float64(np.nan if pose.fps is None else pose.fps),
        "source": np.array(pose.source),
        "person": np.array(pose.person),
        "model": np.array(lifter.model_name),
    }
