"""T-poses and settling at the start of a recording, recognised by the jump that ends them."""

from dataclasses import replace

import numpy as np

from motionlift.poses import Pose3D

# The motion jumps where a joint goes this far (metres, metres a second) from one frame to the next,
# and this many times as far as it does in the median of the frames that follow.
_JUMP, _JUMP_SPEED, _JUMP_RATIO, _NEXT = 0.05, 6.0, 5.0, 10


def without_start_if_apart(pose: Pose3D) -> Pose3D:
    """The same motion without the frames it jumps away from at its start, such as a T-pose."""
    steps = np.linalg.norm(np.diff(pose.positions[: 3 * _NEXT], axis=0), axis=-1)
    longest = np.nanmax(steps, axis=1, initial=0.0)
    shortest_jump = max(_JUMP, _JUMP_SPEED / pose.fps if pose.fps else 0.0)
    apart = [
        step
        for step in range(min(_NEXT, len(longest) - 2))
        if longest[step]
        > max(shortest_jump, _JUMP_RATIO * np.median(longest[step + 1 : step + 1 + _NEXT]))
    ]
    if not apart:
        return pose
    start = apart[-1] + 1
    note = (
        f"the first {start} frames were dropped: {longest[:start].max():.2f} m to the next "
        "(a T-pose, or settling after one)"
    )
    return replace(
        pose,
        positions=pose.positions[start:],
        confidence=pose.confidence[start:],
        frame_index=pose.frame_index[start:],
        notes=(*pose.notes, note),
    )
