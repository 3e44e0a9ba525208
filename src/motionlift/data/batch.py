"""A batch for training: clips seen by cameras, corrupted, and placed as the network sees them.

Target and input are in clip space (`camera.image_to_clip`): u = (xy - center) / scale over what is
left visible, and (X - X_root) / scale for the joints, frame by frame, with the camera's axes.
Only visible keypoints are input; every joint that the capture has is a target.

Motion that is 2D only is its own input, masked as what cameras see of 3D motion is, and its own
target: x and y in clip space. Noise is not added to it: what its detector erred is in it already,
and the confidence that stands beside each keypoint weighs its loss. The published code treats
detections likewise. As input that confidence is what it is when keypoints are lifted:
`confidence.believed`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from motionlift.camera import box_of_visible
from motionlift.confidence import believed
from motionlift.data.clips import ClipSettings, Cut
from motionlift.data.corruption import (
    PUBLISHED_FPS,
    CorruptionSettings,
    corrupt,
    is_detected,
    masks,
)
from motionlift.data.draws import Draws
from motionlift.data.limbs import exchanged, limbs_known, with_limbs_of
from motionlift.data.turns import turn_limbs
from motionlift.data.views import (
    BodySettings,
    ViewSettings,
    maybe_flip,
    maybe_flip_seen,
    see,
    vary_body,
)
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

    Samples that are 2D only come last.

    Attributes:
        inputs: (u, v, confidence); (0, 0, 0) where missing.
        target: root-relative joints over scale, camera axes; of 2D samples (u, v, 0).
        weight: 1 where the capture has the joint, else 0; of 2D samples the confidence.
        scale: metres, or pixels, a unit of clip space, sample by sample.
        num_2d: how many samples are 2D only; None where none takes part in this epoch.
    """

    inputs: Float[Tensor, "B F J 3"]
    target: Float[Tensor, "B F J 3"]
    weight: Float[Tensor, "B F J"]
    scale: Float[Tensor, " B"]
    num_2d: int | None = None


def make_batch(
    cut: Cut,
    draws: Draws,
    settings: DataSettings,
    *,
    device: torch.device,
    others: Cut | None = None,
) -> Batch:
    """The batch of these clips; every draw is a function of the sample alone.

    Args:
        others: for each clip another, of which limbs are taken, as often as
            `settings.body.exchange` says; if None, none are.
    """
    positions = torch.from_numpy(cut.positions).to(device)
    weight = torch.from_numpy(cut.visibility).to(device).float()
    if others is not None:
        which = exchanged(draws.uniform("exchanged limb"))
        which &= draws.chance("exchange", 1, probability=settings.body.exchange)
        positions = with_limbs_of(positions, torch.from_numpy(others.positions).to(device), which)
        seen = torch.from_numpy(others.visibility).to(device).float()
        weight = torch.where(which[:, None], limbs_known(weight, seen), weight)
    if settings.body.turn > 0:
        positions = turn_limbs(positions, weight, draws, turn=settings.body.turn)
    if settings.body.bone_scale > 0 or settings.body.limb_scale > 0:
        weight = _reached(weight)
    positions = vary_body(positions, draws, settings.body)
    weight = maybe_flip_seen(weight, draws, settings.body)
    camera, image = see(
        positions,
        draws,
        settings.views,
        has_root=weight[..., H36M17.root] > 0,
        detected=is_detected(draws, settings.corruption),
    )
    # Without a rate of their own clips are drawn as published, whatever the store's.
    fps = settings.clips.fps or PUBLISHED_FPS
    image, confidence = corrupt(image, draws, settings.corruption, camera=camera, fps=fps)
    return place(image, confidence * weight, camera, weight=weight)


def make_batch_2d(cut: Cut, draws: Draws, settings: DataSettings, *, device: torch.device) -> Batch:
    """The batch of clips that are 2D only: x, y and confidence; flipped and masked as 3D is."""
    is_seen = torch.from_numpy(cut.visibility).to(device)[..., None]
    points = torch.from_numpy(cut.positions).to(device) * is_seen
    points = maybe_flip(points, draws, settings.body)
    image, confidence = points[..., :2], points[..., 2]
    left = confidence * ~masks(draws, settings.corruption, frames=points.shape[1])
    center, scale = _box(image, left)
    clip = torch.where(confidence[..., None] > 0, (image - center) / scale, 0.0)
    # Where masks leave no two points there is no scale, so nothing to compare an answer with.
    has_scale = ((left > 0).sum(dim=(1, 2)) >= 2)[:, None, None]
    seen = torch.cat([clip, believed(left)[..., None]], dim=-1)
    return Batch(
        inputs=torch.where(left[..., None] > 0, seen, 0.0),
        target=torch.nn.functional.pad(clip, (0, 1)),
        weight=confidence * has_scale,
        scale=scale[:, 0, 0, 0],
    )


def join(batches: Sequence[Batch], *, num_2d: int) -> Batch:
    """One batch of several, whose last `num_2d` samples are 2D only."""
    return Batch(
        inputs=torch.cat([each.inputs for each in batches]),
        target=torch.cat([each.target for each in batches]),
        weight=torch.cat([each.weight for each in batches]),
        scale=torch.cat([each.scale for each in batches]),
        num_2d=num_2d,
    )


def _reached(weight: Float[Tensor, "B F J"]) -> Float[Tensor, "B F J"]:
    """Seen joints to which a chain of seen ones leads from the root.

    Where a bone begins at a joint that was not seen, nobody knows how to scale it.
    """
    reached = list(weight.unbind(dim=2))
    for parent, joint in H36M17.bones:  # parents come before their children in the order
        reached[joint] = reached[joint] * reached[parent]
    return torch.stack(reached, dim=2)


def place(
    image: Float[Tensor, "B F J 2"],
    confidence: Float[Tensor, "B F J"],
    camera: Float[Tensor, "B F J 3"],
    *,
    weight: Float[Tensor, "B F J"],
) -> Batch:
    """Keypoints and joints in clip space, with one center and scale a clip."""
    center, scale = _box(image, confidence)
    is_visible = confidence[..., None] > 0
    points = torch.cat([(image - center) / scale, confidence[..., None]], dim=-1)
    relative = camera - camera[:, :, [H36M17.root]]
    # Of fewer than two points there is no scale, so nothing to compare an answer with.
    has_scale = (is_visible[..., 0].sum(dim=(1, 2)) >= 2)[:, None, None]
    return Batch(
        inputs=torch.where(is_visible, points, points.new_zeros(())),
        target=relative / scale,
        weight=weight * has_scale,
        scale=scale[:, 0, 0, 0],
    )


def _box(
    image: Float[Tensor, "B F J 2"], confidence: Float[Tensor, "B F J"]
) -> tuple[Float[Tensor, "B 1 1 2"], Float[Tensor, "B 1 1 1"]]:
    """Center and scale of what is visible; finite, and of no meaning, where nothing is."""
    center, scale = box_of_visible(image, confidence)
    # Two visible points can coincide by chance only; a millimetre keeps such a clip finite.
    scale = scale.nan_to_num(nan=1.0, posinf=1.0, neginf=1.0).clamp_min(1e-3)
    return center.nan_to_num(nan=0.0), scale
