"""What `docs/finetuning.md` shows, done as it says, in one folder."""

import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from jaxtyping import Float
from torch import Tensor, nn

from motionlift.cli import main
from motionlift.formats.keypoints_npz import write_keypoints
from motionlift.network import heads
from motionlift.network.dstformer import DSTformerConfig
from motionlift.network.heads import ActionHead, LinearHead, build_head
from motionlift.network.weights import model_names
from motionlift.poses import Pose2D
from motionlift.skeletons import H36M17
from tests.conftest import ROOT
from tests.data.bodies import standing
from tests.network.golden import TINY

PAGE = ROOT / "docs" / "finetuning.md"


def _block(language: str, *, beginning: str) -> str:
    blocks = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text("utf-8"), re.S)
    return next(block for block in blocks if block.startswith(beginning))


def _write(path: Path, *, joints: tuple[str, ...], depth: float, frames: int) -> None:
    """Keypoints of a person whose joints go down and up again by `depth`, in metres."""
    motion = np.repeat(standing()[None], frames, axis=0)
    swing = depth * np.sin(np.linspace(0, np.pi, frames))
    for joint in joints:
        motion[:, H36M17.index(joint), 1] -= swing
    keypoints = [300, 500] + 200 * motion[..., :2] * [1, -1]
    pose = Pose2D(
        skeleton=H36M17,
        keypoints=keypoints.astype(np.float32),
        confidence=np.ones(motion.shape[:2], dtype=np.float32),
        frame_index=np.arange(frames),
        fps=50.0,
    )
    write_keypoints(pose, path)


@pytest.mark.skipif(not model_names(), reason="no weights ship yet")
def test_the_example_tells_squats_from_reaching(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "repetitions").mkdir()
    legs = tuple(joint for joint in H36M17.joints if not joint.endswith(("ankle", "knee")))
    arms = ("left_wrist", "right_wrist", "left_elbow", "right_elbow")
    for number, depth in enumerate((0.3, 0.36, 0.4)):
        _write(Path(f"repetitions/squat_{number}.npz"), joints=legs, depth=depth, frames=30)
        _write(Path(f"repetitions/reach_{number}.npz"), joints=arms, depth=-2 * depth, frames=30)
    words = shlex.split(_block("console", beginning="$ motionlift encode").removeprefix("$ "))
    assert main(words[1:]) == 0
    with np.load("squat_1_features.npz") as file:
        assert file["features"].shape[:2] == (30, 17)
    example = compile(_block("python", beginning="from pathlib"), str(PAGE), "exec")
    for name, joints, depth in (("squat", legs, 0.33), ("reach", arms, -0.7)):
        _write(Path("new.npz"), joints=joints, depth=depth, frames=36)
        names: dict[str, Any] = {}
        exec(example, names)
        assert names["answer"] == name


def test_the_head_of_the_page_is_a_head(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {
        "nn": nn,
        "Float": Float,
        "Tensor": Tensor,
        "DSTformerConfig": DSTformerConfig,
        "LinearHead": LinearHead,
        "ActionHead": ActionHead,
    }
    exec(compile(_block("python", beginning="class LastFrame"), str(PAGE), "exec"), names)
    monkeypatch.setattr(heads, "HEADS", names["HEADS"])
    head = build_head("last-frame", TINY, num_classes=3, hidden=4, dropout=0.5)
    assert head(torch.zeros(2, 5, 4, 6)).shape == (2, 3)
