import numpy as np
from numpy.testing import assert_allclose

from motionlift.formats._head import fit_head
from motionlift.kinematics import leg_length, nod
from tests.formats.bodies import walking

LEVEL = np.eye(3)[None].repeat(12, axis=0)
NOWHERE = (0.0, 0.0, 0.0)


def test_a_level_head_is_left_as_it_is() -> None:
    head = fit_head(walking(), rotation=LEVEL, skull_base=NOWHERE)
    assert head.rotation is not None
    assert_allclose(head.rotation, LEVEL)
    assert_allclose(head.position, walking()["head"])
    assert head.notes == []


def test_the_skull_base_is_seen_along_the_necks_axes() -> None:
    landmarks = walking()
    head = fit_head(landmarks, rotation=LEVEL, skull_base=(0.0, 0.1, 0.0))
    moved = head.position - landmarks["head"]
    assert_allclose(np.linalg.norm(moved, axis=1), 0.1 * leg_length(landmarks))
    assert (moved[:, 1] > 0.99 * np.linalg.norm(moved, axis=1)).all()


def test_a_hanging_head_is_raised_to_fifteen_degrees() -> None:
    head = fit_head(walking(), rotation=LEVEL @ nod(np.radians(40)), skull_base=NOWHERE)
    assert head.rotation is not None
    assert_allclose(head.rotation, LEVEL @ nod(np.radians(15)), atol=1e-9)
    assert head.notes == ["the head hangs by 40 degrees (median) and was raised to 15"]


def test_a_raised_head_is_left_alone() -> None:
    rotation = LEVEL @ nod(np.radians(-40))
    head = fit_head(walking(), rotation=rotation, skull_base=NOWHERE)
    assert head.rotation is not None
    assert_allclose(head.rotation, rotation)


def test_axes_that_are_not_the_heads_are_not_used() -> None:
    backward = LEVEL * [-1, 1, -1]
    head = fit_head(walking(), rotation=backward, skull_base=NOWHERE)
    assert head.rotation is None
    assert "its rotation was not used" in head.notes[0]


def test_heads_upside_down_in_a_few_frames_have_no_axes_there() -> None:
    rotation = LEVEL.copy()
    rotation[3:5] = np.diag([-1.0, -1.0, 1.0])
    head = fit_head(walking(), rotation=rotation, skull_base=NOWHERE)
    assert head.rotation is not None
    assert np.flatnonzero(np.isnan(head.rotation).any(axis=(1, 2))).tolist() == [3, 4]
    assert "in 2 frames" in head.notes[0]
