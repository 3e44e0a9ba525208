"""Settings that were changed but have no effect, found by comparing with what was begun from.

Each rule says under which value of one setting others count. A change to a setting that does not
count is an error: whoever made it expects something that will not happen.
"""

import dataclasses
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from motionlift.data.store import Store
from motionlift.errors import RecipeError
from motionlift.training.recipe import Recipe


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Settings that count only while another one has one of some values.

    Attributes:
        settings: patterns of their paths.
        under: path of the other one.
        values: those with which they count; none given is any but 0, "" and False.
    """

    settings: tuple[str, ...]
    under: str
    values: tuple[Any, ...] = ()

    def holds(self, value: Any) -> bool:
        """Whether the settings count with this value of the other."""
        return value in self.values if self.values else bool(value)


# What counts only where the store has motion that is 2D only.
OF_2D = ("task.losses.reprojection", "task.keypoints_from_epoch")
RULES = (
    Rule(settings=("optimizer.muon_learning_rate",), under="optimizer.kind", values=("muon",)),
    Rule(settings=("optimizer.weight_decay",), under="optimizer.kind", values=("adamw", "muon")),
    Rule(settings=("optimizer.epoch_factor",), under="optimizer.schedule", values=("exponential",)),
    Rule(
        settings=("data.views.share*", "data.views.nearest"),
        under="data.views.projection",
        values=("weak-perspective", "perspective"),
    ),
    Rule(
        settings=tuple(
            f"data.views.{name}" for name in ("*pitch", "high", "low", "roll", "tumbled")
        ),
        under="data.views.kind",
        values=("random",),
    ),
    Rule(settings=("data.views.high_pitch",), under="data.views.high"),
    Rule(settings=("data.views.low_pitch",), under="data.views.low"),
    Rule(
        settings=tuple(
            f"data.corruption.{name}" for name in ("noise_file", "noise_spread", "held")
        ),
        under="data.corruption.noise",
    ),
    Rule(
        settings=(
            "data.corruption.offsets",
            "data.corruption.held",
            "data.views.share_of_detectors",
        ),
        under="data.corruption.detectors",
    ),
    Rule(settings=("data.corruption.occlusion_length",), under="data.corruption.occlusion"),
    Rule(settings=("from_scratch", "freeze", "backbone_lr_scale", "task.new_head"), under="model"),
    Rule(settings=("backbone_lr_scale",), under="freeze", values=("nothing",)),
    Rule(settings=("task.keypoints_from_epoch",), under="task.losses.reprojection"),
    Rule(settings=("freeze", "backbone_lr_scale"), under="from_scratch", values=(False,)),
    Rule(settings=("backbone_lr_scale",), under="task.new_head", values=(True,)),
)


def check_effect(recipe: Recipe, *, base: Recipe) -> None:
    """Every setting that differs from `base` makes a difference.

    Raises:
        RecipeError: that names the first that does not, and why.
    """
    ours = dict(leaves(recipe))
    for path in _changed(recipe, base):
        for rule in RULES:
            if any(fnmatchcase(path, pattern) for pattern in rule.settings):
                other = ours.get(rule.under)
                if rule.under in ours and not rule.holds(other):
                    raise RecipeError(_message(path, f"with {_flag(rule.under)}={other}"))
        for pattern, reason in recipe.task.without_effect().items():
            if fnmatchcase(_without_numbers(path), f"{pattern}*"):
                raise RecipeError(_message(path, f"for this task: {reason}"))
    _check_published_masks(recipe, changed=_changed(recipe, base))


def check_effect_on(store: Store, recipe: Recipe, *, base: Recipe) -> None:
    """What differs from `base` and is of some data only makes a difference on this store.

    Raises:
        RecipeError: that names the first that does not, and why.
    """
    repeats, theirs = recipe.data.clips.repeats, base.data.clips.repeats
    datasets = {each.dataset for each in store.select(split="train")}
    for name in sorted(repeats):
        if repeats[name] != theirs.get(name) and name not in datasets:
            path, reason = f"data.clips.repeats.{name}", f"on {store.path}: its training split has"
            raise RecipeError(_message(path, f"{reason} {', '.join(sorted(datasets))}"))
    epochs = sum(stage.epochs for stage in recipe.stages)
    joins = dict(leaves(recipe)).get("task.keypoints_from_epoch", 0)
    if not store.select(split="train", units="px"):
        reason = f"on {store.path}: its training split has no motion that is 2D only"
    elif joins >= epochs:
        reason = f"with {epochs} epochs: motion that is 2D only would join in epoch {joins + 1}"
    else:
        return
    for path in _changed(recipe, base):
        if path in OF_2D:
            raise RecipeError(_message(path, reason))


def _check_published_masks(recipe: Recipe, *, changed: list[str]) -> None:
    """The published code masks only where both ratios are above 0 (`data/published.py`)."""
    corruption = recipe.data.corruption
    settings = {f"data.corruption.{name}" for name in ("compat", "joint_mask", "frame_mask")}
    if corruption.compat != "published" or settings.isdisjoint(changed):
        return
    if (corruption.joint_mask > 0) != (corruption.frame_mask > 0):
        raise RecipeError(
            f"with data.corruption.compat=published, joint-mask={corruption.joint_mask} and "
            f"frame-mask={corruption.frame_mask} mask nothing: it takes both above 0; "
            "set both so, or both to 0"
        )


def _changed(recipe: Recipe, base: Recipe) -> list[str]:
    """Paths of the settings that differ."""
    theirs = dict(leaves(base))
    return [path for path, value in leaves(recipe) if theirs.get(path, value) != value]


def leaves(record: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every setting by its path, such as `stages.0.batch`."""
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        path = f"{prefix}{field.name}"
        if dataclasses.is_dataclass(value):
            yield from leaves(value, f"{path}.")
        elif isinstance(value, tuple) and all(map(dataclasses.is_dataclass, value)):
            for number, each in enumerate(value):
                yield from leaves(each, f"{path}.{number}.")
        else:
            yield path, value


def _without_numbers(path: str) -> str:
    return ".".join(part for part in path.split(".") if not part.isdigit())


def _flag(path: str) -> str:
    return path.removeprefix("task.").replace("_", "-")


def _message(path: str, why: str) -> str:
    return f"{_flag(path)} has no effect {why}; leave it out"
