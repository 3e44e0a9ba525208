"""The finetuning table: what it trains, that it goes on, and the numbers that it writes."""

import json
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from motionlift.data.store import Store
from motionlift.network.dstformer import DSTformer
from motionlift.network.weights import save_weights
from motionlift.training.loop import Limits
from tests.conftest import ROOT
from tests.tasks.test_action import CONFIG, write_repetitions


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return import_module("finetuning_table")


def _run(script: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch, *more: str) -> Path:
    given = ["--store", str(folder / "store"), "--model", str(folder / "start.safetensors")]
    sizes = ["--out", str(folder / "out"), "--seeds", "2", "--epochs", "1"]
    monkeypatch.setattr(sys, "argv", ["finetuning_table.py", *given, *sizes, *more])
    script.main()
    return folder / "out"


def test_all_starts_and_shares_stand_in_the_table_and_nothing_is_done_twice(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_repetitions(tmp_path / "store", each=10)
    torch.manual_seed(0)
    save_weights(tmp_path / "start.safetensors", DSTformer(CONFIG), card={})
    out = _run(script, tmp_path, monkeypatch)
    values = json.loads((out / "finetuning.json").read_text())
    assert [(row["labels"], row["start"]) for row in values["rows"]] == [
        (share, start)
        for share in (1.0, 0.1)
        for start in ("finetuned", "frozen backbone", "from scratch")
    ]
    for row in values["rows"]:
        runs = row["runs"]
        assert [run["seed"] for run in runs] == [0, 1]
        tops = [run["exercise_top1"] for run in runs]
        assert row["mean"]["exercise_top1"] == pytest.approx(np.mean(tops))
        assert row["deviation"]["exercise_top1"] == pytest.approx(np.std(tops, ddof=1))
    rates = {row["start"]: row["rates"] for row in (r["runs"][0] for r in values["rows"])}
    assert rates["finetuned"] == {"rate_adamw_head": 1e-3, "rate_adamw_backbone": 1e-4}
    assert rates["frozen backbone"] == {"rate_adamw_head": 1e-3}
    assert rates["from scratch"] == {"rate_adamw": 1e-3}
    table = (out / "finetuning.md").read_text()
    assert "| 100% | finetuned | 0.001 | 0.0001 |" in table
    assert "| 100% | from scratch | 0.001 | 0.001 |" in table
    assert "| labels | start | m01 | m02 |" in table

    def not_again(*arguments: object, **more: object) -> None:
        raise AssertionError("trains what is done")

    monkeypatch.setattr(script, "train", not_again)
    _run(script, tmp_path, monkeypatch)
    _run(script, tmp_path, monkeypatch, "--seeds", "3", "--done-only")
    assert (out / "finetuning.md").read_text() == table
    with pytest.raises(AssertionError, match="trains what is done"):
        _run(script, tmp_path, monkeypatch, "--epochs", "2")


def test_a_training_that_was_stopped_is_no_result(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_repetitions(tmp_path / "store", each=10)
    save_weights(tmp_path / "start.safetensors", DSTformer(CONFIG), card={})
    monkeypatch.setattr(script, "Limits", lambda: Limits(max_steps=1))
    with pytest.raises(SystemExit, match="stopped in finetuned_100_0"):
        _run(script, tmp_path, monkeypatch)
    assert not list(tmp_path.glob("out/runs/*/result.json"))


def test_each_test_repetition_is_scored_in_four_views_and_majority_is_by_hand(
    script: ModuleType, tmp_path: Path
) -> None:
    store: Store = write_repetitions(tmp_path / "store", each=3)
    test = script.TestSet(store, actions="m0?_*")
    assert test.clips.shape == (4 * 16, 9, 17, 3)
    assert test.labels.tolist() == [label for label in range(4) for _ in range(16)]
    assert test.chance == {"exercise_top1": 0.5, "exercise_macro_f1": 0.5, "correctness": 0.5}
    # For the one class precision 1/2 and recall 1, so F1 2/3; for the other 0.
    assert test.majority["exercise_top1"] == 0.5
    assert test.majority["exercise_macro_f1"] == pytest.approx(1 / 3)
