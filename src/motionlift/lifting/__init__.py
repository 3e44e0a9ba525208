"""Keypoints in, 3D joints out: windows, batches, the network, and the way back into pixels.

Each window is brought into clip space by its own box, as every clip was in training, and its
answer is brought back by that same window's scale before windows are joined. A box around the
whole sequence would make a person who crosses a wide picture small in every window, as no clip in
training was.
"""

from motionlift.lifting.lifter import (
    Lifter,
    clip_frames,
    mirrored,
    takes_noise_model,
    trained_fps,
)
from motionlift.lifting.motion import root_in_image
from motionlift.lifting.stream import StreamLifter

__all__ = [
    "Lifter",
    "StreamLifter",
    "clip_frames",
    "mirrored",
    "root_in_image",
    "takes_noise_model",
    "trained_fps",
]
