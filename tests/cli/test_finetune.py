"""`motionlift finetune`: a task by name, every setting a flag, a test score, errors of one line."""

import json
from pathlib import Path

import pytest
import torch

from motionlift.cli import main
from motionlift.network.dstformer import DSTformer
from motionlift.network.weights import load_model, save_weights
from motionlift.training.run import Run
from tests.tasks.test_action import CONFIG, write_repetitions

SMALL = ["--stages.0.frames", "9", "--stages.0.batch", "8", "--device", "cpu", "--max-steps", "2"]


@pytest.fixture
def flags(tmp_path: Path) -> list[str]:
    write_repetitions(tmp_path / "store", each=3)
    torch.manual_seed(3)
    save_weights(tmp_path / "start.safetensors", DSTformer(CONFIG), card={})
    return [
        *("--model", str(tmp_path / "start.safetensors"), "--store", str(tmp_path / "store")),
        *("--out", str(tmp_path / "run"), *SMALL),
    ]


def test_action_leaves_encoder_head_and_test_scores(
    tmp_path: Path, flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    more = ["--labels", "correctness", "--label-share", "0.7", "--hidden", "8"]
    assert main(["finetune", "--task", "action", *flags, *more]) == 0
    out = tmp_path / "run"
    scores = json.loads((out / "test.json").read_text())
    assert {"top1", "macro_f1", "balanced", "chance", "majority"} <= set(scores)
    assert scores["samples"] == 16
    card = load_model(out / "best" / "model.safetensors").card
    assert card is not None
    assert card["classes"] == ["correct", "incorrect"]
    said = capsys.readouterr().out
    assert "M parameters at 0.1 x the base rate" in said
    assert "4 more are left out by label-share" in said


def test_pose_leaves_weights_that_lift_and_resumes(tmp_path: Path, flags: list[str]) -> None:
    assert main(["finetune", "--task", "pose", *flags]) == 0
    assert main(["finetune", "--task", "pose", *flags, "--max-steps", "3", "--resume"]) == 0
    steps = [row["step"] for row in Run(tmp_path / "run").metrics() if row["split"] == "train"]
    assert steps == [1, 2, 3]
    assert "mpjpe_mm" in json.loads((tmp_path / "run" / "test.json").read_text())
    assert load_model(tmp_path / "run" / "last" / "model.safetensors").config == CONFIG


def test_a_runs_config_can_be_run_again_as_it_is(tmp_path: Path, flags: list[str]) -> None:
    assert main(["finetune", "--task", "action", *flags, "--hidden", "8"]) == 0
    again = ["finetune", "--task", "action", "--store", str(tmp_path / "store"), "--device", "cpu"]
    config = ["--config", str(tmp_path / "run" / "config.toml"), "--max-steps", "2"]
    assert main([*again, "--out", str(tmp_path / "again"), *config]) == 0
    losses = [
        [row["loss"] for row in Run(tmp_path / name).metrics() if row["split"] == "train"]
        for name in ("run", "again")
    ]
    assert losses[0] == losses[1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--task", "dance"], "no finetuning task is named 'dance'; there are: action, "),
        (["--model", "nowhere.safetensors"], "nowhere.safetensors: no such file"),
        (["--model", ""], "finetuning begins from weights"),
        (["--freeze", "backbone", "--backbone-lr-scale", "0.5"], "backbone-lr-scale has no effect"),
        (["--backbone-lr-scale", "0"], "--freeze backbone"),
        (["--actions", "m03_*"], "0 classes"),
        (["--label-share", "2"], "label-share is 2"),
        (["--head", "deep"], "no head is named 'deep'; there are: linear, mlp"),
        (["--head", "linear", "--hidden", "8"], "hidden has no effect for this task: the head"),
        (["--stages.0.batch", "4", "--global-batch", "6"], "--global-batch"),
        (["--network.dim-feat", "48"], "network.dim-feat is 48"),
    ],
)
def test_a_wrong_setting_is_one_line_and_leaves_no_run(
    tmp_path: Path,
    flags: list[str],
    capsys: pytest.CaptureFixture[str],
    change: list[str],
    message: str,
) -> None:
    assert main(["finetune", "--task", "action", *flags, *change]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "run").exists()
