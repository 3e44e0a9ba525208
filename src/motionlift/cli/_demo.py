"""What `demo` does: lifts a made-up walk, writes motion, page and picture, and scores the lift."""

import importlib.util
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from motionlift.api import write
from motionlift.cli._lifting import Network, make_lifter
from motionlift.cli._parsing import parse
from motionlift.cli._report import say, say_lift, say_notes
from motionlift.example import make_example
from motionlift.files import check_writable
from motionlift.formats import read_keypoints
from motionlift.poses import Pose2D
from motionlift.viewer.comparison import compare
from motionlift.viewer.page import write_page
from motionlift.viewer.picture import write_picture


@dataclass(frozen=True, kw_only=True)
class DemoArguments:
    """Lift the example keypoints that ship in the package, and show them in 3D."""

    network: Annotated[Network, tyro.conf.arg(name="")]
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])] = Path("out")
    """folder for demo.npz, demo.html and demo.png"""


def demo(arguments: Sequence[str]) -> None:
    """Run `motionlift demo` with these arguments."""
    asked = parse(DemoArguments, arguments, prog="motionlift demo")
    motion, page, picture = (asked.out / f"demo.{kind}" for kind in ("npz", "html", "png"))
    for path in (motion, page, picture):
        check_writable(path)
    keypoints = _example_keypoints()
    lifter = make_lifter(asked.network)
    began = time.perf_counter()
    lifted = lifter.lift_pose(keypoints)
    seconds = time.perf_counter() - began
    write(lifted, motion)
    write_page(page, [lifted])
    say_lift(lifted, lifter, seconds=seconds)
    # The example is made up, so the true joints are known.
    found = compare(lifted, make_example().truth)
    say("error", f"{np.nanmean(found.error):.0f} mm a joint against the truth, scale fitted")
    say("wrote", f"{motion}  the motion")
    say("wrote", f"{page}  open it in a browser")
    if importlib.util.find_spec("matplotlib") is None:
        say_notes(["no picture: matplotlib is missing; pip install 'motionlift[plot]' brings it"])
        return
    write_picture(picture, lifted)
    say("wrote", f"{picture}  the same as a still picture")


def _example_keypoints() -> Pose2D:
    with as_file(files("motionlift.examples") / "walk.npz") as path:
        return read_keypoints(path)[0]
