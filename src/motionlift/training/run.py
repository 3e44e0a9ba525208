"""The run folder: the resolved settings, a line a step, the last and the best checkpoint."""

import json
import platform
import shutil
import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from motionlift.data.store import Store
from motionlift.errors import MotionliftError, RecipeError
from motionlift.files import sha256_of, written_beside
from motionlift.training.config import differences, read_toml, to_toml, unsaid
from motionlift.training.recipe import Recipe


class Run:
    """A run folder.

    `config.toml` is the resolved recipe, and can be run again as it is (`--config`);
    `metrics.jsonl` has one object a line; `last/state.safetensors` is what `--resume` goes on
    from; `last/` and `best/` hold weights that `load_model` reads; `events/` is for TensorBoard;
    `curves.png` and `samples.png` are to look at.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.state_path = path / "last" / "state.safetensors"
        self.metrics_path = path / "metrics.jsonl"
        self.config_path = path / "config.toml"
        self.events_path = path / "events"
        self.samples_path = path / "samples.png"

    def create(self, recipe: Recipe, *, store: Store) -> None:
        """Make the folder and write down the settings.

        Raises:
            MotionliftError: if the folder holds something, or cannot be written; or the recipe's
                noise file cannot be read.
        """
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            or_resume = ", or --resume to go on with it" if self.config_path.is_file() else ""
            raise MotionliftError(f"{self.path}: is not an empty folder; give another{or_resume}")
        about = {
            "motionlift": version("motionlift"),
            "torch": torch.__version__,
            "python": platform.python_version(),
            "machine": f"{platform.machine()}, {torch.get_num_threads()} threads",
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "store": str(store.path),
            "store_digest": store.digest,
        }
        if noise_file := recipe.data.corruption.noise_file:
            about["noise_digest"] = sha256_of(Path(noise_file))
        with written_beside(self.config_path) as beside:
            beside.write_text(to_toml(recipe, extra=about), "utf-8")

    def check(self, recipe: Recipe, *, store: Store) -> None:
        """Whether this folder is of that recipe on that store, so that it can be resumed.

        How much a machine takes at once, and whether it compiles, may change from start to start.

        Raises:
            RecipeError: if it has other settings, which it names, or another store's or noise
                file's content.
            MotionliftError: if the noise file cannot be read.
        """
        theirs = replace(
            read_toml(self.config_path, like=recipe),
            summary=recipe.summary,
            clips_at_once=recipe.clips_at_once,
            compile=recipe.compile,
        )
        if found := differences(recipe, theirs):
            raise RecipeError(
                f"{self.path}: was started with other settings ({'; '.join(found)}); "
                "resume with the same, or start another run"
            )
        table = tomllib.loads(self.config_path.read_text("utf-8"))
        if missing := unsaid(recipe, table):
            raise RecipeError(
                f"{self.path}: was started by a version of motionlift that knew no "
                f"{', '.join(missing)}; go on with that version, or start another run"
            )
        about = table.get("about", {})
        if about.get("store_digest") != store.digest:
            raise RecipeError(
                f"{self.path}: was started on other data than {store.path} holds now (it was "
                f"{about.get('store')}); resume with the same, or start another run"
            )
        noise_file = recipe.data.corruption.noise_file
        kept = about.get("noise_digest")  # runs of earlier versions have none
        if noise_file and kept is not None and kept != sha256_of(Path(noise_file)):
            raise RecipeError(
                f"{self.path}: was started with another content of {noise_file}; resume with the "
                "same, or start another run"
            )

    def truncate_metrics(self, *, step: int) -> None:
        """Drop the lines beyond a checkpoint's step, which the resumed run writes again.

        And what a kill left of files that were being written.
        """
        for kind in ("safetensors", "json", "jsonl", "png"):
            for left in (*self.path.glob(f".*.{kind}.*"), *self.path.glob(f"*/.*.{kind}.*")):
                shutil.rmtree(left, ignore_errors=True)
        if not self.metrics_path.exists():
            return
        kept = []
        for line in self.metrics_path.read_text("utf-8").splitlines():
            try:
                row = json.loads(line)
            except json.JSONDecodeError:  # the line that a kill cut short
                break
            if row["step"] <= step:
                kept.append(line)
        with written_beside(self.metrics_path) as beside:
            beside.write_text("".join(f"{line}\n" for line in kept), "utf-8")

    def log(self, row: dict[str, Any]) -> None:
        """Append a line, at once on its way to the disk.

        Raises:
            MotionliftError: if it cannot be written.
        """
        try:
            with self.metrics_path.open("a", encoding="utf-8") as handle:
                handle.write(json.dumps(row) + "\n")
        except OSError as error:
            raise MotionliftError(
                f"{self.metrics_path}: step {row['step']} could not be written ({error.strerror}); "
                "make room, then go on with --resume"
            ) from error

    def metrics(self) -> list[dict[str, Any]]:
        """All lines so far; one that is just being written, or was cut by a kill, is left out."""
        rows: list[dict[str, Any]] = []
        if self.metrics_path.exists():
            for line in self.metrics_path.read_text("utf-8").splitlines():
                try:
                    rows.append(json.loads(line))
                except json.JSONDecodeError:
                    break
        return rows
