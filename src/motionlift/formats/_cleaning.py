"""What all readers do to raw keypoints: missing ones are NaN, and what was changed is said."""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from motionlift.formats._shown import shown
from motionlift.poses import MAX_FPS

# No camera has pictures this wide; a keypoint beyond is damage, and would break sums of squares.
MAX_COORDINATE = 1e6


def clean(raw: Float[np.ndarray, "detection joint 3"]) -> list[str]:
    """Makes x, y, confidence keep the project's rules, in place; notes on what was changed.

    Missing is: confidence 0, negative or NaN; a coordinate that is not finite, or absurdly far;
    and exactly (0, 0), which detectors write for what they did not find.
    """
    points, confidence = raw[..., :2], raw[..., 2]
    is_far = ~(np.abs(points) <= MAX_COORDINATE).all(axis=-1)
    is_origin = (points == 0).all(axis=-1)
    is_place = ~(is_far | is_origin)
    notes = []
    if is_place.any() and not (confidence[is_place] != 0).any():
        confidence[is_place] = 1.0
        notes.append("every confidence is 0 although there are keypoints; all taken as 1")
    reasons = {
        "no number as confidence": np.isnan(confidence) & is_place,
        "a negative confidence": confidence < 0,
        "coordinates that are no place in a picture": (confidence > 0) & is_far,
        "a confidence but lie at exactly (0, 0)": (confidence > 0) & is_origin,
    }
    notes += [
        f"{which.sum()} keypoints have {reason}; taken as missing"
        for reason, which in reasons.items()
        if which.any()
    ]
    above = confidence > 1
    if above.any():
        top = confidence[above].max()
        notes.append(f"{above.sum()} confidences are above 1 (up to {top:.3g}); taken as 1")
        confidence[above] = 1.0
    raw[~(confidence > 0) | ~is_place] = (np.nan, np.nan, 0.0)
    return notes


def fps_of(value: object) -> tuple[float | None, list[str]]:
    """A source's frame rate, None if it is none, and a note if it cannot be one."""
    if value is None:
        return None, []
    try:
        fps = float(str(value))
    except ValueError:
        fps = math.nan
    if not 0 < fps <= MAX_FPS:
        return None, [f"the source's frame rate '{shown(value)}' is none; taken as unknown"]
    return fps, []


def image_size_of(values: Sequence[object] | None) -> tuple[int, int] | None:
    """Width and height in pixels, None if they are none."""
    try:
        sides = [float(str(value)) for value in values or ()]
    except ValueError:
        return None
    if len(sides) != 2 or not all(0 < side <= MAX_COORDINATE for side in sides):
        return None
    return round(sides[0]), round(sides[1])
