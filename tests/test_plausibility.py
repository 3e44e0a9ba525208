from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from motionlift.formats import ReadOptions
from motionlift.formats.bvh import read
from motionlift.kinematics import joints_from_landmarks
from motionlift.plausibility import (
    GRAVITY,
    bone_warnings,
    falls,
    inspect,
    rate_warnings,
    side_evidence,
    side_warnings,
)
from motionlift.skeletons import H36M17
from tests.formats.bodies import walking

MocapSource = Callable[[str], Path]
FPS = 100.0


def positions_of(path: Path, fps: float | None = None) -> tuple[np.ndarray, float]:
    (pose,) = read(path, ReadOptions(fps=fps))
    assert pose.fps is not None
    return pose.positions, pose.fps


def standing(num_frames: int = 200) -> np.ndarray:
    """A body that stands still, facing +z."""
    return np.repeat(joints_from_landmarks(walking(1)), num_frames, axis=0)


def squatting(num_frames: int = 200) -> np.ndarray:
    """Knees 0.25 m before the hips and ankles."""
    positions = standing(num_frames)
    for side in ("left", "right"):
        positions[:, H36M17.index(f"{side}_knee"), 2] += 0.25
    return positions


def jumping(height: float = 0.3, gravity: float = GRAVITY) -> np.ndarray:
    """Three jumps with half a second of standing around each."""
    rise = np.sqrt(2 * height / gravity)
    time = np.arange(round(2 * rise * FPS) + 1) / FPS - rise
    flight = height - gravity / 2 * time**2
    ground = np.zeros(round(0.5 * FPS))
    lift = np.concatenate([ground, flight, ground, flight, ground, flight, ground]).clip(0)
    return standing(len(lift)) + np.array([0, 1, 0]) * lift[:, None, None]


def without_swap(positions: np.ndarray) -> np.ndarray:
    """Mirrored as by a wrong axis: left joints keep their names."""
    return positions * [-1, 1, 1]


def test_knees_that_bend_forward_say_that_left_is_left() -> None:
    evidence = side_evidence(squatting(), fps=FPS)
    assert evidence.knees > 0.95
    assert evidence.shoulders > 0.99
    assert np.isnan(evidence.walking)
    assert side_warnings(evidence) == []


def test_mirrored_coordinates_are_caught_by_the_knees() -> None:
    evidence = side_evidence(without_swap(squatting()), fps=FPS)
    assert evidence.knees < -0.95
    assert side_warnings(evidence) == ["left and right are exchanged: the knees bend backward"]


def test_exchanged_names_are_caught_by_the_knees() -> None:
    evidence = side_evidence(squatting()[:, list(H36M17.mirror)], fps=FPS)
    assert evidence.knees < -0.95


def test_a_mirrored_person_with_names_exchanged_too_is_a_person() -> None:
    mirrored = without_swap(squatting())[:, list(H36M17.mirror)]
    assert side_warnings(side_evidence(mirrored, fps=FPS)) == []


def test_arms_exchanged_alone_are_caught_by_the_hips() -> None:
    positions = squatting()
    left, right = H36M17.index("left_shoulder"), H36M17.index("right_shoulder")
    positions[:, [left, right]] = positions[:, [right, left]]
    (warning,) = side_warnings(side_evidence(positions, fps=FPS))
    assert "between hips and shoulders" in warning


def test_going_backward_on_straight_legs_is_doubtful_and_on_bent_ones_is_not() -> None:
    backward = -np.arange(200)[:, None, None] / FPS * [0, 0, 1.0]
    straight, bent = standing() + backward, squatting() + backward
    (warning,) = side_warnings(side_evidence(straight, fps=FPS))
    assert "backward all the time" in warning
    assert side_warnings(side_evidence(bent, fps=FPS)) == []


def test_a_jump_falls_by_gravity() -> None:
    assert_allclose(falls(jumping(), fps=FPS), [GRAVITY] * 3, rtol=0.02)


def test_walking_upstairs_is_no_flight() -> None:
    steps = 0.17 * np.repeat(np.arange(10), 40)
    assert len(falls(standing(400) + np.array([0, 1, 0]) * steps[:, None, None], fps=FPS)) == 0


