"""Whether keypoints of unusual frame rates are better lifted as they are or by way of another rate.

    python scripts/measure_rates.py STORE

One sequence of every fourth action of the split `test`, parallel projection, 0.5 % jitter in every
frame. P-MPJPE in mm and the error of velocity in mm/s, as they are and, of rates that `motionlift
lift` resamples, by way of the rate that it takes.
"""

import sys
from pathlib import Path

import numpy as np

from motionlift import metrics
from motionlift.camera import look_rotation
from motionlift.data.resample import resample
from motionlift.data.store import Sequence, Store
from motionlift.lifting import Lifter
from motionlift.network.weights import load_model
from motionlift.poses import Pose2D
from motionlift.rates import lift_at_a_known_rate
from motionlift.skeletons import H36M17
from motionlift.timing import lifting_rate

RATES = (5.0, 8.0, 12.5, 20.0, 30.0, 60.0, 72.0, 120.0, 240.0)
SECONDS, PIXELS_A_METRE, JITTER = 4, 300.0, 0.005


def main() -> None:
    """Print the table."""
    store = Store.open(Path(sys.argv[1]))
    actions: dict[tuple[str, str], Sequence] = {}
    for each in store.select(split="test"):
        if (
            each.units == "m"
            and each.frames >= SECONDS * store.fps
            and store.visibility(each).all()
        ):
            actions.setdefault((each.dataset, each.action), each)
    sequences = [each for _, each in sorted(actions.items())][::4]
    lifter = Lifter(load_model("default"), device="cpu", precision="fp32")
    print(f"model {lifter.model_name}, {len(sequences)} sequences of {SECONDS} s")
    print(f"{'fps':>6} {'as it is':>20} {'by way of':>9}")
    for fps in RATES:
        rng = np.random.default_rng(0)
        at = lifting_rate(fps, trained=lifter.trained_fps)
        found: list[list[float]] = []
        for each in sequences:
            world = store.positions(each)[: int(SECONDS * store.fps)].astype(np.float64)
            turn = look_rotation(
                yaw=np.float64(rng.uniform(-np.pi, np.pi)),
                pitch=np.float64(0.1),
                roll=np.float64(0),
            )
            truth = resample(world @ turn.T, fps_source=store.fps, fps=fps)
            image = PIXELS_A_METRE * truth[..., :2]
            image += (
                JITTER * np.median(np.ptp(image[..., 1], axis=1)) * rng.normal(size=image.shape)
            )
            pose = Pose2D(
                skeleton=H36M17,
                keypoints=image,
                confidence=np.ones(image.shape[:2]),
                frame_index=np.arange(len(image)),
                fps=fps,
            )
            truth = truth - truth[:, [H36M17.root]]
            errors = [*_errors(lifter.lift_pose(pose).positions, truth, fps=fps)]
            if at != fps:
                by_way = lift_at_a_known_rate(lifter, pose)
                errors += _errors(by_way.positions, truth, fps=fps)
            found.append(errors)
        joints, velocity, *others = np.mean(found, axis=0)
        cells = f"{at:9g} {others[0]:9.1f} {others[1]:10.0f}" if others else ""
        print(f"{fps:6g} {joints:9.1f} {velocity:10.0f} {cells}", flush=True)


def _errors(positions: np.ndarray, truth: np.ndarray, *, fps: float) -> tuple[float, float]:
    joints = positions.astype(np.float64) / PIXELS_A_METRE
    aligned = metrics.procrustes(joints, truth)
    velocity = np.diff(joints - truth, axis=0)
    return (
        1000 * float(metrics.mpjpe(aligned, truth).mean()),
        1000 * fps * float(np.linalg.norm(velocity, axis=-1).mean()),
    )


if __name__ == "__main__":
    main()
