"""A stream gives each frame once, in order, with the answer that the offline lift gives."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from motionlift.errors import MotionliftError
from motionlift.lifting import Lifter
from motionlift.poses import Pose2D, Pose3D
from motionlift.skeletons import COCO17, H36M17
from tests.lifting.makers import WINDOW, hidden, lifter, pose, with_error_head

LIFTERS = {stride: lifter(stride=stride) for stride in (1, 4, 6, WINDOW)}


@st.composite
def recordings(draw: st.DrawFn) -> Pose2D:
    """Up to six windows of frames, with keypoints, frames and long stretches missing."""
    count = draw(st.integers(1, 6 * WINDOW))
    seen = pose(count, seed=draw(st.integers(0, 3)))
    for _ in range(draw(st.integers(0, 3))):
        first = draw(st.integers(0, count - 1))
        seen = hidden(seen, slice(first, first + draw(st.integers(1, 3 * WINDOW))))
    if draw(st.booleans()):
        seen = hidden(seen, slice(None, None, 2), slice(3, 9))
    return seen


def streamed(lifting: Lifter, seen: Pose2D) -> list[Pose3D]:
    """What comes back from each push, and from the end."""
    stream = lifting.stream(skeleton=seen.skeleton, fps=seen.fps)
    parts = []
    for keypoints, confidence in zip(seen.keypoints, seen.confidence, strict=True):
        is_empty = not (confidence > 0).any()
        parts.append(stream.push() if is_empty else stream.push(keypoints, confidence))
    return [*parts, stream.finish()]


@settings(max_examples=60, deadline=None)
@given(recordings(), st.sampled_from(sorted(LIFTERS)), st.sampled_from([50.0, 100.0, 200.0]))
def test_a_stream_ends_with_what_the_offline_lift_gives(
    seen: Pose2D, stride: int, fps: float
) -> None:
    lifting, seen = LIFTERS[stride], replace(seen, fps=fps)
    parts = streamed(lifting, seen)
    positions = np.concatenate([part.positions for part in parts])
    assert_array_equal(
        np.concatenate([part.frame_index for part in parts]), np.arange(seen.num_frames)
    )
    try:
        offline = lifting.lift_pose(seen)
    except MotionliftError:
        assert np.isnan(positions).all()
        return
    size = np.nanmax(np.abs(offline.positions))
    assert_allclose(positions, offline.positions, atol=1e-5 * size, rtol=0)
    root = np.concatenate([part.root_xy for part in parts])  # type: ignore[misc]
    is_placed = seen.is_visible.any(axis=1) & (offline.confidence > 0).any(axis=1)
    assert_array_equal(np.isnan(root).any(axis=1), ~is_placed)
    assert offline.root_xy is not None
    assert_allclose(root[is_placed], offline.root_xy[is_placed], atol=1e-5 * size)
    assert parts[-1].notes == offline.notes


@pytest.mark.parametrize("stride", [1, 6, WINDOW])
def test_answers_come_a_window_after_their_frame(stride: int) -> None:
    seen = pose(50)
    stream = LIFTERS[stride].stream(skeleton=H36M17)
    assert stream.latency == WINDOW
    for frame in range(50):
        lifted = stream.push(seen.keypoints[frame], seen.confidence[frame])
        assert_array_equal(lifted.frame_index, [frame - WINDOW] if frame >= WINDOW else [])
    assert_array_equal(stream.finish().frame_index, np.arange(50 - WINDOW, 50))


def test_of_a_faster_stream_answers_come_as_many_seconds_after_their_frame() -> None:
    seen = pose(100)
    stream = LIFTERS[6].stream(skeleton=H36M17, fps=3 * 50.0)
    assert stream.latency == 3 * WINDOW + 5
    for frame in range(100):
        lifted = stream.push(seen.keypoints[frame], seen.confidence[frame])
        assert_array_equal(lifted.frame_index, [frame - 41] if frame >= 41 else [])
        assert len(stream._points) <= 6 * WINDOW
    assert_array_equal(stream.finish().frame_index, np.arange(59, 100))


def test_keypoints_of_another_skeleton_become_joints() -> None:
    seen = pose(30, skeleton=COCO17)
    lifting = LIFTERS[6]
    parts = streamed(lifting, seen)
    offline = lifting.lift_pose(seen)
    assert_allclose(
        np.concatenate([part.positions for part in parts]), offline.positions, atol=1e-2, rtol=1e-5
    )
    assert "spine, head_top: never among the keypoints" in parts[-1].notes[0]


def test_a_keypoint_without_place_or_confidence_is_missing() -> None:
    seen = pose(1)
    keypoints, confidence = seen.keypoints[0].copy(), seen.confidence[0].copy()
    keypoints[3], confidence[5] = np.nan, 0.0
    stream = LIFTERS[6].stream(skeleton=H36M17)
    stream.push(keypoints, confidence)
    assert_array_equal(np.isnan(keypoints).any(axis=1).nonzero()[0], [3])  # the caller's own stays
    lifted_from = stream.finish().lifted_from
    assert lifted_from is not None
    assert_array_equal(np.flatnonzero(~lifted_from.is_visible[0]), [3, 5])


def test_memory_does_not_grow_with_the_stream() -> None:
    seen = hidden(pose(300), slice(100, 200))
    stream = LIFTERS[6].stream(skeleton=H36M17)
    for keypoints, confidence in zip(seen.keypoints, seen.confidence, strict=True):
        stream.push(keypoints, confidence)
        assert len(stream._points) <= 2 * WINDOW


@pytest.mark.parametrize(
    ("keypoints", "confidence"),
    [(np.zeros(34), None), (np.zeros((16, 2)), None), (np.zeros((17, 2)), np.ones(16))],
)
def test_what_is_no_frame_of_the_skeleton_is_refused(
    keypoints: np.ndarray, confidence: np.ndarray | None
) -> None:
    stream = LIFTERS[6].stream(skeleton=H36M17, source="camera 1")
    with pytest.raises(MotionliftError, match=r"camera 1: .*a frame of H36M17 has \(17, 2\)"):
        stream.push(keypoints, confidence)


def test_a_stream_ends_once_and_not_before_it_began() -> None:
    with pytest.raises(MotionliftError, match="has no frame"):
        LIFTERS[6].stream(skeleton=H36M17).finish()
    stream = LIFTERS[6].stream(skeleton=H36M17)
    stream.push()
    assert np.isnan(stream.finish().positions).all()
    for again in (stream.push, stream.finish):
        with pytest.raises(MotionliftError, match="finished"):
            again()


def test_frames_far_apart_in_size_do_not_disturb_each_other() -> None:
    # Windows that are over leave nothing behind in those to come.
    near = pose(40)
    both = replace(pose(80), keypoints=np.concatenate([near.keypoints, near.keypoints / 1000]))
    parts = streamed(LIFTERS[WINDOW], both)
    positions = np.concatenate([part.positions for part in parts])
    assert_allclose(positions, LIFTERS[WINDOW].lift_pose(both).positions, rtol=1e-4, atol=1e-5)


def test_a_stream_gives_the_expected_errors_of_the_offline_lift() -> None:
    lifting, seen = with_error_head(), pose(40)
    given_out = [part.expected_error for part in streamed(lifting, seen)]
    offline = lifting.lift_pose(seen).expected_error
    assert offline is not None
    together = np.concatenate([each for each in given_out if each is not None])
    assert_allclose(together, offline, rtol=1e-5)
