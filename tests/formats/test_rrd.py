"""Rerun recordings are written where Rerun is, and asked for where it is not."""

import sys
from pathlib import Path

import pytest

import motionlift
from motionlift.errors import FormatError
from tests.samples import lifted_walk


def test_without_rerun_the_way_to_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rerun", None)
    with pytest.raises(FormatError, match=r"motion\.rrd: \.rrd files need rerun-sdk"):
        motionlift.write(lifted_walk(frames=slice(0, 3)), tmp_path / "motion.rrd")
    assert list(tmp_path.iterdir()) == []


def test_a_recording_holds_joints_and_keypoints(tmp_path: Path) -> None:
    pytest.importorskip("rerun")
    motionlift.write(lifted_walk(frames=slice(205, 225)), tmp_path / "motion.rrd")
    data = (tmp_path / "motion.rrd").read_bytes()
    assert data.startswith(b"RRF")
    for name in (b"world/joints", b"world/bones", b"picture/keypoints"):
        assert name in data
