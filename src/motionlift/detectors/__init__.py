"""The detectors that find people in pictures: one file a detector, found by its `DETECTOR`.

A detector says where the keypoints of a fixed skeleton are in one picture; who is who from picture
to picture is settled later, as for every other source of keypoints. Nothing is fetched from the
network unless the user has said so. Detectors are imported, weights and all, when they are started.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from motionlift.errors import OptionError
from motionlift.registry import Registry
from motionlift.skeletons import Skeleton

# The one that comes with `pip install "motionlift[video]"`.
DEFAULT = "mediapipe"
# What is found in one picture (red, green, blue): x, y in its pixels, and confidence. A keypoint
# that was not found has confidence 0.
Find = Callable[
    [UInt8[np.ndarray, "height width 3"]],
    Float[np.ndarray, "person joint 3"],
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """One detector.

    Attributes:
        name: as in `--detector`; the name of the module.
        title: as people call it.
        people: how many people it can find in a picture, in words.
        skeleton: of the keypoints that it finds.
        settings: what its answers depend on, beside its version and the picture.
        version: of what is installed; None if it is not installed.
        start: a detector ready to be called, for the time of a `with` block; it may look at
            pictures in their order. Told whether it may fetch weights from the network.
    """

    name: str
    title: str
    people: str
    skeleton: Skeleton
    settings: Mapping[str, str | float | bool]
    version: Callable[[], str | None]
    start: Callable[[bool], AbstractContextManager[Find]]

    def made_by(self) -> dict[str, object]:
        """Name, version and settings: what detections are remembered by."""
        return {"detector": self.name, "version": self.version(), "settings": dict(self.settings)}


DETECTORS: Registry[Detector] = Registry(
    package=__name__, constant="DETECTOR", kind="detector", error=OptionError
)
