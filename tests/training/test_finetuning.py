"""Finetuning: new layers at the base rate, the backbone slower, frozen, or anew; and it learns."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from motionlift.errors import RecipeError
from motionlift.files import read_json
from motionlift.network.dstformer import DSTformer
from motionlift.network.weights import load_model, save_weights
from motionlift.recipes.finetuning import FINETUNING
from motionlift.tasks.action import Action, Classifier
from motionlift.training.loop import Limits
from motionlift.training.recipe import Recipe, Stage
from motionlift.training.start import build_network, describe_parts, with_network_of_model
from tests.data.bodies import write_store
from tests.tasks.test_action import CONFIG, PLAIN, write_repetitions
from tests.training.small_runs import train_tiny


@pytest.fixture
def weights(tmp_path: Path) -> str:
    torch.manual_seed(3)
    path = tmp_path / "start.safetensors"
    save_weights(path, DSTformer(CONFIG), card={})
    return str(path)


def _recipe(name: str, weights: str) -> Recipe:
    recipe = FINETUNING.get(name)
    task = Action(hidden=16, dropout=0.0) if name == "action" else recipe.task
    return replace(
        recipe,
        task=task,
        model=weights,
        network=CONFIG,
        data=PLAIN,
        stages=(Stage(frames=9, stride=9, batch=8, epochs=8),),
        precision="fp32",
        validate_every=20,
    )


def test_the_head_learns_at_the_base_rate_and_the_backbone_at_a_tenth(
    tmp_path: Path, weights: str
) -> None:
    store = write_repetitions(tmp_path / "store", each=2)
    run, _ = train_tiny(
        tmp_path / "run", store, recipe=_recipe("action", weights), limits=Limits(max_steps=1)
    )
    row = run.metrics()[0]
    assert row["rate_adamw_head"] == pytest.approx(1e-3)
    assert row["rate_adamw_backbone"] == pytest.approx(1e-4)


def test_clips_longer_than_the_backbone_knows_are_said(tmp_path: Path) -> None:
    path = tmp_path / "start.safetensors"
    save_weights(path, DSTformer(CONFIG), card={"clip_frames": 5})
    store = write_repetitions(tmp_path / "store", each=2)
    recipe = _recipe("action", str(path))
    assert recipe.stages[0].frames == 9
    said = describe_parts(recipe, store, build_network(recipe, store))
    assert "; it knows clips of 5 frames, and is given 9" in said
    short = replace(recipe, stages=(replace(recipe.stages[0], frames=5),))
    assert "it knows" not in describe_parts(short, store, build_network(short, store))


def test_another_frame_rate_than_the_backbone_knows_is_said(tmp_path: Path) -> None:
    path = tmp_path / "start.safetensors"
    save_weights(path, DSTformer(CONFIG), card={"conventions": {"fps": 30.0}})
    store = write_repetitions(tmp_path / "store", each=2)
    recipe = _recipe("pose", str(path))
    said = describe_parts(recipe, store, build_network(recipe, store))
    assert said.endswith(f"; it knows 30 frames a second, and is given {store.fps:g}")
    anew = replace(recipe, from_scratch=True)
    assert "it knows" not in describe_parts(anew, store, build_network(anew, store))
    asked = with_network_of_model(recipe, base=recipe)
    assert asked.data.clips.fps == 30
    assert with_network_of_model(anew, base=recipe).data.clips.fps == recipe.data.clips.fps
    assert "it knows" not in describe_parts(asked, store, build_network(asked, store))
    # A repetition is stretched, whatever its rate.
    action = _recipe("action", str(path))
    assert with_network_of_model(action, base=action).data.clips.fps == 0
    assert "it knows" not in describe_parts(action, store, build_network(action, store))


def test_the_card_says_what_the_weights_before_had_learned_from(tmp_path: Path) -> None:
    path, data = tmp_path / "start.safetensors", [{"dataset": "theirs", "licence": "CC0"}]
    card = {"clip_frames": 5, "data": data, "conventions": {"fps": 15.0}}
    save_weights(path, DSTformer(CONFIG), card=card)
    store = write_repetitions(tmp_path / "store", each=2)
    recipe = _recipe("action", str(path))
    run, _ = train_tiny(tmp_path / "run", store, recipe=recipe, limits=Limits(max_steps=1))
    card = read_json(run.path / "last" / "model.json")
    # Repetitions are stretched and have no rate: the encoder's clips are those it knew before.
    assert (card["clip_frames"], card["conventions"]["fps"]) == (5, 15.0)
    begun_from = card["begun_from"]
    assert begun_from["model"] == str(path)
    assert begun_from["data"] == data
    assert begun_from["sha256"] == read_json(path.with_suffix(".json"))["sha256"]
    anew = replace(recipe, from_scratch=True)
    run, _ = train_tiny(tmp_path / "anew", store, recipe=anew, limits=Limits(max_steps=1))
    assert "begun_from" not in read_json(run.path / "last" / "model.json")


def test_a_frozen_backbone_stays_and_the_head_moves(tmp_path: Path, weights: str) -> None:
    store = write_repetitions(tmp_path / "store", each=2)
    recipe = replace(_recipe("action", weights), freeze="backbone")
    head = build_network(recipe, store).state_dict()["head.fc2.weight"].clone()
    run, state = train_tiny(tmp_path / "run", store, recipe=recipe, limits=Limits(max_steps=2))
    assert isinstance(state.model, Classifier)
    before = load_model(weights).state_dict()
    after = state.model.backbone.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert not torch.equal(head, state.model.state_dict()["head.fc2.weight"])
    assert "rate_adamw_backbone" not in run.metrics()[0]


def test_from_scratch_takes_the_sizes_and_not_the_weights(tmp_path: Path, weights: str) -> None:
    store = write_store(tmp_path / "store", lengths={"train": [20]})
    recipe = _recipe("pose", weights)
    theirs = load_model(weights).state_dict()
    begun = build_network(recipe, store).state_dict()
    anew = build_network(replace(recipe, from_scratch=True), store).state_dict()
    assert {name: value.shape for name, value in anew.items()} == {
        name: value.shape for name, value in theirs.items()
    }
    assert torch.equal(begun["joints_embed.weight"], theirs["joints_embed.weight"])
    assert not torch.equal(anew["joints_embed.weight"], theirs["joints_embed.weight"])
    assert not torch.equal(begun["head.weight"], theirs["head.weight"])


def test_finetuned_lifting_weights_lift(tmp_path: Path, weights: str) -> None:
    store = write_store(tmp_path / "store", lengths={"train": [40], "val": [20]})
    run, _ = train_tiny(
        tmp_path / "run", store, recipe=_recipe("pose", weights), limits=Limits(max_steps=2)
    )
    assert {"rate_adamw_head", "rate_adamw_backbone"} <= set(run.metrics()[0])
    model = load_model(run.path / "best" / "model.safetensors")
    assert model(torch.zeros(1, 9, 17, 3)).shape == (1, 9, 17, 3)


def test_which_hand_rises_is_learned(tmp_path: Path, weights: str) -> None:
    store = write_repetitions(tmp_path / "store")
    recipe = _recipe("action", weights)
    recipe = replace(recipe, optimizer=replace(recipe.optimizer, learning_rate=3e-3))
    run, _ = train_tiny(tmp_path / "run", store, recipe=recipe)
    last = [row for row in run.metrics() if row["split"] == "val"][-1]
    assert last["top1"] > 0.9 > last["majority"] == last["chance"] == 0.5


def test_action_training_resumes_bit_for_bit(tmp_path: Path, weights: str) -> None:
    store = write_repetitions(tmp_path / "store", each=3)
    recipe = _recipe("action", weights)
    recipe = replace(recipe, task=Action(hidden=16, dropout=0.5), average=0.9)
    _, whole = train_tiny(tmp_path / "a", store, recipe=recipe, limits=Limits(max_steps=6))
    train_tiny(tmp_path / "b", store, recipe=recipe, limits=Limits(max_steps=3))
    torch.manual_seed(99)  # whatever happened in between
    _, parts = train_tiny(
        tmp_path / "b", store, recipe=recipe, limits=Limits(max_steps=6), resume=True
    )
    for name, value in whole.answering.state_dict().items():
        assert torch.equal(value, parts.answering.state_dict()[name]), name


def test_sizes_come_with_the_model(weights: str) -> None:
    base = FINETUNING.get("action")
    recipe = replace(_recipe("action", weights), network=base.network)
    assert with_network_of_model(recipe, base=base).network == CONFIG
    wider = replace(recipe, network=replace(base.network, dim_feat=32))
    with pytest.raises(RecipeError, match=r"network\.dim-feat is 32, but .* has 16"):
        with_network_of_model(wider, base=base)
    longer = replace(recipe, stages=(Stage(frames=27, stride=27, batch=4, epochs=1),))
    with pytest.raises(RecipeError, match=r"samples of 27 frames, but .* takes 9"):
        with_network_of_model(longer, base=base)


def test_a_stage_of_0_frames_is_as_long_as_what_the_model_has_learned_with(tmp_path: Path) -> None:
    path = tmp_path / "known.safetensors"
    save_weights(path, DSTformer(CONFIG), card={"clip_frames": 5})
    base = FINETUNING.get("expected-error")
    found = with_network_of_model(replace(base, model=str(path)), base=base)
    assert [stage.frames for stage in found.stages] == [5]
    with pytest.raises(RecipeError, match="a stage's frames is 0, but at least 1"):
        replace(base, model="")
