# noqa: N999  (a protocol has the name that people call it by)
"""MPI-INF-3DHP: its test set of six recordings, PCK and AUC over 14 joints, root-relative.

The file is `data_test_3dhp.npz`, in which the recent literature passes the test set on: keypoints
exact, joints of the universal skeleton (all actors at one size) in millimetres. Frames that are
not `valid` do not count. The file does not say how large a pixel is at the person: predictions in
pixels are given the one size for each recording that fits its truth best.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from motionlift.errors import FormatError
from motionlift.evaluation.protocols import FileProtocol, FileSequence
from motionlift.formats._pickles import load_object_npz
from motionlift.skeletons import H36M17

_MM = 1000.0
# Order of the 17 joints in the file, by the joint of ours that comes closest.
_JOINTS = (
    *("head_top", "thorax", "right_shoulder", "right_elbow", "right_wrist"),
    *("left_shoulder", "left_elbow", "left_wrist", "right_hip", "right_knee", "right_ankle"),
    *("left_hip", "left_knee", "left_ankle", "pelvis", "spine", "nose"),
)
# mpii_get_pck_auc_joint_groups.m: head top, neck, and the limbs.
_NOT_SCORED = ("pelvis", "spine", "nose")


def read(path: Path) -> list[FileSequence]:
    """The recordings of the test set.

    Raises:
        FormatError: if it is another file, or damaged.
    """
    data = load_object_npz(path).get("data")
    if not isinstance(data, dict) or not data:
        raise FormatError(f"{path}: no array 'data' of recordings; expected data_test_3dhp.npz")
    return [_sequence(str(name), fields, path=path) for name, fields in data.items()]


def _sequence(name: str, fields: Any, *, path: Path) -> FileSequence:
    keypoints, truth, valid = _checked(name, fields, path=path)
    order = [_JOINTS.index(joint) for joint in H36M17.joints]
    keypoints, truth = keypoints[:, order], truth[:, order] / _MM
    truth = truth - truth[:, [H36M17.root]]
    truth[:, [H36M17.index(joint) for joint in _NOT_SCORED]] = np.nan
    truth[~valid] = np.nan
    # Frames without a person have all keypoints at 0.
    is_seen = np.broadcast_to((keypoints != 0).any(axis=(1, 2))[:, None], keypoints.shape[:2])
    return FileSequence(
        name=name,
        action=name,
        keypoints=np.where(is_seen[..., None], keypoints, np.nan),
        confidence=is_seen.astype(np.float64),
        truth=truth,
        metres_per_pixel=None,
        fps=None,
    )


def _checked(
    name: str, fields: Any, *, path: Path
) -> tuple[Float[np.ndarray, "frame 17 2"], Float[np.ndarray, "frame 17 3"], np.ndarray]:
    if not isinstance(fields, Mapping) or {"data_2d", "data_3d", "valid"} - set(fields):
        raise FormatError(f"{path}: recording '{name}' needs data_2d, data_3d and valid")
    arrays = []
    for key in ("data_2d", "data_3d", "valid"):
        try:
            arrays.append(np.asarray(fields[key]).astype(np.float64))
        except (TypeError, ValueError) as error:  # ragged, or no numbers
            raise FormatError(
                f"{path}: recording '{name}': {key} is no array of numbers ({error})"
            ) from error
    valid = arrays[2].reshape(-1).astype(bool)
    for key, array, axes in (("data_2d", arrays[0], 2), ("data_3d", arrays[1], 3)):
        if array.shape != (len(valid), 17, axes):
            raise FormatError(
                f"{path}: recording '{name}': {key} has shape {array.shape}, expected "
                f"{(len(valid), 17, axes)}"
            )
    return arrays[0], arrays[1], valid


PROTOCOL = FileProtocol(
    name="3dhp",
    title="MPI-INF-3DHP, universal skeleton",
    read=read,
    headline=("pck", "auc", "mpjpe"),
    confidences="simulated",
)
