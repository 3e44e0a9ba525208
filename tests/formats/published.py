"""Small files of exactly the structure in which published data sets are passed on."""

import json
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from motionlift.skeletons import H36M17
from tests.formats.bodies import Landmarks, to_z_up

# Joints of Human3.6M's recordings, the repeated ones and the ends of feet and hands left out.
_AT_32 = {
    "pelvis": 0,
    "right_hip": 1,
    "right_knee": 2,
    "right_ankle": 3,
    "left_hip": 6,
    "left_knee": 7,
    "left_ankle": 8,
    "spine": 12,
    "thorax": 13,
    "nose": 14,
    "head_top": 15,
    "left_shoulder": 17,
    "left_elbow": 18,
    "left_wrist": 19,
    "right_shoulder": 25,
    "right_elbow": 26,
    "right_wrist": 27,
}
# util/mpii_get_joint_set.m, "relevant".
_3DHP = (
    *("head_top", "neck", "right_shoulder", "right_elbow", "right_wrist"),
    *("left_shoulder", "left_elbow", "left_wrist", "right_hip", "right_knee", "right_ankle"),
    *("left_hip", "left_knee", "left_ankle", "pelvis", "spine", "head"),
)


def complete(body: Landmarks) -> Landmarks:
    """The same body with all that data sets have: nose, head top, and their own middle joints."""
    return {
        **body,
        "nose": body["head"] + [0, 0.01, 0.13],
        "head_top": body["head"] + [0, 0.16, 0.01],
        "pelvis": body["spine_1"] - [0, 0.1, 0],
        "spine": body["spine_2"],
        "thorax": body["neck"],
    }


def in_order(body: Landmarks, joints: Sequence[str]) -> Float[np.ndarray, "frame joint 3"]:
    """Joints one behind the other."""
    whole = complete(body)
    return np.stack([whole[joint] for joint in joints], axis=1)


def to_camera(points: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
    """World to the axes of a level camera: y down, z away."""
    return points * [1.0, -1.0, -1.0]


def write_h36m_npz(path: Path, recordings: Mapping[str, Landmarks], *, joints: int = 32) -> Path:
    """VideoPose3D's data_3d_h36m.npz; recordings as "S1 Walking 1"."""
    subjects: dict[str, dict[str, np.ndarray]] = {}
    for name, body in recordings.items():
        subject, _, action = name.partition(" ")
        points = to_z_up(in_order(body, H36M17.joints)).astype(np.float32)
        if joints == 32:
            every = np.zeros((len(points), 32, 3), np.float32)
            every[:, [_AT_32[joint] for joint in H36M17.joints]] = points
            points = every
        subjects.setdefault(subject, {})[action] = points
    np.savez_compressed(path, positions_3d=np.array(subjects, dtype=object))
    return path


def h36m_split(sources: Mapping[str, Float[np.ndarray, "frame 17 3"]]) -> dict[str, Any]:
    """One split of h36m_sh_conf_cam_source_final.pkl; points in metres and a camera's axes."""
    points = 1000 * np.concatenate(list(sources.values()))
    names = [name for name, each in sources.items() for _ in each]
    factor = np.full(len(points), 4.0)
    image = points / factor[:, None, None]
    return {
        "joint_2d": image[..., :2].astype(np.float32),
        "confidence": np.ones((len(points), 17), np.float32),
        "joint3d_image": image.astype(np.float32),
        "camera_name": ["54138969"] * len(points),
        "source": names,
        "2.5d_factor": factor,
        "joints_2.5d_image": points,
        "action": ["Walking"] * len(points),
    }


def write_pickle(path: Path, content: Any) -> Path:
    """A pickle as the published tools write it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(content))
    return path


def write_3dhp_train(path: Path, sequences: Mapping[str, Mapping[str, np.ndarray]]) -> Path:
    """data_train_3dhp.npz: sequence -> camera -> joints in mm."""
    data = {
        name: [
            {
                camera: {"data_2d": points[..., :2].astype(np.float32), "data_3d": points}
                for camera, points in cameras.items()
            }
        ]
        for name, cameras in sequences.items()
    }
    np.savez_compressed(path, data=np.array(data, dtype=object))
    return path


def write_3dhp_test(path: Path, sequences: Mapping[str, np.ndarray], *, valid: np.ndarray) -> Path:
    """data_test_3dhp.npz: sequence -> joints in mm, and which frames count."""
    data = {
        name: {"data_2d": points[..., :2], "data_3d": points, "valid": valid}
        for name, points in sequences.items()
    }
    np.savez_compressed(path, data=np.array(data, dtype=object))
    return path


def in_3dhp_order(body: Landmarks) -> Float[np.ndarray, "frame 17 3"]:
    """Joints of the data set in mm and a level camera's axes."""
    return 1000 * to_camera(in_order(body, _3DHP))


def write_fit3d(path: Path, bodies: Sequence[Landmarks]) -> Path:
    """joints3d_25, z up; several bodies as CHI3D has them."""
    extra = [13, 13, 16, 16, 3, 3, 6, 6]
    people = []
    for body in bodies:
        points = to_z_up(in_order(body, H36M17.joints))
        people.append(np.concatenate([points, points[:, extra] + 0.1], axis=1).tolist())
    path.write_text(json.dumps({"joints3d_25": people if len(people) > 1 else people[0]}))
    return path
