"""torch.compile as an option: the same training, the same names, and a run that can be resumed."""

import functools
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
import torch

from motionlift.errors import OptionError
from motionlift.recipes import RECIPES
from motionlift.training.run import Run
from motionlift.training.start import build_network, check_tools, compiled
from tests.data.bodies import write_store
from tests.training.small_runs import TINY


def test_nothing_is_compiled_unless_asked() -> None:
    assert not any(RECIPES.get(name).compile for name in RECIPES.names())


# PyTorch's own compiler makes use of what PyTorch deprecates.
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_code_is_made_once_for_each_length_and_not_for_what_ends_an_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real compiler, but for its last part, which would write C++ for a minute."""
    made: list[tuple[int, ...]] = []

    def backend(graph: torch.fx.GraphModule, inputs: list[torch.Tensor]) -> Callable[..., Any]:
        made.append(next(tuple(each.shape) for each in inputs if each.ndim == 4))
        return graph.forward

    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend=backend))
    model = build_network(TINY, write_store(tmp_path / "store", lengths={"train": [20]}))
    forward = compiled(model)
    for clips, frames in ((4, 5), (4, 5), (3, 5), (4, 5), (4, 2), (1, 2), (4, 2)):
        x = torch.randn(clips, frames, 17, 3)
        torch.testing.assert_close(forward(x), model(x))
    assert [shape[:2] for shape in made] == [(4, 5), (4, 2)]


def test_without_a_compiler_it_is_an_error_of_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OptionError, match=r"compile needs a C\+\+ compiler"):
        check_tools(replace(TINY, compile=True), device=torch.device("cpu"))
    check_tools(TINY, device=torch.device("cpu"))


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
