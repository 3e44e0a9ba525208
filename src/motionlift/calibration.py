"""Pinhole cameras, and the calibration files that Pose2Sim writes."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from motionlift.errors import FormatError

# Pose2Sim calibrates in a world with z up and triangulates into one with y up.
_Y_UP_TO_Z_UP = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PinholeCamera:
    """A camera without distortion: image = K (R X + t), divided by its depth.

    Attributes:
        name: as the calibration names it.
        matrix: K, in pixels.
        rotation: R, from the world (y up) to the camera.
        translation: t, in metres.
    """

    name: str
    matrix: Float[np.ndarray, "3 3"]
    rotation: Float[np.ndarray, "3 3"]
    translation: Float[np.ndarray, " 3"]

    def to_camera(self, world: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
        """World points (metres, y up) in camera space."""
        return world @ self.rotation.T + self.translation

    def to_image(self, camera: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 2"]:
        """Camera points in pixels; NaN for those behind the camera."""
        depth = np.where(camera[..., 2:] > 0, camera[..., 2:], np.nan)
        projected = (camera / depth) @ self.matrix.T
        return projected[..., :2]


def read_calibration(path: Path) -> dict[str, PinholeCamera]:
    """The cameras of a Pose2Sim calibration (TOML), by name; small distortions are left out.

    Raises:
        FormatError: if the file is not TOML, or a camera lacks matrix, rotation or translation.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FormatError(f"{path}: not valid TOML ({error})") from error
    cameras = {}
    for name, entry in table.items():
        if not isinstance(entry, dict) or "matrix" not in entry:
            continue
        try:
            rotation = Rotation.from_rotvec(np.array(entry["rotation"], dtype=float)).as_matrix()
            cameras[name] = PinholeCamera(
                name=name,
                matrix=np.array(entry["matrix"], dtype=float).reshape(3, 3),
                rotation=rotation @ _Y_UP_TO_Z_UP,
                translation=np.array(entry["translation"], dtype=float).reshape(3),
            )
        except (KeyError, ValueError, TypeError) as error:
            raise FormatError(
                f"{path}: camera {name} needs matrix (3 x 3), rotation (3) and translation (3), "
                f"as Pose2Sim writes them ({error})"
            ) from error
    if not cameras:
        raise FormatError(f"{path}: no camera in it; expected a calibration as Pose2Sim writes it")
    return cameras
