"""Lifters that need no training, or a closed form: what a network has to be better than.

- **zero depth**: the keypoints as they are, and all joints at the root's depth.
- **mean pose**: whatever is seen, the mean of the training split's poses in the camera's axes.
  Since the cameras stand all around, little but the heights above the pelvis is left of it.
- **linear**: each frame's 3D joints as a linear function of its keypoints, ridge regression on
  exact keypoints of the training split under all views.
"""

from collections.abc import Iterator, Mapping

import numpy as np
from jaxtyping import Bool, Float

from motionlift.data.store import Sequence, Store
from motionlift.evaluation.protocols import StoreProtocol
from motionlift.evaluation.samples import TRAINING_SPLIT, Sample, SampleLifter, rotations_of
from motionlift.skeletons import H36M17

# Neighbouring frames are nearly the same pose: two a second are enough to fit a straight line.
_FRAMES_APART = 25
_RIDGE = 1e-4


def fit_baselines(
    store: Store, protocol: StoreProtocol
) -> tuple[Mapping[str, SampleLifter], tuple[str, ...]]:
    """The baselines by name, and a note about each that could not be fitted."""
    baselines: dict[str, SampleLifter] = {"zero_depth": zero_depth}
    sequences = [each for each in store.select(split=TRAINING_SPLIT) if each.units == "m"]
    if not any(store.visibility(each)[::_FRAMES_APART].all(axis=1).any() for each in sequences):
        note = f"no mean_pose and no linear baseline: the store has no split '{TRAINING_SPLIT}'"
        return baselines, (note,)
    baselines["mean_pose"] = MeanPose(store, sequences, protocol=protocol)
    baselines["linear"] = LinearLifter(store, sequences, protocol=protocol)
    return baselines, ()


def zero_depth(sample: Sample) -> Float[np.ndarray, "view frame 17 3"]:
    """The keypoints as they are, relative to the root, at the root's depth."""
    keypoints = filled_keypoints(sample)
    relative = keypoints - keypoints[:, :, [H36M17.root]]
    return np.concatenate([relative, 0 * relative[..., :1]], axis=-1)


class MeanPose:
    """The same pose whatever is seen: the mean of the training split, in the camera's axes."""

    def __init__(self, store: Store, sequences: list[Sequence], *, protocol: StoreProtocol) -> None:
        frames = np.concatenate(list(_whole_poses(store, sequences)))
        mean_rotation = rotations_of(protocol).mean(axis=0)
        self.pose: Float[np.ndarray, "17 3"] = frames.mean(axis=0) @ mean_rotation.T

    def __call__(self, sample: Sample) -> Float[np.ndarray, "view frame 17 3"]:
        return np.broadcast_to(self.pose, sample.target.shape).copy()


class LinearLifter:
    """Each frame by itself: joints = matrix @ (keypoints, 1), at the size of the frame's box.

    Working in units of the box makes it blind to how large the person is, as the network is.
    """

    def __init__(self, store: Store, sequences: list[Sequence], *, protocol: StoreProtocol) -> None:
        rotations = rotations_of(protocol)
        size = 2 * H36M17.num_joints + 1
        gram, products = np.zeros((size, size)), np.zeros((size, 3 * H36M17.num_joints))
        for poses in _whole_poses(store, sequences):
            joints = np.einsum("vrc,fjc->vfjr", rotations, poses)
            features, scale = _features(joints[..., :2])
            features = features.reshape(-1, size)
            wanted = (joints / scale).reshape(len(features), -1)
            gram += features.T @ features
            products += features.T @ wanted
        # The root's own features are always 0: the ridge is what makes the matrix regular.
        ridge = _RIDGE * np.trace(gram) / size * np.eye(size)
        self.matrix: Float[np.ndarray, "35 51"] = np.linalg.solve(gram + ridge, products)

    def __call__(self, sample: Sample) -> Float[np.ndarray, "view frame 17 3"]:
        features, scale = _features(filled_keypoints(sample))
        joints = (features @ self.matrix).reshape(sample.target.shape) * scale
        return joints - joints[:, :, [H36M17.root]]


def filled_keypoints(sample: Sample) -> Float[np.ndarray, "view frame 17 2"]:
    """The keypoints with every gap filled, in metres.

    A gap is bridged by a straight line in time, or holds the nearest keypoint at an end. One that
    its view never saw stands in the middle of the others. NaN is left only where nothing was
    seen.
    """
    keypoints = sample.keypoints.copy()
    frames = np.arange(keypoints.shape[1])
    is_seen: Bool[np.ndarray, "view frame 17"] = sample.confidence > 0
    is_ever_seen = np.asarray(is_seen.any(axis=1))
    for view, joint in np.argwhere(is_ever_seen & ~is_seen.all(axis=1)):
        known = is_seen[view, :, joint]
        path = keypoints[view, :, joint]
        for axis in range(2):
            path[:, axis] = np.interp(frames, frames[known], path[known, axis])
    return _with_middles(keypoints, is_ever_seen)


def _with_middles(
    keypoints: Float[np.ndarray, "view frame 17 2"], is_ever_seen: Bool[np.ndarray, "view 17"]
) -> Float[np.ndarray, "view frame 17 2"]:
    for view, joint in np.argwhere(~is_ever_seen & is_ever_seen.any(axis=1, keepdims=True)):
        keypoints[view, :, joint] = keypoints[view][:, is_ever_seen[view]].mean(axis=1)
    return keypoints


def _whole_poses(
    store: Store, sequences: list[Sequence]
) -> Iterator[Float[np.ndarray, "frame 17 3"]]:
    """Of each sequence some poses without a gap, root-relative, in world axes."""
    for sequence in sequences:
        is_whole = store.visibility(sequence)[::_FRAMES_APART].all(axis=1)
        positions = store.positions(sequence)[::_FRAMES_APART][is_whole].astype(np.float64)
        yield positions - positions[:, [H36M17.root]]


def _features(
    keypoints: Float[np.ndarray, "view frame 17 2"],
) -> tuple[Float[np.ndarray, "view frame 35"], Float[np.ndarray, "view frame 1 1"]]:
    """Root-relative keypoints over half the larger side of the frame's box, and 1; that half."""
    extent = keypoints.max(axis=2) - keypoints.min(axis=2)
    scale = (extent.max(axis=-1) / 2)[..., None, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = (keypoints - keypoints[:, :, [H36M17.root]]) / scale
    flat = relative.reshape(*relative.shape[:2], -1)
    return np.concatenate([flat, np.ones_like(flat[..., :1])], axis=-1), scale
