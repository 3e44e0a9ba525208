"""Motion as one web page that holds everything it needs: data, drawing, and the video if given.

The page asks the network for nothing, and its own policy forbids it to. Its parts are in `page/`;
they become one file here.
"""

import base64
import gzip
import html
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from motionlift.errors import OptionError
from motionlift.files import check_writable, written_beside
from motionlift.poses import Pose3D
from motionlift.skeletons import H36M17
from motionlift.viewer.comparison import Comparison, compare
from motionlift.viewer.packing import on_time_line, pack, pack_person
from motionlift.viewer.together import check_together, said_rate

_PARTS = ("data.js", "canvas.js", "scene.js", "picture.js", "curves.js", "main.js")
_LIVE_PARTS = ("lift.js", "live.js")
_VIDEO_TYPES = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/mp4",
    ".webm": "video/webm",
}
# A browser holds the page, the text of the video and the video itself in memory.
_LARGEST_VIDEO = 200 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """A network that runs in the page; see `motionlift.viewer.live`.

    Attributes:
        setting: the keypoints and how they are cut into windows, as JSON holds it.
        parts: what goes into an element each, by its id.
    """

    setting: dict[str, Any]
    parts: dict[str, bytes]


def write_page(
    path: Path,
    people: Sequence[Pose3D],
    *,
    reference: Pose3D | None = None,
    video: Path | None = None,
    video_fps: float | None = None,
    live: Live | None = None,
) -> None:
    """Write the page that shows these people, all of one recording.

    Args:
        reference: another motion of the first person, shown laid over it with its error.
        video: what the keypoints were detected in; its frames are shown under them.
        video_fps: frames a second of the video as it plays, where they are not the motion's, such
            as 30 of slow motion that was filmed at 240.
        live: a network that lifts the first person's keypoints again, in the page.

    Raises:
        MotionliftError: if the page cannot be written, the people do not go together, or the
            video cannot be shown.
    """
    check_page(path)
    text = page(people, reference=reference, video=video, video_fps=video_fps, live=live)
    with written_beside(path) as beside:
        beside.write_text(text, encoding="utf-8")


def check_page(path: Path) -> None:
    """Refuse a path that no page can be written to.

    Raises:
        OptionError: if it does not end in .html.
        MotionliftError: if it is a folder, or cannot be written.
    """
    if path.suffix.lower() not in (".html", ".htm"):
        raise OptionError(
            f"{path}: pages end in .html, films in .mp4 or .gif, pictures in .png, .pdf or .svg"
        )
    check_writable(path)


