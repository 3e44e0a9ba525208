"""C3D, the file that motion capture laboratories write: the paths of labelled markers.

Several subjects in a file are several people. Which joints can be had, and how, `_labelled.py`
and `_markers.py` say.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from motionlift.errors import FormatError
from motionlift.formats import Format, ReadOptions
from motionlift.formats._c3d_file import C3dFile, is_c3d, read_c3d_file
from motionlift.formats._c3d_write import write
from motionlift.formats._labelled import UNITS, Recording, people_of
from motionlift.formats._markers import ADULT_WIDTHS
from motionlift.formats._timeline import GIVE_RATE
from motionlift.formats._world import Axis
from motionlift.poses import Pose3D

# What a screen that shows the file has upward.
_AXIS_OF: Mapping[str, Axis] = {"+X": "x", "+Y": "y", "+Z": "z"}


def read(path: Path, options: ReadOptions) -> Sequence[Pose3D]:
    """The people in the file.

    Raises:
        FormatError: if it is damaged, its unit is unknown or cannot be right, or nobody says its
            frame rate.
        SkeletonError: if of nobody enough joints can be had.
    """
    file = read_c3d_file(path)
    if file.fps is None and options.fps is None:
        raise FormatError(f"{path}: declares no frame rate that can be; {GIVE_RATE}")
    unit = _text(file, "POINT:UNITS")
    prefixes = file.parameters.get("SUBJECTS:LABEL_PREFIXES")
    recording = Recording(
        source=str(path),
        labels=file.labels,
        points=file.points,
        fps=file.fps,
        unit=unit,
        up=_AXIS_OF.get(_text(file, "POINT:Y_SCREEN").upper()),
        usual_up="z",
        frame_index=file.first_frame + np.arange(len(file.points)),
        prefixes=prefixes if isinstance(prefixes, list) else (),
        widths=read_widths(file, metres=UNITS.get(unit.lower(), UNITS["mm"])),
    )
    return people_of(recording, options)


def read_widths(file: C3dFile, *, metres: float) -> dict[str, float]:
    """The measures that Vicon's software leaves in the file, in metres."""
    widths = {}
    for name in (f"{side}{width}" for side in "LR" for width in ADULT_WIDTHS):
        value = file.parameters.get(f"PROCESSING:{name.upper()}")
        if isinstance(value, np.ndarray) and value.size == 1:
            width = float(value.flat[0]) * metres
            # What nobody measured stands as 0.
            if 0.01 < width < 0.3:
                widths[name] = width
    return widths


def _text(file: C3dFile, name: str) -> str:
    value = file.parameters.get(name)
    return value[0] if isinstance(value, list) and value else ""


def _sniff(path: Path) -> bool:
    try:
        with path.open("rb") as handle:
            return is_c3d(handle.read(512))
    except OSError:
        return False


FORMAT = Format(
    name="c3d",
    title="C3D",
    kind="motion",
    suffixes=(".c3d",),
    sniff=_sniff,
    read_motion=read,
    write=write,
    needs_fps=True,
)
