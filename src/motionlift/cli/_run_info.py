"""What `motionlift info RUN` says of a run folder: what was asked for, how far it came, what next.

Everything is read from the folder; the store is asked how long the whole run is, if it is there.
"""

import shlex
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from motionlift.cli._named_recipe import KINDS, command_of, name_in
from motionlift.data.store import Store
from motionlift.errors import MotionliftError, OptionError
from motionlift.files import read_json
from motionlift.training.config import read_toml
from motionlift.training.effect import leaves
from motionlift.training.plan import Plan
from motionlift.training.recipe import Recipe
from motionlift.training.run import Run

_PLACES = {"curves": "curves.png", "samples": "samples.png", "TensorBoard": "events"}


def describe_run(path: Path) -> dict[str, Any]:
    """The run as plain values, in the order in which people want to know them.

    Raises:
        MotionliftError: if the folder is no run, or its settings are not of this version.
    """
    run = Run(path)
    if not run.config_path.is_file():
        raise OptionError(f"{path}: {_what_instead(path)}")
    about = _about(run.config_path)
    name = name_in(run.config_path)
    command = command_of(name)
    described: dict[str, Any] = {"run": str(path), "recipe": name or "not named"}
    recipe: Recipe | None = None
    if command is None:
        described["note"] = "its recipe is none of this version, so its settings are not compared"
    else:
        base = KINDS[command].get(name)
        recipe = read_toml(run.config_path, like=base)
        described["summary"] = recipe.summary
        described["settings that differ"] = _changed(recipe, base)
    described |= {key: about[key] for key in ("motionlift", "torch", "machine") if key in about}
    described["store"] = about.get("store", "not known")
    described |= _progress(run, recipe, about)
    described["weights"] = _weights(run)
    if (path / "test.json").is_file():
        described["test"] = read_json(path / "test.json")
    described["to look at"] = {
        what: str(path / file) for what, file in _PLACES.items() if (path / file).exists()
    }
    described["to go on"] = _commands(path, command, str(described["store"]))
    return described


def _about(config: Path) -> dict[str, Any]:
    try:
        about = tomllib.loads(config.read_text("utf-8")).get("about", {})
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise OptionError(f"{config}: not valid TOML ({error})") from error
    return about if isinstance(about, dict) else {}


def _changed(recipe: Recipe, base: Recipe) -> dict[str, str]:
    """Settings of the run that are not the recipe's, as "what (recipe: what)"."""
    ours, theirs = dict(leaves(recipe)), dict(leaves(base))
    told = [path for path in ours if path not in ("name", "summary")]
    shown = [path for path in told if ours[path] != theirs.get(path)]
    return {
        path.removeprefix("task."): f"{_shown(ours[path])} (recipe: {_shown(theirs.get(path))})"
        for path in shown
    }


def _shown(value: Any) -> str:
    return "nothing" if value in (None, "") else str(value)


def _progress(run: Run, recipe: Recipe | None, about: dict[str, Any]) -> dict[str, Any]:
    """How far it came, and how long that took."""
    rows = [row for row in run.metrics() if row["split"] == "train"]
    if not rows:
        return {"state": "no step is done yet"}
    step, epoch = rows[-1]["step"], rows[-1]["epoch"] + 1
    of_epochs = sum(stage.epochs for stage in recipe.stages) if recipe else None
    state = f"step {step}, epoch {epoch}" + (f" of {of_epochs}" if of_epochs else "")
    total = _total_steps(recipe, about.get("store"))
    if total is not None:
        end = "the end" if step >= total else f"{step / total:.0%}"
        state = f"step {step} of {total} ({end}), epoch {epoch} of {of_epochs}"
    progress = {"state": state, "loss": rows[-1]["loss"]}
    written = datetime.fromtimestamp(run.metrics_path.stat().st_mtime, UTC)
    if isinstance(about.get("started"), str):
        started = datetime.fromisoformat(about["started"])
        progress["started"] = about["started"]
        progress["last line"] = written.isoformat(timespec="seconds")
        # What the clock says: a pause between a stop and --resume is in it.
        progress["time"] = str(written.replace(microsecond=0) - started)
    return progress


def _total_steps(recipe: Recipe | None, store: Any) -> int | None:
    if recipe is None or not isinstance(store, str):
        return None
    try:
        return Plan(recipe, Store.open(Path(store))).total_steps
    except MotionliftError:  # the store was moved, or made anew of other files
        return None


def _weights(run: Run) -> dict[str, Any]:
    """The kept weights: at which step, and how they score on validation."""
    kept: dict[str, Any] = {}
    for name in ("best", "last"):
        card = run.path / name / "model.json"
        if card.is_file():
            values = read_json(card)
            kept[name] = {"step": values.get("steps")} | values.get("validation", {})
    return kept or {"none": "no checkpoint was written yet"}


def _commands(path: Path, command: str | None, store: str) -> dict[str, str]:
    """What can be typed next."""
    run, where = shlex.quote(str(path)), shlex.quote(store)
    commands: dict[str, str] = {}
    if command is not None:
        again = f"motionlift {command} --config {run}/config.toml --store {where}"
        commands["resume"] = f"{again} --out {run} --resume"
        commands["run again"] = f"{again} --out NEW"
    weights = next((each for each in ("best", "last") if (path / each).is_dir()), None)
    if weights is not None:
        model = f"{run}/{weights}/model.safetensors"
        if _task_of(path / weights) == "action":  # their lifting head was not adapted
            commands["encode"] = f"motionlift encode KEYPOINTS -o FEATURES.npz --model {model}"
        else:
            commands["evaluate"] = f"motionlift evaluate --model {model} --store {where}"
            commands["lift"] = f"motionlift lift KEYPOINTS -o MOTION.npz --model {model}"
    if (path / "events").is_dir():
        commands["TensorBoard"] = f"tensorboard --logdir {run}"
    return commands


def _task_of(weights: Path) -> str:
    """The task that the card of these weights names; "" where there is none."""
    card = weights / "model.json"
    return str(read_json(card).get("task", "")) if card.is_file() else ""


def _what_instead(path: Path) -> str:
    if (path / "store.json").is_file():
        return "is a store, not a run; see: motionlift data show"
    if (path / "model.safetensors").is_file():
        return "holds weights but is no run; give model.safetensors in it"
    return "is no run (config.toml is missing), and no weights"
