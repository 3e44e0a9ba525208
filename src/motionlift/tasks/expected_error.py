"""How far off each lifted joint is to be expected: a head on an encoder that no longer moves.

The head sees what the encoder makes of corrupted clips of the training people and learns the error
of each joint. On people it has learned from the encoder errs less than on others, so what the head
says is calibrated on validation people, on the data set that is the hardest to it, with exact
keypoints, noisy ones and gaps alike: `validate` measures, and `save` applies. A head that `load`
returns is calibrated, and `validate` holds it against other people as it is.
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
from motionlift.data.corruption import CorruptionSettings
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
    """An encoder that stays as it is, and a head; answers joints and the error's logarithm.

    Attributes:
        is_calibrated: whether the head's answers are calibrated already.
    """

    def __init__(
        self, backbone: DSTformer, head: ErrorHead, *, is_calibrated: bool = False
    ) -> None:
        super().__init__()
        self.is_calibrated = is_calibrated
        self.backbone = backbone.requires_grad_(False)
        self.head = head

    def forward(self, x: Float[Tensor, "B F J C_in"]) -> Float[Tensor, "B F J 4"]:
        with torch.no_grad():
            representation = self.backbone.eval().encode(x).float()
            joints = self.backbone.answer(representation, x)
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
        return loss, {"error": (error * is_known).mean().detach()}

    @torch.no_grad()
    def validate(
        self, model: nn.Module, samples: Samples[Batch], compute: Compute, *, most: int | None
    ) -> dict[str, float]:
        """How well the head tells errors apart, and the calibration that these people ask for.

        The same clips are seen under each condition: all, or of `most` as many of each data set.
        The data set on which the encoder errs most counts alone: strangers do what nobody did in
        validation, and an expected error is rather too large than too small. Of the deciles of the
        expected error, after calibration, `gap` is the mean, over conditions, of how far the mean
        error is from what was expected, as a share of it, and `largest_gap` the largest; `spread`
        is how many times larger the mean error of the last decile is than that of the first. A
        head that is calibrated already, as `load` returns it, is held against the truth as it is:
        nothing is fitted to these people, so there is no `shift` and no `power`.
        """
        assert isinstance(model, ErrorPredictor) and isinstance(samples, LiftSamples)
        model.eval()
        clips = samples.clips
        chosen = np.arange(len(clips)) if most is None else clips.spread(most)
        size = max(1, _VALIDATION_BATCH // samples.frames)
        datasets, deciles, total = clips.datasets[chosen], [], 0.0
        for corruption in _conditions(samples.data.corruption).values():
            data = dataclasses.replace(
                samples.data, body=BodySettings(flip=0.0), corruption=corruption
            )
            seen, said, true, of = LiftSamples(samples.clips, data), [], [], []
            for first in range(0, len(chosen), size):
                part = chosen[first : first + size]
                batch = seen.batch(part, seed=_VALIDATION_SEED, epoch=0, device=compute.device)
                with compute.autocast():
                    answer = model(batch.inputs).float()
                total += self.loss(answer, batch)[0].item() * len(part)
                error, weight = _error(answer, batch)
                is_known = (weight > 0).cpu().numpy()
                said.append(answer[..., 3].cpu().numpy()[is_known])
                true.append(error.cpu().numpy()[is_known])
                whose = datasets[first : first + size, None, None]
                of.append(np.broadcast_to(whose, is_known.shape)[is_known])
            joints = (np.concatenate(said), np.concatenate(true))
            owners = np.concatenate(of)
            deciles.append(
                [
                    _deciles(*(each[owners == name] for each in joints))
                    for name in np.unique(datasets)
                ]
            )
        by_dataset = np.stack(deciles, axis=1)
        hardest = np.exp(by_dataset[..., 1]).mean(axis=(1, 2)).argmax()
        loss = total / (len(chosen) * by_dataset.shape[1])
        found = by_dataset[hardest]
        fit = {} if model.is_calibrated else _calibration(found)
        return {"likelihood_loss": loss} | _gaps(found, **fit) | fit

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
        about = (backbone.card or {}).get("expected_error", {})
        is_calibrated = about.get("is_calibrated", False)
        return ErrorPredictor(backbone, head, is_calibrated=is_calibrated).eval()

    def without_effect(self) -> Mapping[str, str]:
        return dict.fromkeys(("freeze", "backbone_lr_scale"), "the encoder never moves")


def _conditions(corruption: CorruptionSettings) -> dict[str, CorruptionSettings]:
    """What a head is calibrated under: exact keypoints, noise alone, and noise with gaps."""
    gaps = dataclasses.replace(corruption, noise_spread=0.0, detectors=0.0, absent=0.0, share=1.0)
    return {
        "clean": CorruptionSettings(noise=0.0, joint_mask=0.0, frame_mask=0.0),
        "noise": dataclasses.replace(gaps, joint_mask=0.0, frame_mask=0.0, occlusion=0.0),
        "gaps": gaps,
    }


def _error(
    answer: Float[Tensor, "B F J 4"], batch: Batch
) -> tuple[Float[Tensor, "B F J"], Float[Tensor, "B F J"]]:
    """Distance from the truth in clip space, and 1 for each joint that has one to be told."""
    weight = batch.weight.clone()
    weight[:, :, H36M17.root] = 0.0
    return (answer[..., :3] - batch.target).norm(dim=-1), weight


def _deciles(
    said: Float[np.ndarray, " joint"], true: Float[np.ndarray, " joint"]
) -> Float[np.ndarray, "10 2"]:
    """Logarithms of the mean expected and the mean true error in each tenth by the expected."""
    parts = np.array_split(np.argsort(said, kind="stable"), _DECILES)
    return np.log([(np.exp(said[part]).mean(), true[part].mean()) for part in parts])


def _calibration(deciles: Float[np.ndarray, "condition 10 2"]) -> dict[str, float]:
    """The line through the deciles of all conditions."""
    power, shift = np.polyfit(deciles[..., 0].ravel(), deciles[..., 1].ravel(), 1)
    return {"shift": float(shift), "power": float(power)}


def _gaps(
    deciles: Float[np.ndarray, "condition 10 2"], *, shift: float = 0.0, power: float = 1.0
) -> dict[str, float]:
    """How far the deciles are from a calibration; from what was said, if none is given."""
    said, true = deciles[..., 0], deciles[..., 1]
    gap = np.abs(np.exp(true - shift - power * said) - 1)
    return {
        "gap": float(gap.mean()),
        "largest_gap": float(gap.max()),
        "spread": float(np.exp(true[:, -1] - true[:, 0]).mean()),
    }


TASK = ExpectedError()
