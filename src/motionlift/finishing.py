"""A lift with what people ask for beyond it: gaps filled before, metres, a path, smoothing, a rate.

The order is fixed: gaps in the keypoints are filled, the keypoints are lifted at a rate that the
network knows (twice, where the camera is known), the body is brought into metres, its root onto its
path, both are smoothed, and at last resampled. Nothing of this is done unless asked for, but the
rate, which is said. What was done stands in the notes of the motion.
"""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from motionlift.calibration import PinholeCamera, choose_camera
from motionlift.errors import OptionError
from motionlift.gaps import fill_gaps
from motionlift.perspective import lift_without_perspective
from motionlift.poses import Pose2D, Pose3D, to_h36m17
from motionlift.progress import OnProgress
from motionlift.rates import lift_at_a_known_rate
from motionlift.scale import check_height, in_metres, tells_of_body
from motionlift.smoothing import parse_smoothing, smoothed
from motionlift.timing import known_rate, motion_at
from motionlift.trajectory import camera_of_lens, in_world, up_of_body

if TYPE_CHECKING:
    from motionlift.lifting import Lifter

# A picture's sides may differ by this part and count as those that were calibrated.
# Keypoints by this share of the picture beside it are outside, and so many are no few wrong ones.
_BESIDE_PICTURE = 0.02
_SHARE_OUTSIDE = 0.05
_SAME_SIZE = 0.02
_FPS_OUT = (1.0, 1000.0)
_UP_WORDS = ("camera", "person")


@dataclass(frozen=True, slots=True, kw_only=True)
class LiftOptions:
    """What is asked for beyond the lift; checks itself.

    Attributes:
        height: of the person, in metres; brings the motion into metres.
        focal: of the camera, in pixels; with `height` it gives the root's path in metres.
        fov: instead of `focal`, the camera's horizontal field of view in degrees.
        image_size: width and height of the picture, where the keypoints' file does not say.
        calibration: instead of both, a calibration as Pose2Sim writes it (TOML).
        camera: name of the camera in it; the only one if not given.
        up: "camera", as if the camera stood upright; "person", from ankles to shoulders in the
            median; or "X,Y,Z" in the camera's axes (x right, y down, z away).
        smooth: see `parse_smoothing`.
        interpolate_gaps: frames of the longest gap in the keypoints that is interpolated.
        fps_out: frames a second of the motion.
    """

    height: float | None = None
    focal: float | None = None
    fov: float | None = None
    image_size: tuple[int, int] | None = None
    calibration: Path | str | None = None
    camera: str | None = None
    up: str = "camera"
    smooth: str | None = None
    interpolate_gaps: int = 0
    fps_out: float | None = None

    def __post_init__(self) -> None:
        _check_lens(self)
        if self.height is not None:
            check_height(self.height)
        if self.smooth is not None:
            parse_smoothing(self.smooth)
        if self.up not in _UP_WORDS:
            _direction(self.up)
        if self.interpolate_gaps < 0:
            raise OptionError(f"--interpolate-gaps {self.interpolate_gaps}: 0 frames or more")
        if self.fps_out is not None and not _FPS_OUT[0] <= self.fps_out <= _FPS_OUT[1]:
            raise OptionError(
                f"--fps-out {self.fps_out:g}: {_FPS_OUT[0]:g} to {_FPS_OUT[1]:g} frames a second"
            )

    @property
    def has_camera(self) -> bool:
        """Whether a path in metres is asked for."""
        return any(each is not None for each in (self.focal, self.fov, self.calibration))


def lift_with(
    lifter: "Lifter",
    pose: Pose2D,
    options: LiftOptions,
    *,
    on_progress: OnProgress | None = None,
) -> Pose3D:
    """One frame of joints for each frame of keypoints, then whatever is asked for.

    Raises:
        OptionError: if the options do not go with the keypoints.
        MotionliftError: if there is nothing to lift.
    """
    # What is wrong is said before the work.
    camera = _camera(options, pose) if options.has_camera else None
    if options.smooth is not None:
        known_rate(pose, flag="--smooth")
    if options.fps_out is not None:
        known_rate(pose, flag="--fps-out")
    longest = options.interpolate_gaps
    filled = fill_gaps(pose, max_frames=longest) if longest else pose
    if camera is None or options.height is None:
        lifted = lift_at_a_known_rate(lifter, filled, on_progress)
    else:
        lift, height = partial(lift_at_a_known_rate, lifter), options.height
        lifted = lift_without_perspective(
            lift, filled, camera, height=height, on_progress=on_progress
        )
    if filled is not pose:
        # What was filled in is for the network; keypoints are kept as they were found.
        lifted = replace(lifted, lifted_from=to_h36m17(pose))
    return _finished(lifted, options)


