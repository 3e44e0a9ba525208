"""The body models that AMASS's parameters are for: SMPL, SMPL+H and SMPL-X, from the user's file.

A model is an `.npz` from https://mano.is.tue.mpg.de or https://smpl-x.is.tue.mpg.de; it may not be
passed on. With shape beta and pose theta (Loper et al., SIGGRAPH Asia 2015):

    rest joints J = R (T + S beta),  joint_i = joint_p + G_p (J_i - J_p),  G_i = G_p exp(theta_i)

and, for joints that a regressor takes from the surface, linear blend skinning with pose blend
shapes. NumPy only; joints alone need no surface.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from motionlift.errors import FormatError
from motionlift.formats._archives import read_arrays

# The first joints of all three models.
BODY_JOINTS = (
    *("pelvis", "left_hip", "right_hip", "spine_1", "left_knee", "right_knee", "spine_2"),
    *("left_ankle", "right_ankle", "spine_3", "left_foot", "right_foot", "neck"),
    *("left_collar", "right_collar", "head", "left_shoulder", "right_shoulder"),
    *("left_elbow", "right_elbow", "left_wrist", "right_wrist"),
)
# Frames whose surface is made at once: some 50 MB.
_CHUNK = 64


_ARRAYS = ("v_template", "shapedirs", "J_regressor", "kintree_table")
_SURFACE_ARRAYS = ("posedirs", "weights")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Surface:
    """What the model's skin is made of.

    Attributes:
        template: the mean body's, metres, y up, facing z, its left at +x.
        shapes: how it moves with each shape parameter.
        poses: how it moves with each element of the joints' rotations, root left out.
        weights: how much each point follows each joint.
    """

    template: Float[np.ndarray, "vertex 3"]
    shapes: Float[np.ndarray, "vertex 3 shape"]
    poses: Float[np.ndarray, "vertex 3 element"]
    weights: Float[np.ndarray, "vertex joint"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BodyModel:
    """One model of one gender.

    Attributes:
        rest: joints of the mean body, in the axes of `Surface.template`.
        rest_shapes: how they move with each shape parameter.
        parents: -1 for the root.
        num_vertices: points of its surface.
        surface: None unless it was asked for.
    """

    rest: Float[np.ndarray, "joint 3"]
    rest_shapes: Float[np.ndarray, "joint 3 shape"]
    parents: Int[np.ndarray, " joint"]
    num_vertices: int
    surface: Surface | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PosedBody:
    """Joints of the model in each frame, and their axes (columns) against the rest pose."""

    joints: Float[np.ndarray, "frame joint 3"]
    axes: Float[np.ndarray, "frame joint 3 3"]
    rest: Float[np.ndarray, "joint 3"]


def find_model(path: Path, *, gender: str) -> tuple[Path, str]:
    """The model's file for a gender in a folder (or the file itself), and a note.

    Looks for `GENDER/model.npz` and for `*_GENDER.npz`, as they are downloaded; where there is none
    for the gender, for the neutral one.

    Raises:
        FormatError: if there is none.
    """
    if path.is_file():
        return path, f"body model {path.name}"
    for wanted in dict.fromkeys((gender, "neutral")):
        candidates = [path / wanted / "model.npz", *sorted(path.glob("*.npz"))]
        for each in candidates:
            is_named = each.stem.lower().endswith(f"_{wanted}") or each.name == "model.npz"
            if is_named and each.is_file():
                said = f"body model {each.relative_to(path)}"
                return each, said if wanted == gender else f"{said}: there is none for {gender}"
    raise FormatError(
        f"{path}: no body model for {gender}; expected {gender}/model.npz or a file that ends in "
        f"_{gender.upper()}.npz"
    )


# A build reads thousands of motions with the models of three genders.
@lru_cache(maxsize=3)
def load_model(path: Path, *, with_surface: bool) -> BodyModel:
    """The model in a file.

    Raises:
        FormatError: if it is damaged, of another kind, or its arrays do not fit together.
    """
    names = (*_ARRAYS, *(_SURFACE_ARRAYS if with_surface else ()))
    arrays = read_arrays(path, only=names)
    missing = [name for name in names if name not in arrays]
    if missing:
        raise FormatError(
            f"{path}: has no array {', '.join(missing)}; expected the .npz of SMPL+H or SMPL-X "
            "(those of older .pkl files are Python objects, which are not read)"
        )
    template, shapes, regressor, tree = (arrays[name] for name in _ARRAYS)
    joints = regressor.shape[0] if regressor.ndim == 2 else 0
    vertices = template.shape[0] if template.ndim == 2 else 0
    expected = {
        "v_template": (vertices, 3),
        "shapedirs": (vertices, 3, shapes.shape[-1] if shapes.ndim else 0),
        "J_regressor": (joints, vertices),
        "kintree_table": (2, joints),
        "posedirs": (vertices, 3, 9 * (joints - 1)),
        "weights": (vertices, joints),
    }
    for name in names:
        array = arrays[name]
        if array.shape != expected[name] or array.dtype.kind not in "fiu":
            raise FormatError(
                f"{path}: {name} is {array.dtype} of shape {array.shape}, expected numbers of "
                f"shape {expected[name]}; it is no body model, or damaged"
            )
    return BodyModel(
        rest=regressor @ template,
        rest_shapes=np.einsum("jv,vcs->jcs", regressor, shapes, optimize=True),
        parents=_parents(tree, path),
        num_vertices=vertices,
        surface=Surface(
            template=template, shapes=shapes, poses=arrays["posedirs"], weights=arrays["weights"]
        )
        if with_surface
        else None,
    )


def _parents(tree: np.ndarray, path: Path) -> Int[np.ndarray, " joint"]:
    parents = tree[0].astype(np.int64)
    if len(parents) < len(BODY_JOINTS):
        raise FormatError(f"{path}: has {len(parents)} joints; expected a whole body's")
    # The root's is written as the largest number there is.
    parents[0] = -1
    if not all(0 <= parent < number for number, parent in enumerate(parents) if number):
        raise FormatError(f"{path}: kintree_table is no tree with parents before their children")
    return parents


def pose_body(
    model: BodyModel,
    *,
    shape: Float[np.ndarray, " shape"],
    pose: Float[np.ndarray, "frame joint 3"],
    translation: Float[np.ndarray, "frame 3"],
) -> PosedBody:
    """The model's joints; `pose` are rotation vectors, of joints missing at its end none."""
    # Here, because it takes long to import, and reading other formats does without.
    from scipy.spatial.transform import Rotation

    rest = _shaped(model.rest, model.rest_shapes, shape)
    frames = len(pose)
    joints = np.zeros((frames, len(rest), 3))
    axes = np.zeros((frames, len(rest), 3, 3))
    for number, parent in enumerate(model.parents):
        turn = np.eye(3)
        if number < pose.shape[1]:
            turn = Rotation.from_rotvec(pose[:, number]).as_matrix()
        if parent < 0:
            axes[:, number], joints[:, number] = turn, rest[number] + translation
            continue
        axes[:, number] = axes[:, parent] @ turn
        joints[:, number] = joints[:, parent] + axes[:, parent] @ (rest[number] - rest[parent])
    return PosedBody(joints=joints, axes=axes, rest=rest)


