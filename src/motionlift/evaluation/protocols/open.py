"""The open benchmark: openly licensed motion, 36 fixed cameras, three conditions.

Cameras stand at every 30 degrees around the person, level, and 0.3 rad (17 degrees) above and
below. Projection is orthographic, as in the paper. Noise is the published model at its published
strength; masks are gaps as detectors leave them.
"""

import math

from motionlift.evaluation.protocols import Condition, Spells, StoreProtocol, View

PROTOCOL = StoreProtocol(
    name="open",
    title="open benchmark",
    split="test",
    views=tuple(
        View(yaw=math.radians(azimuth), pitch=pitch)
        for pitch in (-0.3, 0.0, 0.3)
        for azimuth in range(0, 360, 30)
    ),
    views_each=4,
    conditions={
        "clean": Condition(),
        "noise": Condition(noise=1.0),
        "noise+masks": Condition(
            noise=1.0,
            joint_mask=0.05,
            frame_mask=0.05,
            lost=Spells(per_second=0.2, shortest=0.04, longest=0.4),
            hidden_limbs=Spells(per_second=0.15, shortest=0.2, longest=1.0),
        ),
    },
    fps=50.0,
    quick_share=0.1,
    seed=2024,
)
