"""A setting that was changed and makes no difference is an error; one that does is not."""

from dataclasses import replace
from typing import Any

import pytest

from motionlift.errors import RecipeError
from motionlift.recipes import RECIPES
from motionlift.recipes.finetuning import FINETUNING
from motionlift.training.effect import RULES, check_effect
from motionlift.training.recipe import Recipe

PAPER, DEMO, SMALL = (RECIPES.get(name) for name in ("paper", "demo", "small"))
ACTION, POSE = FINETUNING.get("action"), FINETUNING.get("pose")


def _changed(record: Any, path: str, value: Any) -> Any:
    name, _, rest = path.partition(".")
    if name.isdigit():
        number = int(name)
        return (*record[:number], _changed(record[number], rest, value), *record[number + 1 :])
    before = getattr(record, name)
    return replace(record, **{name: _changed(before, rest, value) if rest else value})


@pytest.mark.parametrize(
    ("base", "path", "value", "message"),
    [
        (PAPER, "optimizer.muon_learning_rate", 0.1, "muon-learning-rate.*kind=adam"),
        (PAPER, "optimizer.weight_decay", 0.1, "weight-decay.*kind=adam"),
        (DEMO, "optimizer.epoch_factor", 0.9, "epoch-factor.*schedule=linear"),
        (PAPER, "data.views.share", 0.5, "views.share.*projection=orthographic"),
        (PAPER, "data.views.nearest", 1.0, "nearest.*projection=orthographic"),
        (PAPER, "freeze", "backbone", "freeze.*model="),
        (PAPER, "task.new_head", True, "new-head.*model="),
        (ACTION, "data.clips.slowest", 0.5, "clips.slowest .* whole repetition"),
        (ACTION, "stages.0.stride", 5, "stride .* whole repetition"),
        (replace(ACTION, freeze="backbone"), "backbone_lr_scale", 0.3, "freeze=backbone"),
        (replace(ACTION, from_scratch=True), "backbone_lr_scale", 0.3, "from-scratch=True"),
    ],
)
def test_a_change_without_effect_names_the_setting_and_the_reason(
    base: Recipe, path: str, value: Any, message: str
) -> None:
    with pytest.raises(RecipeError, match=message):
        check_effect(_changed(base, path, value), base=base)


@pytest.mark.parametrize(
    ("base", "path", "value"),
    [
        (DEMO, "optimizer.muon_learning_rate", 0.1),
        (PAPER, "optimizer.epoch_factor", 0.9),
        (SMALL, "data.views.share", 0.1),
        (PAPER, "data.views.high_pitch", 0.5),
        (PAPER, "data.clips.slowest", 0.5),
        (ACTION, "backbone_lr_scale", 0.3),
        (ACTION, "stages.0.frames", 9),
        (ACTION, "task.labels", "correctness"),
        (POSE, "task.new_head", False),
        (POSE, "stages.0.stride", 5),
    ],
)
def test_a_change_with_effect_passes(base: Recipe, path: str, value: Any) -> None:
    check_effect(_changed(base, path, value), base=base)


def test_what_a_recipe_has_without_effect_is_no_change() -> None:
    """Adam instead of Muon: the rate that Muon had stays where it is, and nobody asked for it."""
    check_effect(_changed(DEMO, "optimizer.kind", "adamw"), base=DEMO)


@pytest.mark.parametrize("recipe", [PAPER, DEMO, SMALL, ACTION, POSE], ids=lambda each: each.name)
def test_an_unchanged_recipe_passes(recipe: Recipe) -> None:
    check_effect(recipe, base=recipe)


def test_every_rule_is_about_settings_that_exist() -> None:
    for rule in RULES:
        for path in (rule.under, *(name for name in rule.settings if "*" not in name)):
            found: Any = POSE
            for part in path.split("."):
                found = getattr(found, part)
