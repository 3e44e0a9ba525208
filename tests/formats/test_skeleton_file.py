"""Skeletons of the user's own, and the skeletons that come with the library."""

from pathlib import Path

import numpy as np
import pytest

from motionlift.errors import SkeletonError
from motionlift.formats import ReadOptions, read_keypoints
from motionlift.formats._skeleton_file import read_skeleton
from motionlift.poses import Pose2D, to_h36m17
from motionlift.skeletons import H36M17, SKELETONS, Skeleton, joint_weights
from tests.formats.people import figure, write_openpose

MINE = """
name = "MINE"
joints = ["head", "hip_l", "hip_r", "knee_l"]
bones = [["hip_l", "knee_l"]]
[to_h36m17]
nose = "head"
pelvis = ["hip_l", "hip_r"]
left_knee = "knee_l"
"""


def test_own_skeleton_is_read_and_used(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("\ufeff" + MINE, "utf-8")  # as Windows' editor saves it
    points = np.array([[10, 5, 1], [8, 20, 1], [12, 20, 0.5], [8, 30, 1]], dtype=float)
    folder = write_openpose(tmp_path / "op", [[points]])
    (pose,) = read_keypoints(folder, ReadOptions(skeleton=str(tmp_path / "mine.toml")))
    assert pose.skeleton.name == "MINE"
    assert pose.skeleton.bones == ((1, 3),)
    lifted_from = to_h36m17(pose)
    assert lifted_from.keypoints[0, H36M17.index("pelvis")].tolist() == [10, 20]
    assert lifted_from.confidence[0, H36M17.index("pelvis")] == 0.75
    assert not lifted_from.is_visible[0, H36M17.index("right_knee")]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"MINE"', "3", "expected a text 'name'"),
        ("joints", "joint", "unknown key 'joint'"),
        ("nose =", "snout =", "[to_h36m17] has 'snout', but the joints of H36M17 are"),
        ('"head"\n', '"heads"\n', "no joint is named 'heads'"),
        ('["hip_l", "knee_l"]]', '["hip_l", "toe"]]', "expected two of the joints"),
        ('"head", "hip_l"', '"head", "head", "hip_l"', "joint names must differ"),
        ('= "knee_l"', "= [[", "not valid TOML"),
        ('"knee_l"', "7", "expected names of joints"),
    ],
)
def test_wrong_skeleton_files_are_one_line(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(MINE.replace(old, new))
    with pytest.raises(SkeletonError) as caught:
        read_skeleton(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_skeleton_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SkeletonError, match=r"none\.toml: cannot be read"):
        read_skeleton(tmp_path / "none.toml")


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=lambda each: each.name)
def test_mirror_swaps_sides_and_twice_is_nothing(skeleton: Skeleton) -> None:
    mirror = np.array(skeleton.mirror)
    assert mirror[mirror].tolist() == list(range(skeleton.num_joints))
    for joint, other in enumerate(mirror):
        is_sided = skeleton.joints[joint].startswith(("left_", "right_"))
        assert (other != joint) == is_sided


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=lambda each: each.name)
def test_bones_make_one_tree(skeleton: Skeleton) -> None:
    assert skeleton.parents.count(-1) == 1
    for joint in range(skeleton.num_joints):
        seen = set()
        while joint >= 0:
            assert joint not in seen
            seen.add(joint)
            joint = skeleton.parents[joint]


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=lambda each: each.name)
def test_a_figure_keeps_its_joints_as_h36m17(skeleton: Skeleton) -> None:
    points = figure(skeleton)[None]
    pose = Pose2D(
        skeleton=skeleton,
        keypoints=points[..., :2],
        confidence=points[..., 2],
        frame_index=np.arange(1),
    )
    mapped = to_h36m17(pose)
    expected = figure(H36M17)[:, :2]
    for joint in range(H36M17.num_joints):
        if mapped.is_visible[0, joint] and H36M17.joints[joint] != "spine":
            assert mapped.keypoints[0, joint].tolist() == expected[joint].tolist()
    weights = joint_weights(skeleton).sum(axis=1)
    assert set(weights) <= {0, 1}
    assert weights[H36M17.index("left_wrist")] == 1
