"""One person's keypoints become sequences of the store, without 3D truth: cut and resampled.

Nothing is filled and nothing is smoothed: what a detector misses, and how it errs, is what the
network has to cope with. Only where a detector was run on every k-th frame are points laid between
these, as resampling to the store's rate does everywhere. Positions are
x and y in the source's unit, x right and y down, and the detector's confidence.
"""

import numpy as np
from jaxtyping import Bool, Float

from motionlift.data.prepare_motion import PART, Prepared, every_frame
from motionlift.data.resample import resample
from motionlift.errors import FormatError
from motionlift.gaps import between_detections
from motionlift.poses import Pose2D, to_h36m17

# Somebody who was away for longer is another sequence; time between would be learned as stillness.
LONGEST_ABSENCE_SECONDS = 0.5
# A shorter piece is a passer-by at the edge of the picture, or a mistake of the tracking.
SHORTEST_PIECE_SECONDS = 0.5
# Keypoints that move from frame to frame, on average, by more than this part of the larger side of
# the person's box are of somebody else: 27 m/s for someone standing, at 30 frames a second.
_REACH = 0.5
# A detector that misses more than this share of all joints is worth a look.
_MANY_HIDDEN = 0.5
# Cubics overshoot; a confidence of exactly 0 would say that the joint is missing.
_LEAST_CONFIDENCE = 1e-3


def prepare_keypoints(
    pose: Pose2D, *, name: str, fps_source: float, fps: float
) -> tuple[list[Prepared], tuple[str, ...]]:
    """The sequences of one person, and what is doubtful about them.

    Raises:
        FormatError: if nothing of it can be used.
    """
    pose = between_detections(to_h36m17(pose))
    points = np.concatenate([pose.keypoints, pose.confidence[..., None]], axis=-1)
    points[~pose.is_visible] = np.nan
    step = int(np.gcd.reduce(np.diff(pose.frame_index))) if pose.num_frames > 1 else 1
    fps_source = fps_source / step
    points = every_frame(points, pose.frame_index // step)
    spans, jumps = _pieces(points, fps=fps_source)
    shortest = SHORTEST_PIECE_SECONDS * fps_source
    kept = [(first, last) for first, last in spans if last - first >= shortest]
    if not kept:
        raise FormatError(f"is seen for less than {SHORTEST_PIECE_SECONDS:g} s at a time")
    notes = pose.notes
    if step > 1:
        notes = (*notes, f"one frame in {step} is there: {fps_source:g} a second")
    sequences = []
    for number, (first, last) in enumerate(kept, 1):
        begin, end = (pose.frame_index[0] + step * place for place in (first, last - 1))
        numbers = f"frames {begin} to {end}"
        is_whole = last - first == len(points)
        sequences.append(
            _at_store_rate(
                points[first:last],
                name=name + f"{PART}{number}" * (len(kept) > 1),
                fps_source=fps_source,
                fps=fps,
                notes=notes if is_whole else (*notes, f"{numbers} of the recording"),
            )
        )
    doubts = []
    if jumps:
        at = ", ".join(str(pose.frame_index[0] + step * jump) for jump in jumps)
        doubts.append(f"keypoints jump to another place at frame {at}, cut there")
    if num_short := len(spans) - len(kept):
        what = "1 piece" if num_short == 1 else f"{num_short} pieces"
        doubts.append(f"{what} of less than {SHORTEST_PIECE_SECONDS:g} s left out")
    hidden = 1 - np.concatenate([each.visibility for each in sequences]).mean()
    if hidden > _MANY_HIDDEN:
        doubts.append(f"{hidden:.0%} of all joints are not seen")
    return sequences, tuple(doubts)


def _pieces(
    points: Float[np.ndarray, "frame 17 3"], *, fps: float
) -> tuple[list[tuple[int, int]], list[int]]:
    """Half-open ranges in which one person is there, and the frames at which keypoints jump."""
    is_seen = np.isfinite(points).all(axis=-1)
    present = np.flatnonzero(is_seen.any(axis=1))
    if not len(present):
        return [], []
    is_late = np.diff(present) > 1 + LONGEST_ABSENCE_SECONDS * fps
    is_far = _moves_far(points[present], is_seen[present])
    breaks = np.flatnonzero(is_late | is_far)
    begins = [0, *(breaks + 1)]
    ends = [*breaks, len(present) - 1]
    spans = [
        (int(present[begin]), int(present[end]) + 1)
        for begin, end in zip(begins, ends, strict=True)
    ]
    return spans, [int(present[place + 1]) for place in np.flatnonzero(is_far & ~is_late)]


def _moves_far(
    points: Float[np.ndarray, "frame 17 3"], is_seen: Bool[np.ndarray, "frame 17"]
) -> Bool[np.ndarray, " step"]:
    """Between which of these frames the joints seen in both move, in the mean, beyond reach."""
    xy = np.where(is_seen[..., None], points[..., :2], np.nan)
    low = np.min(xy, axis=1, where=is_seen[..., None], initial=np.inf)
    high = np.max(xy, axis=1, where=is_seen[..., None], initial=-np.inf)
    size = (high - low).max(axis=-1)
    moved = np.linalg.norm(np.diff(xy, axis=0), axis=-1)
    both = is_seen[1:] & is_seen[:-1]
    mean = np.sum(moved, axis=1, where=both) / np.maximum(both.sum(axis=1), 1)
    # A half-hidden person is no smaller.
    usual = np.maximum(size, np.median(size))
    return mean > _REACH * np.maximum(usual[1:], usual[:-1])


def _at_store_rate(
    points: Float[np.ndarray, "frame 17 3"],
    *,
    name: str,
    fps_source: float,
    fps: float,
    notes: tuple[str, ...],
) -> Prepared:
    resampled = resample(points, fps_source=fps_source, fps=fps)
    visibility = ~np.isnan(resampled).any(axis=-1)
    resampled[..., 2] = np.clip(resampled[..., 2], _LEAST_CONFIDENCE, 1.0)
    hidden = 1 - visibility.mean()
    if hidden:
        notes = (*notes, f"not seen: {hidden:.1%} of all joints")
    return Prepared(
        name=name,
        positions=np.where(visibility[..., None], resampled, 0.0).astype(np.float32),
        visibility=visibility,
        fps_source=float(fps_source),
        notes=notes,
        units="px",
    )
