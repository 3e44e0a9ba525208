"""What the error on a real person is made of: the network, the lens, the detector.

    python scripts/real_person_parts.py FOLDER [--model M]

FOLDER as for `real_person.py`. The triangulated joints themselves are lifted, seen by a camera
without perspective and by the calibrated one; then each detector's keypoints as they are; then the
same with every joint's mean offset from the projected truth taken off, so that what is left of the
detector's error has no direction. Errors that last and errors that pass are told apart by that.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float
from real_person import CALIBRATION, DETECTIONS, FPS, TRUTH, order_of_legs

import motionlift
from motionlift.calibration import PinholeCamera, read_calibration
from motionlift.evaluation.comparison import compare
from motionlift.formats import ReadOptions
from motionlift.network.weights import load_model
from motionlift.poses import Pose2D, Pose3D, to_h36m17


def parallel(seen: Float[np.ndarray, "frame 17 3"]) -> Float[np.ndarray, "frame 17 2"]:
    """Joints in camera space, seen along the ray to the pelvis, without perspective."""
    ahead = seen[:, 0].mean(axis=0)
    ahead /= np.linalg.norm(ahead)
    right = np.cross([0.0, 1.0, 0.0], ahead)
    right /= np.linalg.norm(right)
    down = np.cross(ahead, right)
    return 1000 * np.stack([seen @ right, seen @ down], axis=-1)


def as_keypoints(image: Float[np.ndarray, "frame 17 2"], truth: Pose3D) -> Pose2D:
    """Projected joints as a detector without any error would give them."""
    return Pose2D(
        skeleton=truth.skeleton,
        keypoints=image,
        confidence=np.ones(image.shape[:2]),
        frame_index=truth.frame_index,
        fps=FPS,
    )


def without_offset(pose: Pose2D, image: Float[np.ndarray, "frame 17 2"], truth: Pose3D) -> Pose2D:
    """The keypoints, each joint's mean offset over all frames taken off."""
    _, ours, theirs = np.intersect1d(pose.frame_index, truth.frame_index, return_indices=True)
    offset = np.where(
        pose.is_visible[ours][..., None], pose.keypoints[ours] - image[theirs], np.nan
    )
    known = pose.is_visible[ours].any(axis=0)
    mean = np.zeros((known.size, 2))
    mean[known] = np.nanmean(offset[:, known], axis=0)
    # A shift of all joints is the calibration's, and makes no difference to a lift.
    mean[known] -= mean[known].mean(axis=0)
    return replace(pose, keypoints=pose.keypoints - mean)


def main() -> None:
    """Lift, compare, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="default")
    asked = parser.parse_args()
    (truth,) = motionlift.read(asked.folder / TRUTH, kind="motion")
    cameras = read_calibration(asked.folder / CALIBRATION)
    model = load_model(asked.model)
    sys.stdout.write("| keypoints | P-MPJPE, mm | knees in order |\n| --- | ---: | ---: |\n")

    def report(name: str, pose: Pose2D, camera: PinholeCamera) -> None:
        lifted = motionlift.lift(pose, model=model, flip=False)
        error = 1000 * compare(lifted, truth).frame_errors.mean()
        knees = order_of_legs(lifted, truth, camera)["knee"]
        sys.stdout.write(f"| {name} | {error:.1f} | {knees} |\n")

    for key, camera in cameras.items():
        chosen = {name: path for name, (which, path) in DETECTIONS.items() if which == key}
        if not chosen:
            continue
        seen = camera.to_camera(truth.positions.astype(np.float64))
        image = camera.to_image(seen)
        report(
            f"{key}: the truth, without perspective", as_keypoints(parallel(seen), truth), camera
        )
        report(f"{key}: the truth, by the camera", as_keypoints(image, truth), camera)
        for name, path in chosen.items():
            (pose, *_) = motionlift.read(
                asked.folder / path, kind="keypoints", options=ReadOptions(fps=FPS)
            )
            pose = to_h36m17(pose)
            report(name, pose, camera)
            report(f"{name}, mean offsets taken off", without_offset(pose, image, truth), camera)


if __name__ == "__main__":
    main()
