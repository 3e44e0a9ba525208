"""How far the root's path in metres is off: under made-up cameras, and of a man whom four filmed.

    python scripts/measure_path.py STORE POSE2SIM

STORE is a built store, of whose split `test` one sequence of each action is seen through a pinhole
camera; POSE2SIM is a folder with Pose2Sim's balancing trial: keypoints, calibration, triangulation.
Heights are those of the truth by the same chain of bones. Errors are means over frames, then over
recordings, in millimetres.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from motionlift.calibration import PinholeCamera, read_calibration
from motionlift.camera import look_rotation
from motionlift.data.store import Sequence, Store
from motionlift.finishing import LiftOptions, finish
from motionlift.formats import ReadOptions, read_keypoints, read_motion
from motionlift.lifting import Lifter
from motionlift.network.weights import load_model
from motionlift.perspective import lift_without_perspective
from motionlift.poses import Pose2D, Pose3D
from motionlift.scale import body_size, in_metres, stature
from motionlift.skeletons import H36M17
from motionlift.trajectory import camera_of_lens, in_world, solve_path, turns_to, up_of_body

IMAGE_SIZE, FOCAL = (1920, 1080), 1400.0
JITTER, JITTER_STAYS = 0.007, 0.75  # of the person's height in the picture
MOST_FRAMES, FEWEST_FRAMES = 400, 150
TRIAL = "trc/S00_P00_T01_BalancingTrial_0-100_filt_butterworth.trc"
DETECTIONS = {
    "cam_01": (
        "openpose_body25b/single_cam01_associated",
        "mediapipe/single_cam01.json",
        "movenet_coco17/single_cam01_coco_results.json",
    ),
    "cam_03": (
        "openpose_body25b/single_cam03",
        "mediapipe/single_cam03.json",
        "movenet_coco17/single_cam03_coco_results.json",
    ),
}


@dataclass(frozen=True, kw_only=True)
class View:
    """A recording as a camera sees it: joints in camera space, keypoints, and which way is up."""

    truth: np.ndarray
    seen: Pose2D
    up: np.ndarray


def views(store: Store, *, jitter: float) -> Iterator[View]:
    """One sequence of each action under one camera each, 3 to 6 m away and beside the middle."""
    rng = np.random.default_rng(0)
    actions: dict[tuple[str, str], Sequence] = {}
    for each in store.select(split="test"):
        if each.units == "m" and each.frames >= FEWEST_FRAMES and store.visibility(each).all():
            actions.setdefault((each.dataset, each.action), each)
    for _, sequence in sorted(actions.items()):
        world = store.positions(sequence)[:MOST_FRAMES].astype(np.float64)
        yaw, pitch, roll = rng.uniform(-np.pi, np.pi), 0.15 * rng.normal(), 0.03 * rng.normal()
        turn = look_rotation(yaw=np.float64(yaw), pitch=np.float64(pitch), roll=np.float64(roll))
        camera = (world - world[:, 0].mean(axis=0)) @ turn.T
        far = max(rng.uniform(3, 6), 1.8 - camera[..., 2].min())
        camera += far * np.array([rng.uniform(-0.3, 0.3), rng.uniform(-0.1, 0.1), 1.0])
        image = FOCAL * camera[..., :2] / camera[..., 2:] + np.array(IMAGE_SIZE) / 2
        noise = rng.normal(size=image.shape)
        for frame in range(1, len(noise)):
            fresh = np.sqrt(1 - JITTER_STAYS**2) * noise[frame]
            noise[frame] = JITTER_STAYS * noise[frame - 1] + fresh
        image += jitter * np.median(np.ptp(image[..., 1], axis=1)) * noise
        confidence = np.ones(image.shape[:2])
        if jitter:
            without = [H36M17.index(name) for name in ("spine", "head_top")]
            image[:, without], confidence[:, without] = np.nan, 0.0
        yield View(
            truth=camera,
            seen=Pose2D(
                skeleton=H36M17,
                keypoints=image,
                confidence=confidence,
                frame_index=np.arange(len(image)),
                fps=store.fps,
                image_size=IMAGE_SIZE,
                source=sequence.name,
            ),
            up=turn[:, 1],
        )


def errors(root: np.ndarray, body: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Of the root: distance; across the picture; in depth; in depth in %; distance but for one
    constant offset. Then the joints' mean distance about the root.

    Args:
        root: in camera space.
        body: joints about the root, in the camera's axes.
        truth: joints in camera space.
    """
    there = truth[:, H36M17.root]
    off = 1000 * (root - there)
    apart = off - off.mean(axis=0)
    pose = np.linalg.norm(body - (truth - there[:, None]), axis=-1)
    return np.array(
        [
            np.linalg.norm(off, axis=1).mean(),
            np.linalg.norm(off[:, :2], axis=1).mean(),
            np.abs(off[:, 2]).mean(),
            0.1 * (np.abs(off[:, 2]) / there[:, 2]).mean(),
            np.linalg.norm(apart, axis=1).mean(),
            1000 * np.nanmean(pose),
        ]
    )


def root_by(
    how: str, lifted: Pose3D, camera: PinholeCamera, height: float
) -> tuple[np.ndarray, np.ndarray]:
    """Root in camera space and joints about it, with one part left out or changed."""
    seen, root_xy = lifted.lifted_from, lifted.root_xy
    assert seen is not None and root_xy is not None
    body = lifted.positions.astype(np.float64)
    if how != "one size for all frames":
        body = body / body_size(body)[:, None, None]
    body *= {"height 5 % too large": 1.05}.get(how, 1.0) * height / stature(body)
    rays = camera.to_rays(seen.keypoints)
    if how != "not turned to the ray":
        body = np.einsum("fab,fjb->fja", turns_to(camera.to_rays(root_xy)), body)
    root, _ = solve_path(body, rays, seen.confidence)
    if how == "joints put on their rays, again":
        depth = body[..., 2:] + root[:, None, 2:]
        on_rays = np.concatenate([np.nan_to_num(rays) * depth, depth], axis=-1)
        joints = np.where(seen.is_visible[..., None], on_rays, body + root[:, None])
        body = joints - joints[:, [H36M17.root]]
        body = body / body_size(body)[:, None, None]
        body = body * height / stature(body)
        root, _ = solve_path(body, rays, seen.confidence)
    return root, body