def regress(
    surface: Surface,
    body: PosedBody,
    *,
    parents: Int[np.ndarray, " joint"],
    shape: Float[np.ndarray, " shape"],
    regressor: Float[np.ndarray, "landmark vertex"],
) -> Float[np.ndarray, "frame landmark 3"]:
    """Points that a regressor takes from the posed surface."""
    used = np.flatnonzero(np.abs(regressor).max(axis=0) > 0)
    skin = _shaped(surface.template[used], surface.shapes[used], shape)
    weights, blend = surface.weights[used], surface.poses[used]
    above = np.maximum(parents, 0)
    landmarks = np.empty((len(body.joints), len(regressor), 3))
    for start in range(0, len(landmarks), _CHUNK):
        part = slice(start, start + _CHUNK)
        axes = body.axes[part]
        local = axes[:, above].swapaxes(-1, -2) @ axes
        feature = (local[:, 1:] - np.eye(3)).reshape(len(axes), -1)
        rest = skin + np.einsum("vce,fe->fvc", blend, feature, optimize=True)
        origin = body.joints[part] - np.einsum("fjab,jb->fja", axes, body.rest)
        turned = np.einsum("vj,fjab->fvab", weights, axes, optimize=True)
        moved = np.einsum("vj,fja->fva", weights, origin, optimize=True)
        points = np.einsum("fvab,fvb->fva", turned, rest) + moved
        landmarks[part] = np.einsum("lv,fva->fla", regressor[:, used], points, optimize=True)
    return landmarks


def _shaped(
    mean: Float[np.ndarray, "point 3"],
    shapes: Float[np.ndarray, "point 3 shape"],
    shape: Float[np.ndarray, " known"],
) -> Float[np.ndarray, "point 3"]:
    known = min(len(shape), shapes.shape[2])
    return mean + shapes[:, :, :known] @ shape[:known]
