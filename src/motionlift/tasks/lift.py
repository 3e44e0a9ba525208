"""Lifting: the loss of pretraining, and how far the answers are off on held-out people.

Section 3.2 of the paper: L = L_3D + lambda_O L_O, joint error plus the error of frame-to-frame
velocity, in clip space; here each term is a mean over its count.
"""

import dataclasses
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from motionlift.data.batch import Batch, DataSettings, make_batch
from motionlift.data.clips import Clips
from motionlift.data.corruption import CorruptionSettings
from motionlift.data.draws import Draws
from motionlift.data.views import BodySettings
from motionlift.losses import position_loss, velocity_loss
from motionlift.network.compute import Compute

_VALIDATION_SEED = 20260
_VALIDATION_BATCH = 1944  # frames
_NO_CORRUPTION = CorruptionSettings(noise=0.0, joint_mask=0.0, frame_mask=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class LossWeights:
    """Weight of each term; a term of weight 0 is not computed.

    Attributes:
        position: of the mean joint error, L_3D.
        velocity: of the mean velocity error, lambda_O.
    """

    position: float = 1.0
    velocity: float = 20.0


def loss_terms(
    predicted: Float[Tensor, "B F J 3"], batch: Batch, weights: LossWeights
) -> dict[str, Float[Tensor, ""]]:
    """Each term with a weight above 0, times nothing yet. Joints the capture lacks add nothing."""
    predicted = torch.where(batch.weight[..., None] > 0, predicted, batch.target)
    functions = {"position": position_loss, "velocity": velocity_loss}
    return {
        name: function(predicted, batch.target)
        for name, function in functions.items()
        if getattr(weights, name) > 0
    }


def total_loss(terms: dict[str, Float[Tensor, ""]], weights: LossWeights) -> Float[Tensor, ""]:
    """The sum that is minimised."""
    return torch.stack([getattr(weights, name) * term for name, term in terms.items()]).sum()


@torch.no_grad()
def validate(
    model: nn.Module,
    clips: Clips,
    settings: DataSettings,
    compute: Compute,
    *,
    most_clips: int,
) -> dict[str, float]:
    """MPJPE in mm on evenly chosen clips, clean and corrupted; the same views and noise each time.

    Bodies are as recorded; cameras and corruption are the training's own.
    """
    model.eval()
    chosen = np.unique(np.linspace(0, len(clips) - 1, most_clips).astype(np.int64))
    plain = dataclasses.replace(settings, body=BodySettings(flip=0.0))
    conditions = {
        "mpjpe_mm": dataclasses.replace(plain, corruption=_NO_CORRUPTION),
        "mpjpe_corrupted_mm": plain,
    }
    size = max(1, _VALIDATION_BATCH // clips.frames)
    answers = {}
    for name, condition in conditions.items():
        errors = []
        for first in range(0, len(chosen), size):
            part = chosen[first : first + size]
            samples = torch.from_numpy(part).to(compute.device)
            draws = Draws.of(samples, seed=_VALIDATION_SEED, epoch=0)
            batch = make_batch(clips.cut(part), draws, condition, device=compute.device)
            with compute.autocast():
                predicted = model(batch.inputs)
            error = (predicted.float() - batch.target).norm(dim=-1) * batch.scale[:, None, None]
            errors.append((error * batch.weight).sum() / batch.weight.sum() * len(part))
        answers[name] = 1000 * float(torch.stack(errors).sum() / len(chosen))
    model.train()
    return answers