PERSPECTIVE_STAYS = "lifted once, perspective left in"
HOWS = (
    "as shipped",
    PERSPECTIVE_STAYS,
    "not turned to the ray",
    "one size for all frames",
    "joints put on their rays, again",
    "height 5 % too large",
)
HEAD = f"{'mm':<60} {'path':>6} {'across':>6} {'depth':>6} {'%':>6} {'shape':>6} {'body':>6}"


def made_up(store: Store, lifter: Lifter) -> None:
    """The table of made-up cameras."""
    camera = camera_of_lens(focal=FOCAL, image_size=IMAGE_SIZE)
    for jitter in (0.0, JITTER):
        rows: dict[str, list[np.ndarray]] = {how: [] for how in (*HOWS, "--smooth savgol")}
        tilts, sizes, speeds = [], [], []
        for view in views(store, jitter=jitter):
            height = stature(view.truth)
            once = lifter.lift_pose(view.seen)
            lifted = lift_without_perspective(
                lambda pose, _: lifter.lift_pose(pose), view.seen, camera, height=height
            )
            for how in HOWS:
                base = once if how == PERSPECTIVE_STAYS else lifted
                root, body = root_by(how, base, camera, height)
                rows[how].append(errors(root, body, view.truth))
            # Without perspective a pixel is one straight ahead, not beside the picture's middle.
            size = in_metres(once, height=height).metres_per_pixel
            sizes.append(size / (np.median(view.truth[:, H36M17.root, 2]) / FOCAL))
            metric = in_metres(lifted, height=height)
            options = LiftOptions(height=height, focal=FOCAL, smooth="savgol")
            world = finish(lifted, options).positions.astype(np.float64) * [1, -1, -1]
            truth = view.truth[:, H36M17.root]
            smooth = world[:, H36M17.root] - world[:, H36M17.root].mean(axis=0)
            body = world - world[:, [H36M17.root]]
            rows["--smooth savgol"].append(errors(smooth + truth.mean(axis=0), body, view.truth))
            standing = up_of_body(in_world(metric, camera, on_floor=False).positions)
            tilts.append([_angle(view.up, [0, -1, 0]), _angle(view.up, standing * [1, -1, -1])])
            speeds.append(1000 * store.fps * np.linalg.norm(np.diff(truth, axis=0), axis=1).mean())
        print(
            f"\nmade-up cameras, {len(sizes)} recordings, jitter {100 * jitter:g} % of the height"
        )
        print(HEAD)
        for how, found in rows.items():
            cells = " ".join(f"{value:6.1f}" for value in np.mean(found, axis=0))
            print(
                f"{how:<60} {cells}" + ("   (shape and body only)" if how.startswith("--") else "")
            )
        print(f"median over recordings, as shipped: {np.median([e[0] for e in rows[HOWS[0]]]):.1f}")
        print(
            f"size by the chain of bones over the true one: {np.mean(sizes):.3f}, "
            f"deviation {np.std(sizes):.3f}"
        )
        print(
            "degrees that up is off: camera {:.1f}, person {:.1f}".format(*np.mean(tilts, axis=0))
        )
        print(f"mean speed of the roots {np.mean(speeds):.0f} mm/s")


def filmed(folder: Path, lifter: Lifter) -> None:
    """The table of the man whom four cameras filmed."""
    cameras = read_calibration(folder / "calibration" / "Calib_qualisys.toml")
    (truth,) = read_motion(folder / TRIAL)
    height = stature(truth.positions)
    print(f"\nPose2Sim's balancing trial, 100 frames; height by the triangulation {height:.3f} m")
    print(HEAD + f" {'joints':>6}")
    for name, detections in DETECTIONS.items():
        camera = cameras[name]
        there = camera.to_camera(truth.positions.astype(np.float64))
        for detection in detections:
            skeleton = "BODY_25B" if "25b" in detection else None
            options = ReadOptions(fps=60.0, skeleton=skeleton)
            seen = read_keypoints(folder / detection, options)[0]
            once = lifter.lift_pose(seen)
            twice = lift_without_perspective(
                lambda pose, _: lifter.lift_pose(pose), seen, camera, height=height
            )
            for how, lifted in (("", twice), (", lifted once", once)):
                world = in_world(in_metres(lifted, height=height), camera, on_floor=False)
                joints = camera.to_camera(world.positions.astype(np.float64))
                root = joints[:, H36M17.root]
                found = errors(root, joints - root[:, None], there)
                joint_error = 1000 * np.linalg.norm(joints - there, axis=-1).mean()
                cells = " ".join(f"{value:6.1f}" for value in (*found, joint_error))
                print(f"{detection + how:<60} {cells}")


def _angle(one: np.ndarray, other: np.ndarray | list[float]) -> float:
    return float(np.degrees(np.arccos(np.clip(np.dot(one, other), -1, 1))))


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("store", type=Path)
    parser.add_argument("pose2sim", type=Path)
    asked = parser.parse_args()
    lifter = Lifter(load_model("default"), device="cpu", precision="fp32")
    print(f"model {lifter.model_name}")
    made_up(Store.open(asked.store), lifter)
    filmed(asked.pose2sim, lifter)


if __name__ == "__main__":
    main()
