"""Still pictures: drawn, of the frames asked for, and left out whole when they cannot be."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from motionlift.errors import MotionliftError
from motionlift.example import make_example
from motionlift.poses import Pose3D
from motionlift.skeletons import H36M17
from motionlift.viewer.picture import _spread, write_picture
from tests.samples import lifted_walk

image = pytest.importorskip("matplotlib.image")


def coloured(pixels: np.ndarray) -> tuple[int, int]:
    """How many pixels are clearly blue (left), and clearly orange (right)."""
    red, blue = pixels[..., 0].astype(float), pixels[..., 2].astype(float)
    return int((blue - red > 0.3).sum()), int((red - blue > 0.3).sum())


def test_both_sides_of_the_body_are_drawn(tmp_path: Path) -> None:
    write_picture(tmp_path / "walk.png", lifted_walk(), frames=[80, 150])
    pixels = image.imread(tmp_path / "walk.png")
    assert min(coloured(pixels)) > 1000


def without_keypoints(pose: Pose3D, frames: slice, joints: slice = slice(None)) -> Pose3D:
    """The same motion, as if the detector had missed these keypoints."""
    assert pose.lifted_from is not None
    points, confidence = pose.lifted_from.keypoints.copy(), pose.lifted_from.confidence.copy()
    points[frames, joints], confidence[frames, joints] = np.nan, 0
    seen = replace(pose.lifted_from, keypoints=points, confidence=confidence)
    return replace(pose, lifted_from=seen)


def test_frames_with_keypoints_are_chosen_where_there_are() -> None:
    walk = lifted_walk()
    assert _spread(walk)[0] == 0
    assert min(_spread(without_keypoints(walk, slice(0, 300)))) >= 300
    assert len(_spread(without_keypoints(walk, slice(0, None)))) == 6


def test_joints_that_the_detector_missed_are_drawn_lighter(tmp_path: Path) -> None:
    walk = replace(lifted_walk(), root_xy=None)
    joints = slice(H36M17.index("left_shoulder"), H36M17.index("left_wrist") + 1)
    missed = without_keypoints(walk, slice(80, 81), joints)
    painted = []
    for name, pose in (("seen", walk), ("missed", missed)):
        write_picture(tmp_path / f"{name}.png", pose, frames=[80])
        pixels = image.imread(tmp_path / f"{name}.png")
        painted.append(coloured(pixels[len(pixels) // 4 :]))  # below the row of keypoints
    (left, right), (left_missed, right_missed) = painted
    assert left_missed < 0.9 * left
    assert right_missed == pytest.approx(right, rel=0.05)


def test_a_picture_grows_with_its_frames(tmp_path: Path) -> None:
    for name, frames in (("two.png", [0, 1]), ("four.png", [0, 1, 2, 3])):
        write_picture(tmp_path / name, lifted_walk(), frames=frames)
    two, four = (image.imread(tmp_path / name).shape for name in ("two.png", "four.png"))
    assert four[0] == two[0]
    assert four[1] > 1.7 * two[1]


def test_motion_without_keypoints_has_a_row_less(tmp_path: Path) -> None:
    write_picture(tmp_path / "with.png", lifted_walk(), frames=[0])
    write_picture(tmp_path / "without.png", make_example().truth, frames=[0])
    heights = [image.imread(tmp_path / f"{name}.png").shape[0] for name in ("with", "without")]
    assert heights[0] > 1.2 * heights[1]


def test_frames_without_the_person_are_not_chosen(tmp_path: Path) -> None:
    pose = lifted_walk(frames=slice(0, 20))
    positions, confidence = pose.positions.copy(), pose.confidence.copy()
    positions[:], confidence[:] = np.nan, 0
    nobody = replace(pose, positions=positions, confidence=confidence)
    with pytest.raises(MotionliftError, match="nobody is in any frame"):
        write_picture(tmp_path / "walk.png", nobody)


def test_motion_that_lacks_a_joint_throughout_is_drawn_without_it(tmp_path: Path) -> None:
    truth = make_example().truth
    positions, confidence = truth.positions.copy(), truth.confidence.copy()
    lost = H36M17.index("head_top")
    positions[:, lost], confidence[:, lost] = np.nan, 0
    write_picture(tmp_path / "part.png", replace(truth, positions=positions, confidence=confidence))
    picture = image.imread(tmp_path / "part.png")[..., :3]
    is_coloured = np.ptp(picture, axis=-1) > 0.3
    assert is_coloured.sum() > 2000


@pytest.mark.parametrize(
    ("name", "frames", "message"),
    [
        ("walk.gif", [0], "pictures end in one of: .png"),
        ("walk.png", [20], "no frame 20; there are 0 to 19"),
        ("walk.png", [], "at least one frame"),
    ],
)
def test_a_wrong_picture_is_refused_and_leaves_nothing(
    name: str, frames: list[int], message: str, tmp_path: Path
) -> None:
    with pytest.raises(MotionliftError, match=message):
        write_picture(tmp_path / name, lifted_walk(frames=slice(0, 20)), frames=frames)
    assert list(tmp_path.iterdir()) == []
