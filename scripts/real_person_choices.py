"""What a network makes of a real person if confidences or windows are taken otherwise.

    python scripts/real_person_choices.py FOLDER [--model M]

FOLDER as for `real_person.py`. The same detections are lifted in long windows with their
confidences as they are; scaled to the median that the noise model has; alike for all keypoints; and
alike from some confidence on, proportionally less below. Then the triangulated joints themselves,
which have no error and confidence 1, seen without perspective. Then, with confidences as the
library takes them, windows of several lengths, and means of the answers by two of them. P-MPJPE in
mm, the mean first.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float
from real_person import CALIBRATION, DETECTIONS, FPS, TRUTH
from real_person_parts import as_keypoints, parallel

from motionlift import read
from motionlift.calibration import read_calibration
from motionlift.evaluation.comparison import compare
from motionlift.formats import ReadOptions
from motionlift.lifting import Lifter
from motionlift.network.weights import load_model
from motionlift.poses import Pose2D, to_h36m17

Confidence = Float[np.ndarray, "frame 17"]
NOISE_MODELS_MEDIAN = 0.78


def to_median(said: Confidence) -> Confidence:
    """Scaled so that the median of what is seen is the noise model's."""
    return np.minimum(NOISE_MODELS_MEDIAN * said / np.median(said[said > 0]), 1.0)


def alike(found: float, *, sure: float) -> Callable[[Confidence], Confidence]:
    """As one number from some confidence on."""
    return lambda said: found * np.minimum(said / sure, 1.0)


HOWS: dict[str, Callable[[Confidence], Confidence]] = {
    "as they are": lambda said: said,
    "scaled to a median of 0.78": to_median,
    "0.75 from 0.2": alike(0.75, sure=0.2),
    "0.8 from 0.2": alike(0.8, sure=0.2),
    "0.85 for all": alike(0.85, sure=1e-3),
    "0.85 from 0.1": alike(0.85, sure=0.1),
    "0.85 from 0.2": alike(0.85, sure=0.2),
    "0.85 from 0.3": alike(0.85, sure=0.3),
    "0.9 from 0.2": alike(0.9, sure=0.2),
    "0.95 from 0.2": alike(0.95, sure=0.2),
}

WINDOWS = ((27,), (15,), (9,), (5,), (27, 9), (27, 5))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="default")
    asked = parser.parse_args()
    (truth,) = read(asked.folder / TRUTH, kind="motion")
    cameras = read_calibration(asked.folder / CALIBRATION)
    # Confidences reach the network as they are given.
    model = load_model(asked.model)
    lifter = Lifter(model, flip=True, confidences="simulated")
    say = sys.stdout.write

    def error(pose: Pose2D) -> float:
        return 1000 * float(compare(lifter.lift_pose(pose), truth).frame_errors.mean())

    people = {}
    for name, (_, path) in DETECTIONS.items():
        options = ReadOptions(fps=FPS)
        people[name] = to_h36m17(read(asked.folder / path, kind="keypoints", options=options)[0])
    say(f"| confidences | mean | {' | '.join(people)} |\n| --- |{' ---: |' * (len(people) + 1)}\n")
    for how, change in HOWS.items():
        found = [error(replace(one, confidence=change(one.confidence))) for one in people.values()]
        cells = " | ".join(f"{each:.1f}" for each in (np.mean(found), *found))
        say(f"| {how} | {cells} |\n")
    levels = (1.0, 0.95, 0.9, 0.85, 0.8)
    say(f"\n| exact keypoints of confidence | {' | '.join(map(str, levels))} |\n")
    say(f"| --- |{' ---: |' * len(levels)}\n")
    for key in sorted({camera for camera, _ in DETECTIONS.values()}):
        seen = parallel(cameras[key].to_camera(truth.positions.astype(np.float64)))
        exact = as_keypoints(seen, truth)
        found = [error(replace(exact, confidence=level * exact.confidence)) for level in levels]
        say(f"| {key} | {' | '.join(f'{each:.1f}' for each in found)} |\n")
    say(f"\n| windows | mean | {' | '.join(people)} |\n")
    say(f"| --- |{' ---: |' * (len(people) + 1)}\n")
    lifted = {
        window: [Lifter(model, flip=True, window=window).lift_pose(one) for one in people.values()]
        for window in sorted({window for windows in WINDOWS for window in windows})
    }
    for windows in WINDOWS:
        found = []
        for poses in zip(*(lifted[window] for window in windows), strict=True):
            mean = np.mean([pose.positions for pose in poses], axis=0)
            found.append(
                1000 * compare(replace(poses[0], positions=mean), truth).frame_errors.mean()
            )
        cells = " | ".join(f"{each:.1f}" for each in (np.mean(found), *found))
        say(f"| {' and '.join(map(str, windows))} | {cells} |\n")


if __name__ == "__main__":
    main()
