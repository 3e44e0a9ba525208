"""Keypoints for frames in which a joint was missed, on request, or that no detector was run on."""

from dataclasses import replace

import numpy as np

from motionlift.poses import ASSUMED_FPS, Pose2D, rows_a_second, usual_step

# Seconds from one frame that a detector was run on to the next, beyond which nothing is laid.
_LONGEST_STEP = 0.5


def fill_gaps(pose: Pose2D, *, max_frames: int) -> Pose2D:
    """Keypoints with gaps of at most so many frames bridged, each keypoint by itself.

    A monotone cubic in time (PCHIP) through the frames in which it was found, which does not swing
    beyond them. Confidence is the lesser of those on both sides. Gaps at the ends stay.
    """
    filled, count = _bridged(pose, max_frames=max_frames)
    note = f"{count} keypoints in gaps of at most {max_frames} frames are interpolated"
    return replace(filled, notes=(*pose.notes, note))


def between_detections(pose: Pose2D) -> Pose2D:
    """Keypoints also in the frames between, where a detector was run on every k-th frame.

    Readers have a row for every frame number. Where most rows that have somebody in them stand k
    rows apart, up to half a second, those between are not frames in which nobody was seen. They
    get keypoints as `fill_gaps` gives them, and a note says so; longer times without anybody stay.
    """
    apart = np.diff(np.flatnonzero(pose.is_visible.any(axis=1)))
    usual = float(np.median(apart)) if len(apart) else 1.0
    if usual < 2 or usual > _LONGEST_STEP * (rows_a_second(pose) or ASSUMED_FPS):
        return pose
    # Not all steps are alike where k is no whole number, or a video lost frames; where the detector
    # was run and saw nobody, or missed a joint, two steps are between.
    max_frames = int(2 * usual - 1) * usual_step(pose.frame_index) - 1
    filled, _ = _bridged(pose, max_frames=max_frames)
    count = int(filled.is_visible.any(axis=1).sum()) - len(apart) - 1
    note = (
        f"keypoints are on one frame in {usual:g}, as of a detector that was run on these: "
        f"interpolated in the {count} frames between"
    )
    return replace(filled, notes=(*pose.notes, note))


def _bridged(pose: Pose2D, *, max_frames: int) -> tuple[Pose2D, int]:
    """With gaps of at most so many frames bridged, as `fill_gaps` says; and how many keypoints."""
    # Here, because it takes long to import, and most lifts do without.
    from scipy.interpolate import PchipInterpolator

    keypoints, confidence = pose.keypoints.copy(), pose.confidence.copy()
    time, rows = pose.frame_index, np.arange(pose.num_frames)
    count = 0
    for joint in range(pose.skeleton.num_joints):
        known = np.flatnonzero(pose.confidence[:, joint] > 0)
        # A gap's length is in frames of the source, also where its file leaves frames out.
        is_short = (np.diff(known) > 1) & (np.diff(time[known]) - 1 <= max_frames)
        if not is_short.any():
            continue
        gap = np.searchsorted(known, rows) - 1
        is_within = (gap >= 0) & (gap < len(is_short))
        gap, inside = gap[is_within], rows[is_within]
        is_filled = is_short[gap] & (inside != known[gap + 1])
        gap, inside = gap[is_filled], inside[is_filled]
        curve = PchipInterpolator(time[known], pose.keypoints[known, joint])
        keypoints[inside, joint] = curve(time[inside])
        confidence[inside, joint] = np.minimum(
            pose.confidence[known[gap], joint], pose.confidence[known[gap + 1], joint]
        )
        count += len(inside)
    return replace(pose, keypoints=keypoints, confidence=confidence), count
