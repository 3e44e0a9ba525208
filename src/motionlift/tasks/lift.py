"""Lifting: the loss of pretraining, and how far the answers are off on held-out people.

Section 3.2 of the paper: L = L_3D + lambda_O L_O, joint error plus the error of frame-to-frame
velocity, in clip space; here each term is a mean over its count. The other terms that the published
recipes name are options.

Motion that is 2D only has L_2D instead: the answer's x and y against the keypoints, weighted by
their confidence. From an epoch on, it stands shuffled among the 3D samples of each batch, and each
term is a mean over all samples of the batch, to which those without the term's truth add nothing;
so the loss is the same however a batch is divided among processes. The published code goes through
all 2D samples before it comes back to 3D: a stretch without depth that it has to mend each epoch.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from motionlift import losses
from motionlift.data.batch import Batch, DataSettings, join, make_batch, make_batch_2d
from motionlift.data.clips import Clips
from motionlift.data.corruption import CorruptionSettings
from motionlift.data.draws import Draws
from motionlift.data.store import Sequence, Store
from motionlift.data.views import BodySettings
from motionlift.errors import RecipeError
from motionlift.network.compute import Compute
from motionlift.network.dstformer import DSTformer
from motionlift.network.heads import PoseHead
from motionlift.network.weights import load_model, save_weights
from motionlift.ranges import check_at_least_0
from motionlift.tasks._task import Samples, Task

_VALIDATION_SEED = 20260
_VALIDATION_BATCH = 1944  # frames
_NO_CORRUPTION = CorruptionSettings(noise=0.0, joint_mask=0.0, frame_mask=0.0)
# Of an answer, its target, and where the capture has the joint; elsewhere the two are equal.
_TERMS: Final[Mapping[str, Callable[[Tensor, Tensor, Tensor], Tensor]]] = {
    "position": lambda answer, target, _: losses.position_loss(answer, target),
    "velocity": losses.velocity_loss,
    "scale": losses.scale_loss,
    "limb_gt": losses.limb_length_loss,
    "limb_var": lambda answer, _, is_known: losses.limb_variance_loss(answer, is_known),
    "angle": losses.angle_loss,
    "angle_velocity": losses.angle_velocity_loss,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LossWeights:
    """Weight of each term; a term of weight 0 is not computed.

    Attributes:
        reprojection: of the mean error in the image of motion that is 2D only, L_2D; without such
            motion in the store it has no effect.
        position: of the mean joint error, L_3D.
        velocity: of the mean velocity error, lambda_O.
        scale: of the joint error after each pose is scaled to fit; 0.5 in the published recipes.
        limb_gt: of the error of limb lengths.
        limb_var: of the variance of limb lengths over time.
        angle: of the error of the angles between limbs, in radians.
        angle_velocity: of the error of their change from frame to frame.
    """

    reprojection: float = 1.0
    position: float = 1.0
    velocity: float = 20.0
    scale: float = 0.0
    limb_gt: float = 0.0
    limb_var: float = 0.0
    angle: float = 0.0
    angle_velocity: float = 0.0

    def __post_init__(self) -> None:
        weights = dataclasses.asdict(self)
        check_at_least_0(self, *weights, of="losses")
        del weights["reprojection"]
        if not any(weights.values()):
            raise RecipeError(
                "losses: every weight of 3D terms is 0, so there is nothing to learn depth from"
            )


def loss_terms(
    predicted: Float[Tensor, "B F J 3"], batch: Batch, weights: LossWeights
) -> dict[str, Float[Tensor, ""]]:
    """Each term with a weight above 0, times nothing yet.

    Joints that the capture lacks, and limbs and angles with one, add nothing to any term.
    """
    chosen = {name: each for name, each in _TERMS.items() if getattr(weights, name) > 0}
    if batch.num_2d is None:
        return _terms_3d(predicted, batch.target, batch.weight > 0, chosen)
    count, num_3d = len(predicted), len(predicted) - batch.num_2d
    target, weight = batch.target, batch.weight
    terms = dict.fromkeys([*chosen, "reprojection"], predicted.new_zeros(()))
    if num_3d:
        found = _terms_3d(predicted[:num_3d], target[:num_3d], weight[:num_3d] > 0, chosen)
        terms |= {name: term * (num_3d / count) for name, term in found.items()}
    if batch.num_2d:
        error = losses.placed_reprojection_loss(
            predicted[num_3d:], target[num_3d:, ..., :2], weight[num_3d:]
        )
        terms["reprojection"] = error * (batch.num_2d / count)
    return terms


def _terms_3d(
    predicted: Float[Tensor, "B F J 3"],
    target: Float[Tensor, "B F J 3"],
    is_known: Bool[Tensor, "B F J"],
    chosen: Mapping[str, Callable[[Tensor, Tensor, Tensor], Tensor]],
) -> dict[str, Float[Tensor, ""]]:
    answer = torch.where(is_known[..., None], predicted, target)
    return {name: function(answer, target, is_known) for name, function in chosen.items()}


def total_loss(terms: dict[str, Float[Tensor, ""]], weights: LossWeights) -> Float[Tensor, ""]:
    """The sum that is minimised."""
    return torch.stack([getattr(weights, name) * term for name, term in terms.items()]).sum()


class LiftSamples(Samples[Batch]):
    """Clips, seen by random cameras and corrupted; from an epoch on, keypoints among them.

    Args:
        clips: with 3D truth; their sample numbers come first.
        keypoints: clips that are 2D only, if any take part.
        joins: the epoch from which on they do, from 0.
    """

    def __init__(
        self, clips: Clips, data: DataSettings, *, keypoints: Clips | None = None, joins: int = 0
    ) -> None:
        self.clips = clips
        self.data = data
        self.keypoints = keypoints
        self.joins = joins
        self.frames = clips.frames
        self.sequences = clips.seen + (() if keypoints is None else keypoints.seen)

    def seen(self, *, epochs: int) -> tuple[Sequence, ...]:
        return self.sequences if epochs > self.joins else self.clips.seen

    def __len__(self) -> int:
        return self.clips.num_samples + (0 if self.keypoints is None else len(self.keypoints))

    def order(self, *, seed: int, epoch: int) -> Int[np.ndarray, " sample"]:
        order = self.clips.order(seed=seed, epoch=epoch)
        if self.keypoints is None or epoch < self.joins:
            return order
        others = self.clips.num_samples + self.keypoints.order(seed=seed, epoch=epoch)
        return np.random.default_rng([seed, epoch, 2]).permutation(np.concatenate([order, others]))

    def name(self, sample: int) -> str:
        if self.keypoints is not None and sample >= self.clips.num_samples:
            return self.keypoints.name(sample - self.clips.num_samples)
        return self.clips.name(sample)

    def batch(
        self, samples: Int[np.ndarray, " sample"], *, seed: int, epoch: int, device: torch.device
    ) -> Batch:
        is_3d = samples < self.clips.num_samples
        batches = []
        if is_3d.any():
            numbers = torch.from_numpy(samples[is_3d])
            draws = Draws.of(numbers, seed=seed, epoch=epoch)
            cut, others = self.clips.cut(samples[is_3d], draws), None
            if self.data.body.exchange > 0:
                others = self.clips.cut(self.clips.others(draws), draws)
            draws = Draws.of(numbers.to(device), seed=seed, epoch=epoch)
            batches.append(make_batch(cut, draws, self.data, device=device, others=others))
        if self.keypoints is not None and not is_3d.all():
            numbers = torch.from_numpy(samples[~is_3d])
            draws = Draws.of(numbers, seed=seed, epoch=epoch)
            cut = self.keypoints.cut(samples[~is_3d] - self.clips.num_samples, draws)
            draws = Draws.of(numbers.to(device), seed=seed, epoch=epoch)
            batches.append(make_batch_2d(cut, draws, self.data, device=device))
        if self.keypoints is None or epoch < self.joins:
            return batches[0]
        return join(batches, num_2d=int((~is_3d).sum()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Lift(Task[Batch]):
    """Joints in 3D from keypoints.

    Attributes:
        losses: weights of the loss terms.
        keypoints_from_epoch: the epoch, from 0, from which on motion that is 2D only takes part.
        new_head: whether weights that training begins with get a new last layer.
    """

    losses: LossWeights = field(default_factory=LossWeights)
    keypoints_from_epoch: int = 0
    new_head: bool = False

    @property
    def has_new_head(self) -> bool:
        return self.new_head

    def samples(
        self, store: Store, *, split: str, frames: int, stride: int, data: DataSettings, seed: int
    ) -> LiftSamples:
        clips = Clips(store, split=split, frames=frames, stride=stride, settings=data.clips)
        flat = store.select(split="train", units="px") if split == "train" else ()
        if not flat:
            return LiftSamples(clips, data)
        found = Clips(
            store, split=split, frames=frames, stride=stride, settings=data.clips, units="px"
        )
        joins = self.keypoints_from_epoch
        fate, keypoints = f"used from epoch {joins + 1} on", None
        if self.losses.reprojection == 0:
            fate = "not used: losses.reprojection is 0"
        elif len(found) == 0:
            fate = "not used: no clip shows half of somebody for half of its time"
        else:
            keypoints = found
        samples = LiftSamples(clips, data, keypoints=keypoints, joins=joins)
        minutes = sum(each.seconds for each in flat) / 60
        samples.notes = (f"{len(flat)} sequences ({minutes:.1f} minutes) are 2D only, {fate}",)
        return samples

    def build(self, backbone: DSTformer, store: Store) -> nn.Module:
        if self.new_head:
            backbone.head = PoseHead(backbone.config).fc
        return backbone

    def loss(
        self, answer: Float[Tensor, "B F J 3"], batch: Batch
    ) -> tuple[Float[Tensor, ""], dict[str, Float[Tensor, ""]]]:
        terms = loss_terms(answer, batch, self.losses)
        return total_loss(terms, self.losses), terms

    @torch.no_grad()
    def validate(
        self, model: nn.Module, samples: Samples[Batch], compute: Compute, *, most: int | None
    ) -> dict[str, float]:
        """MPJPE in mm on evenly chosen clips, clean and corrupted.

        Bodies are as recorded; cameras and corruption are the training's own.
        """
        assert isinstance(samples, LiftSamples)
        model.eval()
        clips = samples.clips
        count = len(clips) if most is None else most
        chosen = np.unique(np.linspace(0, len(clips) - 1, count).astype(np.int64))
        plain = dataclasses.replace(samples.data, body=BodySettings(flip=0.0))
        conditions = {
            "mpjpe_mm": dataclasses.replace(plain, corruption=_NO_CORRUPTION),
            "mpjpe_corrupted_mm": plain,
        }
        return {
            name: _mpjpe_mm(model, clips, chosen, condition, compute)
            for name, condition in conditions.items()
        }

    def error(self, scores: Mapping[str, float]) -> float:
        return sum(scores.values()) / len(scores)

    def card(self, model: nn.Module) -> dict[str, Any]:
        return {"task": "lift"}

    def save(self, folder: Path, model: nn.Module, *, card: Mapping[str, Any]) -> None:
        assert isinstance(model, DSTformer)
        save_weights(folder / "model.safetensors", model, card=card)

    def load(self, folder: Path, store: Store) -> nn.Module:
        return load_model(folder / "model.safetensors")

    def without_effect(self) -> Mapping[str, str]:
        return {}


def _mpjpe_mm(
    model: nn.Module,
    clips: Clips,
    chosen: Int[np.ndarray, " clip"],
    data: DataSettings,
    compute: Compute,
) -> float:
    size = max(1, _VALIDATION_BATCH // clips.frames)
    total = known = 0.0
    for first in range(0, len(chosen), size):
        part = chosen[first : first + size]
        samples = torch.from_numpy(part).to(compute.device)
        draws = Draws.of(samples, seed=_VALIDATION_SEED, epoch=0)
        batch = make_batch(clips.cut(part), draws, data, device=compute.device)
        with compute.autocast():
            predicted = model(batch.inputs)
        error = (predicted.float() - batch.target).norm(dim=-1) * batch.scale[:, None, None]
        total += (error * batch.weight).double().sum().item()
        known += batch.weight.double().sum().item()
    return 1000 * total / max(known, 1.0)


TASK = Lift()
