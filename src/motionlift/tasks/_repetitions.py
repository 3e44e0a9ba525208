"""Labelled repetitions: whole sequences of a store, each with a class, each one sample.

A label comes from the store's `action` field. Sequences that have none are left out, and so are
those of people held out whose class nobody in training shows; both are counted.
"""

import copy
import fnmatch
from collections import Counter
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from motionlift.data.batch import DataSettings, make_batch
from motionlift.data.clips import Cut, at_moments
from motionlift.data.draws import Draws
from motionlift.data.store import Sequence, Store
from motionlift.errors import StoreError
from motionlift.tasks._recognition import QUALITIES
from motionlift.tasks._task import Samples

Labels = Literal["action", "exercise", "correctness"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelling:
    """Which sequences have a label, and which.

    Attributes:
        labels: "action" for the action as it stands; of actions such as `m01_incorrect`,
            "exercise" is what comes before the last underscore and "correctness" what follows.
        actions: pattern with * and ? of the actions that take part.
    """

    labels: Labels
    actions: str

    def of(self, sequence: Sequence) -> str | None:
        """The label; None for a sequence that has none."""
        action = sequence.action
        if sequence.units != "m" or not action or not fnmatch.fnmatchcase(action, self.actions):
            return None
        if self.labels == "action":
            return action
        exercise, _, quality = action.rpartition("_")
        if not exercise or quality not in QUALITIES:
            return None
        return exercise if self.labels == "exercise" else quality


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelledBatch:
    """What a step of action recognition learns from.

    Attributes:
        inputs: (u, v, confidence) in clip space; (0, 0, 0) where missing.
        label: number of the class.
    """

    inputs: Float[Tensor, "B F J 3"]
    label: Int[Tensor, " B"]


def class_names(store: Store, labelling: Labelling) -> tuple[str, ...]:
    """The classes that somebody in training shows, sorted.

    Raises:
        StoreError: if there are fewer than two.
    """
    sequences = store.select(split="train")
    if not any(each.action for each in sequences):
        raise StoreError(
            f"{store.path}: no sequence of the training split has an action, and labels are taken "
            "from it; build the store with --split FILE.csv whose table has a column 'action'"
        )
    found = {labelling.of(each) for each in sequences} - {None}
    names = tuple(sorted(name for name in found if name is not None))
    if len(names) < 2:
        raise StoreError(
            f"{store.path}: the training split has {len(names)} classes of labels="
            f"{labelling.labels} with actions={labelling.actions}, but 2 are needed; give other "
            "--labels or --actions"
        )
    return names


class Repetitions(Samples[LabelledBatch]):
    """The labelled sequences of a split, each resampled to the same number of frames.

    Args:
        share: part of the sequences of each class that is used, at least one; which ones is a
            function of `seed`.

    Attributes:
        labels: number of each sample's class.
        most_frequent: number of the class that the training split shows most.

    Raises:
        StoreError: if the split has none.
    """

    def __init__(
        self,
        store: Store,
        *,
        split: str,
        labelling: Labelling,
        frames: int,
        data: DataSettings,
        share: float = 1.0,
        seed: int = 0,
    ) -> None:
        names = class_names(store, labelling)
        candidates = store.select(split=split)
        labels = [labelling.of(each) for each in candidates]
        known = [number for number, label in enumerate(labels) if label in names]
        if not known:
            raise StoreError(f"{store.path}: the split '{split}' has no labelled sequence")
        numbers = np.array([names.index(labels[number] or "") for number in known])
        chosen = np.flatnonzero(_stratified(numbers, share=share, seed=seed))
        in_training = Counter(labelling.of(each) for each in store.select(split="train"))
        self.most_frequent = max(range(len(names)), key=lambda each: in_training[names[each]])
        self.store, self.data, self.frames = store, data, frames
        self.labels: Int[np.ndarray, " sample"] = numbers[chosen]
        self.sequences = tuple(candidates[known[number]] for number in chosen)
        self.notes = _notes(split, candidates, labels, names, used=len(chosen), known=len(known))

    def __len__(self) -> int:
        return len(self.sequences)

    def order(self, *, seed: int, epoch: int) -> Int[np.ndarray, " sample"]:
        return np.random.default_rng([seed, epoch]).permutation(len(self))

    def name(self, sample: int) -> str:
        return self.sequences[sample].name

    def batch(
        self, samples: Int[np.ndarray, " sample"], *, seed: int, epoch: int, device: torch.device
    ) -> LabelledBatch:
        draws = Draws.of(torch.from_numpy(samples).to(device), seed=seed, epoch=epoch)
        seen = make_batch(self._cut(samples), draws, self.data, device=device)
        label = torch.from_numpy(self.labels[samples]).to(device)
        return LabelledBatch(inputs=seen.inputs, label=label)

    def seen_with(self, data: DataSettings) -> "Repetitions":
        """The same repetitions, seen otherwise."""
        other = copy.copy(self)
        other.data = data
        return other

    def _cut(self, samples: Int[np.ndarray, " sample"]) -> Cut:
        sequences = [self.sequences[sample] for sample in samples]
        pairs = [
            stretched(self.store.positions(each), self.store.visibility(each), frames=self.frames)
            for each in sequences
        ]
        return Cut(np.stack([pair[0] for pair in pairs]), np.stack([pair[1] for pair in pairs]))


def stretched(
    points: Float[np.ndarray, "frame joint axis"],
    is_seen: Bool[np.ndarray, "frame joint"],
    *,
    frames: int,
) -> tuple[Float[np.ndarray, "stretched joint axis"], Bool[np.ndarray, "stretched joint"]]:
    """The whole repetition in `frames` frames, from its first to its last."""
    return at_moments(points, is_seen, np.linspace(0, len(points) - 1, frames))


def _stratified(
    labels: Int[np.ndarray, " sample"], *, share: float, seed: int
) -> Bool[np.ndarray, " sample"]:
    """True for a random share of each class."""
    is_chosen = np.zeros(len(labels), dtype=bool)
    generator = np.random.default_rng(seed)
    for label in np.unique(labels):
        members = generator.permutation(np.flatnonzero(labels == label))
        is_chosen[members[: max(1, round(share * len(members)))]] = True
    return is_chosen


def _notes(
    split: str,
    candidates: tuple[Sequence, ...],
    labels: list[str | None],
    names: tuple[str, ...],
    *,
    used: int,
    known: int,
) -> tuple[str, ...]:
    notes = [f"{split}: {used} repetitions of {len(names)} classes"]
    if used < known:
        notes.append(f"{split}: {known - used} more are left out by label-share")
    if without := labels.count(None):
        notes.append(f"{split}: {without} of {len(candidates)} sequences have no such label")
    unseen = Counter(label for label in labels if label is not None and label not in names)
    if unseen:
        notes.append(f"{split}: left out, as nobody in training shows them: {dict(unseen)}")
    return tuple(notes)
