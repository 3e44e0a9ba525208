"""What importing the package costs, and what it promises by name."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import motionlift

# Rooms that work with tensors; nothing outside them may need PyTorch to be imported.
TENSOR_ROOMS = (
    "motionlift.network",
    "motionlift.losses",
    "motionlift.tasks",
    "motionlift.training",
    "motionlift.recipes",
    "motionlift.lifting",
    "motionlift.export",
    "motionlift.bench",
    "motionlift.data.batch",
    "motionlift.data.clips",
    "motionlift.data.corruption",
    "motionlift.data.draws",
    "motionlift.data.fit_noise",
    "motionlift.data.limbs",
    "motionlift.data.noise",
    "motionlift.data.published",
    "motionlift.data.turns",
    "motionlift.data.views",
    # What a command imports once it has been chosen.
    "motionlift.cli._",
)
IMPORT_ALL_BUT_TORCH = f"""
import importlib, pkgutil, sys

class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "torch":
            raise ImportError("PyTorch was imported")

sys.meta_path.insert(0, NoTorch())
import motionlift
from motionlift.errors import MotionliftError
for module in pkgutil.walk_packages(motionlift.__path__, "motionlift."):
    if not module.name.startswith({TENSOR_ROOMS!r}) and not module.name.endswith("__main__"):
        importlib.import_module(module.name)
motionlift.read, motionlift.write, motionlift.lift, motionlift.encode, motionlift.Pose2D
"""


def python(*arguments: str) -> str:
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True)
    return done.stdout


def test_all_but_the_rooms_of_tensors_can_be_imported_without_pytorch() -> None:
    python("-c", IMPORT_ALL_BUT_TORCH)


@pytest.mark.parametrize(
    "statement",
    [
        "import motionlift",
        "from motionlift.cli import main; main(['--help'])",
        "from motionlift.cli import main; main(['--version'])",
        "from motionlift import lift, encode, read, write, Pose2D, Pose3D, MotionliftError",
    ],
)
def test_pytorch_is_imported_only_when_something_needs_it(statement: str) -> None:
    shown = python("-c", f"{statement}\nimport sys; print('torch' in sys.modules)")
    assert shown.splitlines()[-1] == "False"


def test_help_answers_at_once() -> None:
    seconds = []
    for _ in range(3):
        before = os.times()
        shown = python("-m", "motionlift", "--help")
        after = os.times()
        # Processor time, because a busy machine makes everything wait.
        used = after.children_user + after.children_system
        seconds.append(used - before.children_user - before.children_system)
    assert "usage: motionlift COMMAND" in shown
    assert min(seconds) < 0.4


def test_every_public_name_is_there() -> None:
    for name in motionlift.__all__:
        assert getattr(motionlift, name).__module__.startswith("motionlift.")
    assert set(motionlift.__all__) <= set(dir(motionlift))


def test_every_public_name_stands_in_the_documentation() -> None:
    page = (Path(__file__).parents[1] / "docs" / "lifting.md").read_text("utf-8")
    for name in motionlift.__all__:
        assert f"`{name}`" in page or f"motionlift.{name}" in page, name


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'lfit'"):
        importlib.import_module("motionlift").lfit  # noqa: B018