def finish(lifted: Pose3D, options: LiftOptions) -> Pose3D:
    """Metres, path, smoothing and rate for lifted motion, as asked.

    A camera gives the path only: the keypoints are not lifted again without its perspective, as
    `lift_with` does, and a note says so.

    Raises:
        OptionError: if the options do not go with the motion, or it is in metres already.
    """
    if options.interpolate_gaps:
        raise OptionError("--interpolate-gaps: the keypoints are lifted already; lift them anew")
    finished = _finished(lifted, options)
    if not options.has_camera:
        return finished
    return _with_note(
        finished,
        "it was lifted without knowing the camera, whose perspective is still in the joints; a "
        "lift that is told takes it out",
    )


def _finished(lifted: Pose3D, options: LiftOptions) -> Pose3D:
    camera = None
    if options.height is not None:
        seen = lifted.lifted_from
        if lifted.units != "px" or seen is None:
            raise OptionError(
                f"--height: {lifted.source or 'the motion'} is no lift in pixels with its keypoints"
            )
        camera = _camera(options, seen) if options.has_camera else None
        lifted = in_metres(lifted, height=options.height)
        if camera is None:
            lifted = _with_note(
                lifted,
                "where the root is in metres is not known, but across the picture as if it stayed "
                "at one distance; --focal, --fov or --calibration give its path",
            )
    if camera is not None:
        if options.up == "person":
            camera = _upright_by_body(lifted, camera)
        lifted = in_world(lifted, camera, on_floor=options.calibration is None)
        lifted = _with_note(lifted, _world_note(options, camera, lifted.lifted_from))
        if outside := _outside_note(camera, lifted.lifted_from):
            lifted = _with_note(lifted, outside)
    if options.smooth is not None:
        lifted = smoothed(lifted, parse_smoothing(options.smooth))
    if options.fps_out is not None and options.fps_out != lifted.fps:
        lifted = motion_at(lifted, options.fps_out)
    return lifted


def _check_lens(asked: LiftOptions) -> None:
    lenses = {"--focal": asked.focal, "--fov": asked.fov, "--calibration": asked.calibration}
    given = [name for name, value in lenses.items() if value is not None]
    if len(given) > 1:
        raise OptionError(f"{' and '.join(given)}: each says what the camera is; give one")
    if given and asked.height is None:
        raise OptionError(
            f"{given[0]} gives the path in metres only of somebody whose size is known; give "
            "--height too"
        )
    if asked.focal is not None and not 0 < asked.focal < float("inf"):
        raise OptionError(f"--focal {asked.focal:g}: a focal length in pixels is above 0")
    if asked.fov is not None and not 0 < asked.fov < 180:
        raise OptionError(f"--fov {asked.fov:g}: a field of view is above 0 and below 180 degrees")
    if asked.image_size is not None and min(asked.image_size) < 1:
        raise OptionError("--image-size: width and height are above 0")
    if asked.camera is not None and asked.calibration is None:
        raise OptionError("--camera names a camera of a calibration; give --calibration too")
    if asked.up != "camera" and asked.calibration is not None:
        raise OptionError("--up: the calibration says which way is up; leave it out")
    if asked.up != "camera" and not given:
        raise OptionError("--up turns the path in metres; give --focal or --fov too")


def _direction(text: str) -> tuple[float, float, float]:
    try:
        x, y, z = (float(part) for part in text.split(","))
    except ValueError:
        x = y = z = 0.0
    if not 0 < np.linalg.norm([x, y, z]) < float("inf"):
        raise OptionError(
            f"--up {text}: expected 'camera', 'person' or a direction X,Y,Z in the camera's axes, "
            "such as 0,-1,0.2 (x right, y down, z away)"
        )
    return x, y, z


