"""Bodies and cameras for training: bone lengths, a flip, a random view, and the projection.

All of it is batched, in torch, on the training's device. Positions are world space (metres, y up)
until `see`, which answers in camera space. Axes: B samples, F frames, J joints.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from motionlift.camera import look_rotation
from motionlift.data.draws import Draws
from motionlift.errors import RecipeError
from motionlift.ranges import check_at_least_0, check_shares
from motionlift.skeletons import H36M17


@dataclass(frozen=True, slots=True, kw_only=True)
class BodySettings:
    """How bodies vary.

    Attributes:
        bone_scale: deviation of the logarithm of each bone's length; left and right stay equal.
        limb_scale: the same for all bones of the legs, of the arms, and of the trunk and head
            together.
        flip: probability that left and right are exchanged.
        exchange: probability that an arm, a leg, both arms or both legs move as in another clip.
        turn: how far trunk, head and limbs are turned about the joints they hang from, in radians:
            an arm's deviation in the sample that is turned farthest; see `turn_limbs`.
    """

    bone_scale: float = 0.0
    limb_scale: float = 0.0
    flip: float = 0.5
    exchange: float = 0.0
    turn: float = 0.0

    def __post_init__(self) -> None:
        check_at_least_0(self, "bone_scale", "limb_scale", "turn", of="body")
        check_shares(self, "flip", "exchange", of="body")


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewSettings:
    """Where the virtual cameras stand.

    Attributes:
        kind: "random", or "front": one fixed view, as the published procedure has it.
        tripod_pitch: deviation of the pitch of most cameras, in radians.
        high: share of cameras that look down from above, as drones and ceilings do.
        high_pitch: largest pitch of those.
        low: share of cameras near the floor that look up.
        low_pitch: largest pitch of those, upwards.
        roll: deviation of the roll, in radians.
        tumbled: share of cameras that are turned in any way: people upside down, in the air or on
            the floor, of whom there is little capture.
        projection: "orthographic" (the paper), "weak-perspective" or "perspective".
        share: of samples that are projected so; the rest are orthographic.
        share_of_detectors: the same, of the samples that are as a real detector reports a person
            (`corruption.detectors`), since it sees through a real lens.
        nearest: for the perspective kinds, the least distance from the camera to the root, in the
            mean of the clip, in metres.
    """

    kind: Literal["random", "front"] = "random"
    tripod_pitch: float = 0.17
    high: float = 0.15
    high_pitch: float = 1.0
    low: float = 0.1
    low_pitch: float = 0.5
    roll: float = 0.07
    tumbled: float = 0.0
    projection: Literal["orthographic", "weak-perspective", "perspective"] = "orthographic"
    share: float = 1.0
    share_of_detectors: float = 1.0
    nearest: float = 2.5

    def __post_init__(self) -> None:
        check_shares(self, "high", "low", "tumbled", "share", "share_of_detectors", of="views")
        check_at_least_0(self, "tripod_pitch", "high_pitch", "low_pitch", "roll", of="views")
        if self.high + self.low > 1:
            raise RecipeError(f"views.high and low are {self.high} and {self.low}: more than all")
        if not self.nearest > 0:
            raise RecipeError(f"views.nearest is {self.nearest}, but above 0")


def flip(positions: Float[Tensor, "B F 17 3"]) -> Float[Tensor, "B F 17 3"]:
    """The mirror image: x negated, left and right joints exchanged. Twice is the identity."""
    sign = positions.new_tensor([-1.0, 1.0, 1.0])
    return positions[:, :, list(H36M17.mirror)] * sign


def vary_body(
    positions: Float[Tensor, "B F J 3"], draws: Draws, settings: BodySettings
) -> Float[Tensor, "B F J 3"]:
    """The same motion by another body: bones rescaled along the kinematic tree, maybe flipped.

    The root's path scales with the legs, so that feet that stood still stay still as far as one
    factor allows.
    """
    if settings.bone_scale > 0 or settings.limb_scale > 0:
        positions = _scale_bones(positions, _bone_factors(draws, settings))
    return maybe_flip(positions, draws, settings)


def maybe_flip(
    positions: Float[Tensor, "B F J 3"], draws: Draws, settings: BodySettings
) -> Float[Tensor, "B F J 3"]:
    """Some of the samples as their mirror images; x, y and confidence may stand for x, y, z."""
    is_flipped = _is_flipped(draws, settings)
    return torch.where(is_flipped[:, None, None, None], flip(positions), positions)


def maybe_flip_seen(
    weight: Float[Tensor, "B F 17"], draws: Draws, settings: BodySettings
) -> Float[Tensor, "B F 17"]:
    """What is seen of each joint, in the samples that `maybe_flip` makes mirror images of."""
    is_flipped = _is_flipped(draws, settings)
    return torch.where(is_flipped[:, None, None], weight[:, :, list(H36M17.mirror)], weight)


def _is_flipped(draws: Draws, settings: BodySettings) -> Bool[Tensor, " B"]:
    return draws.chance("flip", probability=settings.flip)


def rotations_of_views(draws: Draws, settings: ViewSettings) -> Float[Tensor, "B 3 3"]:
    """World axes to camera axes, one view a sample, for all its frames."""
    yaw = draws.uniform("yaw", low=-torch.pi, high=torch.pi)
    if settings.kind == "front":
        zero = torch.zeros_like(yaw)
        return look_rotation(yaw=zero, pitch=zero, roll=zero)
    which, how_far = draws.uniform("camera kind"), draws.uniform("pitch")
    tripod = settings.tripod_pitch * draws.normal("tripod pitch", 1)[:, 0]
    pitch = torch.where(which < settings.high, settings.high_pitch * how_far, tripod)
    pitch = torch.where(which > 1 - settings.low, -settings.low_pitch * how_far, pitch)
    roll = settings.roll * draws.normal("roll", 1)[:, 0]
    if settings.tumbled > 0:
        is_tumbled = draws.chance("tumbled", probability=settings.tumbled)
        # Uniform over all rotations: the sine of the pitch and the two angles are uniform.
        sine = draws.uniform("tumbled pitch", low=-1.0)
        pitch = torch.where(is_tumbled, torch.asin(sine), pitch)
        turn = draws.uniform("tumbled roll", low=-torch.pi, high=torch.pi)
        roll = torch.where(is_tumbled, turn, roll)
    return look_rotation(yaw=yaw, pitch=pitch, roll=roll)


def see(
    positions: Float[Tensor, "B F J 3"],
    draws: Draws,
    settings: ViewSettings,
    *,
    has_root: Bool[Tensor, "B F"] | None = None,
    detected: Bool[Tensor, " B"] | None = None,
) -> tuple[Float[Tensor, "B F J 3"], Float[Tensor, "B F J 2"]]:
    """Joints in camera space, and their projection, both in metres at the person's distance.

    Perspective images are scaled so that a metre at the root's mean distance is a metre in the
    image: what is nearer looks larger, and the lengths of camera and image space stay comparable.

    Args:
        has_root: frames in which the capture has the root, if not in all.
        detected: samples that are as a real detector reports a person; none if not given.
    """
    rotation = rotations_of_views(draws, settings)
    camera = torch.einsum("brc,bfjc->bfjr", rotation, positions)
    root = camera[:, :, [H36M17.root]]
    if has_root is None:
        camera = camera - root.mean(dim=1, keepdim=True)
    else:
        share = has_root / has_root.sum(dim=1, keepdim=True).clamp_min(1)
        camera = camera - (root * share[:, :, None, None]).sum(dim=1, keepdim=True)
    if settings.projection == "orthographic":
        return camera, camera[..., :2]
    # 1 / distance is uniform from 0 (far away) to the nearest: half of the cameras stand within
    # twice the least distance.
    inverse = draws.uniform("distance", high=1 / settings.nearest)
    share = torch.full_like(inverse, settings.share)
    if detected is not None:
        share = torch.where(detected, settings.share_of_detectors, share)
    inverse = inverse * (draws.uniform("perspective") < share)
    inverse = inverse[:, None, None]
    if settings.projection == "weak-perspective":
        nearness = 1 + camera[..., H36M17.root, 2][..., None] * inverse
    else:
        nearness = 1 + camera[..., 2] * inverse
    # A joint at or behind the lens has no image; a hand that reaches that far is clamped to a
    # fifth of the way.
    return camera, camera[..., :2] / nearness.clamp_min(0.2)[..., None]


def _bone_factors(draws: Draws, settings: BodySettings) -> Float[Tensor, "B J"]:
    """Factor of the bone that ends at each joint; the same for a joint and its mirror image."""
    skeleton = H36M17
    own = torch.exp(settings.bone_scale * draws.normal("bone scale", skeleton.num_joints))
    limb = torch.exp(settings.limb_scale * draws.normal("limb scale", 3))
    one_of_pair = [min(joint, skeleton.mirror[joint]) for joint in range(skeleton.num_joints)]
    group = [_limb_of(name) for name in skeleton.joints]
    return own[:, one_of_pair] * limb[:, group]


def _limb_of(joint: str) -> int:
    if joint.endswith(("knee", "ankle")):
        return 0
    return 1 if joint.endswith(("elbow", "wrist")) else 2


def _scale_bones(
    positions: Float[Tensor, "B F J 3"], factors: Float[Tensor, "B J"]
) -> Float[Tensor, "B F J 3"]:
    skeleton = H36M17
    legs = factors[:, [skeleton.index("left_knee"), skeleton.index("left_ankle")]].mean(dim=1)
    placed: dict[int, Tensor] = {
        skeleton.root: positions[:, :, skeleton.root] * legs[:, None, None]
    }
    for parent, joint in skeleton.bones:  # parents come before their children in the order
        bone = positions[:, :, joint] - positions[:, :, parent]
        placed[joint] = placed[parent] + bone * factors[:, joint, None, None]
    return torch.stack([placed[joint] for joint in range(skeleton.num_joints)], dim=2)
