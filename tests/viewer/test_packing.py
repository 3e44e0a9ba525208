"""Motion in the page is the motion in the file, to a hundredth of a millimetre."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from motionlift.viewer.packing import pack, pack_person, to_display, unpack
from tests.samples import lifted_walk


@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 1e6))
def test_packed_coordinates_come_back_within_the_step_of_their_axis(seed: int, size: float) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(20, 17, 3)) * [size, 1, 0] + [0, 1000, 5]
    values[rng.random((20, 17)) < 0.1] = np.nan
    back = unpack(pack(values), 20, 17)
    span = np.nanmax(values, axis=(0, 1)) - np.nanmin(values, axis=(0, 1))
    assert_array_equal(np.isnan(back), np.isnan(values))
    assert (np.nan_to_num(np.abs(back - values)) <= span / 131000 + 1e-9).all()


def test_coordinates_that_are_all_missing_stay_missing() -> None:
    assert np.isnan(unpack(pack(np.full((4, 2), np.nan)), 4)).all()


def test_the_head_of_a_lifted_person_is_up_and_the_far_side_is_behind() -> None:
    # In camera space y points down and z away; on a screen y points up and z to the viewer.
    assert_array_equal(to_display(np.array([1.0, 2.0, 3.0]), "camera"), [1, -2, -3])
    assert_array_equal(to_display(np.array([1.0, 2.0, 3.0]), "world"), [1, 2, 3])


def test_joints_and_keypoints_stand_in_their_frames() -> None:
    pose = lifted_walk(frames=slice(0, 100))
    later = replace(pose, frame_index=pose.frame_index * 2 + 10)
    numbers = np.arange(300)
    person = pack_person(later, numbers, origin=np.zeros(2))
    motion = unpack(person["motion"], 300, 17)
    assert_allclose(motion[10:210:2], to_display(pose.positions, "camera"), atol=0.02)
    assert np.isnan(motion[11:210:2]).all()
    assert np.isnan(motion[210:]).all()
    assert pose.lifted_from is not None
    keypoints = unpack(person["keypoints"], 300, 17)
    assert_allclose(keypoints[10:210:2], pose.lifted_from.keypoints, atol=0.02)


def test_roots_are_measured_from_the_origin_in_the_picture() -> None:
    pose = lifted_walk(frames=slice(0, 3))
    pose = replace(pose, root_xy=np.array([[100.0, 50.0], [110.0, 50.0], [110.0, 70.0]]))
    person = pack_person(pose, np.arange(3), origin=np.array([100.0, 50.0]))
    assert_allclose(unpack(person["root"], 3), [[0, 0, 0], [10, 0, 0], [10, -20, 0]], atol=1e-3)


@pytest.mark.parametrize(("seen", "known"), [("nose", True), ("head_top", False)])
def test_the_page_knows_which_joints_the_detector_has(seen: str, known: bool) -> None:
    pose = lifted_walk(frames=slice(0, 30))
    person = pack_person(pose, np.arange(30), origin=np.zeros(2))
    assert person["known"][pose.skeleton.index(seen)] is known
