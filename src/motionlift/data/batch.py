"""A batch for training: clips seen by cameras, corrupted, and placed as the network sees them.

Target and input are in clip space (`camera.image_to_clip`): u = (xy - center) / scale over what is
left visible, and (X - X_root) / scale for the joints, frame by frame, with the camera's axes.
Only visible keypoints are input; every joint that the capture has is a target.
"""

from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from motionlift.camera import box_of_visible
from motionlift.data.clips import ClipSettings, Cut
from motionlift.data.corruption import CorruptionSettings, corrupt
from motionlift.data.draws import Draws
from motionlift.data.views import BodySettings, ViewSettings, see, vary_body
from motionlift.skeletons import H36M17


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSettings:
    """Everything between the store and the network."""

    clips: ClipSettings = field(default_factory=ClipSettings)
    body: BodySettings = field(default_factory=BodySettings)
    views: ViewSettings = field(default_factory=ViewSettings)
    corruption: CorruptionSettings = field(default_factory=CorruptionSettings)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Batch:
    """What one step learns from.

    Attributes:
        inputs: (u, v, confidence); (0, 0, 0) where missing.
        target: root-relative joints over scale, camera axes.
        weight: 1 where the capture has the joint, else 0.
        scale: metres a unit of clip space, sample by sample.
    """

    inputs: Float[Tensor, "B F J 3"]
    target: Float[Tensor, "B F J 3"]
    weight: Float[Tensor, "B F J"]
    scale: Float[Tensor, " B"]


def make_batch(cut: Cut, draws: Draws, settings: DataSettings, *, device: torch.device) -> Batch:
    """The batch of these clips; every draw is a function of the sample alone."""
    positions = torch.from_numpy(cut.positions).to(device)
    weight = torch.from_numpy(cut.visibility).to(device).float()
    camera, image = see(vary_body(positions, draws, settings.body), draws, settings.views)
    image, confidence = corrupt(image, draws, settings.corruption, camera=camera)
    return place(image, confidence * weight, camera, weight=weight)


def place(
    image: Float[Tensor, "B F J 2"],
    confidence: Float[Tensor, "B F J"],
    camera: Float[Tensor, "B F J 3"],
    *,
    weight: Float[Tensor, "B F J"],
) -> Batch:
    """Keypoints and joints in clip space, with one center and scale a clip."""
    center, scale = box_of_visible(image, confidence)
    # Two visible points can coincide by chance only; a millimetre keeps such a clip finite.
    scale = scale.nan_to_num(nan=1.0, posinf=1.0, neginf=1.0).clamp_min(1e-3)
    is_visible = confidence[..., None] > 0
    points = torch.cat([(image - center) / scale, confidence[..., None]], dim=-1)
    relative = camera - camera[:, :, [H36M17.root]]
    return Batch(
        inputs=torch.where(is_visible, points, points.new_zeros(())),
        target=relative / scale,
        weight=weight,
        scale=scale[:, 0, 0, 0],
    )
