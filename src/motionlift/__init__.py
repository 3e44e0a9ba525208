"""motionlift: 2D keypoints in, 3D motion out.

The names of `__all__` are the public interface. They are fetched when first used, so that
importing the package costs nothing and needs no PyTorch.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from motionlift.api import encode, lift, read, write
    from motionlift.errors import MotionliftError
    from motionlift.lifting import Lifter
    from motionlift.network.weights import load_model
    from motionlift.poses import Pose2D, Pose3D

__all__ = [
    "Lifter",
    "MotionliftError",
    "Pose2D",
    "Pose3D",
    "encode",
    "lift",
    "load_model",
    "read",
    "write",
]

_HOME = {
    "Lifter": "motionlift.lifting",
    "MotionliftError": "motionlift.errors",
    "Pose2D": "motionlift.poses",
    "Pose3D": "motionlift.poses",
    "encode": "motionlift.api",
    "lift": "motionlift.api",
    "load_model": "motionlift.network.weights",
    "read": "motionlift.api",
    "write": "motionlift.api",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'motionlift' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
