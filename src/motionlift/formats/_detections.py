"""What a detector found in a clip, one row a detection, and the cleaning that all readers share."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from motionlift.errors import FormatError
from motionlift.skeletons import Skeleton

# An hour of three people at 60 frames a second is two thirds of this, and about half a gigabyte.
MAX_DETECTIONS = 1_000_000
MAX_PEOPLE_A_FRAME = 1_000
# No camera has pictures this wide; a keypoint beyond is damage, and would break sums of squares.
MAX_COORDINATE = 1e6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Detections:
    """Everybody that was found in a clip, frame by frame, in image space.

    Attributes:
        frame: the source's frame number of each detection, never decreasing.
        keypoints: in pixels; NaN where missing.
        confidence: in [0, 1]; 0 where missing.
        span: the clip's first and last frame, with or without somebody in it.
        track: the source's own name for the person of each detection; None if it has none.
        fps: frames a second; None if the source does not say.
        image_size: (width, height) in pixels; None if the source does not say.
        notes: what was inferred, skipped or rescaled so far.
    """

    source: str
    skeleton: Skeleton
    frame: Int[np.ndarray, " detection"]
    keypoints: Float[np.ndarray, "detection joint 2"]
    confidence: Float[np.ndarray, "detection joint"]
    span: tuple[int, int]
    track: tuple[str, ...] | None = None
    fps: float | None = None
    image_size: tuple[int, int] | None = None
    notes: tuple[str, ...] = ()


def numbers(values: object, *, where: str, expected: str) -> Float[np.ndarray, " value"]:
    """A flat list of JSON numbers as an array; null is NaN.

    Raises:
        FormatError: if it is no list, or something in it is no number.
    """
    if not isinstance(values, list):
        raise FormatError(f"{where}: found {_kind(values)}, expected {expected}")
    # By type, because NumPy would take "1.5" and true for numbers.
    odd = set(map(type, values)) - {int, float, type(None)}
    if odd:
        raise FormatError(f"{where}: found {odd.pop().__name__} in a list, expected {expected}")
    try:
        return np.array(values, dtype=np.float64)
    except OverflowError as error:
        raise FormatError(f"{where}: a number is too large, expected {expected}") from error


def triples(values: object, *, where: str) -> Float[np.ndarray, "joint 3"]:
    """Keypoints from a flat list x, y, confidence, x, y, confidence, ...

    Raises:
        FormatError: if it is no list of numbers, or their count is no multiple of 3.
    """
    flat = numbers(values, where=where, expected="x, y, confidence of each keypoint")
    if len(flat) % 3:
        raise FormatError(
            f"{where}: {len(flat)} numbers, expected x, y, confidence of each keypoint, "
            "so a multiple of 3"
        )
    return flat.reshape(-1, 3)


def same_length(
    people: Sequence[Float[np.ndarray, "joint 3"]], *, where: Sequence[str]
) -> Float[np.ndarray, "detection joint 3"]:
    """All detections in one array.

    Raises:
        FormatError: if there is none, or their numbers of keypoints differ.
    """
    for points, place in zip(people, where, strict=True):
        if len(points) != len(people[0]):
            raise FormatError(
                f"{place}: {len(points)} keypoints, but {len(people[0])} in {where[0]}; "
                "give one recording of one detector"
            )
    return np.stack(people)


def cleaned(
    raw: Float[np.ndarray, "detection joint 3"], *, source: Path
) -> tuple[Float[np.ndarray, "detection joint 2"], Float[np.ndarray, "detection joint"], list[str]]:
    """Keypoints and confidences that keep the project's rules, and notes on what was changed.

    Missing is: confidence 0, negative or NaN; a coordinate that is not finite or absurdly far;
    and exactly (0, 0), which detectors write for what they did not find.

    Raises:
        FormatError: if nothing is left.
    """
    points, confidence = raw[..., :2].copy(), raw[..., 2].copy()
    is_far = ~(np.abs(points) <= MAX_COORDINATE).all(axis=-1)
    is_origin = (points == 0).all(axis=-1)
    notes = []
    if raw.size and not (confidence[~np.isnan(confidence)] != 0).any() and (~is_origin).any():
        confidence[~is_origin] = 1.0
        notes.append("every confidence is 0 although there are keypoints; all taken as 1")
    reasons = {
        "no number as confidence": np.isnan(confidence) & ~is_origin,
        "a negative confidence": confidence < 0,
        "coordinates that are no place in a picture": (confidence > 0) & is_far,
        "a confidence but lie at exactly (0, 0)": (confidence > 0) & is_origin,
    }
    for reason, rows in reasons.items():
        if rows.any():
            notes.append(f"{rows.sum()} keypoints have {reason}; taken as missing")
    above = confidence > 1
    if above.any():
        top = confidence[above].max()
        notes.append(f"{above.sum()} confidences are above 1 (up to {top:.3g}); taken as 1")
    is_missing = ~(confidence > 0) | is_far | is_origin
    confidence = np.where(is_missing, 0.0, np.minimum(confidence, 1.0))
    points[is_missing] = np.nan
    if is_missing.all():
        raise FormatError(
            f"{source}: no person in any frame; expected at least one keypoint with a confidence "
            "above 0"
        )
    return points, confidence, notes


def check_count(count: int, *, in_frame: int, path: Path) -> None:
    """Refuse what would not fit into memory.

    Raises:
        FormatError: if there are too many detections in all, or in one frame.
    """
    if in_frame > MAX_PEOPLE_A_FRAME:
        raise FormatError(
            f"{path}: more than {MAX_PEOPLE_A_FRAME} people in one frame; expected a person's "
            "motion, so keep the people you want"
        )
    if count > MAX_DETECTIONS:
        raise FormatError(
            f"{path}: more than {MAX_DETECTIONS} detections; split the recording into parts"
        )


def _kind(value: object) -> str:
    names = {dict: "an object", str: "a text", type(None): "nothing"}
    return names.get(type(value), f"{type(value).__name__}")
