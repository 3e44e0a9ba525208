"""Pinhole cameras with the distortion of their lenses, and the calibrations that Pose2Sim writes.

Distortion is OpenCV's: k1, k2, p1, p2 and maybe k3 of radial and tangential distortion (Brown
1966), or k1 to k4 of a fisheye lens (Kannala & Brandt 2006), over coordinates (x / z, y / z).
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from motionlift.errors import FormatError, OptionError

# Pose2Sim calibrates in a world with z up and triangulates into one with y up.
_Y_UP_TO_Z_UP = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
# Undoing a distortion converges geometrically where the lens shrinks nothing to less than half.
_ROUNDS = 50
_NEWTON_ROUNDS = 20
_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PinholeCamera:
    """A camera: image = K distorted((R X + t) / its depth).

    Attributes:
        name: as the calibration names it.
        matrix: K, in pixels.
        rotation: R, from the world (y up) to the camera.
        translation: t, in metres.
        distortion: the lens's coefficients (see the module); none for a perfect one.
        is_fisheye: which of the two models they belong to.
        size: (width, height) in pixels of the picture that was calibrated; None if not said.
    """

    name: str
    matrix: Float[np.ndarray, "3 3"]
    rotation: Float[np.ndarray, "3 3"]
    translation: Float[np.ndarray, " 3"]
    distortion: tuple[float, ...] = ()
    is_fisheye: bool = False
    size: tuple[int, int] | None = None

    def to_camera(self, world: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
        """World points (metres, y up) in camera space."""
        return world @ self.rotation.T + self.translation

    def to_world(self, camera: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
        """Camera points (metres) in the world: the inverse of `to_camera`."""
        return (camera - self.translation) @ self.rotation

    def to_image(self, camera: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 2"]:
        """Camera points in pixels; NaN for those behind the camera."""
        depth = np.where(camera[..., 2:] > 0, camera[..., 2:], np.nan)
        seen = self._distorted(camera[..., :2] / depth)
        return seen @ self.matrix[:2, :2].T + self.matrix[:2, 2]

    def to_rays(self, image: Float[np.ndarray, "*batch 2"]) -> Float[np.ndarray, "*batch 2"]:
        """Pixels as (x / z, y / z) of the points that they may show, distortion undone.

        NaN for pixels that the lens, as it is calibrated, draws nothing to.
        """
        seen = (image - self.matrix[:2, 2]) @ np.linalg.inv(self.matrix[:2, :2]).T
        if not any(self.distortion):
            return seen
        with np.errstate(over="ignore", invalid="ignore"):
            rays = _fisheye_undone(seen, self.distortion) if self.is_fisheye else seen
            for _ in range(0 if self.is_fisheye else _ROUNDS):
                rays = rays + seen - self._distorted(rays)
            is_undone = np.abs(self._distorted(rays) - seen).max(axis=-1) < _TOLERANCE
        return np.where(is_undone[..., None], rays, np.nan)

    def _distorted(self, rays: Float[np.ndarray, "*batch 2"]) -> Float[np.ndarray, "*batch 2"]:
        if not any(self.distortion):
            return rays
        if self.is_fisheye:
            return _fisheye(rays, self.distortion)
        k1, k2, p1, p2, k3 = (*self.distortion, 0.0)[:5]
        x, y = rays[..., 0], rays[..., 1]
        r2 = x**2 + y**2
        radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
        return np.stack(
            [
                x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x**2),
                y * radial + p1 * (r2 + 2 * y**2) + 2 * p2 * x * y,
            ],
            axis=-1,
        )


def read_calibration(path: Path | str) -> dict[str, PinholeCamera]:
    """The cameras of a Pose2Sim calibration (TOML), by name.

    Raises:
        FormatError: if the file is not TOML, or a camera lacks matrix, rotation or translation.
    """
    try:
        table = tomllib.loads(Path(path).read_text("utf-8-sig"))
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FormatError(f"{path}: not valid TOML ({error})") from error
    cameras = {}
    for key, entry in table.items():
        if not isinstance(entry, dict) or "matrix" not in entry:
            continue
        try:
            cameras[key] = _camera(key, entry)
        except (KeyError, ValueError, TypeError, IndexError, OverflowError) as error:
            raise FormatError(
                f"{path}: camera {key} needs matrix (3 x 3), rotation (3) and translation (3), and "
                f"may have distortions (4 or 5) and size (2), as Pose2Sim writes them ({error})"
            ) from error
    if not cameras:
        raise FormatError(f"{path}: no camera in it; expected a calibration as Pose2Sim writes it")
    return cameras


def choose_camera(path: Path | str, name: str | None) -> PinholeCamera:
    """The camera of that name in a calibration, or the only one.

    Raises:
        FormatError: if the calibration cannot be read.
        OptionError: if no camera has that name, or none is named where there are several.
    """
    cameras = read_calibration(path)
    there = ", ".join(cameras)
    if name is None and len(cameras) > 1:
        raise OptionError(f"{path}: has {len(cameras)} cameras; say which with --camera: {there}")
    if name is None:
        return next(iter(cameras.values()))
    if name not in cameras:
        raise OptionError(f"{path}: no camera '{name}'; there are: {there}")
    return cameras[name]


def _camera(key: str, entry: dict[str, Any]) -> PinholeCamera:
    # Here, because it takes long to import, and most lifts do without.
    from scipy.spatial.transform import Rotation

    turn = np.array(entry["rotation"], dtype=float).reshape(3)
    rotation = Rotation.from_rotvec(turn).as_matrix()
    distortion = np.array(entry.get("distortions", ()), dtype=float).reshape(-1)
    is_fisheye = entry.get("fisheye", False) is True
    if len(distortion) not in ((0, 4) if is_fisheye else (0, 4, 5)):
        raise ValueError(f"{len(distortion)} distortions")
    matrix = np.array(entry["matrix"], dtype=float).reshape(3, 3)
    translation = np.array(entry["translation"], dtype=float).reshape(3)
    if not all(np.isfinite(each).all() for each in (matrix, rotation, translation, distortion)):
        raise ValueError("a number is not finite")
    if matrix[0, 0] <= 0 or matrix[1, 1] <= 0:
        raise ValueError("a focal length is not above 0")
    size = entry.get("size")
    if size is not None and not all(1 <= float(side) < 1e6 for side in size[:2]):
        raise ValueError(f"a picture of {size} pixels")
    return PinholeCamera(
        name=key,
        matrix=matrix,
        rotation=rotation @ _Y_UP_TO_Z_UP,
        translation=translation,
        distortion=tuple(distortion.tolist()),
        is_fisheye=is_fisheye,
        size=None if size is None else (round(float(size[0])), round(float(size[1]))),
    )


def _fisheye(
    rays: Float[np.ndarray, "*batch 2"], distortion: tuple[float, ...]
) -> Float[np.ndarray, "*batch 2"]:
    """Rays as a fisheye lens draws them: the angle from its axis becomes a distance."""
    radius = np.linalg.norm(rays, axis=-1, keepdims=True)
    bent = _bent(np.arctan(radius), distortion)
    return rays * np.where(radius > 1e-9, bent / np.maximum(radius, 1e-9), 1.0)


def _fisheye_undone(
    seen: Float[np.ndarray, "*batch 2"], distortion: tuple[float, ...]
) -> Float[np.ndarray, "*batch 2"]:
    """The inverse of `_fisheye`, by Newton's method on the angle."""
    distance = np.linalg.norm(seen, axis=-1, keepdims=True)
    angle = np.minimum(distance, 1.5)
    k1, k2, k3, k4 = distortion
    for _ in range(_NEWTON_ROUNDS):
        s = angle**2
        slope = 1 + s * (3 * k1 + s * (5 * k2 + s * (7 * k3 + s * 9 * k4)))
        angle = np.clip(angle - (_bent(angle, distortion) - distance) / slope, 0.0, 1.57)
    return seen * np.where(distance > 1e-9, np.tan(angle) / np.maximum(distance, 1e-9), 1.0)


def _bent(
    angle: Float[np.ndarray, "*batch 1"], distortion: tuple[float, ...]
) -> Float[np.ndarray, "*batch 1"]:
    s = angle**2
    k1, k2, k3, k4 = distortion
    return angle * (1 + s * (k1 + s * (k2 + s * (k3 + s * k4))))
