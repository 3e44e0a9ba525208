"""Writes TRC as OpenSim and Pose2Sim read it: the joints' names and paths, y up.

Motion in metres is written in metres. Motion of unknown scale is written in pixels, and the header
says so: OpenSim refuses it, as it should. A missing joint's cells stay empty.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float

from motionlift.formats._outgoing import known_fps, y_up_positions
from motionlift.formats._shown import storable
from motionlift.poses import Pose3D
from motionlift.skeletons import H36M17


def write(pose: Pose3D, path: Path) -> None:
    """Write a motion as TRC.

    Raises:
        FormatError: if the joints are not those of `H36M17`, or nobody knows the frame rate.
    """
    fps = known_fps(pose, path)
    positions = y_up_positions(pose, path)
    count = pose.num_frames
    names = "\t\t\t".join(H36M17.joints)
    axes = "\t".join(f"{axis}{k}" for k in range(1, H36M17.num_joints + 1) for axis in "XYZ")
    with path.open("w", encoding="utf-8", newline="\n") as handle:
        handle.write(f"PathFileType\t4\t(X/Y/Z)\t{storable(path.name)}\n")
        handle.write(
            "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\t"
            "OrigNumFrames\n"
        )
        handle.write(
            f"{fps:.10g}\t{fps:.10g}\t{count}\t{H36M17.num_joints}\t{pose.units}\t{fps:.10g}\t1\t"
            f"{count}\n"
        )
        handle.write(f"Frame#\tTime\t{names}\t\t\t\n\t\t{axes}\n")
        handle.writelines(_lines(pose, positions, fps))


def _lines(pose: Pose3D, positions: Float[np.ndarray, "frame 17 3"], fps: float) -> Iterator[str]:
    for frame, joints in zip(pose.frame_index.tolist(), positions, strict=True):
        cells = ["" if value != value else f"{value:.7f}" for value in joints.reshape(-1).tolist()]
        # TRC counts frames from 1; their times count from 0 all the same.
        yield f"{frame + 1}\t{frame / fps:.7f}\t" + "\t".join(cells) + "\n"
