"""The card of weights: what they learned from, how, and how far they came."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from torch import nn

from motionlift.camera import CLIP_CONVENTION
from motionlift.confidence import AS_THEY_ARE, CONFIDENCE_CONVENTION
from motionlift.data.store import Sequence, Store
from motionlift.training.recipe import Recipe

# What weights that training begins with have in their card that stays true of what comes of them.
_INHERITED = ("sha256", "recipe", "data", "notices", "begun_from")


def make_card(
    recipe: Recipe,
    store: Store,
    *,
    model: nn.Module,
    sequences: tuple[Sequence, ...],
    step: int,
    clip_frames: int,
    validation: Mapping[str, float],
) -> dict[str, Any]:
    """What the JSON beside the weights says.

    `sequences` are what it learned from, `clip_frames` is the length of the samples that it learned
    from last. Weights that it began with, if any, stand there with what they had learned from; and
    where a task stretches recordings, which have no rate then, the clips are theirs.
    """
    begun = recipe.model and not recipe.from_scratch
    theirs = card_of(model) if begun else {}
    fps = recipe.data.clips.fps or store.fps
    if theirs and "data.clips" in recipe.task.without_effect():
        clip_frames = theirs.get("clip_frames", clip_frames)
        fps = theirs.get("conventions", {}).get("fps", fps)
    corruption = recipe.data.corruption
    # A noise model of one's own has the confidences that its detector gave.
    is_published = corruption.noise > 0 and not corruption.noise_file
    card = {
        "recipe": recipe.name,
        "summary": recipe.summary,
        "seed": recipe.seed,
        "steps": step,
        "clip_frames": clip_frames,
        "conventions": {
            "skeleton": "H36M17",
            "input": CLIP_CONVENTION,
            "confidence": CONFIDENCE_CONVENTION if is_published else AS_THEY_ARE,
            "output": "root-relative joints over the input's scale, camera axes",
            "fps": fps,
        },
        "data": _data(sequences),
        "validation": dict(validation),
    }
    if begun:
        inherited = {key: theirs[key] for key in _INHERITED if key in theirs}
        card["begun_from"] = {"model": recipe.model, **inherited}
    return card


def card_of(model: nn.Module) -> Mapping[str, Any]:
    """What the file said of the encoder that a training began with; empty if it had none."""
    return getattr(getattr(model, "backbone", model), "card", None) or {}


def _data(sequences: tuple[Sequence, ...]) -> list[dict[str, Any]]:
    """Minutes of training by data set, with their licences."""
    minutes: dict[str, float] = defaultdict(float)
    licences: dict[str, set[str]] = defaultdict(set)
    for sequence in sequences:
        minutes[sequence.dataset] += sequence.seconds / 60
        licences[sequence.dataset].add(sequence.licence)
    return [
        {
            "dataset": dataset,
            "minutes": round(minutes[dataset], 1),
            "licence": "; ".join(sorted(filter(None, licences[dataset]))) or "not stated",
        }
        for dataset in sorted(minutes)
    ]
