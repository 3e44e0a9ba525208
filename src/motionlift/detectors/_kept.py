"""Detections are kept beside what is made of them, so that nobody waits for them twice."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from motionlift.detectors import Detector
from motionlift.detectors._detecting import Detected, Interrupted, detect
from motionlift.errors import FormatError, OptionError
from motionlift.files import check_writable, written_beside
from motionlift.formats.detections_npz import Origin, read_origin, write_detections
from motionlift.progress import OnProgress
from motionlift.video.fingerprint import fingerprint

# In what the detections were made of: after which picture their run was stopped.
_STOPPED = "stopped_after"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Where the detections are, and how they came there.

    Attributes:
        path: file of detections, which `read_keypoints` reads.
        detected: how detecting went; None if they were there already.
        why_again: why detections that were there were not good enough; "" if there were none.
    """

    path: Path
    detected: Detected | None
    why_again: str = ""


def kept_detections(
    video: Path,
    detector: Detector,
    *,
    path: Path,
    again: bool = False,
    may_fetch: bool = False,
    on_progress: OnProgress | None = None,
) -> Kept:
    """The detections in `path` if they are of this video and detector, else made there.

    The file appears whole or not at all; what stood there before stands until then. After Ctrl-C
    it holds what was found so far, if nothing stood there: to lift as it is, not to go on from.

    Args:
        again: whether to detect whatever is there.

    Raises:
        Interrupted: on Ctrl-C, after that file is written.
        FormatError: if the video cannot be read.
        OptionError: if `path` is something else, or the detector is not installed.
    """
    check_writable(path)
    origin = Origin(made_of=fingerprint(video), made_by=detector.made_by())
    doubts = _doubts(path, origin) if path.exists() else ["nothing is there"]
    if not doubts and not again:
        return Kept(path=path, detected=None)
    why = "; ".join(doubts or ["as asked"]) if path.exists() else ""
    try:
        detected = detect(video, detector, may_fetch=may_fetch, on_progress=on_progress)
    except Interrupted as stopped:
        if not path.exists():
            part = {**origin.made_of, _STOPPED: stopped.detected.num_pictures}
            _write(stopped.detected, path, origin=replace(origin, made_of=part))
        raise
    _write(detected, path, origin=origin)
    return Kept(path=path, detected=detected, why_again=why)


def _write(detected: Detected, path: Path, *, origin: Origin) -> None:
    with written_beside(path) as beside:
        write_detections(detected.detections, beside, origin=origin)


def _doubts(path: Path, wanted: Origin) -> Sequence[str]:
    """What speaks against the detections that are there; nothing if they may stand."""
    try:
        there = read_origin(path)
    except FormatError as error:
        raise OptionError(
            f"{path}: is in the way of the detections, and is none itself; move it, or give "
            "another name with -o"
        ) from error
    doubts = []
    made_of = dict(there.made_of)
    if made_of.pop(_STOPPED, None) is not None:
        doubts.append("the run that made them was stopped")
    if made_of != dict(wanted.made_of):
        doubts.append("the video is another one")
    of_detector = dict(wanted.made_by)
    if of_detector["version"] is None:  # not installed: no other version can be meant
        of_detector["version"] = there.made_by.get("version")
    if dict(there.made_by) != of_detector:
        doubts.append("the detector or its settings are others")
    return doubts
