"""glTF, the binary `.glb`: an animated skeleton and a stick figure, for Blender and browsers.

The skeleton is that of `_fixed_skeleton`, in metres and y up, as glTF has it; each bone is a slim
octahedron that moves with it. Motion of unknown scale is made one unit tall, and its root node is
called so: nothing in the file claims metres. Source: glTF 2.0 specification, Khronos Group.
"""

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from motionlift.formats import Format
from motionlift.formats._fixed_skeleton import NODES, PARENTS, FixedSkeleton, fix_skeleton
from motionlift.formats._outgoing import check_complete, known_fps, seen_part, y_up_positions
from motionlift.poses import Pose3D
from motionlift.skeletons import H36M17

_FLOAT, _USHORT, _UBYTE = 5126, 5123, 5121
_ARRAY_BUFFER, _ELEMENT_BUFFER = 34962, 34963
_TYPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}
# Thickness of a bone's octahedron, in its length, and where along the bone it is thickest.
_THICKNESS = 0.08
_THICKEST_AT = 0.2
# From the top of the head to an ankle, along these joints.
_HEIGHT = ("head_top", "nose", "thorax", "spine", "pelvis", "left_hip", "left_knee", "left_ankle")


class _Buffer:
    """The binary part, and the accessors by which glTF finds arrays in it."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []

    def add(
        self, values: np.ndarray, *, component: int, target: int | None = None, bounds: bool = False
    ) -> int:
        """The number of the accessor of an array: a row an element, or a flat one of scalars."""
        dtype = {_FLOAT: "<f4", _USHORT: "<u2", _UBYTE: "u1"}[component]
        array = np.ascontiguousarray(values, dtype=dtype)
        self.data += bytes(-len(self.data) % 4)
        view: dict[str, Any] = {
            "buffer": 0,
            "byteOffset": len(self.data),
            "byteLength": array.nbytes,
        }
        self.data += array.tobytes()
        if target is not None:
            view["target"] = target
        self.views.append(view)
        width = array.shape[1] if array.ndim == 2 else 1
        accessor: dict[str, Any] = {
            "bufferView": len(self.views) - 1,
            "componentType": component,
            "count": len(array),
            "type": _TYPES[width],
        }
        if bounds:
            rows = array.reshape(len(array), width)
            accessor |= {"min": rows.min(axis=0).tolist(), "max": rows.max(axis=0).tolist()}
        self.accessors.append(accessor)
        return len(self.accessors) - 1


def write(pose: Pose3D, path: Path) -> None:
    """Write a motion as a binary glTF.

    Frames before and after those in which the person is seen are left out.

    Raises:
        FormatError: if a joint is missing in a frame between, or nobody knows the frame rate.
    """
    fps = known_fps(pose, path)
    pose = seen_part(pose)
    positions = y_up_positions(pose, path)
    check_complete(positions, pose, path)
    skeleton = fix_skeleton(positions)
    scale = 1.0 if pose.units == "m" else 1 / max(_height(skeleton), 1e-9)
    buffer = _Buffer()
    content = {
        "asset": {"version": "2.0", "generator": "motionlift", "extras": _about(pose)},
        "scene": 0,
        "scenes": [{"nodes": [len(NODES), len(NODES) + 1]}],
        "nodes": _nodes(skeleton, scale=scale, is_metric=pose.units == "m"),
        "meshes": [_mesh(buffer, skeleton)],
        "materials": [
            {
                "name": "bones",
                "doubleSided": True,
                "pbrMetallicRoughness": {
                    "baseColorFactor": [0.8, 0.8, 0.85, 1.0],
                    "metallicFactor": 0.0,
                },
            }
        ],
        "skins": [_skin(buffer, skeleton)],
        "animations": [
            _animation(buffer, skeleton, (pose.frame_index - pose.frame_index[0]) / fps)
        ],
    }
    content |= {
        "buffers": [{"byteLength": len(buffer.data)}],
        "bufferViews": buffer.views,
        "accessors": buffer.accessors,
    }
    path.write_bytes(_packed(content, bytes(buffer.data)))


def _nodes(skeleton: FixedSkeleton, *, scale: float, is_metric: bool) -> list[dict[str, Any]]:
    """The skeleton's nodes, then their root, then the figure, which its skin alone moves."""
    nodes = []
    for k, node in enumerate(NODES):
        children = [child for child, parent in enumerate(PARENTS) if parent == k]
        offset = skeleton.path[0] if PARENTS[k] < 0 else skeleton.offsets[k]
        entry: dict[str, Any] = {"name": node.name, "translation": offset.tolist()}
        if children:
            entry["children"] = children
        nodes.append(entry)
    name = "person" if is_metric else "person of unknown scale, one unit tall"
    root = {"name": name, "children": [0], "scale": [scale] * 3}
    return [*nodes, root, {"name": "bones", "mesh": 0, "skin": 0}]


def _mesh(buffer: _Buffer, skeleton: FixedSkeleton) -> dict[str, Any]:
    """An octahedron for each bone, standing at rest, all of it moved by the node it begins at."""
    at_rest = _rest_places(skeleton)
    points: list[np.ndarray] = []
    faces: list[np.ndarray] = []
    nodes: list[int] = []
    for k, parent in enumerate(PARENTS):
        length = float(np.linalg.norm(skeleton.offsets[k]))
        if parent < 0 or length == 0:
            continue
        faces.append(_octahedron_faces() + 6 * len(nodes))
        points.append(_octahedron(at_rest[parent], at_rest[k]))
        nodes.append(parent)
    joints = np.zeros((6 * len(nodes), 4))
    joints[:, 0] = np.repeat(nodes, 6)
    weights = np.zeros((6 * len(nodes), 4))
    weights[:, 0] = 1
    return {
        "primitives": [
            {
                "attributes": {
                    "POSITION": buffer.add(
                        np.concatenate(points), component=_FLOAT, target=_ARRAY_BUFFER, bounds=True
                    ),
                    "JOINTS_0": buffer.add(joints, component=_UBYTE, target=_ARRAY_BUFFER),
                    "WEIGHTS_0": buffer.add(weights, component=_FLOAT, target=_ARRAY_BUFFER),
                },
                "indices": buffer.add(
                    np.concatenate(faces).reshape(-1), component=_USHORT, target=_ELEMENT_BUFFER
                ),
                "material": 0,
            }
        ]
    }


