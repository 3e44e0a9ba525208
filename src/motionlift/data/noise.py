"""The published model of keypoint noise: its numbers, and its formulas as functions of the draws.

A keypoint is displaced by a mixture of a Gaussian and a uniform part, drawn for each joint at key
frames and interpolated between them, plus jitter; its confidence falls with the displacement. The
unit is the published image unit. `noise.json` holds the numbers; `motionlift data fit-noise` makes
another of that form.
"""

import math
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from motionlift.errors import FormatError
from motionlift.files import read_json
from motionlift.skeletons import H36M17

# The published pretraining multiplies metres by 0.298 before it adds this noise.
METRES_PER_UNIT = 1 / 0.298
SHIPPED = Path(str(files("motionlift.data").joinpath("noise.json")))


@dataclass(frozen=True, slots=True, eq=False)
class NoiseModel:
    """The published noise, in published image units.

    Attributes:
        mean, std: of the Gaussian part, (J, 2).
        weight: share of the Gaussian part, (J,).
        uniform_range: full width of the uniform part on each axis.
        jitter: deviation of the part drawn anew in each frame.
        curve: (a, b, m, s) of the confidence at displacement d: a/(d+a) + b d + m + s z.
    """

    mean: Float[Tensor, "J 2"]
    std: Float[Tensor, "J 2"]
    weight: Float[Tensor, " J"]
    uniform_range: float
    jitter: float
    curve: tuple[float, float, float, float]


@cache
def noise_model(device: torch.device, file: str = "") -> NoiseModel:
    """The noise model of a JSON file, or without one the model that ships, on that device.

    Raises:
        FormatError: if the file is not of that form.
    """
    path = Path(file) if file else SHIPPED
    stored = read_json(path)
    try:
        model = NoiseModel(
            mean=torch.tensor(stored["mean"]),
            std=torch.tensor(stored["std"]),
            weight=torch.tensor(stored["weight"]),
            uniform_range=float(stored["uniform_range"]),
            jitter=float(stored["jitter"]),
            curve=(
                float(stored["a"]),
                float(stored["b"]),
                float(stored["m"]),
                float(stored["s"]),
            ),
        )
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise FormatError(f"{path}: not a noise model ({error}); make one by fit-noise") from error
    joints = H36M17.num_joints
    shapes = (model.mean.shape, model.std.shape, model.weight.shape)
    if shapes != ((joints, 2), (joints, 2), (joints,)):
        raise FormatError(
            f"{path}: a noise model has mean and std for {joints} joints and 2 axes, and a weight "
            "for each joint"
        )
    numbers = torch.cat([each.flatten() for each in (model.mean, model.std, model.weight)])
    is_sound = (model.std >= 0).all() and ((model.weight >= 0) & (model.weight <= 1)).all()
    others = (model.uniform_range, model.jitter, *model.curve)
    if not (is_sound and numbers.isfinite().all() and all(map(math.isfinite, others))):
        raise FormatError(
            f"{path}: a number of this noise model is not finite, a deviation is below 0 or a "
            "weight outside 0..1; make it anew by fit-noise"
        )
    if model.jitter < 0 or model.curve[0] <= 0:
        raise FormatError(
            f"{path}: jitter is {model.jitter} and a is {model.curve[0]}, but jitter is at least 0 "
            "and a above 0; make it anew by fit-noise"
        )
    return replace(
        model,
        mean=model.mean.to(device),
        std=model.std.to(device),
        weight=model.weight.to(device),
    )


def keypoint_offsets(
    *,
    select: Float[Tensor, "B K J"],
    gaussian: Float[Tensor, "B K J 2"],
    uniform: Float[Tensor, "B K J 2"],
    model: NoiseModel,
) -> Float[Tensor, "B K J 2"]:
    """Offsets at K key frames: Gaussian where `select` < weight, else uniform of [0, 1) draws."""
    is_gaussian = (select < model.weight)[..., None]
    return torch.where(
        is_gaussian, model.mean + model.std * gaussian, model.uniform_range * (uniform - 0.5)
    )


def stretch(
    values: Float[Tensor, "B K C"], *, frames: int, spacing: float | None = None
) -> Float[Tensor, "B frames C"]:
    """Key frames linearly interpolated to frames.

    With `spacing`, key frames stand that many frames apart; without, the first and the last key
    frame are the first and the last frame, as published.
    """
    keys = values.shape[1]
    frame = torch.arange(frames, device=values.device, dtype=values.dtype)
    place = frame / spacing if spacing else frame * ((keys - 1) / max(frames - 1, 1))
    before = place.floor().long().clamp(max=max(keys - 2, 0))
    share = (place - before)[None, :, None]
    after = (before + 1).clamp(max=keys - 1)
    return values[:, before] * (1 - share) + values[:, after] * share


def confidence_at(
    distance: Float[Tensor, "*any"], shift: Float[Tensor, "*any"], *, model: NoiseModel
) -> Float[Tensor, "*any"]:
    """Confidence of a keypoint displaced by `distance`, in published units; `shift` is normal."""
    a, b, m, s = model.curve
    return (a / (distance + a) + b * distance + m + s * shift).clamp(0, 1)
