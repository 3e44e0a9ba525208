"""`motionlift bench` writes what scripts read, and says what there is."""

import json
from pathlib import Path

import pytest
import torch

from motionlift.bench import measure
from motionlift.bench.cases import ALL, QUICK
from motionlift.bench.scaling import draw_scaling, series_for
from motionlift.cli import main
from motionlift.errors import MotionliftError


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


def test_threads_are_a_part_of_the_name(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    names = ["forward/small/b2x1@1", "train/small/b2x1"]
    flags = ["--json", str(out), "--only", *names, "--seconds", "0.05", "--device", "cpu"]
    assert main(["bench", *flags]) == 0
    alone, beside_twins = json.loads(out.read_text())["results"]
    assert alone["name"] == names[0]
    assert alone["ratio_to_fp32_twin"] is None
    assert beside_twins["ratio_to_fp32_twin"] > 0


@pytest.mark.parametrize(
    "name",
    [
        *("forward/small/b1x2+faster", "train/small/b2x1+compiled2", "lift/20+compiled"),
        *("loader+compiled@1", "lift/0", "forward/small/b0"),
    ],
)
def test_another_way_to_run_is_no_measurement(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--json", str(tmp_path / "bench.json"), "--only", name, "--seconds", "0.1"]
    assert main(["bench", *flags, "--device", "cpu"]) == 2
    assert f"no measurement is named '{name}'" in capsys.readouterr().err


def test_what_could_be_measured_is_kept_where_something_else_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from motionlift.bench import measure

    def measured(name: str, **_: object) -> dict[str, object]:
        if "full" in name:
            raise MotionliftError(f"bench: {name} failed (out of memory)")
        return {"name": name, "seconds": 1.0}

    monkeypatch.setattr(measure, "measure_apart", measured)
    monkeypatch.setattr("motionlift.cli._bench_table.show_table", lambda *_: None)
    out = tmp_path / "bench.json"
    flags = ["--json", str(out), "--only", "loader", "train/full/b8", "--seconds", "0.05"]
    assert main(["bench", *flags, "--device", "cpu"]) == 2
    found = json.loads(out.read_text())
    assert [each["name"] for each in found["results"]] == ["loader"]
    assert "out of memory" in found["failures"]["train/full/b8"]
    assert f"1 of 2 measurements failed: train/full/b8; the others stand in {out}" in (
        capsys.readouterr().err
    )


def test_a_picture_of_no_known_kind_is_refused_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--json", str(tmp_path / "b.json"), "--scaling", str(tmp_path / "s.xyz")]
    assert main(["bench", *flags]) == 2
    assert "--scaling draws a picture: .png" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_compiled_code_is_measured_beside_the_same_twins(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    flags = ["--json", str(out), "--only", "train/small/b2x2+compiled", "--seconds", "1"]
    assert main(["bench", *flags, "--device", "cpu"]) == 0
    (result,) = json.loads(out.read_text())["results"]
    assert result["first_seconds"] > 10 * result["seconds"]
    assert result["ratio_to_bf16_twin"] > 0


def test_the_fixed_names_are_measured() -> None:
    fixed = {"forward/full/b1", "forward/lite/b1", "train/lite/b8", "train/full/b4", "loader"}
    assert fixed | {"lift/100"} <= set(ALL)
    assert set(QUICK) <= set(ALL)


def test_scaling_is_drawn_from_its_measurements(tmp_path: Path) -> None:
    series = series_for(6)
    assert [value for value, _ in series[2].points] == [1, 2, 4, 6]
    assert series[2].points[1][1] == "forward/lite/b1x81@2"
    results = [
        {"name": name, "per_second": 10.0 * value} for each in series for value, name in each.points
    ]
    draw_scaling(series, results, tmp_path / "scaling.png", title="a machine")
    assert (tmp_path / "scaling.png").read_bytes().startswith(b"\x89PNG")


def test_a_twin_that_does_not_fit_into_memory_has_no_ratio() -> None:
    def too_large() -> None:
        raise torch.OutOfMemoryError

    works = {"ours": lambda: None, "fp32": too_large, "bf16": lambda: None}
    best = measure._alternate(works, device=torch.device("cpu"), seconds=0.0)
    assert set(best) == {"ours", "bf16"}
    with pytest.raises(torch.OutOfMemoryError):
        measure._alternate({"ours": too_large}, device=torch.device("cpu"), seconds=0.0)
