"""The flags for what files do not say themselves: every option that readers' errors name."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from motionlift.formats import ReadOptions


@dataclass(frozen=True, kw_only=True)
class KeypointReading:
    """What a file of keypoints does not say."""

    format: str | None = None
    """the keypoints' format; recognised by content if not given"""
    skeleton: str | None = None
    """the keypoints' skeleton, where files of several look alike; or FILE.toml with your own"""
    fps: float | None = None
    """frames a second, instead of what the file says"""
    image_size: tuple[int, int] | None = None
    """width and height of the picture, where the file does not say and it matters: for keypoints
    that are parts of it, as MediaPipe's are, and for --focal and --fov"""

    def options(self) -> ReadOptions:
        """For the reader.

        Raises:
            OptionError: if something is out of range.
        """
        return ReadOptions(fps=self.fps, skeleton=self.skeleton, image_size=self.image_size)


@dataclass(frozen=True, kw_only=True)
class MotionReading:
    """What files of 3D motion do not say."""

    fps: float | None = None
    """frames a second, instead of what the files say"""
    up: Literal["x", "y", "z"] | None = None
    """axis that points up, instead of what the files say; not for files in a camera's axes"""
    metres_per_unit: float | None = None
    """size of the files' unit of length, instead of what is known of them"""
    names: Path | None = None
    """TOML file that names the joints of a skeleton that is not known yet"""
    body_model: Path | None = None
    """for AMASS: the .npz of a body model, or the folder of the downloaded ones"""
    joint_regressor: Path | None = None
    """for AMASS: .npy of Human3.6M's 17 joints from that model's surface"""

    def options(self) -> ReadOptions:
        """For the reader.

        Raises:
            OptionError: if something is out of range.
        """
        return ReadOptions(**{each.name: getattr(self, each.name) for each in fields(self)})
