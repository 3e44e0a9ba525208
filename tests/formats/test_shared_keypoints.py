"""Every real file of keypoints is recognised for what it is, and holds a whole person."""

from pathlib import Path

import numpy as np
import pytest

from motionlift.formats import find_format, read_keypoints
from motionlift.poses import to_h36m17
from motionlift.skeletons import H36M17

# Folder or file -> format, skeleton, frames, people.
REAL = {
    "pose2sim/openpose_body25/single": ("openpose", "BODY_25", 100, 3),
    "pose2sim/openpose_body25b/single": ("openpose", "BODY_25B", 100, 3),
    "pose2sim/openpose_body25b/single_cam01_associated": ("openpose", "BODY_25B", 100, 1),
    "pose2sim/openpose_body25b/single_cam03": ("openpose", "BODY_25B", 100, 1),
    "pose2sim/openpose_body25b/multi": ("openpose", "BODY_25B", 100, 4),
    "pose2sim/halpe26/openpose_json_single_cam01": ("openpose", "HALPE26", 100, 3),
    "pose2sim/halpe26/alphapose-results_single_cam01.json": ("alphapose", "HALPE26", 100, 3),
    "pose2sim/mediapipe/single_cam01.json": ("mediapipe", "MEDIAPIPE33", 100, 1),
    "pose2sim/mediapipe/single_cam01.npz": ("mediapipe", "MEDIAPIPE33", 100, 1),
    "pose2sim/mediapipe/single_cam03.json": ("mediapipe", "MEDIAPIPE33", 100, 1),
    "pose2sim/mediapipe/single_cam03.npz": ("mediapipe", "MEDIAPIPE33", 100, 1),
    "pose2sim/movenet_coco17/single_cam01_coco_results.json": ("coco", "COCO17", 100, 1),
    "pose2sim/movenet_coco17/single_cam03_coco_results.json": ("coco", "COCO17", 100, 1),
    "pose2sim/movenet_coco17/single_cam01_videopose3d.npz": ("videopose3d", "COCO17", 100, 1),
    "pose2sim/movenet_coco17/single_cam03_videopose3d.npz": ("videopose3d", "COCO17", 100, 1),
    "sports2d/mediapipe/demo_1280.json": ("mediapipe", "MEDIAPIPE33", 230, 3),
    "sports2d/mediapipe/demo_1280.npz": ("mediapipe", "MEDIAPIPE33", 230, 3),
    "sports2d/movenet_coco17/demo_1280_two_people_coco_results.json": ("coco", "COCO17", 188, 2),
    "sports2d/movenet_coco17/demo_1280_woman_f57_199_videopose3d.npz": (
        *("videopose3d", "COCO17", 143, 1),
    ),
}


@pytest.mark.parametrize("name", REAL)
def test_real_keypoints_are_recognised_without_being_told(shared: Path, name: str) -> None:
    path = shared / "keypoints" / name
    people = read_keypoints(path)
    pose = people[0]
    found = (find_format(path, kind="keypoints").name, pose.skeleton.name, pose.num_frames)
    assert (*found, len(people)) == REAL[name]


@pytest.mark.parametrize("name", REAL)
def test_real_people_stand_on_their_feet_with_left_where_it_belongs(
    shared: Path, name: str
) -> None:
    if "multi" in name:
        pytest.skip("one of its people is projected to where no video shows anyone")
    pose = to_h36m17(read_keypoints(shared / "keypoints" / name)[0])
    joint = {each: pose.keypoints[:, k] for k, each in enumerate(H36M17.joints)}
    below = np.nanmedian(joint["left_ankle"][:, 1]) - np.nanmedian(joint["thorax"][:, 1])
    assert below > 60  # y is down
    # Arm and leg of a side hang together: nearer to their own shoulder than to the other one.
    for side, other in (("left", "right"), ("right", "left")):
        own = np.linalg.norm(joint[f"{side}_elbow"] - joint[f"{side}_shoulder"], axis=-1)
        across = np.linalg.norm(joint[f"{side}_elbow"] - joint[f"{other}_shoulder"], axis=-1)
        assert np.nanmedian(own) < np.nanmedian(across)


def test_nothing_in_the_shared_folder_is_left_out(shared: Path) -> None:
    base = shared / "keypoints"
    files = [*base.rglob("*.json"), *base.rglob("*.npz")]
    tops = {str(file.relative_to(base)) for file in files} | {
        str(file.parent.relative_to(base)) for file in files
    }
    assert set(REAL) <= tops
    covered = {
        file for file in files if any(str(file.relative_to(base)).startswith(n) for n in REAL)
    }
    assert covered == set(files)
