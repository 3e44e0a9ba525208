"""A setting that was changed and makes no difference is an error; one that does is not."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from motionlift.data.batch import DataSettings
from motionlift.data.corruption import CorruptionSettings
from motionlift.data.views import ViewSettings
from motionlift.errors import RecipeError
from motionlift.recipes import RECIPES
from motionlift.recipes.finetuning import FINETUNING
from motionlift.training.effect import RULES, check_effect, check_effect_on
from motionlift.training.recipe import Recipe
from tests.data.bodies import write_store

PAPER, DEMO, SMALL = (RECIPES.get(name) for name in ("paper", "demo", "small"))
FRONT = DataSettings(views=ViewSettings(kind="front"))
PERSPECTIVE = DataSettings(views=ViewSettings(projection="perspective"))
PUBLISHED = DataSettings(corruption=CorruptionSettings(compat="published"))
EXACT = DataSettings(corruption=CorruptionSettings(noise=0.0))
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
        (replace(SMALL, data=FRONT), "data.views.tumbled", 0.2, "tumbled.*kind=front"),
        (replace(SMALL, data=EXACT), "data.corruption.held", 0.2, r"held.*noise=0\.0"),
        (PAPER, "data.corruption.offsets", 0.2, r"offsets.*detectors=0\.0"),
        (
            replace(PAPER, data=PERSPECTIVE),
            "data.views.share_of_detectors",
            0.2,
            r"share.of.detectors.*detectors=0\.0",
        ),
        (
            replace(PAPER, data=PUBLISHED),
            "data.corruption.joint_mask",
            0.0,
            r"joint-mask=0\.0 and frame-mask=0\.1 mask nothing",
        ),
        (ACTION, "data.body.exchange", 0.2, "exchange .* between clips"),
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
        (PAPER, "data.corruption.joint_mask", 0.0),
        (replace(PAPER, data=PUBLISHED), "data.corruption.joint_mask", 0.1),
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


def test_repeats_of_a_data_set_that_is_not_there_have_no_effect(tmp_path: Path) -> None:
    store = write_store(tmp_path / "store", lengths={"train": [30, 30]})
    check_effect_on(store, SMALL, base=SMALL)  # it names sets of its own
    check_effect_on(store, _changed(SMALL, "data.clips.repeats", {"even": 2.0}), base=SMALL)
    asked = _changed(SMALL, "data.clips.repeats", {"evn": 2.0})
    with pytest.raises(RecipeError, match=r"repeats\.evn has no effect .* has even, odd"):
        check_effect_on(store, asked, base=SMALL)
