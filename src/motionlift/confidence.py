"""What a detector's confidences become before a network sees them.

In training confidence is drawn from the noise model, where it falls with how far a keypoint is off:
0.9 at 10 mm, 0.8 at 25, 0.6 at 80. A network believes it so. Detectors mean something else by it,
and each something of its own: for keypoints that are a centimetre or two off, OpenPose says 0.65,
MoveNet 0.8 and MediaPipe 1.0, and where a limb is hidden and well guessed they say less. So a
keypoint that a detector is somewhat sure of counts as one that is as far off as those are, and only
below that is less believed.
"""

from typing import Any

import numpy as np
from jaxtyping import Float

# The noise model's confidence at 18 mm.
FOUND = 0.85
# Below this, detectors themselves draw no keypoint, by default or in their examples.
SURE = 0.2
# What a network's card says if confidences reach it as a file has them: it learned with those of a
# detector of its own, or with exact keypoints only.
AS_THEY_ARE = "as they are/v1"
# What it says if they are those of the noise model that ships.
CONFIDENCE_CONVENTION = "noise-model, of detectors 0.85 from 0.2 on/v1"


def believed(confidence: Float[Any, "*any"]) -> Float[Any, "*any"]:
    """A detector's confidences (NumPy or PyTorch) on the scale of the noise model's; 0 stays 0."""
    share = confidence / SURE
    return FOUND * (share.clip(max=1.0) if isinstance(share, np.ndarray) else share.clamp(max=1.0))
