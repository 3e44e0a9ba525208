"""A network as an ONNX file, for runtimes that know nothing of PyTorch.

B clips, F frames, J joints, C channels. Both B and F are free in the file. It comes in two forms:
the network alone, whose input a caller brings into clip space, or with that step inside, from
pixels to pixels. Each file is run on ONNX Runtime before it is kept, and held to PyTorch.
"""

import contextlib
import json
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from motionlift.camera import CLIP_CONVENTION, box_of_visible
from motionlift.confidence import CONFIDENCE_CONVENTION, believed
from motionlift.errors import MotionliftError, OptionError, WeightsError
from motionlift.example import make_example
from motionlift.files import check_writable, written_beside
from motionlift.lifting import clip_frames, takes_noise_model, trained_fps
from motionlift.network.dstformer import DSTformer
from motionlift.network.weights import model_names
from motionlift.poses import to_h36m17
from motionlift.skeletons import H36M17

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET = 20  # the first with GELU
TOLERANCE = 1e-4
OUTPUT = "joints"
_EXAMPLE = (2, 5)  # clips and frames; with 1, PyTorch would take the number for a fixed one


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What was written, and how it was checked.

    Attributes:
        input_name: "clips" in clip space, or "keypoints" in pixels.
        num_bytes: of the file.
        shapes: clips and frames with which the file was run.
        difference: the largest one between ONNX Runtime and PyTorch in any joint, in clip space.
    """

    path: Path
    input_name: str
    num_bytes: int
    shapes: tuple[tuple[int, int], ...]
    difference: float


class FromPixels(nn.Module):
    """The network with its normalisation: keypoints in pixels to root-relative joints in pixels.

    Each clip is placed by its own box, as `camera.image_to_clip` says, and comes back by the same
    scale. What a keypoint of confidence 0 has as coordinates does not matter, NaN included. A clip
    without two distinct visible keypoints gets NaN. Confidences are a detector's.
    """

    def __init__(self, network: DSTformer) -> None:
        super().__init__()
        self.network = network
        self._is_believed = takes_noise_model(network)
        is_root = torch.arange(network.config.num_joints) == H36M17.root
        self.register_buffer("is_root", is_root[:, None], persistent=False)

    def forward(self, keypoints: Float[Tensor, "B F J 3"]) -> Float[Tensor, "B F J 3"]:
        points, confidence = keypoints[..., :2], keypoints[..., 2:]
        center, scale = box_of_visible(points, confidence[..., 0])
        is_placed = (scale > 0) & torch.isfinite(scale)
        scale = torch.where(is_placed, scale, torch.nan)
        trust = believed(confidence) if self._is_believed else confidence
        clips = torch.cat([(points - center) / scale, trust], dim=-1)
        joints = self.network(torch.where(confidence > 0, clips, 0.0)) * scale
        # The root's target is 0 in every frame; what the network says of it is noise.
        return torch.where(self.get_buffer("is_root"), scale - scale, joints)


def export_onnx(path: Path, model: DSTformer, *, pixels: bool = False) -> Export:
    """Write a network as ONNX, once ONNX Runtime has been seen to answer as PyTorch does.

    Args:
        model: on the CPU, as `load_model` returns it.
        pixels: with the normalisation in the graph (see `FromPixels`), instead of clip space.

    Raises:
        OptionError: if the path does not end in .onnx.
        WeightsError: if the network has other joints than `H36M17`, or the answers differ by more
            than `TOLERANCE`.
        MotionliftError: if onnx, onnxscript or onnxruntime are missing, or it cannot be written.
    """
    check_onnx(path)
    config = model.config
    if (config.num_joints, config.dim_in, config.dim_out) != (H36M17.num_joints, 3, 3):
        raise WeightsError(
            f"{model.name}: takes {config.num_joints} joints of {config.dim_in} numbers; only "
            f"networks from the {H36M17.num_joints} of {H36M17.name} to 3D are exported"
        )
    onnx, runtime = libraries(path)
    input_name = "keypoints" if pixels else "clips"
    module = FromPixels(model).eval() if pixels else model
    proto = _convert(module, input_name, max_frames=config.max_frames)
    metadata = {
        **card_metadata(model),
        "input": _INPUTS[input_name],
        "output": _OUTPUTS[input_name],
    }
    onnx.helper.set_model_props(proto, metadata)
    data = proto.SerializeToString()
    shapes = tuple((B, F) for F in _lengths(config.max_frames) for B in (1, 3))
    session = runtime.InferenceSession(data, providers=["CPUExecutionProvider"])
    difference = max(_difference(session, module, shape) for shape in shapes)
    if not difference <= TOLERANCE:
        raise WeightsError(
            f"{model.name}: ONNX Runtime and PyTorch differ by {difference:.2g} in clip space, "
            f"more than {TOLERANCE:g}; nothing was written; try another version of onnxruntime"
        )
    with written_beside(path) as beside:
        beside.write_bytes(data)
    return Export(
        path=path,
        input_name=input_name,
        num_bytes=len(data),
        shapes=shapes,
        difference=difference,
    )


def check_onnx(path: Path) -> None:
    """Refuse a path that no model can be written to.

    Raises:
        OptionError: if it does not end in .onnx.
        MotionliftError: if it is a folder, or cannot be written.
    """
    if path.suffix.lower() != ".onnx":
        raise OptionError(f"{path}: ONNX files end in .onnx; give such a name")
    check_writable(path)


def card_metadata(model: DSTformer) -> dict[str, str]:
    """What a reader of the file should know of the weights: text by name, as ONNX holds it."""
    card = model.card or {}
    data = card.get("data", [])
    return {
        "model": model.name,
        "clip_frames": str(clip_frames(model)),
        "frames_a_second": f"{trained_fps(model):g}",
        "max_frames": str(model.config.max_frames),
        "skeleton": H36M17.name,
        "joints": ",".join(H36M17.joints),
        "parents": ",".join(map(str, H36M17.parents)),
        "clip_convention": CLIP_CONVENTION,
        "confidence_convention": CONFIDENCE_CONVENTION if takes_noise_model(model) else "as it is",
        "licence": "Apache-2.0" if model.name in model_names() else "that of your weights",
        "data_licences": "; ".join(f"{each['dataset']}: {each['licence']}" for each in data),
        "notices": "\n".join(card.get("notices", [])),
        "card": json.dumps(card, ensure_ascii=False),
    }


_INPUTS = {
    "clips": "x, y, confidence (clips, frames, joints, 3) in clip space; 0, 0, 0 where missing",
    "keypoints": "x, y, confidence (clips, frames, joints, 3) in pixels; confidence 0 if missing",
}
_OUTPUTS = {
    "clips": "root-relative x right, y down, z away from the camera; times the scale, in pixels",
    "keypoints": "root-relative x right, y down, z away from the camera, in pixels",
}


def libraries(path: Path) -> tuple[ModuleType, ModuleType]:
    """onnx and onnxruntime.

    Raises:
        MotionliftError: if one of the packages that writing `path` needs is missing.
    """
    try:
        import onnx
        import onnxruntime
        import onnxscript  # noqa: F401  (PyTorch's exporter imports it late, with a traceback)
    except ImportError as error:
        raise MotionliftError(
            f"{path}: to export needs {error.name}; get it with: pip install 'motionlift[onnx]'"
        ) from error
    return onnx, onnxruntime


def _convert(module: nn.Module, input_name: str, *, max_frames: int) -> "ModelProto":
    """The graph, without traces of the machine that it was made on."""
    clips, frames = _EXAMPLE
    shape = (clips, min(frames, max_frames), H36M17.num_joints, 3)
    free: dict[int, Any] = {0: torch.export.Dim("num_clips")}
    if max_frames > 1:
        free[1] = torch.export.Dim("num_frames", max=max_frames)
    with _quietly(), torch.inference_mode(False), torch.no_grad():
        program = torch.onnx.export(
            module,
            (torch.ones(shape),),
            dynamo=True,
            input_names=[input_name],
            output_names=[OUTPUT],
            dynamic_shapes=(free,),
            opset_version=OPSET,
            verbose=False,
        )
    assert program is not None
    proto = program.model_proto
    # The exporter notes at each node which line of which file it came from.
    for part in (*proto.graph.node, *proto.graph.value_info, *proto.graph.initializer):
        part.ClearField("metadata_props")
    for part in (proto.graph, *proto.graph.input, *proto.graph.output):
        part.ClearField("metadata_props")
    return proto


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Without the exporter's remarks on itself and on packages that nobody needs."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=FutureWarning, message=".*LeafSpec")
            yield
    finally:
        logging.disable(before)


def _lengths(max_frames: int) -> list[int]:
    return sorted({1, min(2, max_frames), (max_frames + 1) // 2, max_frames})


def _difference(session: Any, module: nn.Module, shape: tuple[int, int]) -> float:
    """The largest difference in any joint, for keypoints of somebody who walks."""
    B, F = shape
    keypoints = example_keypoints(B, F, seed=F)
    (found,) = session.run(None, {session.get_inputs()[0].name: keypoints})
    with torch.inference_mode():
        expected = module(torch.from_numpy(keypoints)).numpy()
    # NaN, if one had it, would hide in a maximum.
    return float(np.nan_to_num(np.abs(found - expected), nan=np.inf).max())


def example_keypoints(clips: int, frames: int, *, seed: int) -> Float[np.ndarray, "B F 17 3"]:
    """The example walk from random frames on, in -1..1, a tenth of it missing.

    Of a body, because points thrown at random are nothing that a network knows: there it may
    magnify its own rounding a hundredfold. Two points of each clip's first frame are always there.
    """
    rng = np.random.default_rng(seed)
    walk = to_h36m17(make_example().keypoints)
    place = rng.integers(0, walk.num_frames, size=(clips, 1)) + np.arange(frames)
    place %= walk.num_frames
    points = walk.keypoints[place]
    confidence = walk.confidence[place] * (rng.random(points.shape[:-1]) > 0.1)
    for clip in range(clips):
        two = np.flatnonzero(walk.confidence[place[clip, 0]])[[0, -1]]
        confidence[clip, 0, two] = 1.0
    center, scale = box_of_visible(points, confidence)
    keypoints = np.concatenate([(points - center) / scale, confidence[..., None]], axis=-1)
    return np.where(confidence[..., None] > 0, keypoints, 0.0).astype(np.float32)
