"""Corruption: what a detector does to the keypoints it sees, drawn for each sample by itself.

Section 3.2 of the paper: the projected keypoints get noise, and joints and whole frames are masked.
The noise model is the published one (a mixture of a Gaussian and a uniform part for each joint,
drawn at key frames and stretched in time, plus jitter: `noise.py`). What the published code shares
between all clips of a batch, we draw clip by clip; `compat="published"` has it as it was. On top
stand, as options, what real detectors do beyond that: joints that they do not have, hips and
shoulders that they place elsewhere, and limbs out of sight for a while.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from motionlift.confidence import believed
from motionlift.data.draws import Draws
from motionlift.data.noise import (
    METRES_PER_UNIT,
    NoiseModel,
    confidence_at,
    keypoint_offsets,
    noise_model,
    stretch,
)
from motionlift.data.published import published_corruption
from motionlift.errors import RecipeError
from motionlift.ranges import check_at_least_0, check_shares
from motionlift.skeletons import H36M17

# The published 27 key frames over 243 frames, at 50 frames a second: one each 9.3 frames.
KEY_FRAME_SPACING = 242 / 26
PUBLISHED_FPS = 50.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CorruptionSettings:
    """How strong the corruption is.

    Attributes:
        noise: factor of the noise model.
        noise_file: the noise model, as `motionlift data fit-noise` writes it; the published one
            that ships if "".
        noise_spread: each sample's own factor is drawn between 1 - spread and 1 + spread of it.
        joint_mask: probability that a joint of a frame is masked.
        frame_mask: probability that a whole frame is masked.
        detectors: share of the corrupted samples that are as a real detector reports a person;
            their confidence is what lifting makes of a detector's (`confidence.believed`).
        offsets: in these, factor of the displacement of hips, shoulders and head by which
            detectors differ from motion capture; 0 for none.
        held: share of these whose drift stays as it is in the clip's first frame: real detectors
            err for seconds in the same direction, the noise model for 9 frames.
        absent: probability that the detector has no spine, and that it has no head top.
        occlusion: probability that one limb or both legs are out of sight for a while.
        occlusion_length: longest time out of sight, in clips; above 1 a limb is often hidden in
            the whole clip.
        share: of the samples that are corrupted at all; the others are exact, of confidence 1.
        compat: "published" for corruption as the published code has it; it has only the noise
            and the two masks, each as strong as published.
    """

    noise: float = 1.0
    noise_file: str = ""
    noise_spread: float = 0.0
    joint_mask: float = 0.05
    frame_mask: float = 0.1
    detectors: float = 0.0
    offsets: float = 0.0
    held: float = 0.0
    absent: float = 0.0
    occlusion: float = 0.0
    occlusion_length: float = 1.0
    share: float = 1.0
    compat: Literal["none", "published"] = "none"

    def __post_init__(self) -> None:
        if not self.occlusion_length > 0:
            raise RecipeError(
                f"corruption.occlusion-length is {self.occlusion_length}, but above 0"
            )
        shares = ("joint_mask", "frame_mask", "detectors", "held", "absent", "occlusion", "share")
        check_shares(self, *shares, of="corruption")
        check_at_least_0(self, "noise", "noise_spread", "offsets", of="corruption")
        more = (self.noise_spread, self.detectors, self.offsets, self.held)
        has_more = any((*more, self.absent, self.occlusion))
        if self.compat == "published" and (has_more or self.noise != 1 or self.share != 1):
            raise RecipeError(
                "corruption.compat=published knows no noise strength, noise-spread, detectors, "
                "offsets, held, absent, occlusion or share; leave them at their defaults"
            )


def corrupt(
    image: Float[Tensor, "B F J 2"],
    draws: Draws,
    settings: CorruptionSettings,
    *,
    camera: Float[Tensor, "B F J 3"],
    fps: float = PUBLISHED_FPS,
) -> tuple[Float[Tensor, "B F J 2"], Float[Tensor, "B F J"]]:
    """Keypoints as a detector would report them, and their confidence (0: missing).

    Args:
        image: projected joints, in metres at the person's distance.
        camera: the same joints in camera space; tells where a detector's own hips and shoulders
            would be.
        fps: frames a second; the noise drifts as fast at any rate.
    """
    count, frames, joints, _ = image.shape
    if settings.compat == "published":
        keypoints = published_corruption(
            image / METRES_PER_UNIT,
            draws,
            model=noise_model(image.device, settings.noise_file),
            joint_mask=settings.joint_mask,
            frame_mask=settings.frame_mask,
        )
        return keypoints[..., :2] * METRES_PER_UNIT, keypoints[..., 2]
    exact = image
    detected = is_detected(draws, settings)
    if settings.offsets > 0:
        offset = settings.offsets * detector_offsets(camera, draws)
        image = image + torch.where(detected[:, None, None, None], offset, 0.0)
    confidence = image.new_ones(count, frames, joints)
    if settings.noise > 0:
        strength = settings.noise * draws.uniform(
            "noise strength", 1, 1, 1, low=1 - settings.noise_spread, high=1 + settings.noise_spread
        )
        model = noise_model(image.device, settings.noise_file)
        offset = strength * _offsets_of(
            draws,
            model,
            frames=frames,
            spacing=KEY_FRAME_SPACING * fps / PUBLISHED_FPS,
            is_held=detected & draws.chance("held", probability=settings.held),
        )
        image = image + offset * METRES_PER_UNIT
        distance = offset.norm(dim=-1)
        shift = draws.normal("confidence", frames, joints)
        # A confidence of exactly 0 would say that the joint is missing.
        confidence = confidence_at(distance, shift, model=model).clamp_min(1e-3)
    confidence = torch.where(detected[:, None, None], believed(confidence), confidence)
    if settings.share < 1:
        is_corrupted = _is_corrupted(draws, settings)[:, None, None]
        image = torch.where(is_corrupted[..., None], image, exact)
        confidence = torch.where(is_corrupted, confidence, 1.0)
    return image, confidence * ~masks(draws, settings, frames=frames)


def masks(draws: Draws, settings: CorruptionSettings, *, frames: int) -> Bool[Tensor, "B frames J"]:
    """Where joints are masked. At least one frame of each sample keeps what detectors have."""
    joints = H36M17.num_joints
    hidden = draws.chance("joint mask", frames, joints, probability=settings.joint_mask)
    if settings.occlusion > 0:
        hidden = hidden | _occluded(draws, settings, frames=frames)
    lost = draws.chance("frame mask", frames, probability=settings.frame_mask)
    hidden = hidden | lost[:, :, None]
    # Nothing can be lifted from nothing: of the frames, the one with the fewest hidden joints, if
    # that many are hidden in it, is shown.
    shown = hidden.sum(dim=2).argmin(dim=1)
    rows = torch.arange(len(hidden), device=hidden.device)
    too_few = hidden[rows, shown].sum(dim=1) > joints // 2
    hidden[rows, shown] &= ~too_few[:, None]
    if settings.absent > 0:
        for joint in ("spine", "head_top"):
            absent = draws.chance(f"no {joint}", probability=settings.absent)
            hidden[:, :, H36M17.index(joint)] |= absent[:, None]
    if settings.share < 1:
        hidden &= _is_corrupted(draws, settings)[:, None, None]
    return hidden


def detector_offsets(camera: Float[Tensor, "B F J 3"], draws: Draws) -> Float[Tensor, "B F J 2"]:
    """How far detectors place joints from where motion capture has them, in metres in the image.

    Annotators click hips higher and further out than the joint centres, shoulders further
    out and lower or higher, the head's top and the nose within some centimetres. Each sample has
    its own detector: offsets along the body's own axes, the same for all frames, and of the pairs
    one part alike on both sides, one of each side's own. Pelvis and thorax, being middles, move
    with their pairs.
    """
    skeleton = H36M17
    axes = _body_axes(camera)
    bias = camera.new_zeros(len(draws), skeleton.num_joints, 3)
    for joint, (out, up) in {"hip": (0.02, 0.03), "shoulder": (0.0, 0.0)}.items():
        common = 0.03 * draws.normal(f"{joint} offset", 3)
        common = common + common.new_tensor([out, up, 0.0])
        # Of two hips in profile the hidden one is a guess, often centimetres off.
        own = 0.025 * draws.normal(f"{joint} asymmetry", 2, 3)
        for number, (side, sign) in enumerate((("left", 1.0), ("right", -1.0))):
            outward = common * common.new_tensor([sign, 1.0, 1.0])
            bias[:, skeleton.index(f"{side}_{joint}")] = outward + own[:, number]
    for middle, joint in (("pelvis", "hip"), ("thorax", "shoulder")):
        pair = [skeleton.index(f"{side}_{joint}") for side in ("left", "right")]
        bias[:, skeleton.index(middle)] = bias[:, pair].mean(dim=1)
    for joint, spread in (("head_top", 0.04), ("nose", 0.035), ("spine", 0.04)):
        bias[:, skeleton.index(joint)] = spread * draws.normal(f"{joint} offset", 3)
    for joint in ("knee", "ankle", "elbow", "wrist"):
        pair = [skeleton.index(f"{side}_{joint}") for side in ("left", "right")]
        bias[:, pair] = 0.02 * draws.normal(f"{joint} offset", 2, 3)
    return torch.einsum("bfac,bja->bfjc", axes[..., :2], bias)


def is_detected(draws: Draws, settings: CorruptionSettings) -> Bool[Tensor, " B"]:
    """Which samples are as a real detector reports a person."""
    chosen = draws.chance("detected", probability=settings.detectors)
    return chosen & _is_corrupted(draws, settings)


def _is_corrupted(draws: Draws, settings: CorruptionSettings) -> Bool[Tensor, " B"]:
    return draws.chance("corrupted", probability=settings.share)


def _offsets_of(
    draws: Draws, model: NoiseModel, *, frames: int, spacing: float, is_held: Bool[Tensor, " B"]
) -> Float[Tensor, "B frames J 2"]:
    joints = H36M17.num_joints
    keys = int((frames - 1) / spacing) + 2
    offsets = keypoint_offsets(
        select=draws.uniform("select", keys, joints),
        gaussian=draws.normal("gaussian", keys, joints, 2),
        uniform=draws.uniform("uniform", keys, joints, 2),
        model=model,
    )
    drift = stretch(offsets.flatten(2), frames=frames, spacing=spacing)
    drift = torch.where(is_held[:, None, None], drift[:, :1], drift)
    jitter = model.jitter * draws.normal("jitter", frames, joints, 2)
    return drift.reshape(-1, frames, joints, 2) + jitter


def _occluded(
    draws: Draws, settings: CorruptionSettings, *, frames: int
) -> Bool[Tensor, "B frames J"]:
    """One limb, or both legs, out of sight from some frame on, or in the whole clip."""
    device = draws.uniform("limb").device
    groups = torch.zeros(5, H36M17.num_joints, dtype=torch.bool, device=device)
    arms, legs = ("elbow", "wrist"), ("knee", "ankle")
    for group, (sides, joints) in enumerate(
        ((("left",), arms), (("right",), arms), (("left",), legs), (("right",), legs))
    ):
        for side in sides:
            groups[group, [H36M17.index(f"{side}_{joint}") for joint in joints]] = True
    groups[4] = groups[2] | groups[3]
    limb = groups[(draws.uniform("limb") * len(groups)).long()]
    middle = draws.uniform("occlusion middle")
    length = draws.uniform("occlusion length", high=settings.occlusion_length)
    time = (torch.arange(frames, device=device) + 0.5) / frames
    is_then = (time - middle[:, None]).abs() < length[:, None] / 2
    happens = draws.chance("occlusion", probability=settings.occlusion)
    return (is_then & happens[:, None])[:, :, None] & limb[:, None, :]


def _body_axes(camera: Float[Tensor, "B F J 3"]) -> Float[Tensor, "B F 3 3"]:
    """Rows: the body's left, up and forward axes, frame by frame; orthonormal."""
    skeleton = H36M17

    def at(joint: str) -> Tensor:
        return camera[:, :, skeleton.index(joint)]

    up = torch.nn.functional.normalize(at("thorax") - at("pelvis"), dim=-1)
    left = at("left_hip") - at("right_hip")
    left = torch.nn.functional.normalize(left - (left * up).sum(-1, keepdim=True) * up, dim=-1)
    return torch.stack([left, up, torch.linalg.cross(left, up)], dim=-2)
