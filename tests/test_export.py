"""The network as ONNX answers as PyTorch does, at every number of clips and frames."""

import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from motionlift import export
from motionlift.cli import main
from motionlift.confidence import CONFIDENCE_CONVENTION
from motionlift.errors import MotionliftError
from motionlift.export import FromPixels, example_keypoints, export_onnx
from motionlift.lifting import Lifter
from motionlift.network.dstformer import DSTformer, DSTformerConfig
from motionlift.network.weights import load_model, save_weights
from motionlift.skeletons import H36M17
from tests.conftest import ROOT
from tests.samples import lifted_walk

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

MAX_FRAMES = 9
SIZES = [(1, 1), (1, MAX_FRAMES), (2, 2), (3, 1), (4, 7)]
FORMS = ["clips", "keypoints"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> DSTformer:
    torch.manual_seed(0)
    sizes = {"dim_feat": 16, "dim_rep": 8, "depth": 1, "num_heads": 2, "mlp_ratio": 1}
    network = DSTformer(DSTformerConfig(**sizes, max_frames=MAX_FRAMES))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(10)  # an answer of about 1 instead of about 0.001
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    notices = {"data": [{"dataset": "walks", "licence": "CC0"}], "notices": ["made up"]}
    conventions = {"confidence": CONFIDENCE_CONVENTION}
    card = {"clip_frames": 5, "conventions": conventions, **notices}
    save_weights(path, network, card=card)
    return load_model(path)


@pytest.fixture(scope="module")
def files(model: DSTformer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("onnx")
    done = {}
    for form in FORMS:
        out = export_onnx(folder / f"{form}.onnx", model, pixels=form == "keypoints")
        assert out.difference < 1e-4
        assert {frames for _, frames in out.shapes} == {1, 2, 5, MAX_FRAMES}
        done[form] = out.path
    return done


def run(path: Path, keypoints: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(path)
    return session.run(None, {session.get_inputs()[0].name: keypoints})[0]


def torchs_answer(form: str, model: DSTformer, keypoints: np.ndarray) -> np.ndarray:
    module = FromPixels(model).eval() if form == "keypoints" else model
    with torch.inference_mode():
        return module(torch.from_numpy(keypoints)).numpy()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("clips", "frames"), SIZES)
def test_the_runtime_answers_as_pytorch_does(
    form: str, clips: int, frames: int, model: DSTformer, files: dict[str, Path]
) -> None:
    keypoints = example_keypoints(clips, frames, seed=100 + clips)
    expected = torchs_answer(form, model, keypoints)
    assert np.abs(expected).max() > 0.1
    assert_allclose(run(files[form], keypoints), expected, atol=1e-4)


@pytest.mark.parametrize("form", FORMS)
def test_openvino_answers_too(form: str, model: DSTformer, files: dict[str, Path]) -> None:
    openvino = pytest.importorskip("openvino")
    core = openvino.Core()
    # Else bf16 is used wherever the processor has it.
    compiled = core.compile_model(
        core.read_model(files[form]), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    for clips, frames in SIZES:
        keypoints = example_keypoints(clips, frames, seed=clips)
        expected = torchs_answer(form, model, keypoints)
        # Its exp and erf are approximations, which these large weights amplify.
        assert_allclose(compiled(keypoints)[0], expected, atol=1e-3)


def test_from_pixels_to_pixels_is_what_the_lifter_does(
    model: DSTformer, files: dict[str, Path]
) -> None:
    pose = lifted_walk(frames=slice(100, 105)).lifted_from
    assert pose is not None
    lifted = Lifter(model, device="cpu", precision="fp32").lift_pose(pose)
    keypoints = np.concatenate([pose.keypoints, pose.confidence[..., None]], axis=-1)
    assert np.isnan(keypoints).any()
    found = run(files["keypoints"], keypoints[None].astype(np.float32))[0]
    assert_allclose(found, lifted.positions, atol=0.05)  # pixels, of a body 400 of them high


def test_clips_that_nobody_can_be_placed_in_are_nan_and_leave_others_alone(
    files: dict[str, Path],
) -> None:
    keypoints = example_keypoints(3, 4, seed=0)
    keypoints[0] = 0
    keypoints[1, 1:], keypoints[1, 0, 1:] = 0, 0
    found = run(files["keypoints"], keypoints)
    assert np.isnan(found[:2]).all()
    assert not np.isnan(found[2]).any()
    assert (found[2, :, H36M17.root] == 0).all()


def test_a_clip_longer_than_the_network_takes_is_refused(files: dict[str, Path]) -> None:
    onnxruntime.set_default_logger_severity(4)
    with pytest.raises(Exception, match=r"(?i)invalid|broadcast|incompatible"):
        run(files["clips"], example_keypoints(1, MAX_FRAMES + 1, seed=0))


@pytest.mark.parametrize("form", FORMS)
def test_the_file_says_what_it_is_and_not_where_it_was_made(
    form: str, files: dict[str, Path]
) -> None:
    proto: Any = onnx.load(files[form])
    onnx.checker.check_model(proto, full_check=True)
    said = {each.key: each.value for each in proto.metadata_props}
    assert said["model"] == "tiny"
    assert (said["clip_frames"], said["max_frames"]) == ("5", "9")
    assert said["joints"].split(",") == list(H36M17.joints)
    assert said["data_licences"] == "walks: CC0"
    assert said["notices"] == "made up"
    assert said["confidence_convention"] == CONFIDENCE_CONVENTION
    assert json.loads(said["card"])["clip_frames"] == 5
    assert [(each.domain, each.version) for each in proto.opset_import] == [("", export.OPSET)]
    assert b".py" not in files[form].read_bytes()


def test_a_file_that_differs_is_not_written(
    model: DSTformer, files: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong: Any = onnx.load(files["clips"])
    other = DSTformer(model.config).eval()
    monkeypatch.setattr(export, "_convert", lambda *_, **__: wrong)
    with pytest.raises(MotionliftError, match=r"PyTorch differ by .* nothing was written"):
        export_onnx(tmp_path / "wrong.onnx", other)
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_name_is_refused(model: DSTformer, tmp_path: Path) -> None:
    with pytest.raises(MotionliftError, match=r"ONNX files end in \.onnx"):
        export_onnx(tmp_path / "model.bin", model)


def blocks(language: str) -> list[str]:
    text = (ROOT / "docs" / "export.md").read_text("utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.S)


def test_the_pages_examples_run(
    files: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openvino")
    shutil.copy(files["clips"], tmp_path / "motion.onnx")
    shutil.copy(files["keypoints"], tmp_path / "pixels.onnx")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for text in blocks("python"):
        exec(compile(text, "docs/export.md", "exec"), names)
    assert "again" in names


@pytest.mark.slow
def test_the_pages_commands_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for line in "".join(blocks("console")).splitlines():
        assert main(shlex.split(line.removeprefix("$ "))[1:]) == 0
    assert "checked    largest difference to PyTorch" in capsys.readouterr().out
    assert (tmp_path / "motion.onnx").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "say what to write: --onnx FILE.onnx"),
        (["--onnx", "{folder}/model.pt"], "ONNX files end in .onnx"),
        (["--onnx", "{folder}/m.onnx", "--model", "huge"], "no model is named 'huge'"),
    ],
)
def test_a_wrong_request_is_one_line_and_leaves_nothing(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", *(each.format(folder=tmp_path) for each in arguments)]) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert list(tmp_path.iterdir()) == []
