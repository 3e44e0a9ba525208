"""The flags of `motionlift lift` for what is asked for beyond the lift."""

from dataclasses import dataclass, fields
from pathlib import Path

from motionlift.finishing import LiftOptions


@dataclass(frozen=True, kw_only=True)
class Finishing:
    """Metres, a path, smoothing and rate; nothing of it unless asked for."""

    height: float | None = None
    """the person's height in metres; the motion is then in metres, not in pixels"""
    focal: float | None = None
    """the camera's focal length in pixels; with --height the root's path is in metres too"""
    fov: float | None = None
    """instead of --focal: the picture's horizontal field of view in degrees"""
    calibration: Path | None = None
    """instead of both: a calibration (TOML) as Pose2Sim writes it, with lens and world"""
    camera: str | None = None
    """name of the camera in the calibration"""
    up: str = "camera"
    """up for --focal and --fov: camera (it stands upright), person, or X,Y,Z in camera axes"""
    smooth: str | None = None
    """savgol, savgol:SECONDS, one-euro or one-euro:HERTZ:BETA"""
    interpolate_gaps: int = 0
    """fill gaps in the keypoints of up to so many frames before lifting"""
    fps_out: float | None = None
    """frames a second of the motion that is written; the keypoints' if not given"""


def options_of(asked: Finishing, *, image_size: tuple[int, int] | None) -> LiftOptions:
    """What the flags ask for.

    Raises:
        OptionError: if they are out of range, or do not go together.
    """
    values = {field.name: getattr(asked, field.name) for field in fields(asked)}
    return LiftOptions(image_size=image_size, **values)
