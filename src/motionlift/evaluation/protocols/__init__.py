"""Protocols: published ways to score, as data; one file each, found by its `PROTOCOL`."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from motionlift.errors import OptionError
from motionlift.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Spells:
    """Stretches of time in which something is out of sight.

    Attributes:
        per_second: chance that one begins in each second.
        shortest, longest: its length is uniform between these, in seconds.
    """

    per_second: float = 0.0
    shortest: float = 0.0
    longest: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What becomes of the keypoints before a lifter sees them.

    Attributes:
        noise: factor of the published keypoint noise and of its confidences; 0 for exact
            keypoints of confidence 1.
        joint_mask: chance of each joint in each frame to be missing, by itself.
        frame_mask: chance of each frame to be lost, by itself.
        lost: spells in which every keypoint is lost.
        hidden_limbs: spells, for each arm and each leg by itself, in which its two outer joints
            are hidden.
    """

    noise: float = 0.0
    joint_mask: float = 0.0
    frame_mask: float = 0.0
    lost: Spells = Spells()
    hidden_limbs: Spells = Spells()


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A virtual camera, in radians, as `camera.look_rotation` takes them."""

    yaw: float
    pitch: float

    @property
    def label(self) -> str:
        """As in tables: degrees around the person, and degrees above it."""
        return f"yaw {math.degrees(self.yaw):.0f}, pitch {math.degrees(self.pitch):+.0f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreProtocol:
    """Scoring by projecting the motion of a store.

    Attributes:
        name: as in `--protocol`.
        title: as people call it.
        split: which sequences of a store are scored.
        views: the cameras that there are.
        views_each: how many of them see each sequence; drawn for each sequence by `seed`.
        conditions: by name, in the order of the tables.
        fps: velocities and accelerations are per frame at this rate.
        quick_share: share of each dataset's frames that a quick run scores.
        seed: of every draw; with a sequence's name it fixes its views, noise and masks.
    """

    name: str
    title: str
    split: str
    views: tuple[View, ...]
    views_each: int
    conditions: Mapping[str, Condition]
    fps: float
    quick_share: float
    seed: int


PROTOCOLS: Registry[StoreProtocol] = Registry(
    package=__name__, constant="PROTOCOL", kind="protocol", error=OptionError
)