def _camera(options: LiftOptions, pose: Pose2D) -> PinholeCamera:
    size = options.image_size or pose.image_size
    if options.calibration is not None:
        camera = choose_camera(options.calibration, options.camera)
        return camera if size is None else _of_picture(camera, size, options)
    if size is None:
        raise OptionError(
            f"{pose.source}: does not say how large the picture is, so its middle, the camera's "
            "axis, is unknown; give --image-size WIDTH HEIGHT"
        )
    focal = options.focal
    if options.fov is not None:
        focal = size[0] / 2 / np.tan(np.radians(options.fov) / 2)
    assert focal is not None
    up = (0.0, -1.0, 0.0) if options.up in _UP_WORDS else _direction(options.up)
    return camera_of_lens(focal=focal, image_size=size, up=up)


def _outside_note(camera: PinholeCamera, seen: Pose2D | None) -> str | None:
    """What keypoints that lie outside the picture say of its size; None where few do."""
    if seen is None or camera.size is None or not seen.is_visible.any():
        return None
    points = seen.keypoints[seen.is_visible]

    def share_outside(size: tuple[int, int]) -> float:
        beyond = np.abs(points / size - 0.5).max(axis=1)
        return float((beyond > 0.5 + _BESIDE_PICTURE).mean())

    wide, high = camera.size
    outside = share_outside((wide, high))
    if outside <= _SHARE_OUTSIDE:
        return None
    turned = f"; is it {high} x {wide}?" if share_outside((high, wide)) < outside else ""
    return f"{outside:.0%} of the keypoints lie outside a picture of {wide} x {high}{turned}"


def _of_picture(
    camera: PinholeCamera, size: tuple[int, int], options: LiftOptions
) -> PinholeCamera:
    """A calibrated camera for pictures that may have been made smaller or larger since."""
    if camera.size is None:
        return camera
    wide, high = (ours / theirs for ours, theirs in zip(size, camera.size, strict=True))
    # Some pixels more or less are an edge cut off, of which nobody says which.
    if max(abs(wide - 1), abs(high - 1)) <= _SAME_SIZE:
        return camera
    if abs(wide / high - 1) > _SAME_SIZE:
        raise OptionError(
            f"{options.calibration}: is of pictures of {camera.size} pixels, the keypoints of one "
            f"of {size}, which is of another shape; give the calibration of this camera"
        )
    matrix = camera.matrix.copy()
    matrix[:2] *= [[wide], [high]]
    return replace(camera, matrix=matrix, size=size)


def _upright_by_body(lifted: Pose3D, camera: PinholeCamera) -> PinholeCamera:
    """The same camera, tilted so that the person stands upright in the median."""
    placed = in_world(lifted, camera, on_floor=False).positions
    standing = up_of_body(placed[tells_of_body(lifted)])
    x, y, z = (camera.rotation @ standing).tolist()
    assert camera.size is not None
    return camera_of_lens(focal=float(camera.matrix[0, 0]), image_size=camera.size, up=(x, y, z))


def _world_note(options: LiftOptions, camera: PinholeCamera, seen: Pose2D | None) -> str:
    if options.calibration is not None:
        note = f"the world is that of {options.calibration}, with y up"
        calibrated = choose_camera(options.calibration, options.camera).size
        size = options.image_size or (None if seen is None else seen.image_size)
        if size is None and calibrated is not None:
            wide, high = calibrated
            return (
                f"{note}; how large the picture is is not known: taken for {wide} x {high} as "
                "calibrated, --image-size says otherwise"
            )
        if size is None or calibrated in (None, size):
            return note
        what = "was scaled to" if camera.size == size else "is used as it is for"
        return f"{note}; it is of a picture of {calibrated} pixels and {what} one of {size}"
    if options.up == "person":
        return "up is the median direction from the ankles to the shoulders"
    if options.up == "camera":
        return "up is as if the camera stood upright"
    return f"up is {options.up} in the camera's axes, as given"


def _with_note(pose: Pose3D, note: str) -> Pose3D:
    return replace(pose, notes=(*pose.notes, note))
