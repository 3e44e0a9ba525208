"""xarray Datasets: the axes of `movement`, and the same pose back."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from motionlift.errors import MotionliftError
from motionlift.example import make_example
from motionlift.poses import Pose2D, Pose3D
from motionlift.skeletons import H36M17
from tests.samples import lifted_walk

xarray = pytest.importorskip("xarray")


def assert_same(found: Pose2D | Pose3D, expected: Pose2D | Pose3D) -> None:
    assert type(found) is type(expected)
    for name in expected.__slots__:
        if name == "lifted_from":
            continue
        ours, theirs = getattr(found, name), getattr(expected, name)
        if isinstance(theirs, np.ndarray):
            assert_array_equal(ours, theirs)
            assert ours.dtype == theirs.dtype
        else:
            assert ours == theirs, name


def test_the_axes_are_those_of_movement() -> None:
    lifted = lifted_walk(person="anna")
    dataset = lifted.to_xarray()
    assert dataset["position"].dims == ("time", "space", "keypoints", "individuals")
    assert dataset["confidence"].dims == ("time", "keypoints", "individuals")
    assert list(dataset["space"].values) == ["x", "y", "z"]
    assert list(dataset["keypoints"].values) == list(H36M17.joints)
    assert list(dataset["individuals"].values) == ["anna"]
    expected = {"source_software": "motionlift", "ds_type": "poses", "fps": 50.0}
    assert expected.items() <= dataset.attrs.items()
    assert dataset.attrs["time_unit"] == "seconds"
    wrist = dataset["position"].sel(keypoints="left_wrist", individuals="anna", time=0.1)
    assert_array_equal(wrist, lifted.joint("left_wrist")[5])


def test_motion_comes_back_as_it_went() -> None:
    lifted = lifted_walk()
    gaps = replace(lifted, frame_index=lifted.frame_index * 2 + 7)
    assert_same(Pose3D.from_xarray(gaps.to_xarray()), gaps)
    metres = replace(make_example().truth, metres_per_pixel=0.004, fps=None, person="2")
    assert_same(Pose3D.from_xarray(metres.to_xarray()), metres)


def test_expected_errors_are_a_variable_and_come_back() -> None:
    lifted = lifted_walk()
    errors = np.linspace(1, 9, lifted.confidence.size, dtype=np.float32)
    sure = replace(lifted, expected_error=errors.reshape(lifted.confidence.shape))
    dataset = sure.to_xarray()
    assert dataset["expected_error"].dims == ("time", "keypoints", "individuals")
    wrist = dataset["expected_error"].sel(keypoints="left_wrist", individuals="id_0")
    assert_array_equal(wrist, sure.expected_error[:, H36M17.index("left_wrist")])
    assert_same(Pose3D.from_xarray(dataset), sure)
    assert_same(Pose3D.from_xarray(dataset.transpose("keypoints", ...)), sure)
    assert "expected_error" not in replace(sure, expected_error=None).to_xarray()


def test_keypoints_come_back_as_they_went_with_those_that_are_missing() -> None:
    seen = make_example().keypoints
    assert np.isnan(seen.keypoints).any()
    assert_same(Pose2D.from_xarray(seen.to_xarray()), seen)
    unsized = replace(seen, image_size=None)
    assert_same(Pose2D.from_xarray(unsized.to_xarray()), unsized)


def test_an_unknown_rate_counts_frames() -> None:
    dataset = replace(lifted_walk(), fps=None).to_xarray()
    assert "fps" not in dataset.attrs
    assert dataset.attrs["time_unit"] == "frames"
    assert_array_equal(dataset["time"], np.arange(400))


def test_a_dataset_of_another_program_is_read_whatever_its_order() -> None:
    dataset = lifted_walk().to_xarray().drop_vars(["frame_index", "confidence", "root_xy"])
    dataset.attrs = {"fps": 50.0}
    turned = dataset.transpose("individuals", "keypoints", "space", "time")
    found = Pose3D.from_xarray(turned)
    assert_array_equal(found.positions, lifted_walk().positions)
    assert (found.confidence == 1).all()
    assert (found.units, found.space, found.fps) == ("m", "world", 50.0)


def test_frames_of_another_programs_dataset_are_those_of_its_times() -> None:
    dataset = lifted_walk().to_xarray().drop_vars("frame_index")
    every_other = Pose3D.from_xarray(dataset.isel(time=slice(10, None, 2)))
    assert_array_equal(every_other.frame_index, np.arange(10, 400, 2))
    assert every_other.fps == lifted_walk().fps
    wrong = dataset.assign_attrs(fps=20.0)
    with pytest.raises(MotionliftError, match="times are not those of frames at its 20"):
        Pose3D.from_xarray(wrong)
    assert_array_equal(Pose3D.from_xarray(dataset.drop_vars("time")).frame_index, np.arange(400))


def test_two_people_become_two_individuals() -> None:
    both = xarray.concat(
        [lifted_walk(person=name).to_xarray() for name in "ab"], "individuals", data_vars="minimal"
    )
    assert dict(both["position"].sizes) == {"time": 400, "space": 3, "keypoints": 17} | {
        "individuals": 2
    }
    with pytest.raises(MotionliftError, match=r"2 individuals \(a, b\); take one of them"):
        Pose3D.from_xarray(both)
    assert Pose3D.from_xarray(both.isel(individuals=[1])).person == "b"


def test_what_is_no_such_dataset_is_said() -> None:
    dataset = lifted_walk().to_xarray()
    with pytest.raises(MotionliftError, match="expected the variable position over time"):
        Pose3D.from_xarray(dataset.isel(individuals=0))
    with pytest.raises(MotionliftError, match="no known skeleton"):
        Pose3D.from_xarray(dataset.isel(keypoints=slice(3)))


def test_movement_takes_it() -> None:
    datasets = pytest.importorskip("movement.validators.datasets")
    datasets.ValidPosesInputs.validate(lifted_walk().to_xarray())
