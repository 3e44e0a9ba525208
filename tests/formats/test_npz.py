"""The arrays of the library's own npz are those of the design, and anything else is refused."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from motionlift.errors import FormatError
from motionlift.formats import read_motion
from motionlift.formats.npz import write
from motionlift.skeletons import H36M17
from tests.formats.motion import lifted


def test_keys_are_those_of_the_design(tmp_path: Path) -> None:
    write(lifted(), tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz", allow_pickle=False) as arrays:
        assert arrays["positions"].dtype == np.float32
        assert arrays["positions"].shape == (4, 17, 3)
        assert arrays["root_xy"].shape == (4, 2)
        assert arrays["expected_error"].shape == (4, 17)
        assert arrays["keypoints"].shape == (4, 17, 3)
        assert tuple(arrays["joint_names"]) == H36M17.joints
        assert tuple(arrays["parents"]) == H36M17.parents
        assert arrays["fps"] == 30
        assert_array_equal(arrays["frame_index"], [5, 6, 7, 8])
        assert str(arrays["source"]) == "clip.json"
        assert str(arrays["model"]) == "small"
        assert str(arrays["units"]) == "px"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"joint_names": np.array(H36M17.joints[::-1])}, "'joint_names' are not those of H36M17"),
        ({"positions": np.zeros((4, 16, 3), np.float32)}, "'positions' has shape (4, 16, 3)"),
        ({"frame_index": np.array([1, 1, 2, 3])}, "frame numbers must increase"),
        ({"frame_index": np.zeros(0, int), "positions": np.zeros((0, 17, 3))}, "confidence"),
        ({"units": np.array("miles")}, "units are"),
        ({"root_xy": np.zeros((3, 2))}, "'root_xy' has shape (3, 2)"),
        ({"expected_error": np.zeros((4, 3))}, "'expected_error' has shape (4, 3)"),
        ({"fps": np.array("fast")}, "'fps' has shape ()"),
    ],
)
def test_arrays_of_another_kind_are_refused(
    tmp_path: Path, change: dict[str, np.ndarray], message: str
) -> None:
    path = tmp_path / "out.npz"
    write(lifted(), path)
    with np.load(path) as arrays:
        changed = {**arrays, **change}
    np.savez(path, **changed)
    with pytest.raises(FormatError) as caught:
        read_motion(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
