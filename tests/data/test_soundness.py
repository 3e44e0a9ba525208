import numpy as np
import pytest

from motionlift.data.soundness import examine
from motionlift.errors import FormatError
from motionlift.kinematics import joints_from_landmarks
from motionlift.skeletons import H36M17
from tests.formats.bodies import walking as landmarks_of_walk


def _walk(frames: int = 200) -> np.ndarray:
    """A walk of 1.2 m/s at 50 frames a second with bending knees."""
    start = {mark: points[:1] for mark, points in landmarks_of_walk(2).items()}
    time = np.arange(frames)[:, None] / 50
    swing = np.sin(2 * np.pi * time)
    moved = {}
    for mark, point in start.items():
        sign = 1 if mark.startswith("left") else -1
        reach = {"ankle": -0.08, "wrist": 0.05}.get(mark.partition("_")[2], 0.0)
        forward = 1.2 * time + reach * (1 + sign * swing)
        moved[mark] = point + forward * [0, 0, 1.0]
    return joints_from_landmarks(moved)


def test_a_sound_recording_is_one_piece_as_it_is() -> None:
    walk = _walk()
    examined = examine(walk, fps=50)
    (piece,) = examined.pieces
    assert piece.first == 0
    np.testing.assert_array_equal(piece.positions, walk)
    assert examined.warnings == ()
    assert "m tall" in examined.notes[0]


def test_a_jump_of_the_whole_body_cuts_the_recording() -> None:
    walk = _walk()
    walk[120:] += [2.0, 0.0, 0.0]
    examined = examine(walk, fps=50)
    assert [(piece.first, len(piece.positions)) for piece in examined.pieces] == [
        (0, 120),
        (120, 80),
    ]
    assert "frame 120" in " ".join(examined.warnings)


def test_a_short_piece_behind_a_jump_is_left_out() -> None:
    walk = _walk()
    walk[:20] += [2.0, 0.0, 0.0]
    examined = examine(walk, fps=50)
    assert [(piece.first, len(piece.positions)) for piece in examined.pieces] == [(20, 180)]
    assert "frames 0 to 19 left out" in " ".join(examined.warnings)


def test_a_joint_that_flips_over_for_some_frames_is_masked_there() -> None:
    walk = _walk()
    knee = H36M17.index("left_knee")
    walk[100:105, knee] += [0.0, 0.0, 0.8]
    examined = examine(walk, fps=50)
    (piece,) = examined.pieces
    hidden = np.argwhere(np.isnan(piece.positions[..., 0]))
    np.testing.assert_array_equal(hidden, [[frame, knee] for frame in range(100, 105)])
    assert "left_knee" in " ".join(examined.warnings)


def test_jumps_all_over_leave_nothing() -> None:
    walk = _walk()
    for frame in range(10, 190, 20):
        walk[frame:] += [0.0, 2.0, 0.0] if frame % 40 == 10 else [0.0, -2.0, 0.0]
    with pytest.raises(FormatError, match="jumps"):
        examine(walk, fps=50)


def test_left_and_right_exchanged_is_refused() -> None:
    walk = _walk()[:, H36M17.mirror]
    with pytest.raises(FormatError, match="left and right"):
        examine(walk, fps=50)


def test_a_recording_begins_and_ends_with_the_pelvis_seen() -> None:
    walk = _walk()
    walk[:30, H36M17.root] = np.nan
    walk[-20:] = np.nan
    (piece,) = examine(walk, fps=50, first_frame=100).pieces
    assert (piece.first, len(piece.positions)) == (130, 150)


def test_a_recording_without_a_pelvis_is_refused() -> None:
    walk = _walk()
    walk[:, H36M17.root] = np.nan
    with pytest.raises(FormatError, match="pelvis"):
        examine(walk, fps=50)


@pytest.mark.parametrize("scale", [0.01, 100.0])
def test_a_wrong_unit_is_refused(scale: float) -> None:
    with pytest.raises(FormatError, match="metres-per-unit"):
        examine(scale * _walk(), fps=50)
