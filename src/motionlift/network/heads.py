"""Heads: what finetuning puts on the representation instead of the lifting head.

B clips, P persons, F frames, J joints, C channels. A head of classes is a module that is built from
the encoder's configuration, the number of classes and settings of its own; `HEADS` names them, and
`motionlift finetune --task action --head NAME` takes them from there. Adding one is adding a class
and its name in this file.
"""

import inspect

import torch
from jaxtyping import Float
from torch import Tensor, nn

from motionlift.errors import MotionliftError
from motionlift.network.dstformer import DSTformerConfig


class PoseHead(nn.Module):
    """Joints from the representation, joint by joint: a linear layer that starts anew."""

    def __init__(self, config: DSTformerConfig) -> None:
        super().__init__()
        self.fc = nn.Linear(config.dim_rep, config.dim_out)

    def forward(self, representation: Float[Tensor, "B F J C_e"]) -> Float[Tensor, "B F J C_out"]:
        return self.fc(representation)


class ActionHead(nn.Module):
    """Scores of action classes (section 4.3 of the paper, with the layers of the published code).

    Averages over time, and over persons where there are several; then joints x C_e channels go
    through one hidden layer, with batch normalisation, to the classes.
    """

    def __init__(
        self,
        config: DSTformerConfig,
        *,
        num_classes: int,
        hidden: int = 2048,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        if num_classes < 2:
            raise MotionliftError(f"{num_classes} action classes, but at least 2 are needed")
        self.dropout = nn.Dropout(dropout)
        self.fc1 = nn.Linear(config.num_joints * config.dim_rep, hidden)
        self.bn = nn.BatchNorm1d(hidden)
        self.fc2 = nn.Linear(hidden, num_classes)

    def forward(self, representation: Float[Tensor, "B *P F J C_e"]) -> Float[Tensor, "B class"]:
        """Scores before softmax."""
        between = tuple(range(1, representation.ndim - 2))  # persons and frames
        features = self.dropout(representation).mean(dim=between).flatten(1)
        return self.fc2(torch.relu(self.bn(self.fc1(features))))


class LinearHead(nn.Module):
    """Scores of classes by one linear layer: what the representation says by itself.

    Averages as `ActionHead` does. Channels are brought to mean 0 and deviation 1 over the training,
    since most of what a joint's representation holds is the same in every clip.
    """

    def __init__(self, config: DSTformerConfig, *, num_classes: int) -> None:
        super().__init__()
        channels = config.num_joints * config.dim_rep
        self.bn = nn.BatchNorm1d(channels, affine=False)
        self.fc = nn.Linear(channels, num_classes)

    def forward(self, representation: Float[Tensor, "B *P F J C_e"]) -> Float[Tensor, "B class"]:
        """Scores before softmax."""
        between = tuple(range(1, representation.ndim - 2))
        return self.fc(self.bn(representation.mean(dim=between).flatten(1)))


HEADS: dict[str, type[nn.Module]] = {"linear": LinearHead, "mlp": ActionHead}


def build_head(
    name: str, config: DSTformerConfig, *, num_classes: int, **settings: float
) -> nn.Module:
    """The head of that name; it is given those of the settings that it has."""
    theirs = settings_of(name)
    own = {key: value for key, value in settings.items() if key in theirs}
    return HEADS[name](config, num_classes=num_classes, **own)


def settings_of(name: str) -> frozenset[str]:
    """Names of the settings that a head has beside the number of classes.

    Raises:
        MotionliftError: if there is no such head; it lists those that there are.
    """
    if name not in HEADS:
        raise MotionliftError(f"no head is named '{name}'; there are: {', '.join(sorted(HEADS))}")
    return frozenset(inspect.signature(HEADS[name]).parameters) - {"config", "num_classes"}
