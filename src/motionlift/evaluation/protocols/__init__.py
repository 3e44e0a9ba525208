"""Protocols: published ways to score, as data; one file each, found by its `PROTOCOL`."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float

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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FileSequence:
    """One recording of a published test set.

    Attributes:
        name, action: as the file has them.
        keypoints: in pixels, as `H36M17` joints; NaN where missing.
        confidence: in [0, 1]; 0 where missing.
        truth: root-relative joints in metres, in the camera's axes; NaN where they do not count.
        metres_per_pixel: at the person, frame by frame; None if the file does not say.
        fps: frames a second; None if the file does not say.
    """

    name: str
    action: str
    keypoints: Float[np.ndarray, "frame 17 2"]
    confidence: Float[np.ndarray, "frame 17"]
    truth: Float[np.ndarray, "frame 17 3"]
    metres_per_pixel: Float[np.ndarray, " frame"] | None
    fps: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileProtocol:
    """Scoring on a published test set, from the file in which its lineage passes it on.

    Attributes:
        name: as in `--protocol`.
        title: as people call it.
        read: the test set in a file.
        headline: the metrics that papers report.
        excluded: recordings that the published number leaves out, by how their names begin.
        mean_of_actions: whether the published number is the mean of the actions' means.
        confidences: of the keypoints in the file: a detector's, or those of exact ones.
    """

    name: str
    title: str
    read: Callable[[Path], list[FileSequence]]
    headline: tuple[str, ...]
    excluded: tuple[str, ...] = ()
    mean_of_actions: bool = False
    confidences: Literal["detector", "simulated"] = "detector"


PROTOCOLS: Registry[StoreProtocol | FileProtocol] = Registry(
    package=__name__, constant="PROTOCOL", kind="protocol", error=OptionError
)
