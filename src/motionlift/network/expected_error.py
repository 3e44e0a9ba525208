"""What the network does not know: a head that says how far each joint will be off.

It reads the representation of an encoder that has learned and no longer moves, and answers with
the logarithm of the error to be expected of each joint. B clips, F frames, J joints.
"""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from motionlift.errors import WeightsError
from motionlift.skeletons import H36M17

PREFIX = "error_head."
_HIDDEN = 64
_USUAL_ERROR = -2.5  # exp(-2.5) of clip space is 8 cm for a person who fills the box


class ErrorHead(nn.Module):
    """Logarithm of the expected distance between a joint and the truth, in clip space.

    One hidden layer, shared by all joints, and a number for each joint.
    """

    def __init__(self, dim_rep: int, num_joints: int, *, hidden: int = _HIDDEN) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim_rep, hidden)
        self.fc2 = nn.Linear(hidden, 1)
        self.joint = nn.Parameter(torch.full((num_joints,), _USUAL_ERROR))

    def forward(self, representation: Float[Tensor, "B F J C_e"]) -> Float[Tensor, "B F J"]:
        hidden = nn.functional.gelu(self.fc1(representation))
        return self.fc2(hidden).squeeze(-1) + self.joint

    def expected(self, representation: Float[Tensor, "B F J C_e"]) -> Float[Tensor, "B F J"]:
        """The expected error in clip space; 0 for the root, which is where it is by definition."""
        is_free = torch.ones_like(self.joint)
        is_free[H36M17.root] = 0.0
        return torch.exp(self(representation)) * is_free

    @torch.no_grad()
    def calibrate(self, *, shift: float, power: float) -> None:
        """Replace each answer a by shift + power a, from now on and in what is saved."""
        for scaled in (self.fc2.weight, self.fc2.bias, self.joint):
            scaled.mul_(power)
        self.joint.add_(shift)


def error_loss(
    log_expected: Float[Tensor, "B F J"],
    error: Float[Tensor, "B F J"],
    weight: Float[Tensor, "B F J"],
) -> Float[Tensor, ""]:
    """Mean of log m + e / m, 0 where the weight is 0: lowest where m is the mean of e.

    It is the negative log-likelihood of an exponential distribution. Whatever the errors'
    true distribution, its minimum over m is their mean, which is what a user is told.
    """
    loss = log_expected + error * torch.exp(-log_expected)
    return (loss * weight).mean()


def split_error_head(
    tensors: Mapping[str, Tensor], *, where: str
) -> tuple[dict[str, Tensor], ErrorHead | None]:
    """The encoder's own tensors, and the head among them if there is one.

    Raises:
        WeightsError: if the head's tensors are incomplete or do not fit each other.
    """
    own = {name: each for name, each in tensors.items() if not name.startswith(PREFIX)}
    theirs = {name.removeprefix(PREFIX): tensors[name] for name in tensors.keys() - own.keys()}
    if not theirs:
        return own, None
    try:
        hidden, dim_rep = theirs["fc1.weight"].shape
        head = ErrorHead(dim_rep, len(theirs["joint"]), hidden=hidden)
        head.load_state_dict(theirs)
        head(torch.zeros(1, 1, len(theirs["joint"]), own["head.weight"].shape[1]))
    except (KeyError, ValueError, RuntimeError) as error:
        raise WeightsError(
            f"{where}: its error head does not fit ({str(error).splitlines()[0]}); "
            "train it again: motionlift finetune --task expected-error"
        ) from error
    return own, head.eval().requires_grad_(False)
