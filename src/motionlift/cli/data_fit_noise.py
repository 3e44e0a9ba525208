"""`motionlift data fit-noise`: the noise model of a detector, from its keypoints and the truth."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from motionlift.cli import Command
from motionlift.cli._parsing import parse
from motionlift.errors import OptionError


@dataclass(frozen=True, kw_only=True)
class _Arguments:
    keypoints: Annotated[Path, tyro.conf.Positional]
    """file or folder of the detector's keypoints"""
    truth: Path
    """the same motion triangulated, such as a .trc of Pose2Sim; frames pair by number"""
    calibration: Path
    """calibration (TOML) as Pose2Sim writes it"""
    camera: str
    """name of the camera that the detector looked through"""
    out: Path
    """JSON file to write; train with --data.corruption.noise-file"""
    person: str = "largest"
    """whose keypoints they are, where there are several: the largest, or a name in the file"""
    skeleton: str | None = None
    """skeleton of the keypoints, where files of several look alike"""


def _run(arguments: Sequence[str]) -> None:
    asked = parse(
        _Arguments,
        arguments,
        prog="motionlift data fit-noise",
        description="Fit the training's keypoint noise to a detector of your own.",
    )
    from motionlift.api import choose_people
    from motionlift.calibration import read_calibration
    from motionlift.data.fit_noise import fit_noise, residuals
    from motionlift.files import written_beside
    from motionlift.formats import ReadOptions, read_keypoints, read_motion

    cameras = read_calibration(asked.calibration)
    if asked.camera not in cameras:
        raise OptionError(
            f"{asked.calibration}: no camera '{asked.camera}'; there are: {', '.join(cameras)}"
        )
    people = read_keypoints(asked.keypoints, ReadOptions(skeleton=asked.skeleton))
    keypoints = choose_people(people, asked.person)[0]
    if len(people) > 1:
        print(
            f"{len(people)} people in {asked.keypoints}: person {keypoints.person or '1'} is fitted"
        )
    truths = read_motion(asked.truth)
    if len(truths) > 1:
        raise OptionError(f"{asked.truth}: {len(truths)} people; give a file of the one")
    truth = truths[0]
    found = residuals(keypoints, truth, cameras[asked.camera])
    model = {"source": f"{keypoints.source} against {truth.source}"} | fit_noise(found)
    with written_beside(asked.out) as beside:
        beside.write_text(json.dumps(model, indent=1) + "\n", "utf-8")
    print(
        f"{int(found.is_known.sum())} keypoints in {len(found.offset)} frames; all are off by "
        f"({found.shift_px[0]:.1f}, {found.shift_px[1]:.1f}) px, taken off as calibration"
    )
    print(f"jitter {model['jitter']:.5f}, Gaussian share {_mean(model['weight']):.2f}: {asked.out}")


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


COMMAND = Command(
    name="data-fit-noise",
    summary="fit the training's noise to a detector of your own",
    run=_run,
)
