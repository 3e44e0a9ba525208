"""How far off each lifted joint is to be expected: a head on an encoder that no longer moves.

The head sees what the encoder makes of corrupted clips of the training people and learns the error
of each joint. On people it has learned from the encoder errs less than on others, so what the head
says is calibrated on validation people: `validate` measures, and `save` applies.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from motionlift.data.batch import Batch, DataSettings
from motionlift.data.clips import Clips
from motionlift.data.store import Store
from motionlift.data.views import BodySettings
from motionlift.errors import RecipeError
from motionlift.network.compute import Compute
from motionlift.network.dstformer import DSTformer
from motionlift.network.expected_error import ErrorHead, error_loss
from motionlift.network.weights import load_model, save_weights
from motionlift.skeletons import H36M17
from motionlift.tasks._task import Samples, Task
from motionlift.tasks.lift import LiftSamples

_VALIDATION_SEED = 20260
_VALIDATION_BATCH = 1944  # frames
_DECILES = 10


class ErrorPredictor(nn.Module):
    """An encoder that stays as it is, and a head; answers joints and the error's logarithm."""

    def __init__(self, backbone: DSTformer, head: ErrorHead) -> None:
        super().__init__()
        self.backbone = backbone.requires_grad_(False)
        self.head = head

    def forward(self, x: Float[Tensor, "B F J C_in"]) -> Float[Tensor, "B F J 4"]:
        with torch.no_grad():
            representation = self.backbone.eval().encode(x).float()
            joints = self.backbone.head(representation)
        with torch.autocast(x.device.type, enabled=False):
            log_expected = self.head(representation)
        return torch.cat([joints.float(), log_expected[..., None]], dim=-1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedError(Task[Batch]):
    """The expected error of each joint.

    Attributes:
        hidden: channels of the head's hidden layer.
    """

    hidden: int = 64

    def __post_init__(self) -> None:
        if self.hidden < 1:
            raise RecipeError(f"hidden is {self.hidden}, but at least 1")

    @property
    def has_new_head(self) -> bool:
        return True

    def samples(
        self, store: Store, *, split: str, frames: int, stride: int, data: DataSettings, seed: int
    ) -> LiftSamples:
        clips = Clips(store, split=split, frames=frames, stride=stride, settings=data.clips)
        return LiftSamples(clips, data)

    def build(self, backbone: DSTformer, store: Store) -> nn.Module:
        config = backbone.config
        head = ErrorHead(config.dim_rep, config.num_joints, hidden=self.hidden)
        return ErrorPredictor(backbone, head)

    def loss(
        self, answer: Float[Tensor, "B F J 4"], batch: Batch
    ) -> tuple[Float[Tensor, ""], dict[str, Float[Tensor, ""]]]:
        error, is_known = _error(answer, batch)
        loss = error_loss(answer[..., 3], error, is_known)
        return loss, {"error": ((error * is_known).sum() / is_known.sum()).detach()}

    @torch.no_grad()
    def validate(
        self, model: nn.Module, samples: Samples[Batch], compute: Compute, *, most: int | None
    ) -> dict[str, float]:
        """How well the head tells errors apart, and the calibration that these people ask for.

        `gap` is the mean over deciles of the expected error, after calibration, of how far
        the mean error of a decile is from what was expected, as a share of it; `spread` how
        many times larger the mean error of the last decile is than that of the first.
        """
        assert isinstance(samples, LiftSamples)
        model.eval()
        plain = dataclasses.replace(samples.data, body=BodySettings(flip=0.0))
        seen = LiftSamples(samples.clips, plain)
        count = len(samples) if most is None else most
        chosen = np.unique(np.linspace(0, len(samples) - 1, count).astype(np.int64))
        size = max(1, _VALIDATION_BATCH // samples.frames)
        said, true, total = [], [], 0.0
        for first in range(0, len(chosen), size):
            part = chosen[first : first + size]
            batch = seen.batch(part, seed=_VALIDATION_SEED, epoch=0, device=compute.device)
            with compute.autocast():
                answer = model(batch.inputs).float()
            total += self.loss(answer, batch)[0].item() * len(part)
            error, is_known = _error(answer, batch)
            said.append(answer[..., 3][is_known > 0].cpu().numpy())
            true.append(error[is_known > 0].cpu().numpy())
        scores = _calibration(np.concatenate(said), np.concatenate(true))
        return {"likelihood_loss": total / len(chosen)} | scores

    def error(self, scores: Mapping[str, float]) -> float:
        return scores["likelihood_loss"]

    def card(self, model: nn.Module) -> dict[str, Any]:
        assert isinstance(model, ErrorPredictor)
        theirs = model.backbone.card or {}
        return {"task": "expected-error", "clip_frames": theirs.get("clip_frames"), "of": theirs}

    def save(self, folder: Path, model: nn.Module, *, card: Mapping[str, Any]) -> None:
        """The encoder's own card and weights, with the head among them, calibrated."""
        assert isinstance(model, ErrorPredictor)
        head = ErrorHead(
            model.backbone.config.dim_rep, model.backbone.config.num_joints, hidden=self.hidden
        )
        head.load_state_dict(model.head.state_dict())
        found = card["validation"]
        if found:
            head.calibrate(shift=found["shift"], power=found["power"])
        about = {key: card[key] for key in ("steps", "validation")}
        model.backbone.error_head = head
        save_weights(
            folder / "model.safetensors",
            model.backbone,
            card={**card["of"], "expected_error": about | {"is_calibrated": bool(found)}},
        )
        model.backbone.error_head = None

    def load(self, folder: Path, store: Store) -> nn.Module:
        backbone = load_model(folder / "model.safetensors")
        head, backbone.error_head = backbone.error_head, None
        assert head is not None
        return ErrorPredictor(backbone, head).eval()

    def without_effect(self) -> Mapping[str, str]:
        return dict.fromkeys(("freeze", "backbone_lr_scale"), "the encoder never moves")


def _error(
    answer: Float[Tensor, "B F J 4"], batch: Batch
) -> tuple[Float[Tensor, "B F J"], Float[Tensor, "B F J"]]:
    """Distance from the truth in clip space, and 1 for each joint that has one to be told."""
    weight = batch.weight.clone()
    weight[:, :, H36M17.root] = 0.0
    return (answer[..., :3] - batch.target).norm(dim=-1), weight


def _calibration(
    said: Float[np.ndarray, " joint"], true: Float[np.ndarray, " joint"]
) -> dict[str, float]:
    """The line through the deciles of (what was said, log of the mean error), and its fit."""
    deciles = np.array_split(np.argsort(said, kind="stable"), _DECILES)
    log_said = np.array([np.log(np.exp(said[each]).mean()) for each in deciles])
    log_true = np.array([np.log(true[each].mean()) for each in deciles])
    power, shift = np.polyfit(log_said, log_true, 1)
    gap = np.abs(np.exp(log_true - shift - power * log_said) - 1)
    return {
        "gap": float(gap.mean()),
        "spread": float(np.exp(log_true[-1] - log_true[0])),
        "shift": float(shift),
        "power": float(power),
    }


TASK = ExpectedError()
