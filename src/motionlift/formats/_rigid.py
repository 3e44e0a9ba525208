"""Markers on one bone keep their distances: one that is hidden is had from three that are not."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from motionlift.formats._marker_names import Points

# What three markers need to say where a fourth is.
_FEWEST = 3


def fill_marker_gaps(markers: Points, cluster: Sequence[str]) -> int:
    """Fills hidden markers of a rigid cluster, in place; gives the number of frames filled.

    The cluster's shape is that of the frame whose distances are the median ones, among frames that
    show all of it. Where fewer than three are seen, or the whole never is, nothing is filled.
    """
    if not set(cluster) <= set(markers):
        return 0
    points = np.stack([markers[name] for name in cluster], axis=1)
    seen = np.isfinite(points).all(axis=-1)
    whole = np.flatnonzero(seen.all(axis=1))
    gaps = (seen.sum(axis=1) >= _FEWEST) & ~seen.all(axis=1)
    if not whole.size or not gaps.any():
        return 0
    shape = _typical(points[whole])
    for pattern in np.unique(seen[gaps], axis=0):
        frames = np.flatnonzero((seen == pattern).all(axis=1))
        moved = _placed(shape, points[frames][:, pattern], pattern)
        points[np.ix_(frames, ~pattern)] = moved[:, ~pattern]
    for number, name in enumerate(cluster):
        markers[name] = points[:, number]
    return int(gaps.sum())


def _typical(points: Float[np.ndarray, "frame point 3"]) -> Float[np.ndarray, "point 3"]:
    distances = np.linalg.norm(points[:, :, None] - points[:, None], axis=-1)
    off = np.abs(distances - np.median(distances, axis=0)).sum(axis=(1, 2))
    return points[np.argmin(off)]


def _placed(
    shape: Float[np.ndarray, "point 3"],
    seen: Float[np.ndarray, "frame some 3"],
    pattern: np.ndarray,
) -> Float[np.ndarray, "frame point 3"]:
    """The whole shape, moved in each frame so that its seen points lie best (Kabsch 1976)."""
    centre = shape[pattern].mean(axis=0)
    middle = seen.mean(axis=1, keepdims=True)
    left, _, right = np.linalg.svd((shape[pattern] - centre).T @ (seen - middle))
    mirror = np.sign(np.linalg.det(left @ right))
    left[..., -1] *= mirror[:, None]
    return (shape - centre) @ (left @ right) + middle
