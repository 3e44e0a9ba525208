"""Keypoints as the detector gave them, the lifted joints behind: the other side of a film."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.ndimage import uniform_filter1d

from motionlift.poses import Pose2D, Pose3D
from motionlift.skeletons import H36M17
from motionlift.viewer.canvas import Canvas, Colour, faded
from motionlift.viewer.picture import visible_bones
from motionlift.viewer.stage import MIDDLE, colour_of

_LIFTED: Colour = faded(MIDDLE, 0.28)
_DOUBTFUL = 0.5
_ROOM = 1.45  # the picture's side over that of the person's box


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sight:
    """What part of the picture is shown in each frame.

    Attributes:
        people: with the keypoints that they were lifted from.
        rows: of each person, the frame of theirs for each of the film; -1 where there is none.
        center: middle of the part shown, in the picture's pixels.
        reach: half its height.
    """

    people: tuple[Pose3D, ...]
    rows: tuple[np.ndarray, ...]
    center: Float[np.ndarray, "frame 2"]
    reach: float

    @classmethod
    def on(cls, people: Sequence[Pose3D], rows: Sequence[np.ndarray], *, fps: float) -> "Sight":
        """All that several people walk over; one person is followed, evenly over half a second."""
        boxes = np.stack([_boxes(pose, row) for pose, row in zip(people, rows, strict=True)])
        known = ~np.isnan(boxes).any(axis=-1)
        low = np.where(known[..., None], boxes[..., :2], np.inf).min(axis=0)
        high = np.where(known[..., None], boxes[..., 2:], -np.inf).max(axis=0)
        frames = np.flatnonzero(known.any(axis=0))
        sides = (high[frames] - low[frames]).max(axis=1)
        middle = (low[frames] + high[frames]) / 2
        every = np.arange(boxes.shape[1])
        center = np.stack([np.interp(every, frames, middle[:, axis]) for axis in (0, 1)], axis=1)
        reach = _ROOM * float(np.percentile(sides, 95)) / 2
        if len(people) > 1:
            low, high = low[frames].min(axis=0), high[frames].max(axis=0)
            center[:] = (low + high) / 2
            reach = 1.1 * float((high - low).max()) / 2
        smooth = uniform_filter1d(center, max(1, round(fps / 2)), axis=0, mode="nearest")
        return cls(people=tuple(people), rows=tuple(rows), center=smooth, reach=max(reach, 1e-9))

    def draw(self, canvas: Canvas, frame: int) -> None:
        """The lifted joints in grey, and the keypoints over them, hollow where in doubt."""
        width, height = canvas.size
        scale = min(width, height) / (2 * self.reach)
        shift = np.array([width, height]) / 2 - scale * self.center[frame]
        for pose, rows in zip(self.people, self.rows, strict=True):
            row = int(rows[frame])
            if row < 0 or pose.lifted_from is None:
                continue
            if pose.root_xy is not None and pose.units == "px":
                joints = pose.positions[row, :, :2] + pose.root_xy[row]
                _draw_lifted(canvas, scale * joints + shift)
            _draw_keypoints(canvas, pose.lifted_from, row, scale=scale, shift=shift)


def _boxes(pose: Pose3D, rows: np.ndarray) -> Float[np.ndarray, "frame 4"]:
    """Low x and y, high x and y of a person's keypoints; NaN where nobody is seen."""
    boxes = np.full((len(rows), 4), np.nan)
    if pose.lifted_from is None:
        return boxes
    points = pose.lifted_from.keypoints
    is_seen = pose.lifted_from.is_visible.any(axis=1)
    own = np.full((len(points), 4), np.nan)
    own[is_seen, :2] = np.nanmin(points[is_seen], axis=1)
    own[is_seen, 2:] = np.nanmax(points[is_seen], axis=1)
    boxes[rows >= 0] = own[rows[rows >= 0]]
    return boxes


def _draw_lifted(canvas: Canvas, points: Float[np.ndarray, "17 2"]) -> None:
    for parent, joint in H36M17.bones:
        if not np.isnan(points[[parent, joint]]).any():
            canvas.line(points[parent], points[joint], colour=_LIFTED, width=5)


def _draw_keypoints(
    canvas: Canvas, seen: Pose2D, row: int, *, scale: float, shift: np.ndarray
) -> None:
    points, confidence = scale * seen.keypoints[row] + shift, seen.confidence[row]
    for parent, joint in visible_bones(seen):
        sure = float(min(confidence[parent], confidence[joint]))
        if sure > 0:
            colour = faded(colour_of(joint), 0.3 + 0.7 * sure)
            canvas.line(points[parent], points[joint], colour=colour, width=2.5)
    for found in np.flatnonzero(confidence > 0):
        draw = canvas.dot if confidence[found] >= _DOUBTFUL else canvas.ring
        draw(points[found], 3.4, colour=colour_of(int(found)))
