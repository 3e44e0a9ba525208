"""The recipe that a settings file names: a run's `config.toml` can be run again by itself."""

import tomllib
from pathlib import Path

from motionlift.recipes import RECIPES
from motionlift.recipes.finetuning import FINETUNING
from motionlift.registry import Registry
from motionlift.training.recipe import Recipe

# By the command that trains by them.
KINDS: dict[str, Registry[Recipe]] = {"pretrain": RECIPES, "finetune": FINETUNING}


def name_in(config: Path | None) -> str:
    """The recipe's name in a settings file; "" where there is none, or the file is no TOML."""
    if config is None:
        return ""
    try:
        name = tomllib.loads(config.read_text("utf-8")).get("name", "")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return ""  # whoever reads the settings says what is wrong with the file
    return name if isinstance(name, str) else ""


def command_of(name: str) -> str | None:
    """The command that trains by the recipe of this name; None if there is no such recipe."""
    return next((command for command, known in KINDS.items() if name in known.names()), None)