def page(
    people: Sequence[Pose3D],
    *,
    reference: Pose3D | None = None,
    video: Path | None = None,
    video_fps: float | None = None,
    live: Live | None = None,
) -> str:
    """The page as text; see `write_page`."""
    _check(people, video=video, video_fps=video_fps)
    comparison = None if reference is None else compare(people[0], reference)
    motion = _motion(people, comparison)
    motion["video_fps"] = video_fps
    motion["live"] = None if live is None else live.setting
    parts = files("motionlift.viewer") / "page"
    names = _PARTS if live is None else (*_PARTS, *_LIVE_PARTS)
    script = "\n".join((parts / name).read_text("utf-8") for name in names)
    filled = {
        "title": html.escape(motion["title"]),
        "style": (parts / "style.css").read_text("utf-8"),
        # "<" could end the element early; JSON has another way to write it.
        "motion": json.dumps(motion, separators=(",", ":"), allow_nan=False).replace(
            "<", "\\u003c"
        ),
        "video": "" if video is None else base64.b64encode(_video_bytes(video)).decode("ascii"),
        "video_type": "" if video is None else _VIDEO_TYPES[video.suffix.lower()],
        "live": "" if live is None else _elements(live.parts),
        # The runtime is a module and WebAssembly, both from the page's own memory.
        "live_policy": "" if live is None else " blob: 'wasm-unsafe-eval'",
        "script": f'(() => {{\n"use strict";\n{script}\n}})();',
    }
    template = (parts / "page.html").read_text("utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda found: filled[found[1]], template)


def _elements(parts: dict[str, bytes]) -> str:
    """Parts as base64 of gzip, which every browser since 2023 unpacks."""
    kind = 'type="application/octet-stream"'
    texts = {
        name: base64.b64encode(gzip.compress(data, mtime=0)).decode("ascii")
        for name, data in parts.items()
    }
    return "".join(f'<script {kind} id="{name}">{text}</script>\n' for name, text in texts.items())


def _check(people: Sequence[Pose3D], *, video: Path | None, video_fps: float | None) -> None:
    check_together(people)
    if video_fps is not None and (video is None or not 0 < video_fps < math.inf):
        raise OptionError(
            f"video-fps is {video_fps:g}, but it is the positive frame rate of a --video"
        )
    if video is not None and people[0].fps is None:
        raise OptionError(
            f"{people[0].source}: the frame rate is unknown, so its frames cannot be found in "
            f"{video}; give --fps"
        )


def _motion(people: Sequence[Pose3D], comparison: Comparison | None) -> dict[str, Any]:
    everyone = [*people, *([] if comparison is None else [comparison.reference])]
    numbers = np.unique(np.concatenate([pose.frame_index for pose in everyone]))
    roots = [pose.root_xy for pose in people if pose.root_xy is not None]
    places = np.concatenate([np.empty((0, 2)), *roots])
    places = places[np.isfinite(places).all(axis=1)]
    origin = np.median(places, axis=0) if len(places) else np.zeros(2)
    packed = [pack_person(pose, numbers, origin=origin) for pose in people]
    if comparison is not None:
        packed.append(pack_person(comparison.reference, numbers, origin=origin, is_reference=True))
    seen = people[0].lifted_from
    return {
        "title": Path(people[0].source).name or "motion",
        "about": _about(people, num_frames=len(numbers), comparison=comparison),
        "fps": people[0].fps,
        "frame_numbers": numbers.tolist(),
        "joints": H36M17.joints,
        "parents": H36M17.parents,
        "image_size": None if seen is None else seen.image_size,
        "people": packed,
        "comparison": None if comparison is None else _pack_error(comparison, numbers),
    }


def _pack_error(comparison: Comparison, numbers: Int[np.ndarray, " frame"]) -> dict[str, Any]:
    rows = np.searchsorted(numbers, comparison.frame_index)
    curves = {"error": comparison.error, "error_by_frame": comparison.error_by_frame}
    return {
        **{
            name: pack(on_time_line(curve[:, None], rows, len(numbers)))
            for name, curve in curves.items()
        },
        "unit": comparison.unit,
    }


def _about(people: Sequence[Pose3D], *, num_frames: int, comparison: Comparison | None) -> str:
    fps = people[0].fps
    facts = [
        f"{num_frames} frame" + "s" * (num_frames != 1),
        "frame rate unknown, shown at 30" if fps is None else said_rate(people[0]),
    ]
    if len(people) > 1:
        facts.append(f"{len(people)} people")
    if people[0].model:
        facts.append(f"lifted by {people[0].model}")
    facts.append("metres" if people[0].units == "m" else "pixels, scale unknown")
    if comparison is not None:
        facts.append(_about_comparison(comparison))
    return " · ".join(facts)


def _about_comparison(comparison: Comparison) -> str:
    """The numbers that `motionlift evaluate` prints for the two."""
    unit = comparison.unit
    failures = f", {comparison.failures} of them failures" if comparison.failures else ""
    return (
        f"mean error {np.nanmean(comparison.error):.1f} {unit} "
        f"({comparison.error_by_frame.mean():.1f} {unit} with each frame aligned) over "
        f"{len(comparison.error)} frames{failures}, to {Path(comparison.reference.source).name}"
    )


def _video_bytes(video: Path) -> bytes:
    if video.suffix.lower() not in _VIDEO_TYPES:
        raise OptionError(
            f"{video}: browsers do not play '{video.suffix}' files; "
            f"give one of: {', '.join(_VIDEO_TYPES)}"
        )
    try:
        size = video.stat().st_size
        if size > _LARGEST_VIDEO:
            raise OptionError(
                f"{video}: {size >> 20} MiB, too large to go into a page "
                f"(at most {_LARGEST_VIDEO >> 20}); give a smaller copy of it"
            )
        return video.read_bytes()
    except OSError as error:
        raise OptionError(f"{video}: cannot be read ({error.strerror})") from error
