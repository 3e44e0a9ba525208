"""Settings go to TOML and come back the same; what there is not is an error."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from motionlift.errors import RecipeError
from motionlift.recipes import RECIPES
from motionlift.training.config import differences, read_toml, to_toml


@pytest.mark.parametrize("name", RECIPES.names())
def test_every_recipe_survives_toml(name: str, tmp_path: Path) -> None:
    recipe = RECIPES.get(name)
    path = tmp_path / "config.toml"
    path.write_text(to_toml(recipe, extra={"started": "now"}), "utf-8")
    assert read_toml(path, like=RECIPES.get("paper")) == recipe


@pytest.mark.parametrize("name", RECIPES.names())
def test_every_recipe_states_its_cost_and_the_number_it_must_reach(name: str) -> None:
    _, cost, number = re.split("Cost: |To reach: ", RECIPES.get(name).summary)
    assert re.search("hours|min|fifths", cost)
    assert "measured" in cost
    assert re.search(r"\d+(\.\d)? mm|no figure was published", number)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sed = 1", "no setting is named"),
        ("seed = 'one'", "was expected"),
        ("seed = true", "was expected"),
        ("[optimizer]\nkind = 'sgd'", "adam"),
        ("optimizer = 3", "a table was expected"),
        ("[[stages]]\nframes = 9", "each entry needs"),
        ("[[stages]]\nframes = '9'\nstride = 9\nbatch = 4\nepochs = 1", "int was expected"),
        ("[[stages]]\nframes = 9.0\nstride = 9\nbatch = 4\nepochs = 1", "stages.frames is 9.0"),
        ("[data.clips.repeats]\ncmu = 'two'", "repeats.cmu is 'two', but a number"),
        ("seed = ", "not valid TOML"),
        ("[optimizer]\nlearning_rate = 'fast'", "was expected"),
    ],
)
def test_a_setting_that_is_not_there_or_not_of_its_type_is_named(
    text: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(RecipeError, match=message) as caught:
        read_toml(path, like=RECIPES.get("demo"))
    assert str(path) in str(caught.value)


def test_whole_numbers_pass_for_real_ones(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[optimizer]\nclip = 1", "utf-8")
    assert read_toml(path, like=RECIPES.get("demo")).optimizer.clip == 1.0


def test_differences_name_the_fields() -> None:
    demo = RECIPES.get("demo")
    other = replace(demo, seed=4, optimizer=replace(demo.optimizer, clip=2.0))
    assert differences(demo, other) == ["optimizer.clip: 0.0, not 2.0", "seed: 0, not 4"]


def test_the_paper_recipe_is_the_papers() -> None:
    paper = RECIPES.get("paper")
    (stage,) = paper.stages
    assert (stage.frames, stage.batch, stage.epochs) == (243, 64, 90)
    assert (paper.optimizer.kind, paper.optimizer.learning_rate) == ("adam", 5e-4)
    assert paper.optimizer.epoch_factor == 0.99
    assert paper.task.losses.velocity == 20
    assert (paper.data.corruption.joint_mask, paper.data.corruption.frame_mask) == (0.05, 0.1)
    assert paper.data.body.flip == 0.5
    assert paper.data.views.projection == "orthographic"
