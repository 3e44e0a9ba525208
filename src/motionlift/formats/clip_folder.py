"""Clips as MotionBERT's preparation leaves them: a folder of pickles, one a clip, or one of them.

    {"data_label": (frame, 17, 3), "data_input": (frame, 17, 3) or None}

in Human3.6M's order. Clips of AMASS have no input; their labels are metres times 0.298 under a
level camera. Those of Human3.6M are in halves of the picture's width, of which nobody can tell the
metres: they need --metres-per-unit. Clips of a folder overlap; those that go on from one another
are put together again, so that no frame counts twice. The pickles are read as data (see
`_pickles`), never executed.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from motionlift.errors import FormatError
from motionlift.formats import Format, ReadOptions
from motionlift.formats._ordered import H36M_ORDER, camera_to_world, landmarks_of
from motionlift.formats._pickles import read_pickle
from motionlift.formats._world import LONGEST_LEG, SHORTEST_LEG, world_pose
from motionlift.kinematics import leg_length
from motionlift.poses import Pose3D

# tools/preprocess_amass.py of MotionBERT: the size that people have in its labels, ...
AMASS_SCALE = 0.298
# ... and every second frame of 120, every fourth of 250: 50 to 75 frames a second.
_AMASS_FPS, _H36M_FPS = 60.0, 50.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Clip:
    """Labels of one clip, or of several that were put together."""

    name: str
    labels: Float[np.ndarray, "frame 17 3"]
    has_input: bool


def read(path: Path, options: ReadOptions) -> Sequence[Pose3D]:
    """The clip of a file, or each motion in a folder; `person` is the first clip's name.

    Raises:
        FormatError: if a file is damaged, holds more than data, or its unit is not known.
    """
    if path.is_file():
        return [_pose(_read_clip(path, name=""), options, path=path)]
    files = sorted(each for each in path.rglob("*.pkl") if each.is_file())
    if not files:
        raise FormatError(f"{path}: no .pkl file in the folder; expected a file for each clip")
    clips = (_read_clip(each, name=each.relative_to(path).as_posix()) for each in files)
    return [_pose(clip, options, path=path) for clip in _put_together(clips)]


def _read_clip(path: Path, *, name: str) -> _Clip:
    try:
        content: Any = read_pickle(path.read_bytes(), where=str(path))
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror})") from error
    labels = content.get("data_label") if isinstance(content, dict) else None
    if (
        not isinstance(labels, np.ndarray)
        or labels.ndim != 3
        or labels.shape[1:] != (len(H36M_ORDER), 3)
        or not len(labels)
    ):
        raise FormatError(
            f"{path}: no 'data_label' of shape (frames, {len(H36M_ORDER)}, 3); expected a clip "
            "of MotionBERT's"
        )
    return _Clip(name=name, labels=labels, has_input=content.get("data_input") is not None)


def _put_together(clips: Iterable[_Clip]) -> Iterator[_Clip]:
    """Motions without double frames: a clip that begins inside the one before continues it."""
    motion: _Clip | None = None
    pieces: list[Float[np.ndarray, "frame 17 3"]] = []
    last: _Clip | None = None
    for clip in clips:
        shared = _overlap(last.labels, clip.labels) if last is not None else 0
        if motion is None or not shared:
            if motion is not None:
                yield replace(motion, labels=np.concatenate(pieces))
            motion, pieces = clip, []
        pieces.append(clip.labels[shared:])
        last = clip
    if motion is not None:
        yield replace(motion, labels=np.concatenate(pieces))


def _overlap(
    before: Float[np.ndarray, "frame 17 3"], after: Float[np.ndarray, "frame 17 3"]
) -> int:
    """How many frames at the end of one clip are the first of the other, to the last bit."""
    for start in np.flatnonzero((before == after[:1]).all(axis=(1, 2))):
        count = len(before) - int(start)
        if count < len(after) and np.array_equal(before[start:], after[:count]):
            return count
    return 0


def _pose(clip: _Clip, options: ReadOptions, *, path: Path) -> Pose3D:
    where = f"{path / clip.name}" if clip.name else str(path)
    metres = options.metres_per_unit
    if metres is None and clip.has_input:
        raise FormatError(
            f"{where}: labels are in halves of the picture's width, which says nothing of metres; "
            "say how many with --metres-per-unit"
        )
    metres = metres or 1 / AMASS_SCALE
    landmarks = camera_to_world(landmarks_of(clip.labels, H36M_ORDER, where=where, metres=metres))
    leg = leg_length(landmarks)
    if np.isfinite(leg) and not SHORTEST_LEG <= leg <= LONGEST_LEG:
        raise FormatError(
            f"{where}: a leg of {leg:.3g} m, which no leg has; say how many metres a unit of the "
            "labels has with --metres-per-unit"
        )
    usual = _H36M_FPS if clip.has_input else _AMASS_FPS
    said = [] if options.fps else [f"the rate is not in the file: taken to be the usual {usual:g}"]
    return world_pose(
        landmarks,
        source=str(path),
        person=clip.name.removesuffix(".pkl"),
        fps=options.fps or usual,
        notes=(f"a unit of the labels is {metres:.3f} m", *said),
    )


def _sniff(path: Path) -> bool:
    try:
        if path.is_dir():
            first = next((each for each in path.rglob("*.pkl") if each.is_file()), None)
            return first is not None and _sniff(first)
        with path.open("rb") as handle:
            head = handle.read(4096)
    except OSError:
        return False
    return head[:1] == b"\x80" and (b"data_label" in head or b"data_input" in head)


FORMAT = Format(
    name="clip-folder",
    title="MotionBERT's clips",
    kind="motion",
    suffixes=(".pkl",),
    sniff=_sniff,
    read_motion=read,
)
