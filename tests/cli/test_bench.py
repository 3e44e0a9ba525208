"""`motionlift bench` writes what scripts read, and says what there is."""

import json
from pathlib import Path

import pytest

from motionlift.cli import main


def test_the_file_has_machine_gemm_and_results(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    flags = ["--json", str(out), "--only", "forward/small/b1x9", "--seconds", "0.1"]
    assert main(["bench", *flags, "--device", "cpu"]) == 0
    found = json.loads(out.read_text())
    assert set(found) == {"machine", "gemm", "results"}
    assert found["machine"]["torch"]
    (result,) = found["results"]
    assert result["name"] == "forward/small/b1x9"
    for name in ("seconds", "per_second", "gemm_fraction", "peak_mb"):
        assert result[name] > 0, name
    twins = result["twin_seconds"]
    assert result["ratio_to_fp32_twin"] == pytest.approx(twins["fp32"] / result["seconds"])
    assert result["ratio_to_bf16_twin"] == pytest.approx(twins["bf16"] / result["seconds"])


def test_an_unknown_measurement_is_one_line_and_leaves_no_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "bench.json"
    flags = ["--json", str(out), "--only", "forward/huge/b1", "--seconds", "0.1"]
    assert main(["bench", *flags]) == 2
    error = capsys.readouterr().err
    assert "huge" in error
    assert "forward/lite/b1" in error
    assert error.count("\n") == 1
    assert not out.exists()
