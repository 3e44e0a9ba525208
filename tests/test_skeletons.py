from pathlib import Path

import pytest

from motionlift.errors import SkeletonError
from motionlift.kinematics import HEAD_TOP_OFFSET, NOSE_OFFSET
from motionlift.skeletons import H36M17, SKELETONS, joint_weights, skeleton_named

PAGE = (Path(__file__).parents[1] / "docs" / "skeletons.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip().strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.strip().startswith("|")
]


def test_the_order_and_the_tree_of_h36m17_are_the_designs() -> None:
    assert H36M17.joints == (
        *("pelvis", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee"),
        *("left_ankle", "spine", "thorax", "nose", "head_top", "left_shoulder", "left_elbow"),
        *("left_wrist", "right_shoulder", "right_elbow", "right_wrist"),
    )
    assert H36M17.parents == (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15)
    assert H36M17.root == 0


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=lambda each: each.name)
def test_mirroring_twice_is_identity_and_swaps_every_left(skeleton) -> None:  # type: ignore[no-untyped-def]
    mirror = skeleton.mirror
    assert [mirror[mirror[joint]] for joint in range(skeleton.num_joints)] == list(
        range(skeleton.num_joints)
    )
    for name, other in zip(skeleton.joints, mirror, strict=True):
        is_sided = name.startswith(("left_", "right_"))
        assert (skeleton.joints[other] != name) == is_sided


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=lambda each: each.name)
def test_joints_made_of_keypoints_are_means_of_them(skeleton) -> None:  # type: ignore[no-untyped-def]
    sums = joint_weights(skeleton).sum(axis=1)
    for joint, total in zip(H36M17.joints, sums, strict=True):
        has_it = skeleton is H36M17 or joint in skeleton.to_h36m17
        assert total == pytest.approx(float(has_it)), joint


def test_the_page_has_every_skeleton_as_it_is() -> None:
    known = {row[0]: row[1:] for row in ROWS if row[0] in SKELETONS}
    assert set(known) == set(SKELETONS) - {"H36M17"}
    for name, (count, *joints) in known.items():
        skeleton = SKELETONS[name]
        assert int(count) == skeleton.num_joints
        expected = [
            ", ".join(skeleton.to_h36m17.get(joint, ("missing",)))
            for joint in ("pelvis", "thorax", "spine", "nose", "head_top")
        ]
        assert joints == expected, name


def test_the_page_has_every_joint_with_its_number_and_parent() -> None:
    rows = [row for row in ROWS if row[0].split(",")[0].isdigit()]
    found = {}
    for numbers, names, parents, *_ in rows:
        ups = parents.split(", ") if parents else [""]
        ups = ups * len(numbers.split(", ")) if len(ups) == 1 else ups
        for number, name, parent in zip(numbers.split(", "), names.split(", "), ups, strict=True):
            joint = name.removesuffix(" (root)").replace(" ", "_")
            found[int(number)] = (joint, int(parent or -1))
    expected = zip(H36M17.joints, H36M17.parents, strict=True)
    assert found == dict(enumerate(expected))


def test_the_page_has_the_offsets_of_the_head() -> None:
    for name, offset in (("head top", HEAD_TOP_OFFSET), ("nose", NOSE_OFFSET)):
        (row,) = (row for row in ROWS if row[0] == name and len(row) == 4)
        assert [float(cell) for cell in row[1:]] == list(offset)


def test_an_unknown_joint_or_skeleton_is_an_error_that_lists_the_known() -> None:
    with pytest.raises(SkeletonError, match="no joint 'tail'; it has: pelvis, right_hip"):
        H36M17.index("tail")
    with pytest.raises(SkeletonError, match="there are: H36M17, COCO17"):
        skeleton_named("COCO")
