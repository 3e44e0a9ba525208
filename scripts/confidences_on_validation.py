"""What a network makes of simulated keypoints that it is told are a detector's.

    python scripts/confidences_on_validation.py STORE [--model M]

25 sequences of the store's split `val`, in the first of the open benchmark's views of each, with
exact keypoints and with the published noise: lifted with their own confidences, and as `lift` takes
a detector's. Stated are the stature by the chain of bones over the true one, and MPJPE in mm: of
the keypoints, and of their mirror image, whose answer is mirrored back.
"""

import argparse
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float

from motionlift.data.store import Store
from motionlift.evaluation.protocols import PROTOCOLS, StoreProtocol
from motionlift.evaluation.samples import make_sample
from motionlift.lifting import Lifter
from motionlift.network.weights import load_model
from motionlift.poses import Pose2D
from motionlift.scale import stature
from motionlift.skeletons import H36M17

COUNT = 25
PIXELS_A_METRE = 500.0


def main() -> None:
    """Print a line for each kind of keypoints and confidences."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("--model", default="default")
    asked = parser.parse_args()
    store, protocol = Store.open(asked.store), PROTOCOLS.get("open")
    assert isinstance(protocol, StoreProtocol)
    sequences = [each for each in store.sequences if each.split == "val"]
    sequences = random.Random(0).sample(sequences, COUNT)
    model = load_model(asked.model)
    for condition in ("clean", "noise"):
        for confidences in ("simulated", "detector"):
            lifter = Lifter(model, confidences=confidences)
            sizes, errors = [], []
            for sequence in sequences:
                sample = make_sample(
                    store, sequence, protocol=protocol, condition=protocol.conditions[condition]
                )
                seen = Pose2D(
                    skeleton=H36M17,
                    keypoints=PIXELS_A_METRE * sample.keypoints[0],
                    confidence=sample.confidence[0],
                    frame_index=np.arange(sequence.frames),
                    fps=sequence.fps,
                )
                image = replace(
                    seen,
                    keypoints=_mirrored(seen.keypoints),
                    confidence=seen.confidence[:, H36M17.mirror],
                )
                joints, others = (
                    lifter.lift_pose(each).positions.astype(np.float64) / PIXELS_A_METRE
                    for each in (seen, image)
                )
                sizes.append(stature(joints) / stature(sample.target[0]))
                errors.append(
                    [
                        np.linalg.norm(each - sample.target[0], axis=-1).mean()
                        for each in (joints, _mirrored(others))
                    ]
                )
            plain, mirrored = 1000 * np.mean(errors, axis=0)
            print(
                f"{condition}, confidences of {confidences}: stature over the true one "
                f"{np.mean(sizes):.3f}, MPJPE {plain:.1f}, of the mirror image {mirrored:.1f}"
            )


def _mirrored(points: Float[np.ndarray, "frame 17 axis"]) -> Float[np.ndarray, "frame 17 axis"]:
    points = points[:, H36M17.mirror].copy()
    points[..., 0] *= -1
    return points


if __name__ == "__main__":
    main()
