"""The card of weights: what they learned from, how, and how far they came."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from motionlift.camera import CLIP_CONVENTION
from motionlift.data.store import Sequence, Store
from motionlift.training.recipe import Recipe


def make_card(
    recipe: Recipe,
    store: Store,
    *,
    sequences: tuple[Sequence, ...],
    step: int,
    clip_frames: int,
    validation: Mapping[str, float],
) -> dict[str, Any]:
    """What the JSON beside the weights says.

    `sequences` are what it learned from; `clip_frames` is the longest clip that it has seen in
    training.
    """
    return {
        "recipe": recipe.name,
        "summary": recipe.summary,
        "seed": recipe.seed,
        "steps": step,
        "clip_frames": clip_frames,
        "conventions": {
            "skeleton": "H36M17",
            "input": CLIP_CONVENTION,
            "output": "root-relative joints over the input's scale, camera axes",
            "fps": store.fps,
        },
        "data": _data(sequences),
        "validation": dict(validation),
    }


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
