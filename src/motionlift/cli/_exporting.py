"""What `export` does: write a network for other runtimes, and say how it was checked."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from motionlift.cli._report import say
from motionlift.errors import OptionError
from motionlift.export import OPSET, Export, check_onnx, export_onnx
from motionlift.network.weights import load_model


@dataclass(frozen=True, kw_only=True)
class ExportArguments:
    """Write a network as ONNX, checked against PyTorch on ONNX Runtime."""

    onnx: Path | None = None
    """file to write, .onnx"""
    pixels: bool = False
    """with the normalisation in the graph: from keypoints in pixels to joints in pixels"""
    model: str = "default"
    """name of weights that ship with motionlift, or the path of a file"""


def export(arguments: Sequence[str]) -> None:
    """Run `motionlift export` with these arguments."""
    asked = tyro.cli(ExportArguments, args=list(arguments), prog="motionlift export")
    if asked.onnx is None:
        raise OptionError("say what to write: --onnx FILE.onnx")
    check_onnx(asked.onnx)
    _say(export_onnx(asked.onnx, load_model(asked.model), pixels=asked.pixels))


def _say(done: Export) -> None:
    clips, frames = (sorted(set(each)) for each in zip(*done.shapes, strict=True))
    say("input", f"{done.input_name} (clips, frames, 17, 3), opset {OPSET}")
    say(
        "checked",
        f"largest difference to PyTorch {done.difference:.1g} in clip space, on ONNX Runtime, at "
        f"{_listed(frames)} frames and {_listed(clips)} clips",
    )
    say("wrote", f"{done.path} ({done.num_bytes / 1e6:.1f} MB)")


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))
