"""Points over time as an xarray Dataset, with the names that the `movement` package gives its axes.

`movement` (https://movement.neuroinformatics.dev) takes a Dataset of variables `position` (time,
space, keypoints, individuals) and `confidence`, and tools of its own and of others work on it.
What motionlift knows beyond that stands beside: as a coordinate, variables or attributes more.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from motionlift.errors import MotionliftError

if TYPE_CHECKING:
    import xarray

_AXES = ("time", "space", "keypoints", "individuals")
# What `movement` calls the one individual of a file without names.
_NAMELESS = "id_0"
# Part of a frame by which a time may be beside it: many write milliseconds.
_TOLERANCE = 0.1


def to_dataset(
    points: Float[np.ndarray, "frame joint coordinate"],
    confidence: Float[np.ndarray, "frame joint"],
    *,
    joints: Sequence[str],
    frame_index: Int[np.ndarray, " frame"],
    fps: float | None,
    person: str,
    about: Mapping[str, Any],
) -> "xarray.Dataset":
    """A Dataset of one individual.

    Time is in seconds from frame 0 of the source, or in frames where nobody knows the rate. What
    is None in `about` is left out: a Dataset with it could not be saved.

    Raises:
        MotionliftError: if xarray is missing.
    """
    try:
        import xarray
    except ImportError as error:
        raise MotionliftError(
            "to_xarray needs xarray; get it with: pip install 'motionlift[xarray]'"
        ) from error
    known = {name: value for name, value in about.items() if value is not None}
    rate = {"time_unit": "frames"} if fps is None else {"fps": fps, "time_unit": "seconds"}
    return xarray.Dataset(
        data_vars={
            "position": (_AXES, points.transpose(0, 2, 1)[..., None]),
            "confidence": ((_AXES[0], *_AXES[2:]), confidence[..., None]),
        },
        coords={
            "time": frame_index if fps is None else frame_index / fps,
            "space": ["x", "y", "z"][: points.shape[2]],
            "keypoints": list(joints),
            "individuals": [person or _NAMELESS],
            "frame_index": ("time", frame_index),
        },
        attrs={"source_software": "motionlift", "ds_type": "poses", **rate, **known},
    )


def from_dataset(dataset: "xarray.Dataset") -> dict[str, Any]:
    """Points, confidence, joints, frame_index, fps, person of a Dataset of one individual.

    A Dataset without `frame_index`, as other programs make it, has the frames that its times say
    by its rate; one without confidences, or with NaN for them, has 1 where there is a point.

    Raises:
        MotionliftError: if it lacks an axis, is of several individuals, or its times are none of
            its rate.
    """
    missing = set(_AXES) - set(dataset.dims)
    if missing or "position" not in dataset:
        raise MotionliftError(
            f"the Dataset has no {', '.join(sorted(missing)) or 'position'}; expected the variable "
            f"position over {', '.join(_AXES)}, as the movement package has them"
        )
    people = [str(name) for name in dataset["individuals"].values]
    if len(people) != 1:
        raise MotionliftError(
            f"the Dataset has {len(people)} individuals ({', '.join(people[:5])}); take one of "
            "them: dataset.isel(individuals=[0])"
        )
    chosen = dataset.isel(individuals=0)
    points = chosen["position"].transpose("time", "keypoints", "space").values
    is_seen = ~np.isnan(points).any(axis=-1)
    confidence = is_seen.astype(points.dtype)
    if "confidence" in chosen:
        given = chosen["confidence"].transpose("time", "keypoints").values
        confidence = np.where(np.isnan(given), confidence, given) * is_seen
    return {
        "points": np.where((confidence > 0)[..., None], points, np.nan),
        "confidence": confidence,
        "joints": [str(name) for name in dataset["keypoints"].values],
        "frame_index": _frame_numbers(dataset),
        "fps": dataset.attrs.get("fps"),
        "person": "" if people[0] == _NAMELESS else people[0],
    }


def _frame_numbers(dataset: "xarray.Dataset") -> Int[np.ndarray, " frame"]:
    """The frames of a Dataset, by their numbers or else by their times."""
    if "frame_index" in dataset.coords:
        return np.asarray(dataset["frame_index"].values)
    count, fps = dataset.sizes["time"], dataset.attrs.get("fps")
    in_seconds = dataset.attrs.get("time_unit", "seconds") == "seconds"
    if "time" not in dataset.coords or (in_seconds and fps is None):
        return np.arange(count)
    times = np.asarray(dataset["time"].values, dtype=float) * (fps if in_seconds else 1)
    # By steps: a rate that was rounded drifts over an hour, and the first may begin anywhere.
    steps = np.diff(times)
    whole = np.rint(steps)
    if not (np.abs(steps - whole) < _TOLERANCE).all() or (whole < 1).any():
        raise MotionliftError(
            f"the Dataset's times are not those of frames at its {fps} a second; set "
            "dataset.attrs['fps'] to the rate that they were taken at"
        )
    first = np.rint(times[:1])
    return np.cumsum(np.concatenate([first, whole])).astype(int)
