"""Detectron and Detectron2, as VideoPose3D's `infer_video.py` and `infer_video_d2.py` save them.

    keypoints   for each frame [[], (person, 4, 17)]: rows x, y, logit, probability
    boxes       for each frame [[], (person, 5)]; not used
    metadata    {"w": ..., "h": ...}

They are pickled Python objects, read as data (see `_pickles`), never executed. Detectron2's own
evaluation writes COCO results instead, which `coco` reads.
Source: VideoPose3D, inference/infer_video_d2.py.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from motionlift.errors import FormatError
from motionlift.formats import Format, ReadOptions
from motionlift.formats._archives import looks_like_archive
from motionlift.formats._cleaning import fps_of, image_size_of
from motionlift.formats._detections import Gathering
from motionlift.formats._people import people_of
from motionlift.formats._pickles import load_object_npz
from motionlift.poses import Pose2D

# x, y and probability, of the four rows.
_ROWS = (0, 1, 3)


def read(path: Path, options: ReadOptions) -> Sequence[Pose2D]:
    """Everybody in the file, most prominent first.

    Raises:
        FormatError: if it is damaged, holds more than data, or nobody is in it.
    """
    content = load_object_npz(path)
    frames = content.get("keypoints")
    if not isinstance(frames, list | np.ndarray) or not len(frames):
        raise FormatError(f"{path}: 'keypoints' is no list of frames")
    gathering = Gathering(path)
    frame: list[int] = []
    for number, of_frame in enumerate(frames):
        where = f"{path}: frame {number}"
        for person in _people(of_frame, where=where):
            gathering.add(person[list(_ROWS)].T, where=where)
            frame.append(number)
    about = content.get("metadata")
    said = about if isinstance(about, dict) else {}
    fps, notes = fps_of(said.get("fps"))
    return people_of(
        gathering,
        frame,
        path=path,
        options=options,
        span=(0, len(frames) - 1),
        num_frames=len(frames),
        fps=fps,
        image_size=image_size_of((said.get("w"), said.get("h"))),
        notes=notes,
    )


def _people(of_frame: Any, *, where: str) -> list[Float[np.ndarray, "4 joint"]]:
    """The people of one frame: the second class of detections."""
    people = of_frame[1] if isinstance(of_frame, list) and len(of_frame) == 2 else None
    if isinstance(people, list) and not people:
        return []
    try:
        array = np.asarray(people, dtype=float)
    except (TypeError, ValueError):
        array = np.empty(0)
    if array.ndim != 3 or array.shape[1] != 4:
        raise FormatError(f"{where}: expected [[], people], people of shape (person, 4, joint)")
    return list(array)


def _sniff(path: Path) -> bool:
    return looks_like_archive(path, ("keypoints", "boxes", "metadata"))


FORMAT = Format(
    name="detectron2",
    title="Detectron npz of VideoPose3D",
    kind="keypoints",
    suffixes=(".npz",),
    sniff=_sniff,
    read_keypoints=read,
)
