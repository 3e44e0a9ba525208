"""Other frame rates.

Frame k of a rate is at k / fps seconds, so that motion keeps its time. Between frames a local cubic
is laid (`data/resample.py` says why); confidences are the lesser of the two frames' around. Frames
that a source leaves out are missing at any rate.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float, Int, Real

from motionlift.data.resample import at_times
from motionlift.errors import OptionError
from motionlift.poses import ASSUMED_FPS, Pose2D, Pose3D, rows_before_gaps

# The network counts time in frames. From this part on of the rate that it was trained at, frames as
# they are serve it, every k-th of a faster file.
_LEAST_KNOWN = 0.7
# More frames a second than this part of 50, or of the rate that it was trained at, say little more
# of motion, and cost time. Stores have 50 too, unless their builder asks for another rate.
USUAL_FPS, _MOST = 50.0, 1.24
_TOLERANCE = 1e-6
# Four hours at 1000 frames a second, 3 GB of positions.
_MOST_FRAMES = 15_000_000


def lifting_rate(fps: float, *, trained: float) -> float:
    """The rate at which a network that was trained at `trained` frames a second lifts such a file.

    That of the file, unless it is far slower than the training's, which is then the rate, or faster
    than 62 a second, and then it is 50 or nearly.
    """
    if fps < _LEAST_KNOWN * trained:
        return trained
    if fps > _MOST * max(USUAL_FPS, trained):
        return trained * max(1, round(USUAL_FPS / trained))
    return fps


def frames_apart(fps: float | None, *, trained: float) -> int:
    """How many frames one frame of a window stands from the next.

    Every k-th frame of `fps` is nearest to the rate that the network was trained at, as a ratio.
    Without a rate, files are taken for ones of 40 frames a second.
    """
    ratio = (fps or ASSUMED_FPS) / trained
    fewer = max(1, int(ratio))
    return fewer if ratio * ratio <= fewer * (fewer + 1) else fewer + 1


def keypoints_at(pose: Pose2D, fps: float) -> Pose2D:
    """The keypoints at another rate, from the first frame to the last; a joint is missing where one
    of the frames around lacks it.

    The last frame may stand for a moment less than a frame later, so that none is lost.
    """
    assert pose.fps is not None
    last = (pose.frame_index[-1] - pose.frame_index[0]) / pose.fps
    count = int(np.ceil(last * fps - _TOLERANCE)) + 1
    seconds = np.minimum(np.arange(count) / fps, last)
    wanted = pose.frame_index[0] + seconds * pose.fps
    keypoints, confidence = _sampled(pose.keypoints, pose.confidence, pose.frame_index, wanted)
    return replace(
        pose,
        keypoints=keypoints,
        confidence=confidence,
        frame_index=np.arange(count),
        fps=fps,
    )


def motion_at(pose: Pose3D, fps: float) -> Pose3D:
    """The motion at another rate, with its keypoints: frame k is at k / fps seconds.

    Raises:
        OptionError: if its own rate is unknown, or the new one has no frame in its time.
    """
    ratio = fps / known_rate(pose, flag="--fps-out")
    first = int(np.ceil(pose.frame_index[0] * ratio - _TOLERANCE))
    last = int(np.floor(pose.frame_index[-1] * ratio + _TOLERANCE))
    if last < first:
        raise OptionError(f"--fps-out {fps:g}: no frame of that rate falls into the motion")
    if last - first >= _MOST_FRAMES:
        raise OptionError(
            f"--fps-out {fps:g}: the motion would have {last - first + 1} frames; give a lower rate"
        )
    frames = np.arange(first, last + 1)
    wanted = frames / ratio
    place = _places(pose.frame_index, wanted)
    positions, confidence = _sampled(pose.positions, pose.confidence, pose.frame_index, wanted)
    note = f"resampled from {pose.fps:g} to {fps:g} frames a second"
    return replace(
        pose,
        positions=positions.astype(pose.positions.dtype),
        confidence=confidence,
        frame_index=frames,
        fps=fps,
        root_xy=None if pose.root_xy is None else at_times(pose.root_xy[:, None], place)[:, 0],
        expected_error=errors_at(pose.expected_error, place, confidence > 0),
        lifted_from=_seen_at(pose.lifted_from, wanted, frames=frames, fps=fps),
        notes=(*pose.notes, note),
    )


def known_rate(pose: Pose2D | Pose3D, *, flag: str) -> float:
    """The frame rate, which the option of that name cannot do without.

    Raises:
        OptionError: if nobody knows it.
    """
    if pose.fps is None:
        raise OptionError(
            f"{flag} works in seconds, and {pose.source or 'the source'} has no frame rate; "
            "give --fps as well"
        )
    return pose.fps


def errors_at(
    expected: Float[np.ndarray, "frame joint"] | None,
    place: Float[np.ndarray, " moment"],
    is_answered: Bool[np.ndarray, "moment joint"],
) -> Float[np.ndarray, "moment joint"] | None:
    """Expected errors at such moments; NaN where there is no joint."""
    if expected is None:
        return None
    # The curve between two errors may swing below 0.
    found = np.maximum(at_times(expected[..., None], place)[..., 0], 0.0)
    return np.where(is_answered, found, np.nan).astype(expected.dtype)


def _seen_at(
    seen: Pose2D | None, wanted: Float[np.ndarray, " moment"], *, frames: np.ndarray, fps: float
) -> Pose2D | None:
    if seen is None:
        return None
    keypoints, confidence = _sampled(seen.keypoints, seen.confidence, seen.frame_index, wanted)
    return replace(seen, keypoints=keypoints, confidence=confidence, frame_index=frames, fps=fps)


def _sampled(
    points: Float[np.ndarray, "frame joint axis"],
    confidence: Float[np.ndarray, "frame joint"],
    frame_index: Int[np.ndarray, " frame"],
    wanted: Float[np.ndarray, " moment"],
) -> tuple[Float[np.ndarray, "moment joint axis"], Float[np.ndarray, "moment joint"]]:
    """Points and confidences at moments that are given in frame numbers."""
    # A missing frame in every gap, so that nothing is bridged over it.
    gaps = rows_before_gaps(frame_index)
    middles = (frame_index[gaps] + frame_index[gaps + 1]) / 2
    place = _places(np.insert(frame_index.astype(float), gaps + 1, middles), wanted)
    points = np.insert(points, gaps + 1, np.nan, axis=0)
    confidence = np.insert(confidence, gaps + 1, 0.0, axis=0)
    sampled = at_times(points, place)
    before, after = np.floor(place).astype(int), np.ceil(place).astype(int)
    lesser = np.minimum(confidence[before], confidence[after])
    is_missing = np.isnan(sampled).any(axis=-1) | (lesser == 0)
    return np.where(is_missing[..., None], np.nan, sampled), np.where(is_missing, 0.0, lesser)


def _places(
    frame_index: Real[np.ndarray, " frame"], wanted: Float[np.ndarray, " moment"]
) -> Float[np.ndarray, " moment"]:
    """Moments in frame numbers as places between rows, snapped to rows where they are one."""
    place = np.interp(wanted, frame_index, np.arange(len(frame_index)))
    nearest = np.round(place)
    return np.where(np.abs(place - nearest) < _TOLERANCE, nearest, place)
