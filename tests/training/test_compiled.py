"""torch.compile as an option: the same training, the same names, and a run that can be resumed."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors

from motionlift.errors import OptionError
from motionlift.recipes import RECIPES
from motionlift.training.run import Run
from motionlift.training.start import build_network, compiled
from tests.data.bodies import write_store
from tests.training.small_runs import TINY


def test_nothing_is_compiled_unless_asked() -> None:
    assert not any(RECIPES.get(name).compile for name in RECIPES.names())


# PyTorch's own compiler makes use of what PyTorch deprecates.
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_a_compiled_network_shares_its_parameters(tmp_path: Path) -> None:
    """Nothing is compiled before the first batch."""
    model = build_network(TINY, write_store(tmp_path / "store", lengths={"train": [20]}))
    theirs = {id(each) for each in compiled(model).parameters()}
    assert theirs == {id(each) for each in model.parameters()}


def test_without_a_compiler_it_is_an_error_of_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = build_network(TINY, write_store(tmp_path / "store", lengths={"train": [20]}))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OptionError, match=r"compile needs a C\+\+ compiler"):
        compiled(model)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_compiled_training_is_the_same_and_resumes(tmp_path: Path) -> None:
    write_store(tmp_path / "store", lengths={"train": [95, 61, 44], "val": [20]})
    _train(tmp_path, "eager", "--max-steps", "6")
    _train(tmp_path, "fast", "--max-steps", "4", "--compile")
    _train(tmp_path, "fast", "--max-steps", "6", "--compile", "--resume")
    losses, names = [], []
    for each in ("eager", "fast"):
        run = Run(tmp_path / each)
        rows = [row for row in run.metrics() if row["split"] == "train"]
        assert [row["step"] for row in rows] == list(range(1, 7))
        losses.append([row["loss"] for row in rows])
        with safetensors.safe_open(run.state_path, framework="np") as opened:
            names.append(set(opened.keys()))
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)
    assert names[0] == names[1]


def _train(folder: Path, out: str, *more: str) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "motionlift", "pretrain", "--recipe", "demo"),
            *("--store", str(folder / "store"), "--out", str(folder / out), "--device", "cpu"),
            *("--network.dim-feat", "16", "--network.dim-rep", "16", "--network.depth", "1"),
            *("--stages.0.batch", "5", "--stages.0.epochs", "6", "--precision", "fp32"),
            *("--optimizer.kind", "adam", *more),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
