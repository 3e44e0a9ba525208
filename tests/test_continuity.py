from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from motionlift.continuity import find_disturbances, find_jumps, start_of_motion
from motionlift.formats import ReadOptions
from motionlift.formats.bvh import read
from motionlift.skeletons import H36M17

MocapSource = Callable[[str], Path]
FPS = 100.0


def swinging(num_frames: int = 200, joints: int = 3) -> np.ndarray:
    """Joints that swing at 2 Hz by 0.3 m: at most 3.8 m/s and 47 m/s^2."""
    time = np.arange(num_frames)[:, None] / FPS
    phase = np.arange(joints)
    positions = np.zeros((num_frames, joints, 3))
    positions[..., 0] = 0.3 * np.sin(2 * np.pi * 2 * time + phase)
    return positions


def test_a_smooth_motion_has_no_jumps_and_no_start() -> None:
    positions = swinging()
    assert not find_jumps(positions, fps=FPS).any()
    assert start_of_motion(positions, fps=FPS) == 0


def test_a_joint_that_flips_and_comes_back_is_broken_in_between() -> None:
    positions = swinging()
    positions[50:60, 1, 2] += 0.3
    jumps = find_jumps(positions, fps=FPS)
    assert np.argwhere(jumps).tolist() == [[49, 1], [59, 1]]
    found = find_disturbances(jumps, fps=FPS)
    assert np.flatnonzero(found.broken[:, 1]).tolist() == list(range(50, 60))
    assert not found.broken[:, [0, 2]].any()
    assert found.cuts == ()


def test_a_jump_that_nothing_undoes_is_a_cut() -> None:
    positions = swinging()
    positions[120:] += [0, 0, 1.0]
    found = find_disturbances(find_jumps(positions, fps=FPS), fps=FPS)
    assert found.cuts == (120,)
    assert not found.broken.any()


def test_jumps_half_a_second_apart_are_two_cuts() -> None:
    positions = swinging()
    positions[50:] += [0, 0, 1.0]
    positions[110:] += [0, 0, 1.0]
    assert find_disturbances(find_jumps(positions, fps=FPS), fps=FPS).cuts == (50, 110)


def test_gaps_are_no_jumps() -> None:
    positions = swinging()
    positions[40:60] = np.nan
    positions[60:, :, 1] += 5.0
    assert not find_jumps(positions, fps=FPS).any()


def test_a_punch_is_no_jump() -> None:
    # 0 to 10 m/s and back in 0.1 s: 200 m/s^2.
    positions = swinging()
    speed = 10 * np.sin(np.linspace(0, np.pi, 11)).clip(0)
    positions[100:111, 0, 2] = np.cumsum(speed) / FPS
    positions[111:, 0, 2] = positions[110, 0, 2]
    assert not find_jumps(positions, fps=FPS).any()


@pytest.mark.parametrize("settling", [0, 3])
def test_motion_starts_after_the_t_pose_and_the_settling(settling: int) -> None:
    positions = swinging(100)
    positions[: 1 + settling] += 1.0 + 0.3 * np.arange(1 + settling)[::-1, None, None]
    assert start_of_motion(positions, fps=FPS) == 1 + settling


@pytest.mark.parametrize("num_frames", [1, 2, 3])
def test_recordings_of_a_few_frames_are_left_alone(num_frames: int) -> None:
    positions = swinging(num_frames)
    assert start_of_motion(positions, fps=FPS) == 0
    jumps = find_jumps(positions, fps=FPS)
    assert jumps.shape == (num_frames - 1, 3)
    assert find_disturbances(jumps, fps=FPS).broken.shape == (num_frames, 3)


def test_missing_joints_do_not_hide_a_t_pose() -> None:
    positions = swinging(100)
    positions[0] += 1.0
    positions[:, 2] = np.nan
    assert start_of_motion(positions, fps=FPS) == 1


def test_knees_that_flip_over_in_a_shared_recording_are_found(mocap_source: MocapSource) -> None:
    (pose,) = read(mocap_source("mdu") / "05_06.bvh", ReadOptions())
    assert pose.fps is not None
    found = find_disturbances(find_jumps(pose.positions, fps=pose.fps), fps=pose.fps)
    broken = {H36M17.joints[joint] for joint in np.flatnonzero(found.broken.any(axis=0))}
    assert "right_knee" in broken <= {"right_knee", "right_ankle"}
    assert 0.05 < found.broken.any(axis=1).mean() < 0.25


def test_a_clean_shared_recording_has_no_jumps(mocap_source: MocapSource) -> None:
    for file in ("02_01.bvh", "35_17.bvh", "49_02.bvh"):
        (pose,) = read(mocap_source("mdu") / file, ReadOptions())
        assert pose.fps is not None
        assert not find_jumps(pose.positions, fps=pose.fps).any(), file
