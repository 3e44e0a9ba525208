"""Motion as a film: MP4 for talks and papers' supplements, GIF for pages that play nothing else.

Keypoints on the left, where the motion has any; the body in 3D on the right. MP4 is written by PyAV
at the motion's own rate, GIF by Pillow.
"""

import importlib.util
import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from motionlift.errors import MotionliftError, OptionError
from motionlift.files import check_writable, written_beside
from motionlift.poses import Pose3D
from motionlift.progress import OnProgress
from motionlift.skeletons import H36M17
from motionlift.viewer.comparison import compare
from motionlift.viewer.packing import to_display
from motionlift.viewer.together import check_together

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

SUFFIXES = (".mp4", ".gif")
HEIGHT = 640
_WIDTHS = {"keypoints": 480, "3D": 640}
USUAL_FPS = 30.0
# Some programs slow down a GIF that is faster.
_GIF_FPS = 33.4
_QUIET = (102, 112, 133)


def write_film(
    path: Path,
    people: Sequence[Pose3D],
    *,
    reference: Pose3D | None = None,
    turn: float = 0.0,
    on_progress: OnProgress | None = None,
) -> None:
    """Write a film of these people, all of one recording.

    Args:
        reference: another motion of the first person, laid over it in green (see `compare`).
        turn: degrees a second that the camera circles them by.

    Raises:
        OptionError: if the suffix is no film's.
        MotionliftError: if nobody is in the motion, a package is missing, or the film cannot be
            written.
    """
    check_film(path)
    check_together(people)
    frames = _Frames(people, reference=reference, turn=turn)
    pictures = _told(frames, on_progress)
    with written_beside(path) as beside:
        if path.suffix.lower() == ".gif":
            _write_gif(beside, pictures, fps=frames.fps, num_frames=len(frames))
        else:
            _write_mp4(beside, pictures, fps=frames.fps, size=frames.size)


def check_film(path: Path) -> None:
    """Refuse a path that no film can be written to, or that lacks a package for it.

    Raises:
        OptionError: if the suffix is no film's.
        MotionliftError: if a package is missing, it is a folder, or it cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise OptionError(f"{path}: films end in one of: {', '.join(SUFFIXES)}")
    needed = {"PIL": "Pillow", **({"av": "PyAV"} if suffix == ".mp4" else {})}
    for module, name in needed.items():
        if importlib.util.find_spec(module) is None:
            raise MotionliftError(
                f"{path}: films need {name}; get it with: pip install 'motionlift[film]'"
            )
    check_writable(path)


class _Frames:
    """The pictures of a film, one for each frame number from the first to the last."""

    def __init__(self, people: Sequence[Pose3D], *, reference: Pose3D | None, turn: float) -> None:
        from motionlift.viewer.sight import Sight
        from motionlift.viewer.stage import Stage

        for pose in people:
            if not (pose.confidence[:, H36M17.root] > 0).any():
                raise MotionliftError(
                    f"{pose.source}: in no frame is there somebody's pelvis; there is nothing to "
                    "draw around"
                )
        self.fps = people[0].fps or USUAL_FPS
        self.turn = np.radians(turn) / self.fps
        shown = list(people)
        if reference is not None:
            shown.append(compare(people[0], reference).reference)
        self.numbers = np.arange(
            min(int(pose.frame_index[0]) for pose in people),
            max(int(pose.frame_index[-1]) for pose in people) + 1,
        )
        bodies = [_body(pose, self.numbers, with_path=len(people) > 1) for pose in shown]
        self.stage = Stage.around(bodies, num_people=len(people))
        seen = [pose for pose in people if pose.lifted_from is not None]
        self.sight = None
        if seen:
            rows = [_rows(pose, self.numbers) for pose in seen]
            self.sight = Sight.on(seen, rows, fps=self.fps)
        widths = _WIDTHS if seen else {"3D": _WIDTHS["3D"]}
        self.size = (sum(widths.values()), HEIGHT)

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator["Picture"]:
        from PIL import Image

        from motionlift.viewer.canvas import Canvas

        floor = None
        for frame, number in enumerate(self.numbers):
            picture = Image.new("RGB", self.size, "white")
            width, turned = _WIDTHS["3D"], frame * self.turn
            if floor is None or self.turn:
                empty = Canvas(width, HEIGHT)
                self.stage.draw_floor(empty, turned=turned)
                floor = empty.copy()
            scene = Canvas(width, HEIGHT, background=floor)
            self.stage.draw_bodies(scene, frame, turned=turned)
            clock = f"{(number - self.numbers[0]) / self.fps:.2f} s"
            place = (width - 14, HEIGHT - 12)
            scene.text(place, clock, colour=_QUIET, size=14, anchor="rs")
            picture.paste(scene.finished(), (self.size[0] - width, 0))
            if self.sight is not None:
                keypoints = Canvas(_WIDTHS["keypoints"], HEIGHT)
                self.sight.draw(keypoints, frame)
                picture.paste(keypoints.finished(), (0, 0))
            yield picture


def _body(
    pose: Pose3D, numbers: Int[np.ndarray, " frame"], *, with_path: bool
) -> Float[np.ndarray, "frame 17 3"]:
    """Joints in display space on the film's time line, about the root or on the person's way."""
    joints = pose.positions - pose.positions[:, [H36M17.root]]
    size_of_pixel = 1.0 if pose.units == "px" else pose.metres_per_pixel
    if with_path and pose.root_xy is not None and size_of_pixel is not None:
        joints = joints + np.pad(size_of_pixel * pose.root_xy, ((0, 0), (0, 1)))[:, None]
    elif with_path:
        joints = pose.positions
    rows = _rows(pose, numbers)
    line = np.full((len(numbers), *joints.shape[1:]), np.nan)
    line[rows >= 0] = to_display(joints, pose.space)[rows[rows >= 0]]
    return line


def _rows(pose: Pose3D, numbers: Int[np.ndarray, " frame"]) -> Int[np.ndarray, " frame"]:
    """The place of each frame number in the person's own frames, -1 where there is none."""
    place = np.searchsorted(pose.frame_index, numbers).clip(0, pose.num_frames - 1)
    return np.where(pose.frame_index[place] == numbers, place, -1)


