"""What `export` does: write a network for other runtimes, and say how it was checked."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from motionlift.api import choose_people
from motionlift.cli._parsing import parse
from motionlift.cli._reading import KeypointReading
from motionlift.cli._report import say
from motionlift.errors import OptionError
from motionlift.example import make_example
from motionlift.export import OPSET, Export, check_onnx, export_onnx
from motionlift.formats import read_keypoints
from motionlift.network.weights import load_model
from motionlift.poses import Pose2D
from motionlift.viewer.live import find_runtime, runtime_version, write_live_page
from motionlift.viewer.page import check_page


@dataclass(frozen=True, kw_only=True)
class ExportArguments:
    """Write a network as ONNX, checked against PyTorch on ONNX Runtime, or as a web page."""

    onnx: Path | None = None
    """file to write, .onnx"""
    pixels: bool = False
    """with the normalisation in the graph: from keypoints in pixels to joints in pixels"""
    page: Path | None = None
    """page to write, .html: it holds the network and lifts keypoints in the browser"""
    keypoints: Path | None = None
    """file or folder of keypoints that the page lifts; the example that ships if not given"""
    reading: Annotated[KeypointReading, tyro.conf.arg(name="")]
    onnxruntime_web: Path | None = None
    """folder of the npm package onnxruntime-web; node_modules/onnxruntime-web if not given"""
    model: str = "default"
    """name of weights that ship with motionlift, or the path of a file"""


def export(arguments: Sequence[str]) -> None:
    """Run `motionlift export` with these arguments."""
    asked = parse(ExportArguments, arguments, prog="motionlift export")
    _check(asked)
    model = load_model(asked.model)
    if asked.onnx is not None:
        _say(export_onnx(asked.onnx, model, pixels=asked.pixels))
    if asked.page is not None:
        runtime = find_runtime(asked.onnxruntime_web)
        runtime_is = runtime_version(runtime)
        lifted = write_live_page(asked.page, _keypoints(asked), model, runtime=runtime)
        size = asked.page.stat().st_size / 1e6
        say("page", f"{lifted.num_frames} frames, onnxruntime-web {runtime_is}")
        say("wrote", f"{asked.page} ({size:.1f} MB)")


def _check(asked: ExportArguments) -> None:
    """Refuse what cannot be done, before anything is."""
    if asked.onnx is None and asked.page is None:
        raise OptionError("say what to write: --onnx FILE.onnx, --page FILE.html, or both")
    if asked.onnx is None and asked.pixels:
        raise OptionError("--pixels is about --onnx; a page always has the normalisation inside")
    if asked.page is None and (asked.keypoints or asked.onnxruntime_web):
        raise OptionError("--keypoints and --onnxruntime-web are about --page FILE.html")
    if asked.keypoints is None and asked.reading != KeypointReading():
        raise OptionError(
            "--format, --skeleton, --fps and --image-size are about --keypoints of a page"
        )
    if asked.onnx is not None:
        check_onnx(asked.onnx)
    if asked.page is not None:
        check_page(asked.page)
        find_runtime(asked.onnxruntime_web)


def _keypoints(asked: ExportArguments) -> Pose2D:
    if asked.keypoints is not None:
        reading = asked.reading
        people = read_keypoints(asked.keypoints, reading.options(), format=reading.format)
        return choose_people(people, "largest")[0]
    return make_example().keypoints


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
