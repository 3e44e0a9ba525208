"""What a training begins with: a new network, or weights that have learned already."""

import dataclasses
import os
import shutil
from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn

from motionlift.data.noise import noise_model
from motionlift.data.store import Store
from motionlift.errors import OptionError, RecipeError
from motionlift.lifting import clip_frames, trained_fps
from motionlift.network.dstformer import DSTformer
from motionlift.network.weights import load_model
from motionlift.training.card import card_of
from motionlift.training.recipe import Recipe


def with_network_of_model(recipe: Recipe, *, base: Recipe) -> Recipe:
    """The recipe with the sizes of the model that it begins from, if it begins from one.

    Stages of 0 frames have as many as the model has learned with, and clips its frames a second,
    unless the recipe asks for others.

    Raises:
        RecipeError: if the recipe sets another size, or clips that are too long for the model.
    """
    if not recipe.model:
        return recipe
    model = load_model(recipe.model)
    theirs = model.config
    for field in dataclasses.fields(theirs):
        ours = getattr(recipe.network, field.name)
        if ours not in (getattr(base.network, field.name), getattr(theirs, field.name)):
            flag = field.name.replace("_", "-")
            raise RecipeError(
                f"network.{flag} is {ours}, but {recipe.model} has {getattr(theirs, field.name)}; "
                f"leave network.{flag} out"
            )
    longest = max(stage.frames for stage in recipe.stages)
    if longest > theirs.max_frames:
        raise RecipeError(
            f"a stage has samples of {longest} frames, but {recipe.model} takes "
            f"{theirs.max_frames}; shorten the stage"
        )
    stages = tuple(
        dataclasses.replace(stage, frames=stage.frames or clip_frames(model))
        for stage in recipe.stages
    )
    clips = recipe.data.clips
    if clips.fps == base.data.clips.fps and _sees_clips(recipe) and not recipe.from_scratch:
        clips = dataclasses.replace(clips, fps=trained_fps(model))
    data = dataclasses.replace(recipe.data, clips=clips)
    return dataclasses.replace(recipe, network=theirs, stages=stages, data=data)


def build_network(recipe: Recipe, store: Store) -> nn.Module:
    """The network that the training moves, in training mode; seeds torch's own draws."""
    torch.manual_seed(recipe.seed)
    if recipe.model and not recipe.from_scratch:
        backbone = load_model(recipe.model)
        backbone.error_head = None  # it knows the errors of these weights only
    else:
        backbone = DSTformer(recipe.network)
    model = recipe.task.build(backbone, store)
    if recipe.freeze == "backbone":
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(is_head(name) and parameter.requires_grad)
    return model.train()


def check_tools(recipe: Recipe, *, device: torch.device) -> None:
    """Refuse a recipe that needs what is not here, before there is a run folder.

    Raises:
        FormatError: if the noise file is missing or none.
        OptionError: if there is no C++ compiler, which torch.compile's code for a CPU needs.
    """
    if recipe.data.corruption.noise_file:
        noise_model(device, recipe.data.corruption.noise_file)
    wanted = os.environ.get("CXX", "")
    compilers = filter(None, (wanted, "g++", "clang++", "c++"))
    if recipe.compile and device.type == "cpu" and not any(map(shutil.which, compilers)):
        raise OptionError("compile needs a C++ compiler, and none was found; install g++")


def compiled(model: nn.Module) -> Callable[[Tensor], Tensor]:
    """The same network, its code made by torch.compile; the parameters and their names stay.

    Code is made for the shape of a stage's batches, once for each length of clips. The rest that
    ends an epoch would cost another minute of compiling, or code for any shape, which is slower,
    and runs as it is.
    """
    fast, most = torch.compile(model, dynamic=False), dict[torch.Size, int]()

    def forward(inputs: Tensor) -> Tensor:
        clip = inputs.shape[1:]
        most[clip] = max(most.get(clip, 0), len(inputs))
        return cast(Tensor, (fast if len(inputs) == most[clip] else model)(inputs))

    return forward


def backbone_scale(recipe: Recipe) -> float | None:
    """What the base rate is multiplied by for layers that have learned; None where all are new."""
    learned = bool(recipe.model) and not recipe.from_scratch and recipe.task.has_new_head
    return recipe.backbone_lr_scale if learned else None


def is_head(parameter: str) -> bool:
    """Whether a parameter, by its name, belongs to the head of the task."""
    return parameter.startswith("head.")


def check_samples(recipe: Recipe, store: Store) -> list[str]:
    """What the training and validation splits hold for this task, in sentences.

    Raises:
        StoreError: if one of them has nothing for it.
        RecipeError: if the recipe leaves out all of it.
    """
    stage = recipe.stages[0]
    notes: list[str] = []
    for split in ("train", "val"):
        if split == "train" or store.select(split=split, units="m"):
            samples = recipe.samples(store, split=split, frames=stage.frames, stride=stage.stride)
            notes += samples.notes
            epochs = range(stage.epochs)
            if split == "train" and not any(
                len(samples.order(seed=recipe.seed, epoch=epoch)) for epoch in epochs
            ):
                raise RecipeError(
                    f"{store.path}: no clip is left to learn from; see data.clips.repeats"
                )
    return notes


def describe_parts(recipe: Recipe, store: Store, model: nn.Module) -> str:
    """What learns, and how fast, in a line for people; and what of the clips is new to it."""
    counts = {"head": 0, "backbone": 0}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            counts["head" if is_head(name) else "backbone"] += parameter.numel()
    scale = backbone_scale(recipe)
    rate = "at the base rate" if scale is None else f"at {scale:g} x the base rate"
    backbone = f"{counts['backbone'] / 1e6:.2f} M parameters {rate}"
    said = [
        f"head: {counts['head'] / 1e6:.2f} M parameters at the base rate",
        f"backbone: {backbone if counts['backbone'] else 'frozen'}",
    ]
    known = card_of(model).get("clip_frames")
    longest = max(stage.frames for stage in recipe.stages)
    if isinstance(known, int) and longest > known:
        said.append(f"it knows clips of {known} frames, and is given {longest}")
    if card_of(model) and _sees_clips(recipe):
        fps = trained_fps(cast(DSTformer, getattr(model, "backbone", model)))
        given = recipe.data.clips.fps or store.fps
        if fps != given:
            said.append(f"it knows {fps:g} frames a second, and is given {given:g}")
        else:
            said.append(f"clips of {given:g} frames a second, as in its own training")
    return "; ".join(said)


def _sees_clips(recipe: Recipe) -> bool:
    """Whether the task cuts clips by their rate, and does not stretch whole recordings."""
    return "data.clips" not in recipe.task.without_effect()
