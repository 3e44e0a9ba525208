"""Action recognition: which class a whole repetition belongs to, from 2D keypoints.

Section 4.3 of the paper: the representation is averaged over time, and joints x channels go through
one hidden layer to the classes. Keypoints are what random cameras see of the store's motion,
corrupted as in pretraining.
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import torch
from jaxtyping import Float
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from motionlift.camera import image_to_clip
from motionlift.confidence import believed
from motionlift.data.batch import DataSettings
from motionlift.data.store import Store
from motionlift.data.views import BodySettings
from motionlift.errors import RecipeError, WeightsError
from motionlift.files import read_json, written_beside
from motionlift.network.compute import Compute
from motionlift.network.dstformer import DSTformer
from motionlift.network.heads import build_head, settings_of
from motionlift.network.weights import load_model, save_weights
from motionlift.poses import Pose2D, to_h36m17
from motionlift.tasks._recognition import execution_scores, recognition_scores
from motionlift.tasks._repetitions import (
    LabelledBatch,
    Labelling,
    Labels,
    Repetitions,
    class_names,
    stretched,
)
from motionlift.tasks._task import Samples, Task

_VALIDATION_SEED = 20260
_VALIDATION_BATCH = 64


class Classifier(nn.Module):
    """An encoder and a classification head; answers scores before softmax."""

    def __init__(self, backbone: DSTformer, head: nn.Module, *, classes: tuple[str, ...]) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.classes = classes
        # The lifting head takes no part, and what takes no part must not wait for gradients.
        backbone.head.requires_grad_(False)

    def forward(self, x: Float[Tensor, "B F J C_in"]) -> Float[Tensor, "B class"]:
        if self.training:
            # One sample has no deviation: the last of an epoch may be alone in its batch.
            for module in self.head.modules():
                if isinstance(module, nn.BatchNorm1d):
                    module.train(len(x) > 1)
        return self.head(self.backbone.encode(x))


def repetition_to_clip(pose: Pose2D, *, frames: int) -> Float[np.ndarray, "frames 17 3"]:
    """A whole repetition that a detector saw, as a `Classifier` takes it.

    Args:
        frames: as many as the classifier learned with (`stages.0.frames` of its run).

    Raises:
        MotionliftError: if no two distinct keypoints are visible in it.
    """
    seen = to_h36m17(pose)
    points = np.concatenate([seen.keypoints, seen.confidence[..., None]], axis=-1)
    points, is_seen = stretched(np.nan_to_num(points), seen.is_visible, frames=frames)
    clip, _ = image_to_clip(
        dataclasses.replace(
            seen,
            keypoints=np.where(is_seen[..., None], points[..., :2], np.nan),
            confidence=np.where(is_seen, believed(points[..., 2]), 0.0),
            frame_index=np.arange(frames),
        )
    )
    return clip.astype(np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Action(Task[LabelledBatch]):
    """Classes of whole repetitions.

    Attributes:
        labels: "action" for the store's action field as it stands; of actions such as
            `m01_incorrect`, "exercise" is what comes before the last underscore and "correctness"
            what follows.
        actions: pattern with * and ? of the actions that take part, such as "m01_*".
        label_share: part of the training repetitions of each class that is used.
        head: "mlp" is the paper's, with one hidden layer; "linear" has none.
        hidden: channels of the head's hidden layer.
        dropout: probability to drop a channel of the representation in training.
    """

    labels: Labels = "exercise"
    actions: str = "*"
    label_share: float = 1.0
    head: str = "mlp"
    hidden: int = 2048
    dropout: float = 0.5

    def __post_init__(self) -> None:
        settings_of(self.head)
        if not 0 < self.label_share <= 1:
            raise RecipeError(f"label-share is {self.label_share}, but above 0 and at most 1")
        if self.hidden < 1 or not 0 <= self.dropout < 1:
            raise RecipeError(
                f"hidden is {self.hidden} and dropout {self.dropout}, but hidden is at least 1 and "
                "dropout in [0, 1)"
            )

    @property
    def has_new_head(self) -> bool:
        return True

    def samples(
        self, store: Store, *, split: str, frames: int, stride: int, data: DataSettings, seed: int
    ) -> Repetitions:
        return Repetitions(
            store,
            split=split,
            labelling=self._labelling,
            frames=frames,
            data=data,
            share=self.label_share if split == "train" else 1.0,
            seed=seed,
        )

    def build(self, backbone: DSTformer, store: Store) -> nn.Module:
        classes = class_names(store, self._labelling)
        head = build_head(
            self.head,
            backbone.config,
            num_classes=len(classes),
            hidden=self.hidden,
            dropout=self.dropout,
        )
        return Classifier(backbone, head, classes=classes)

    def loss(
        self, answer: Float[Tensor, "B class"], batch: LabelledBatch
    ) -> tuple[Float[Tensor, ""], dict[str, Float[Tensor, ""]]]:
        loss = nn.functional.cross_entropy(answer, batch.label)
        return loss, {"cross_entropy": loss.detach()}

    @torch.no_grad()
    def validate(
        self,
        model: nn.Module,
        samples: Samples[LabelledBatch],
        compute: Compute,
        *,
        most: int | None,
    ) -> dict[str, float]:
        """Scores by repetition, one view of each; bodies are as recorded."""
        assert isinstance(model, Classifier) and isinstance(samples, Repetitions)
        model.eval()
        plain = dataclasses.replace(samples.data, body=BodySettings(flip=0.0))
        recorded = samples.seen_with(plain)
        count = len(samples) if most is None else most
        chosen = np.unique(np.linspace(0, len(samples) - 1, count).astype(np.int64))
        answers, entropy = [], 0.0
        for first in range(0, len(chosen), _VALIDATION_BATCH):
            part = chosen[first : first + _VALIDATION_BATCH]
            batch = recorded.batch(part, seed=_VALIDATION_SEED, epoch=0, device=compute.device)
            with compute.autocast():
                answer = model(batch.inputs).float()
            entropy += self.loss(answer, batch)[0].item() * len(part)
            answers.append(answer.softmax(dim=1).cpu().numpy())
        probabilities, labels = np.concatenate(answers), samples.labels[chosen]
        scores = recognition_scores(
            probabilities.argmax(axis=1),
            labels,
            num_classes=len(model.classes),
            most_frequent=samples.most_frequent,
        )
        scores |= execution_scores(probabilities, labels, classes=model.classes)
        return scores | {"cross_entropy": entropy / len(chosen)}

    def error(self, scores: Mapping[str, float]) -> float:
        return 1 - scores["macro_f1"]

    def card(self, model: nn.Module) -> dict[str, Any]:
        assert isinstance(model, Classifier)
        return {
            "task": "action",
            "classes": list(model.classes),
            "head": "head.safetensors; the lifting head in these weights is the starting model's",
        }

    def save(self, folder: Path, model: nn.Module, *, card: Mapping[str, Any]) -> None:
        """The encoder as weights that `load_model` reads, and the head beside it."""
        assert isinstance(model, Classifier)
        save_weights(folder / "model.safetensors", model.backbone, card=card)
        about = {
            "encoder": read_json(folder / "model.json")["sha256"],
            "classes": list(model.classes),
        }
        tensors = {name: value.detach().cpu() for name, value in model.head.state_dict().items()}
        with written_beside(folder / "head.safetensors") as beside:
            save_file(tensors, beside, metadata={"motionlift-head": json.dumps(about)})

    def load(self, folder: Path, store: Store) -> nn.Module:
        """In evaluation mode.

        Raises:
            WeightsError: if the head is missing, damaged, or of another encoder or other classes.
        """
        path = folder / "head.safetensors"
        backbone = load_model(folder / "model.safetensors")
        model = self.build(backbone, store)
        assert isinstance(model, Classifier)
        try:
            with safetensors.safe_open(path, framework="pt") as opened:
                about = json.loads((opened.metadata() or {})["motionlift-head"])
            model.head.load_state_dict(load_file(path))
        except (OSError, safetensors.SafetensorError, KeyError, ValueError, RuntimeError) as error:
            raise WeightsError(
                f"{path}: not the head of this task ({error}); finetune again"
            ) from error
        encoder = (backbone.card or {}).get("sha256")
        if about != {"encoder": encoder, "classes": list(model.classes)}:
            raise WeightsError(
                f"{path}: belongs to another encoder or to other classes {about.get('classes')}; "
                "go on with the run (--resume), which writes both anew"
            )
        return model.eval()

    def without_effect(self) -> Mapping[str, str]:
        whole = "a sample is a whole repetition"
        limbs = "limbs are exchanged between clips"
        reasons = {"data.clips": whole, "stages.stride": whole, "data.body.exchange": limbs}
        for name in {"hidden", "dropout"} - settings_of(self.head):
            reasons[f"task.{name}"] = f"the head '{self.head}' has none"
        return reasons

    @property
    def _labelling(self) -> Labelling:
        return Labelling(labels=self.labels, actions=self.actions)


TASK = Action()
