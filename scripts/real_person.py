"""How well a network lifts a real person: three detectors, two cameras, held to a triangulation.

    python scripts/real_person.py FOLDER [--model M] [--no-flip] [--known-camera]

FOLDER holds detections, calibration and triangulation of Pose2Sim's balancing trial, laid out as
its table below says. The triangulation, by four cameras and OpenPose, is itself good to a few
centimetres. For each detection: P-MPJPE, and in how many frames in which one foot is off the floor
the knees and ankles come in the right order of depth, as the calibrated camera sees the truth.
With --known-camera the lift is told the calibration, and the height that the triangulation has.
Beside it, for weights with an error head, the mean distance of the joints with root on root, turned
and scaled once for the clip, and what the lift says is to be expected of it.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

import motionlift
from motionlift.api import Beyond
from motionlift.calibration import PinholeCamera, read_calibration
from motionlift.evaluation.comparison import Comparison, compare
from motionlift.formats import ReadOptions
from motionlift.network.weights import load_model
from motionlift.poses import Pose3D
from motionlift.scale import stature

TRUTH = "trc/S00_P00_T01_BalancingTrial_0-100.trc"
CALIBRATION = "calibration/Calib_qualisys.toml"
FPS = 60.0
DETECTIONS = {
    "OpenPose, cam01": ("cam_01", "openpose_body25/single"),
    "OpenPose, cam03": ("cam_03", "openpose_body25b/single_cam03"),
    "MediaPipe, cam01": ("cam_01", "mediapipe/single_cam01.json"),
    "MediaPipe, cam03": ("cam_03", "mediapipe/single_cam03.json"),
    "MoveNet, cam01": ("cam_01", "movenet_coco17/single_cam01_coco_results.json"),
    "MoveNet, cam03": ("cam_03", "movenet_coco17/single_cam03_coco_results.json"),
}
FOOT_IS_UP = 0.10  # metres between the ankles' heights
DEPTH_IS_CLEAR = 0.05  # metres between left and right: below, the truth itself is in doubt
PAIRS = ("knee", "ankle")


def order_of_legs(lifted: Pose3D, truth: Pose3D, camera: PinholeCamera) -> dict[str, str]:
    """For knees and ankles: frames with left and right in the right order, of those that count."""
    _, ours, theirs = np.intersect1d(lifted.frame_index, truth.frame_index, return_indices=True)
    seen = camera.to_camera(truth.positions[theirs].astype(np.float64))
    at = truth.skeleton.index
    answer_at = lifted.positions[ours].astype(np.float64)
    if lifted.space == "world":
        answer_at = camera.to_camera(answer_at)
    height = truth.positions[theirs, :, 1]
    is_up = np.abs(height[:, at("left_ankle")] - height[:, at("right_ankle")]) > FOOT_IS_UP
    answer = {}
    for pair in PAIRS:
        left, right = at(f"left_{pair}"), at(f"right_{pair}")
        true = seen[:, left, 2] - seen[:, right, 2]
        said = answer_at[:, left, 2] - answer_at[:, right, 2]
        counts = is_up & (np.abs(true) > DEPTH_IS_CLEAR)
        agrees = (np.sign(true) == np.sign(said)) & counts
        answer[pair] = f"{agrees.sum()} of {counts.sum()}"
    return answer


def expected_mm(lifted: Pose3D, found: Comparison) -> str:
    """The mean expected error of the joints and frames that were scored."""
    if lifted.expected_error is None:
        return "-"
    _, frames, _ = np.intersect1d(lifted.frame_index, found.frame_index, return_indices=True)
    joints = np.array([lifted.skeleton.index(name) for name in found.joints])
    expected = lifted.expected_error[np.ix_(frames, joints)].mean()
    return f"{1000 * found.alignment.factor * expected:.0f}"


def main() -> None:
    """Lift, compare, and print a table and the errors of the joints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--no-flip", action="store_true", help="without the mirror image")
    parser.add_argument("--known-camera", action="store_true", help="with calibration and height")
    asked = parser.parse_args()
    (truth,) = motionlift.read(asked.folder / TRUTH, kind="motion")
    cameras = read_calibration(asked.folder / CALIBRATION)
    model = load_model(asked.model)
    say = sys.stdout.write
    say("| detections | P-MPJPE, mm | knees in order | ankles in order | MPJPE, mm | expected |\n")
    say("| --- | ---: | ---: | ---: | ---: | ---: |\n")
    by_joint, errors = {}, []
    options = ReadOptions(fps=FPS)
    for name, (camera, path) in DETECTIONS.items():
        people = motionlift.read(asked.folder / path, kind="keypoints", options=options)
        known: Beyond = {}
        if asked.known_camera:
            known = {
                "height": stature(truth.positions),
                "calibration": asked.folder / CALIBRATION,
                "camera": camera,
            }
        lifted = motionlift.lift(people[0], model=model, flip=not asked.no_flip, **known)
        found = compare(lifted, truth)
        order = order_of_legs(lifted, truth, cameras[camera])
        error = 1000 * found.frame_errors.mean()
        whole = f"{1000 * found.clip_error:.0f} | {expected_mm(lifted, found)}"
        say(f"| {name} | {error:.1f} | {order['knee']} | {order['ankle']} | {whole} |\n")
        by_joint[name] = found.joint_means
        errors.append(error)
    say(f"\nmean of the {len(errors)}: {np.mean(errors):.1f} mm\n")
    joints = list(next(iter(by_joint.values())))
    say(f"\n| joint | {' | '.join(by_joint)} |\n| --- |{' ---: |' * len(by_joint)}\n")
    for joint in joints:
        values = " | ".join(f"{1000 * each[joint]:.0f}" for each in by_joint.values())
        say(f"| {joint.replace('_', ' ')} | {values} |\n")


if __name__ == "__main__":
    main()
