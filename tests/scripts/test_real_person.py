"""The real person's table: legs in their order of depth, and the errors that `evaluate` prints."""

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import motionlift
from motionlift.calibration import choose_camera
from motionlift.poses import Pose3D
from motionlift.skeletons import H36M17
from tests.scripts.test_studies import SCRIPTS


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return import_module("real_person")


def test_a_truth_seen_by_its_own_camera_has_its_legs_in_order_and_its_mirror_image_has_not(
    shared: Path, script: ModuleType
) -> None:
    folder = shared / "keypoints" / "pose2sim"
    (truth,) = motionlift.read(folder / script.TRUTH, kind="motion")
    camera = choose_camera(folder / script.CALIBRATION, "cam_01")
    seen = camera.to_camera(truth.positions.astype(np.float64))
    behind = seen * [1, 1, -1]
    right = script.order_of_legs(motion(seen, truth), truth, camera)
    wrong = script.order_of_legs(motion(behind, truth), truth, camera)
    for pair in script.PAIRS:
        counted = int(right[pair].split()[-1])
        assert counted > 20
        assert right[pair] == f"{counted} of {counted}"
        assert wrong[pair] == f"0 of {counted}"


def test_the_table_has_a_line_for_each_detection_and_each_joint(
    shared: Path,
    script: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(
        sys, "argv", ["real_person.py", str(shared / "keypoints" / "pose2sim"), "--model", "small"]
    )
    script.main()
    printed = capsys.readouterr().out
    for name in script.DETECTIONS:
        error = float(printed.split(f"\n| {name} | ")[1].split(" ")[0])
        assert 30 < error < 110  # the best fixed pose has 102
    assert "\n| left wrist | " in printed


def motion(positions: np.ndarray, like: Pose3D) -> Pose3D:
    relative = positions - positions[:, [H36M17.root]]
    return Pose3D(
        skeleton=H36M17,
        positions=relative.astype(np.float32),
        confidence=like.confidence,
        frame_index=like.frame_index,
        fps=like.fps,
        units="m",
        space="camera",
    )