def _told(frames: _Frames, on_progress: OnProgress | None) -> Iterator["Picture"]:
    for done, picture in enumerate(frames, start=1):
        yield picture
        if on_progress is not None:
            on_progress(done, len(frames))


def _write_mp4(
    path: Path, pictures: Iterator["Picture"], *, fps: float, size: tuple[int, int]
) -> None:
    import av

    with av.open(str(path), "w") as film:
        stream: Any = film.add_stream(
            "libx264",
            rate=Fraction(fps).limit_denominator(1001),
            options={"crf": "18", "preset": "veryfast"},
        )
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for picture in pictures:
            film.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")))
        film.mux(stream.encode(None))


def _write_gif(path: Path, pictures: Iterator["Picture"], *, fps: float, num_frames: int) -> None:
    """Every frame (of fast motion every second, third, ...) at its time to 1/100 s."""
    from PIL import Image

    step = int(np.ceil(fps / _GIF_FPS))
    kept = itertools.islice(pictures, None, None, step)
    ends = np.rint(100 / fps * np.append(np.arange(0, num_frames, step), num_frames)).astype(int)
    # The same few colours in every picture: nothing flickers, and white is white.
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for colour in _gif_colours() for part in colour])
    flat = (each.quantize(palette=palette, dither=Image.Dither.NONE) for each in kept)
    next(flat).save(
        path,
        save_all=True,
        append_images=flat,
        duration=(10 * np.maximum(np.diff(ends), 1)).tolist(),
        loop=0,
    )


def _gif_colours() -> list[tuple[int, int, int]]:
    """White, and every colour of a film in steps from white."""
    from motionlift.viewer.canvas import faded
    from motionlift.viewer.stage import COLOURS, MIDDLE, REFERENCE

    # Pillow takes colours very near white for white's neighbour; so there are none.
    shades = np.linspace(0.1, 1, 48)
    return [
        (255, 255, 255),
        *(
            faded(each, shade)
            for each in (*COLOURS.values(), MIDDLE, REFERENCE)
            for shade in shades
        ),
    ]