@pytest.mark.parametrize("wrong", [0.5, 2.0])
def test_flights_say_which_rate_would_fit(wrong: float) -> None:
    (warning,) = rate_warnings(jumping(), fps=wrong * FPS)
    assert f"{wrong * FPS:g} frames a second is doubtful" in warning
    likely = float(warning.split("; ")[1].split()[0])
    assert likely == pytest.approx(FPS, rel=0.02)
    assert rate_warnings(jumping(), fps=FPS) == []


def test_gaps_are_no_quick_motion() -> None:
    time, swinging = np.arange(500) / FPS, standing(500)
    for joint in ("wrist", "elbow", "knee", "ankle"):
        for side, phase in (("left", 0.0), ("right", np.pi)):
            swing = 0.25 * np.sin(2 * np.pi * 1.6 * time + phase)
            swinging[:, H36M17.index(f"{side}_{joint}"), 2] += swing
    assert rate_warnings(swinging, fps=FPS) == []
    hidden = np.arange(500) % 25 < 8
    for joint in ("left_ankle", "right_wrist"):
        swinging[hidden, H36M17.index(joint)] = np.nan
    assert rate_warnings(swinging, fps=FPS) == []


def test_missing_joints_are_no_evidence() -> None:
    positions = np.full((50, 17, 3), np.nan)
    findings = inspect(positions, fps=FPS)
    assert findings.warnings == ()
    assert not findings.sides_exchanged
    assert len(falls(positions, fps=FPS)) == 0


def test_one_frame_is_no_evidence() -> None:
    assert inspect(standing(1), fps=FPS).warnings == ()


def test_a_bone_that_changes_its_length_is_named() -> None:
    positions = standing()
    positions[:, H36M17.index("left_wrist"), 1] -= np.linspace(0, 0.2, len(positions))
    warnings = bone_warnings(positions)
    assert any("left_elbow to left_wrist varies" in warning for warning in warnings)
    assert bone_warnings(standing()) == []


def test_sides_that_differ_are_named() -> None:
    positions = standing()
    positions[:, H36M17.index("right_knee"), 1] += 0.1
    assert any(
        "left_hip to left_knee is 0.42 m, on the right" in w for w in bone_warnings(positions)
    )


def test_a_body_of_the_wrong_size_is_named() -> None:
    (warning,) = bone_warnings(0.5 * standing())
    assert "a leg of 0.41 m" in warning


def test_salsa_at_the_declared_double_rate_is_caught(mocap_source: MocapSource) -> None:
    files = [
        *(mocap_source("salsa") / f"salsa_{number:02}.bvh" for number in (1, 9, 16, 30)),
        *(mocap_source("yelper") / name for name in ("60_08.bvh", "60_12.bvh")),
    ]
    for path in files:
        positions, fps = positions_of(path)
        assert fps == 120
        (warning,) = rate_warnings(positions, fps=fps)
        assert "120 frames a second is doubtful" in warning, path
        assert rate_warnings(positions, fps=60) == [], path


def test_real_jumps_fall_by_gravity(mocap_source: MocapSource) -> None:
    for file, flights in (
        ("mdu/02_04.bvh", 1),
        ("mdu/49_02.bvh", 2),
        ("motion_viewer/01_01.bvh", 5),
    ):
        folder, name = file.split("/")
        positions, fps = positions_of(mocap_source(folder) / name)
        found = falls(positions, fps=fps)
        assert len(found) >= flights, file
        assert np.median(found) == pytest.approx(GRAVITY, rel=0.1), file
        assert rate_warnings(positions, fps=fps) == [], file
        assert rate_warnings(positions, fps=2 * fps), file


def test_shared_recordings_pass_and_their_mirror_images_do_not(mocap_source: MocapSource) -> None:
    files = {
        "mdu": ("02_01.bvh", "35_17.bvh", "49_08.bvh"),
        "motion_viewer": ("06_06.bvh", "09_01.bvh"),  # 06_06 goes backward
        "bvh11": ("131_01.bvh",),
        "salsa": ("indian_15.bvh", "martial_03.bvh"),
        "iclone": ("007_02.bvh",),
    }
    for source, names in files.items():
        for name in names:
            positions, fps = positions_of(mocap_source(source) / name)
            assert inspect(positions, fps=fps).warnings == (), name
            assert inspect(without_swap(positions), fps=fps).sides_exchanged, name
