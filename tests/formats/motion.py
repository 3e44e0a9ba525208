"""A short lifted motion with every field set, and an exact comparison."""

import numpy as np
from numpy.testing import assert_array_equal

from motionlift.poses import Pose2D, Pose3D
from motionlift.skeletons import H36M17


def lifted(*, fps: float | None = 30.0, num_frames: int = 4) -> Pose3D:
    """Random joints; the spine is missing in one frame, a keypoint in another."""
    rng = np.random.default_rng(7)
    keypoints = rng.normal(500, 100, (num_frames, 17, 2))
    seen = rng.uniform(0.1, 1, (num_frames, 17))
    keypoints[1, 10], seen[1, 10] = np.nan, 0
    positions = rng.normal(0, 100, (num_frames, 17, 3)).astype(np.float32)
    confidence = np.ones((num_frames, 17))
    positions[-1, 7], confidence[-1, 7] = np.nan, 0
    expected = rng.uniform(1, 50, (num_frames, 17)).astype(np.float32)
    expected[-1, 7] = np.nan
    frame_index = np.arange(5, 5 + num_frames)
    return Pose3D(
        skeleton=H36M17,
        positions=positions,
        confidence=confidence,
        frame_index=frame_index,
        fps=fps,
        units="px",
        space="camera",
        source="clip.json",
        person="2",
        lifted_from=Pose2D(
            skeleton=H36M17,
            keypoints=keypoints,
            confidence=seen,
            frame_index=frame_index,
            fps=fps,
            image_size=(1920, 1080),
            source="clip.json",
            person="2",
        ),
        expected_error=expected,
        root_xy=rng.normal(500, 100, (num_frames, 2)),
        model="small",
        notes=("one note, with a comma", 'another, with "quotes"'),
    )


def assert_same_motion(one: Pose3D, other: Pose3D) -> None:
    """Every value is the same, to the last bit."""
    for name in ("positions", "confidence", "frame_index"):
        assert_array_equal(getattr(one, name), getattr(other, name))
    for name in (
        *("fps", "units", "space", "source", "person", "model", "notes"),
        "metres_per_pixel",
    ):
        assert getattr(one, name) == getattr(other, name)
    assert (one.expected_error is None) == (other.expected_error is None)
    if one.expected_error is not None and other.expected_error is not None:
        assert_array_equal(one.expected_error, other.expected_error)
    assert (one.root_xy is None) == (other.root_xy is None)
    if one.root_xy is not None and other.root_xy is not None:
        assert_array_equal(one.root_xy, other.root_xy)
    assert (one.lifted_from is None) == (other.lifted_from is None)
    if one.lifted_from is not None and other.lifted_from is not None:
        for name in ("keypoints", "confidence", "frame_index"):
            assert_array_equal(getattr(one.lifted_from, name), getattr(other.lifted_from, name))
        assert one.lifted_from.image_size == other.lifted_from.image_size
        assert one.lifted_from.fps == other.lifted_from.fps
