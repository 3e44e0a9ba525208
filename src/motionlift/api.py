"""The functions that users of the library call: read, lift, encode, write.

They take paths as well as poses, and are a thin layer over `formats` and `lifting`. PyTorch is
imported by `lift` and `encode` when they are called.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack, overload

import numpy as np
from jaxtyping import Float

from motionlift.errors import FormatError, OptionError
from motionlift.files import check_writable, written_beside
from motionlift.finishing import LiftOptions, lift_with
from motionlift.formats import ReadOptions, find_format, find_writer
from motionlift.gaps import between_detections
from motionlift.poses import Pose2D, Pose3D
from motionlift.video.kinds import is_video

if TYPE_CHECKING:
    from motionlift.lifting import Lifter
    from motionlift.network.dstformer import DSTformer


class Beyond(TypedDict, total=False):
    """What `lift` takes beyond the lift, by keyword: the fields of `LiftOptions`."""

    height: float | None
    focal: float | None
    fov: float | None
    image_size: tuple[int, int] | None
    calibration: Path | str | None
    camera: str | None
    up: str
    smooth: str | None
    interpolate_gaps: int
    fps_out: float | None


@overload
def read(
    path: Path | str,
    *,
    kind: Literal["keypoints"],
    format: str | None = None,
    options: ReadOptions | None = None,
) -> Sequence[Pose2D]: ...
@overload
def read(
    path: Path | str,
    *,
    kind: Literal["motion"],
    format: str | None = None,
    options: ReadOptions | None = None,
) -> Sequence[Pose3D]: ...
@overload
def read(
    path: Path | str, *, format: str | None = None, options: ReadOptions | None = None
) -> Sequence[Pose2D] | Sequence[Pose3D]: ...
def read(
    path: Path | str,
    *,
    kind: Literal["keypoints", "motion"] | None = None,
    format: str | None = None,
    options: ReadOptions | None = None,
) -> Sequence[Pose2D] | Sequence[Pose3D]:
    """The people in a file or folder, the most prominent first: keypoints, or 3D motion.

    In a video, people are found by MediaPipe, which the extra `video` brings.

    Args:
        kind: what is expected. If not given, whatever the file holds; of lifted motion, which has
            the keypoints beside it, the motion.
        format: the name of the format; recognised by content if not given.
        options: what the file itself does not say.

    Raises:
        FormatError: if nothing is there, or it cannot be read.
    """
    path, options = Path(path), options or ReadOptions()
    if format is None and kind != "motion" and is_video(path):
        from motionlift.detectors._detecting import people_in_video

        return people_in_video(path, fps=options.fps)
    chosen = find_format(path, kind=kind, name=format)
    if kind in (None, "motion") and chosen.read_motion is not None:
        return chosen.read_motion(path, options)
    if kind in (None, "keypoints") and chosen.read_keypoints is not None:
        return chosen.read_keypoints(path, options)
    raise FormatError(f"{path}: format {chosen.name} holds no {kind or 'poses'} that can be read")


def write(pose: Pose3D, path: Path | str) -> None:
    """Write motion in the format of the path's suffix; the file appears whole or not at all.

    Raises:
        FormatError: if no format has that suffix, or it cannot hold this motion.
        MotionliftError: if the file cannot be written.
    """
    path = Path(path)
    writer = find_writer(path)
    assert writer.write is not None
    check_writable(path)
    with written_beside(path) as beside:
        writer.write(pose, beside)


def lift(
    source: Pose2D | Path | str,
    *,
    model: "DSTformer | Path | str" = "default",
    person: str = "largest",
    flip: bool = True,
    short_windows: bool = True,
    device: str | None = None,
    precision: str | None = None,
    fps: float | None = None,
    skeleton: str | None = None,
    **beyond: Unpack[Beyond],
) -> Pose3D:
    """3D joints for 2D keypoints, one frame for one frame; see `Lifter.lift_pose`.

    Args:
        source: keypoints, or a file or folder of them, or a video of people.
        model: a network, the name of one that ships in the package, or a path.
        person: "largest", or the name of one of the people in the file.
        flip: average with the mirror image's answer, which is nearer to the truth; without it, half
            the time.
        short_windows: average with the answer by windows of a fifth of the frames, which does not
            believe detectors that err the same way for seconds; without it, half the time.
        device: "cpu", "cuda", "mps"; the fastest that is here if not given.
        precision: "fp32" or "bf16"; what the device is made for if not given.
        fps: of keypoints in a file, instead of what it declares.
        skeleton: of keypoints in a file, as `motionlift.formats.ReadOptions` has it.
        beyond: metres, a path, smoothing and rate, as `motionlift.finishing.LiftOptions` has them.

    Raises:
        MotionliftError: if the source or the model cannot be read, nobody is in the source, or an
            option is out of range.
    """
    options = LiftOptions(**beyond)
    reading = ReadOptions(fps=fps, skeleton=skeleton, image_size=options.image_size)
    pose = _keypoints_of(source, person=person, options=reading)
    lifter = _lifter(
        model, device=device, precision=precision, flip=flip, short_windows=short_windows
    )
    return lift_with(lifter, pose, options)


def encode(
    source: Pose2D | Path | str,
    *,
    model: "DSTformer | Path | str" = "default",
    person: str = "largest",
    device: str | None = None,
    precision: str | None = None,
    fps: float | None = None,
    skeleton: str | None = None,
    image_size: tuple[int, int] | None = None,
) -> Float[np.ndarray, "frame 17 channel"]:
    """The network's representation of each joint and frame; arguments as those of `lift`."""
    reading = ReadOptions(fps=fps, skeleton=skeleton, image_size=image_size)
    pose = between_detections(_keypoints_of(source, person=person, options=reading))
    return _lifter(model, device=device, precision=precision).encode_pose(pose)


def choose_people(people: Sequence[Pose2D], wanted: str) -> Sequence[Pose2D]:
    """The largest person, all of them, or the one of that name.

    Raises:
        OptionError: if nobody has that name; it lists the names there are.
    """
    if wanted == "all":
        return people
    if wanted == "largest" or (wanted == "1" and len(people) == 1):
        return people[:1]
    names = [person.person for person in people]
    if not wanted or wanted not in names:
        there = ", ".join(name or "1" for name in names[:20])
        raise OptionError(
            f"{people[0].source}: no person is named '{wanted}'; there are: {there}; "
            "or say largest or all"
        )
    return people[names.index(wanted) :][:1]


def _keypoints_of(source: Pose2D | Path | str, *, person: str, options: ReadOptions) -> Pose2D:
    if isinstance(source, Pose2D):
        if options.fps is not None or options.skeleton is not None:
            raise OptionError("fps and skeleton are of files; these keypoints have their own")
        return source
    if person == "all":
        raise OptionError("lift takes one person at a time; read() gives all people of a file")
    return choose_people(read(source, kind="keypoints", options=options), person)[0]


def _lifter(
    model: "DSTformer | Path | str",
    *,
    device: str | None,
    precision: str | None,
    flip: bool = False,
    short_windows: bool = False,
) -> "Lifter":
    from motionlift.lifting import Lifter
    from motionlift.network.weights import load_model

    network = load_model(model) if isinstance(model, (str, Path)) else model
    return Lifter(
        network, device=device, precision=precision, flip=flip, short_windows=short_windows
    )