def _skin(buffer: _Buffer, skeleton: FixedSkeleton) -> dict[str, Any]:
    """Which nodes move the figure, and the way from its rest to each of them."""
    inverse = np.tile(np.eye(4), (len(NODES), 1, 1))
    # Matrices are stored by columns, so that the translation is the last row here.
    inverse[:, 3, :3] = -_rest_places(skeleton)
    return {
        "joints": list(range(len(NODES))),
        "skeleton": 0,
        "inverseBindMatrices": buffer.add(inverse.reshape(-1, 16), component=_FLOAT),
    }


def _animation(
    buffer: _Buffer, skeleton: FixedSkeleton, seconds: Float[np.ndarray, " frame"]
) -> dict[str, Any]:
    times = buffer.add(seconds, component=_FLOAT, bounds=True)
    outputs = [("translation", 0, skeleton.path)]
    turning = [k for k, node in enumerate(NODES) if k == 0 or node.joint is None or _turns(k)]
    outputs += [("rotation", k, _quaternions(skeleton.rotations[:, k])) for k in turning]
    samplers, channels = [], []
    for number, (way, node, values) in enumerate(outputs):
        samplers.append(
            {
                "input": times,
                "output": buffer.add(values, component=_FLOAT),
                "interpolation": "LINEAR",
            }
        )
        channels.append({"sampler": number, "target": {"node": node, "path": way}})
    return {"name": "motion", "samplers": samplers, "channels": channels}


def _turns(node: int) -> bool:
    """Whether anything hangs on the node, so that its turning shows."""
    return node in PARENTS


def _quaternions(rotations: Float[np.ndarray, "frame 3 3"]) -> Float[np.ndarray, "frame 4"]:
    """x, y, z, w, each on the side of the one before, so that what is between them is short."""
    from scipy.spatial.transform import Rotation

    quaternions = Rotation.from_matrix(rotations).as_quat()
    dots = (quaternions[1:] * quaternions[:-1]).sum(axis=-1)
    flips = np.cumprod(np.where(dots < 0, -1.0, 1.0))
    quaternions[1:] *= flips[:, None]
    return quaternions


def _rest_places(skeleton: FixedSkeleton) -> Float[np.ndarray, "node 3"]:
    """Where the nodes are at rest, seen from the root."""
    places = np.zeros((len(NODES), 3))
    for k, parent in enumerate(PARENTS):
        if parent >= 0:
            places[k] = places[parent] + skeleton.offsets[k]
    return places


def _octahedron(
    start: Float[np.ndarray, "3"], end: Float[np.ndarray, "3"]
) -> Float[np.ndarray, "6 3"]:
    bone = end - start
    away = np.array([0.0, 0.0, 1.0]) if abs(bone[2]) < np.linalg.norm(bone[:2]) else np.eye(3)[0]
    side = np.cross(bone, away)
    side *= _THICKNESS * np.linalg.norm(bone) / np.linalg.norm(side)
    other = np.cross(bone, side) / np.linalg.norm(bone)
    middle = start + _THICKEST_AT * bone
    return np.stack([start, middle + side, middle + other, middle - side, middle - other, end])


def _octahedron_faces() -> np.ndarray:
    around = [1, 2, 3, 4]
    lower = [[0, b, a] for a, b in zip(around, [*around[1:], 1], strict=True)]
    upper = [[5, a, b] for a, b in zip(around, [*around[1:], 1], strict=True)]
    return np.array(lower + upper)


def _height(skeleton: FixedSkeleton) -> float:
    """The body's height, standing straight, in the motion's unit."""
    lengths = {node.joint: np.linalg.norm(skeleton.offsets[k]) for k, node in enumerate(NODES)}
    return float(sum(lengths[joint] for joint in _HEIGHT if joint not in ("pelvis", "left_hip")))


def _about(pose: Pose3D) -> dict[str, Any]:
    return {
        "source": pose.source,
        "person": pose.person,
        "model": pose.model,
        "units": pose.units,
        "joints": {node.name: node.joint for node in NODES if node.joint is not None},
        "skeleton": H36M17.name,
    }


def _packed(content: Mapping[str, Any], data: bytes) -> bytes:
    """The file: a header, the JSON chunk padded with spaces, the binary chunk with zeros."""
    text = json.dumps(content, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    data += bytes(-len(data) % 4)
    length = 12 + 8 + len(text) + 8 + len(data)
    return b"".join(
        [
            struct.pack("<4sII", b"glTF", 2, length),
            struct.pack("<I4s", len(text), b"JSON"),
            text,
            struct.pack("<I4s", len(data), b"BIN\0"),
            data,
        ]
    )


def _sniff(path: Path) -> bool:
    return False  # written, never read


FORMAT = Format(
    name="glb",
    title="glTF",
    kind="motion",
    suffixes=(".glb",),
    sniff=_sniff,
    write=write,
    needs_fps=True,
    needs_whole=True,
)
