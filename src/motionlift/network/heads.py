"""Heads: what finetuning puts on the representation instead of the lifting head.

B clips, P persons, F frames, J joints, C channels. A head is a module that is built from the
encoder's configuration; `HEADS` names them.
"""

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


HEADS: dict[str, type[nn.Module]] = {"action": ActionHead, "pose": PoseHead}
