"""The page on scale says what its script computes, and its Slurm script is one."""

import importlib.util
import re
import subprocess
from types import ModuleType

import pytest

from motionlift.network.dstformer import FULL, DSTformer
from tests.conftest import ROOT

PAGE = ROOT / "docs" / "scale.md"


@pytest.fixture(scope="module")
def scale() -> ModuleType:
    spec = importlib.util.spec_from_file_location("scale", ROOT / "scripts" / "scale.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_is_the_scripts(scale: ModuleType) -> None:
    assert scale.table() in PAGE.read_text("utf-8")


def test_the_work_is_what_the_recipe_asks_for(scale: ModuleType) -> None:
    """60 hours at 50 frames a second, a clip every 81 frames, 64 a step, 90 epochs."""
    todo = scale.work()
    assert todo.steps == 90 * -(-(60 * 3600 * 50 // 81) // 64)
    # The published network's own count is 370.8 GFLOP; fused products of attention round it.
    assert todo.flop_a_clip == pytest.approx(3 * 370.8e9, rel=0.01)
    assert todo.gradient_bytes == 4 * sum(each.numel() for each in DSTformer(FULL).parameters())


def test_the_slurm_script_is_a_script_whose_flags_torchrun_knows() -> None:
    script = re.search(r"```bash\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert script is not None
    subprocess.run(["bash", "-n", "-c", script[1]], check=True)
    command = re.search(
        r"srun torchrun(.*?)-m motionlift", script[1].replace("\\\n", " "), re.DOTALL
    )
    assert command is not None
    from torch.distributed.run import get_args_parser

    words = re.sub(r'"[^"]*"', "1", command[1]).split()
    parsed = get_args_parser().parse_args([*words, "-m", "motionlift"])
    assert (parsed.rdzv_backend, parsed.max_restarts, parsed.shutdown_timeout) == ("c10d", 3, 100)
