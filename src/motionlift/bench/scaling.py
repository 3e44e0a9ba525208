"""How time goes with clip length, batch and threads: the measurements, and their picture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from motionlift.errors import MotionliftError, OptionError
from motionlift.files import written_beside

_PICTURES: Final = (".png", ".svg", ".pdf")
_FRAMES = (1, 9, 27, 81, 243)
_BATCHES = (1, 4, 16, 64, 256)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Measurements along one axis.

    Attributes:
        axis: what is varied.
        points: its values, and the name of the measurement of each.
        frames: handled by one clip of each measurement.
    """

    axis: str
    title: str
    points: Sequence[tuple[int, str]]
    frames: Sequence[int]


def series_for(cores: int) -> tuple[Series, ...]:
    """What is measured on a machine with so many cores."""
    threads = sorted({2**power for power in range(cores.bit_length())} | {cores})
    return (
        Series(
            axis="frames of a clip",
            title="lite, batch 1",
            points=[(frames, f"forward/lite/b1x{frames}@{cores}") for frames in _FRAMES],
            frames=_FRAMES,
        ),
        Series(
            axis="clips of a batch",
            title="small, 9 frames",
            points=[(batch, f"forward/small/b{batch}x9@{cores}") for batch in _BATCHES],
            frames=[9] * len(_BATCHES),
        ),
        Series(
            axis="threads",
            title="lite, batch 1, 81 frames",
            points=[(count, f"forward/lite/b1x81@{count}") for count in threads],
            frames=[81] * len(threads),
        ),
    )


def check_drawing(path: Path) -> None:
    """Refuse to begin what ends in a picture, without the means to draw one.

    Raises:
        OptionError: if the name is no picture's.
        MotionliftError: without matplotlib.
    """
    if path.suffix.lower() not in _PICTURES:
        raise OptionError(f"{path}: --scaling draws a picture: {', '.join(_PICTURES)}")
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise MotionliftError(
            'drawing needs matplotlib, which is not installed; pip install "motionlift[plot]"'
        ) from error


def draw_scaling(
    series: Sequence[Series], results: Sequence[Mapping[str, Any]], path: Path, *, title: str
) -> None:
    """Frames a second along each axis, on logarithmic scales, with the line of equal speed-up."""
    from matplotlib.figure import Figure

    rate = {result["name"]: result["per_second"] for result in results}
    figure = Figure(figsize=(3.6 * len(series), 3.4), layout="constrained")
    figure.suptitle(title, fontsize=9)
    for axes, each in zip(figure.subplots(1, len(series)), series, strict=True):
        values = [value for value, _ in each.points]
        speeds = [
            frames * rate[name] for (_, name), frames in zip(each.points, each.frames, strict=True)
        ]
        axes.plot(values, speeds, "o-")
        axes.plot(values, [speeds[0] * v / values[0] for v in values], ":", color="0.6", lw=1)
        axes.set(xscale="log", yscale="log", xlabel=each.axis, title=f"forward, {each.title}")
        axes.set_xticks(values, [str(value) for value in values], minor=False)
        axes.set_ylim(min(speeds) / 1.5, max(speeds) * 1.5)
        axes.minorticks_off()
        axes.title.set_size(9)
        for value, speed in zip(values, speeds, strict=True):
            axes.annotate(
                f"{speed:,.0f}",
                (value, speed),
                fontsize=7,
                textcoords="offset points",
                xytext=(0, 5),
                ha="center",
            )
    figure.axes[0].set_ylabel("frames a second")
    with written_beside(path) as beside:
        figure.savefig(beside, dpi=120)
