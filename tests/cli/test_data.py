import json
import subprocess
import sys
from pathlib import Path

import pytest

from motionlift.cli import main
from tests.data.recordings import walking, write_recording, write_table


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "mocap"
    for number in range(3):
        write_recording(folder / "walks" / f"{number}.npz", walking(seconds=2))
    (folder / "walks" / "broken.bvh").write_text("HIERARCHY\n")
    rows = [
        {"file": "walks/0.npz", "split": "train", "dataset": "d"},
        {"file": "walks/1.npz", "split": "test", "dataset": "d"},
        {"file": "walks/broken.bvh", "split": "test", "dataset": "d"},
    ]
    write_table(folder / "index.csv", rows)
    return folder


def _build(source: Path, out: Path) -> list[str]:
    words = f"data build --source {source} --split {source / 'index.csv'} --out {out} --workers 1"
    return words.split()


def test_build_prints_what_is_in_the_store_and_what_is_not(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_build(source, tmp_path / "store")) == 0
    printed = capsys.readouterr().out
    assert "skipped 1:" in printed and "walks/broken.bvh" in printed
    assert "not in the table, not read: 1" in printed and "walks/2.npz" in printed
    assert "3 files read" in printed


def test_show_writes_the_same_as_json(source: Path, tmp_path: Path) -> None:
    main(_build(source, tmp_path / "store"))
    file = tmp_path / "show.json"
    assert main(["data", "show", str(tmp_path / "store"), "--json", str(file), "--verify"]) == 0
    values = json.loads(file.read_text())
    assert values["sequences"] == 2
    assert values["minutes"] == pytest.approx(2 * 101 / 50 / 60, abs=1e-3)
    (skipped,) = values["skipped"]
    assert skipped["file"] == "walks/broken.bvh" and skipped["reason"]
    assert values["by_split"]["test"]["sequences"] == 1
    assert values["by_split"]["test"]["skipped"] == [skipped]
    assert values["by_split"]["train"]["skipped"] == []
    assert values["by_dataset"]["d"]["sequences"] == 2
    assert values["not_in_table"] == ["walks/2.npz"]


def test_one_recording_in_two_splits_is_told(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(_build(source, tmp_path / "store"))
    assert "walks/0.npz is in two splits" in capsys.readouterr().out


def test_merge_makes_one_store_of_two(source: Path, tmp_path: Path) -> None:
    for number in range(2):
        main(_build(source, tmp_path / f"s{number}"))
        write_recording(source / "walks" / "0.npz", walking(pace=2))
    words = ["data", "merge", str(tmp_path / "s0"), str(tmp_path / "s1"), "--out"]
    assert main([*words, str(tmp_path / "merged")]) == 0
    assert main(["data", "show", str(tmp_path / "merged"), "--verify"]) == 0


@pytest.mark.parametrize(
    "words",
    [
        "data show nowhere",
        "data build --source nowhere --out store",
        "data build --source . --split nowhere.csv --out store",
        "data build --source . --names nowhere.toml --out store",
        "data build --source . --fps 0 --out store",
        "data build --source . --source-fps -1 --out store",
        "data build --source . --metres-per-unit -1 --out store",
        "data build --source . --metres-per-unit 0 --out store",
        "data build --source . --kind keypoints --image-size 0 480 --out store",
        "data build --source . --workers 0 --out store",
        "data merge a --out store",
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words.split()) == 2
    error = capsys.readouterr().err
    assert error.startswith("motionlift: ") and error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_help_needs_neither_torch_nor_scipy() -> None:
    code = (
        "import sys\nfrom motionlift.cli import main\n"
        "for word in ('build', 'show', 'merge'):\n"
        "    try: main(['data', word, '--help'])\n"
        "    except SystemExit: pass\n"
        "assert not {'torch', 'scipy'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
