"""The library's own file of lifted motion, `.npz`: NumPy arrays and nothing else, never a pickle.

The arrays and their names are those of `_lifted`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from motionlift.formats import Format, ReadOptions
from motionlift.formats._archives import looks_like_archive, read_arrays
from motionlift.formats._lifted import ALWAYS, parts_of, pose_of
from motionlift.poses import Pose3D


def write(pose: Pose3D, path: Path) -> None:
    """Write lifted motion, or any other in `H36M17`.

    Raises:
        FormatError: if the joints are not those of `H36M17`.
    """
    arrays: dict[str, Any] = parts_of(pose, path)
    with path.open("wb") as handle:  # of a name, NumPy would make one that ends in .npz
        np.savez_compressed(handle, **arrays)


def read(path: Path, options: ReadOptions) -> Sequence[Pose3D]:
    """The motion in a file that `write` made, as it was.

    Raises:
        FormatError: if the file is damaged, or something in it is not as `write` makes it.
    """
    return [pose_of(read_arrays(path), options, path)]


def _sniff(path: Path) -> bool:
    return looks_like_archive(path, ALWAYS)


FORMAT = Format(
    name="npz",
    title="motionlift npz",
    kind="motion",
    suffixes=(".npz",),
    sniff=_sniff,
    read_motion=read,
    write=write,
)
