"""What `detect` does, and `lift` with a video: find people in it, keep the detections, say so."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from motionlift.cli._parsing import parse
from motionlift.cli._report import progress_bar, say, say_notes
from motionlift.detectors import DEFAULT, DETECTORS, Detector
from motionlift.detectors._detecting import Detected, Interrupted
from motionlift.detectors._kept import kept_detections
from motionlift.errors import FormatError, OptionError
from motionlift.formats import people_table, read_keypoints
from motionlift.formats.detections_npz import read_origin
from motionlift.video.kinds import is_video


@dataclass(frozen=True, kw_only=True)
class Detection:
    """How people are found in a video."""

    detector: str | None = None
    """for a video: what finds people in it; mediapipe (if not given) or rtmlib"""
    detect_again: bool = False
    """for a video: find people anew, even if the detections of an earlier run are there"""
    fetch_weights: bool = False
    """for a video: let a detector fetch its weights from the network; mediapipe has none to"""


@dataclass(frozen=True, kw_only=True)
class DetectArguments:
    """Find people in a video: their keypoints in every frame, for `motionlift lift`."""

    video: Annotated[Path, tyro.conf.Positional]
    """the video"""
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """.npz file of detections to write; nothing is done if it is there, of this video and
    found in the same way"""
    how: Annotated[Detection, tyro.conf.arg(name="")]


def detect(arguments: Sequence[str]) -> None:
    """Run `motionlift detect` with these arguments."""
    asked = parse(DetectArguments, arguments, prog="motionlift detect")
    if asked.out.suffix != ".npz":
        raise FormatError(f"{asked.out}: detections are written as .npz; give such a name")
    if not asked.video.exists():
        raise FormatError(f"{asked.video}: no such file")
    if not is_video(asked.video):
        raise FormatError(f"{asked.video}: is no video; expected one of people")
    found = _detections(asked.video, asked.how, path=asked.out)
    people = read_keypoints(found)
    say_notes(people[0].notes if len(people) == 1 else ())
    for line in people_table(people):
        print(line)


def keypoint_source(source: Path, asked: Detection, *, out: Path, is_keypoints: bool) -> Path:
    """Where the keypoints are: the source itself, or, of a video, the detections beside `out`.

    Args:
        is_keypoints: whether the user says something that holds for keypoints only.

    Raises:
        OptionError: if options for videos are given with a source that is none.
        MotionliftError: if the video cannot be read, or the detector is not installed.
    """
    if is_video(source) and is_keypoints:
        raise OptionError(
            f"{source}: is a video; --format, --skeleton and --image-size are for keypoints, so "
            "leave them out"
        )
    if not is_video(source):
        if asked != Detection() and source.exists():
            raise OptionError(
                f"{source}: is no video, so --detector, --detect-again and --fetch-weights "
                "change nothing; leave them out"
            )
        return source
    return _detections(source, asked, path=out.with_name(f"{out.stem}.keypoints.npz"))


def _detections(video: Path, asked: Detection, *, path: Path) -> Path:
    """The file of the video's detections, made now or earlier; says which."""
    detector = DETECTORS.get(asked.detector or DEFAULT)
    is_there = path.exists()
    try:
        with progress_bar("detecting") as on_progress:
            kept = kept_detections(
                video,
                detector,
                path=path,
                again=asked.detect_again,
                may_fetch=asked.fetch_weights,
                on_progress=on_progress,
            )
    except Interrupted as stopped:
        if not is_there:
            count = stopped.detected.num_pictures
            say(
                "kept",
                f"{path}: of the first {count} pictures; `motionlift lift {path}` lifts them",
            )
        raise
    if kept.detected is None:
        version = read_origin(path).made_by.get("version")
        say("detections", f"{path}, made earlier of this video by {detector.title} {version}")
        return path
    if kept.why_again:
        say_notes([f"{path}: detected anew, because {kept.why_again}"])
    _say_detected(kept.detected, detector)
    say("kept", str(path))
    return path


def _say_detected(detected: Detected, detector: Detector) -> None:
    found = detected.detections
    width, height = found.image_size or (0, 0)
    frames = found.span[1] + 1
    length = "frame rate unknown"
    if found.fps is not None:
        rate = f"{found.fps:.4g} frames a second"
        length = f"{frames / found.fps:.2f} s at {rate}" + ("" if detected.is_constant else " (*)")
    say(
        "video", f"{width} x {height}, {detected.num_pictures} pictures, {length}, {detected.codec}"
    )
    if not detected.is_constant:
        say("(*)", "put on a constant rate; the notes say how")
    say("detector", f"{detector.title} {detector.version()}, {detector.people}")
    speed = detected.num_pictures / max(detected.seconds, 1e-9)
    say(
        "detected",
        f"somebody in {detected.num_with_people} of {detected.num_pictures} pictures, "
        f"{speed:.1f} a second, decoding included",
    )
