"""Human3.6M as the lineage of MotionBERT passes it on, `h36m_sh_conf_cam_source_final.pkl`.

    {"train" and "test": {"joints_2.5d_image" (frame, 17, 3), "source" (frame,), ...}}

All frames of a split stand one behind the other; `source` says which recording and camera a frame
is of. The joints are those of the image, each frame times one factor that makes them millimetres:
root-relative they are the camera's, the root's path is only what the image shows of it. Pickled
Python, read as data (see `_pickles`). The rate is Human3.6M's 50 frames a second.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from motionlift.errors import FormatError
from motionlift.formats import Format, ReadOptions
from motionlift.formats._ordered import (
    H36M_ORDER,
    Landmarks,
    camera_to_world,
    landmarks_of,
    most_upright,
    said_level,
    said_of,
)
from motionlift.formats._pickles import read_pickle
from motionlift.formats._world import world_pose
from motionlift.formats.h36m_npz import FPS
from motionlift.poses import Pose3D

_SPLITS = ("train", "test")
_POINTS = "joints_2.5d_image"
_CAMERA = re.compile(r"_ca_\d+$")
_FIELDS = (b"joint_2d", b"joint3d_image", b"joints_2.5d_image", b"2.5d_factor", b"camera_name")


def read(path: Path, options: ReadOptions) -> Sequence[Pose3D]:
    """Each recording, under one of its cameras; `person` is its split and name.

    Raises:
        FormatError: if the file is damaged, or holds more than data.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror})") from error
    content = read_pickle(data, where=str(path))
    splits = [split for split in _SPLITS if isinstance(content, dict) and split in content]
    if not splits:
        raise FormatError(f"{path}: has neither 'train' nor 'test'; expected Human3.6M's pickle")
    poses = []
    for split in splits:
        for name, views in _recordings(content[split], options, where=f"{path}: '{split}'"):
            chosen = most_upright(list(views.values()))
            camera, landmarks = list(views.items())[chosen]
            more = f"; its other {len(views) - 1} cameras were skipped" if len(views) > 1 else ""
            poses.append(
                world_pose(
                    landmarks,
                    source=str(path),
                    person=f"{split} {name}",
                    fps=options.fps or FPS,
                    notes=(
                        f"camera {camera}{more}; the root's path is the image's",
                        said_level(landmarks),
                        *said_of(options, unit="millimetres", fps=FPS, data_set="Human3.6M"),
                    ),
                )
            )
    return poses


def _recordings(
    split: Any, options: ReadOptions, *, where: str
) -> Iterator[tuple[str, Mapping[str, Landmarks]]]:
    """Recording, and its views by camera, in the order of the file."""
    missing = [name for name in (_POINTS, "source") if name not in _dict(split, where=where)]
    if missing:
        raise FormatError(f"{where}: has no '{missing[0]}'; it has: {', '.join(map(str, split))}")
    landmarks = camera_to_world(
        landmarks_of(
            split[_POINTS], H36M_ORDER, where=where, metres=options.metres_per_unit or 0.001
        )
    )
    listed = split["source"]
    sources = listed.tolist() if isinstance(listed, np.ndarray) else listed
    frames = len(landmarks["nose"])
    if not isinstance(sources, list) or len(sources) != frames:
        raise FormatError(f"{where}: 'source' is not one text for each of the {frames} frames")
    views: dict[str, dict[str, Landmarks]] = {}
    start = 0
    for source, group in groupby(str(each) for each in sources):
        part = slice(start, start + len(list(group)))
        start = part.stop
        recording = _CAMERA.sub("", source)
        camera = source.removeprefix(recording).removeprefix("_") or "unnamed"
        by_camera = views.setdefault(recording, {})
        if camera in by_camera:
            raise FormatError(f"{where}: the frames of '{source[:60]}' do not stand together")
        by_camera[camera] = {name: points[part] for name, points in landmarks.items()}
    yield from views.items()


def _dict(split: Any, *, where: str) -> dict[Any, Any]:
    if not isinstance(split, dict):
        raise FormatError(f"{where}: expected a dict of arrays, found {type(split).__name__}")
    return split


def _sniff(path: Path) -> bool:
    try:
        with path.open("rb") as handle:
            head = handle.read(4096)
    except OSError:
        return False
    has_split = any(split.encode() in head for split in _SPLITS)
    return head[:1] == b"\x80" and has_split and any(field in head for field in _FIELDS)


FORMAT = Format(
    name="h36m-pkl",
    title="Human3.6M (h36m_sh_conf_cam_source_final.pkl)",
    kind="motion",
    suffixes=(".pkl",),
    sniff=_sniff,
    read_motion=read,
)
