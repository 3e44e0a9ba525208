"""A page with a network in it: it lifts keypoints in the browser, on ONNX Runtime's WebAssembly.

The page holds the network as `export_onnx` writes it, the runtime, the keypoints, and the answer
of PyTorch that its own is held to. It is one file and asks nobody for anything, as every page does.
"""

import base64
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from motionlift.errors import OptionError
from motionlift.files import read_json
from motionlift.poses import Pose2D, Pose3D
from motionlift.viewer.page import Live, check_page, write_page
from motionlift.windows import window_length, window_starts

if TYPE_CHECKING:
    from motionlift.lifting import Lifter
    from motionlift.network.dstformer import DSTformer

RUNTIME = "onnxruntime-web"
# The version that the tests ran with.
RUNTIME_VERSION = "1.30.0"
_SCRIPT, _WASM = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"


def find_runtime(folder: Path | None) -> Path:
    """The folder of onnxruntime-web: the one given, else where npm puts it.

    Raises:
        OptionError: if it is not there, or holds something else.
    """
    found = Path("node_modules") / RUNTIME if folder is None else folder
    package = found / "package.json"
    missing = [name for name in (_SCRIPT, _WASM) if not (found / "dist" / name).is_file()]
    if not package.is_file() or missing:
        what = f"has no dist/{missing[0]}" if package.is_file() else "is not here"
        raise OptionError(
            f"{found}: {what}; the page needs {RUNTIME}: get it with `npm install "
            f"{RUNTIME}@{RUNTIME_VERSION}`, and give its folder with --onnxruntime-web"
        )
    return found


def write_live_page(path: Path, keypoints: Pose2D, model: "DSTformer", *, runtime: Path) -> Pose3D:
    """Write the page that lifts these keypoints in the browser; returns what PyTorch lifts.

    Args:
        model: on the CPU, as `load_model` returns it.
        runtime: the folder of onnxruntime-web, as npm unpacks it.

    Raises:
        MotionliftError: if the page cannot be written, the network cannot be exported, or nobody
            is among the keypoints.
    """
    from motionlift.export import export_onnx, libraries
    from motionlift.lifting import Lifter

    check_page(path)
    libraries(path)
    find_runtime(runtime)
    lifter = Lifter(model, device="cpu", precision="fp32")
    lifted = lifter.lift_pose(keypoints)
    with tempfile.TemporaryDirectory() as folder:
        network = export_onnx(Path(folder) / "network.onnx", model, pixels=True).path.read_bytes()
    dist = runtime / "dist"
    script = (dist / _SCRIPT).read_text("utf-8")
    parts = {
        "network": network,
        # The page has no map of the script's sources, and browsers would look for it.
        "runtime-script": re.sub(r"//# sourceMappingURL=\S+", "", script).encode(),
        "runtime-wasm": (dist / _WASM).read_bytes(),
    }
    write_page(path, [lifted], live=Live(setting=_setting(lifted, lifter), parts=parts))
    return lifted


def runtime_version(runtime: Path) -> str:
    """What the folder's package.json says."""
    return str(read_json(runtime / "package.json").get("version"))


def _setting(lifted: Pose3D, lifter: "Lifter") -> dict[str, Any]:
    """Everything that the page's lift begins with, exact: single precision, as the network's."""
    from motionlift.lifting.weave import curve_weights

    seen = lifted.lifted_from
    assert seen is not None
    confidence = seen.confidence[..., None]
    points = np.concatenate([np.nan_to_num(seen.keypoints), confidence], axis=-1)
    apart = lifter.apart(seen)
    starts = window_starts(seen.num_frames, length=lifter.window, stride=lifter.stride, apart=apart)
    return {
        "keypoints": _floats(points),
        "expected": _floats(lifted.positions),
        "length": window_length(seen.num_frames, length=lifter.window, apart=apart),
        "apart": apart,
        "weights": curve_weights(apart).tolist(),
        "starts": starts.tolist(),
    }


def _floats(values: np.ndarray) -> str:
    return base64.b64encode(values.astype("<f4").tobytes()).decode("ascii")
