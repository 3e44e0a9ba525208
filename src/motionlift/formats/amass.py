"""AMASS: parameters of SMPL, SMPL+H or SMPL-X, an `.npz` a motion; z up, metres.

    poses (frame, 72, 156 or 165), trans (frame, 3), betas (shape,), gender,
    mocap_framerate or mocap_frame_rate; dmpls, which move soft tissue only, are not used

Joints need the body model that the parameters are for, which everybody has to fetch for themselves
(`ReadOptions.body_model`). With a regressor of Human3.6M's joints, these are taken from the model's
surface, as the lineage of MotionBERT does; without one they are the model's own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from motionlift.errors import FormatError
from motionlift.formats import Format, ReadOptions
from motionlift.formats._archives import looks_like_archive, read_npy
from motionlift.formats._ordered import H36M_ORDER, Landmarks
from motionlift.formats._pickles import load_object_npz
from motionlift.formats._smpl import (
    BODY_JOINTS,
    BodyModel,
    PosedBody,
    find_model,
    load_model,
    pose_body,
    regress,
)
from motionlift.formats._timeline import GIVE_RATE
from motionlift.formats._world import (
    checked_points,
    rotations_to_world,
    to_world,
    world_pose,
)
from motionlift.kinematics import LIMB_LANDMARKS
from motionlift.poses import Pose3D

_GENDERS = ("female", "male", "neutral")
_RATES = ("mocap_framerate", "mocap_frame_rate")
# Columns of `poses` -> the model, and the points of its surface.
_KINDS = {72: ("SMPL", 6890), 156: ("SMPL+H", 6890), 165: ("SMPL-X", 10475)}
# Landmarks of ours that the models have as joints.
_LANDMARKS = (*LIMB_LANDMARKS, "spine_1", "spine_2", "spine_3", "neck", "head")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Motion:
    pose: Float[np.ndarray, "frame joint 3"]
    translation: Float[np.ndarray, "frame 3"]
    shape: Float[np.ndarray, " shape"]
    gender: str
    fps: float
    kind: str
    vertices: int


def read(path: Path, options: ReadOptions) -> Sequence[Pose3D]:
    """The one person in the file.

    Raises:
        FormatError: if the file is damaged, no body model is given, or it is of another kind.
    """
    motion = _read_motion(path, options)
    if options.body_model is None:
        raise FormatError(
            f"{path}: holds parameters of {motion.kind}; give the body model's .npz, or the folder "
            "of the downloaded ones, with --body-model"
        )
    model_path, said_model = find_model(options.body_model, gender=motion.gender)
    model = load_model(model_path, with_surface=options.joint_regressor is not None)
    if model.num_vertices != motion.vertices:
        raise FormatError(
            f"{path}: holds parameters of {motion.kind}, whose surface has {motion.vertices} "
            f"points; {model_path} has {model.num_vertices}"
        )
    pose = motion.pose
    if pose.shape[1] != len(model.parents):
        pose = pose[:, : len(BODY_JOINTS)]
    body = pose_body(model, shape=motion.shape, pose=pose, translation=motion.translation)
    landmarks, notes = _landmarks(model, body, motion, options)
    up = options.up or "z"
    head = body.axes[:, BODY_JOINTS.index("head")]
    return [
        world_pose(
            {name: to_world(points, up=up) for name, points in landmarks.items()},
            source=str(path),
            fps=motion.fps,
            notes=(f"{motion.kind}, {motion.gender}", said_model, *notes),
            # The model's rest pose looks along z, y up, its left at +x.
            head_rotation=rotations_to_world(head, up=up),
        )
    ]


def _landmarks(
    model: BodyModel, body: PosedBody, motion: _Motion, options: ReadOptions
) -> tuple[Landmarks, list[str]]:
    if options.joint_regressor is None or model.surface is None:
        return {name: body.joints[:, BODY_JOINTS.index(name)] for name in _LANDMARKS}, []
    regressor = read_npy(options.joint_regressor)
    expected = (len(H36M_ORDER), motion.vertices)
    if (
        regressor.shape != expected
        or regressor.dtype.kind != "f"
        or not np.isfinite(regressor).all()
    ):
        raise FormatError(
            f"{options.joint_regressor}: has shape {regressor.shape}; expected numbers of shape "
            f"{expected}: Human3.6M's joints from {motion.kind}'s surface"
        )
    points = regress(
        model.surface, body, parents=model.parents, shape=motion.shape, regressor=regressor
    )
    landmarks = {name: points[:, number] for number, name in enumerate(H36M_ORDER) if name}
    return landmarks, [f"joints from the surface by {options.joint_regressor.name}"]


def _read_motion(path: Path, options: ReadOptions) -> _Motion:
    content = load_object_npz(path)
    poses, trans, betas = (_numbers(content, name, path) for name in ("poses", "trans", "betas"))
    frames = len(poses)
    if poses.ndim != 2 or poses.shape[1] not in _KINDS or trans.shape != (frames, 3) or not frames:
        raise FormatError(
            f"{path}: poses {poses.shape} and trans {trans.shape}; "
            "expected (frames, 72, 156 or 165) and (frames, 3)"
        )
    kind, vertices = _KINDS[poses.shape[1]]
    return _Motion(
        pose=poses.reshape(frames, -1, 3),
        translation=trans,
        shape=betas.reshape(-1),
        gender=_gender(content.get("gender")),
        fps=options.fps or _fps(content, path),
        kind=kind,
        vertices=vertices,
    )


def _numbers(content: Mapping[str, object], name: str, path: Path) -> Float[np.ndarray, "..."]:
    array = content.get(name)
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
        raise FormatError(f"{path}: '{name}' is no array of numbers; expected AMASS's parameters")
    clean = checked_points(array, source=f"{path}: '{name}'")
    if np.isnan(clean).any():
        raise FormatError(f"{path}: '{name}' holds NaN; the file is damaged")
    return clean


def _gender(value: object) -> str:
    """As the models call it; files have it as text, as bytes, or not at all."""
    if isinstance(value, np.ndarray):
        value = value.reshape(-1)[0] if value.size else ""
    text = value.decode("ascii", errors="replace") if isinstance(value, bytes) else str(value)
    return next((each for each in _GENDERS if text.lower().startswith(each)), "neutral")


def _fps(content: Mapping[str, object], path: Path) -> float:
    for name in _RATES:
        value = content.get(name)
        number = np.asarray(value) if isinstance(value, np.ndarray | float | int) else None
        if number is not None and number.size == 1 and number.dtype.kind in "fiu":
            fps = float(number.reshape(-1)[0])
            if 0 < fps < 1e5:
                return fps
    raise FormatError(f"{path}: says no frame rate ({' or '.join(_RATES)}); {GIVE_RATE}")


def _sniff(path: Path) -> bool:
    return looks_like_archive(path, ("poses", "trans", "betas"))


FORMAT = Format(
    name="amass", title="AMASS", kind="motion", suffixes=(".npz",), sniff=_sniff, read_motion=read
)
