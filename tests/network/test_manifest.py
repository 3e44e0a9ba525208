"""Checksums of the weights that ship: what changed is named, in one line."""

import json
from pathlib import Path

import pytest

from motionlift.cli import main
from motionlift.errors import WeightsError
from motionlift.network.manifest import (
    MANIFEST,
    sha256_of,
    verify_file,
    verify_folder,
    write_manifest,
)
from motionlift.network.weights import MODELS, model_names
from tests.samples import write_tiny_weights


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_tiny_weights(tmp_path)
    write_manifest(tmp_path)
    return tmp_path


def test_what_ships_is_whole(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "verify"]) == 0
    shown = capsys.readouterr().out
    for name in model_names():
        assert f"{sha256_of(MODELS / f'{name}.safetensors')}  {name}.safetensors" in shown
        assert f"{name}.json" in shown


def test_the_list_is_in_the_form_of_sha256sum(folder: Path) -> None:
    lines = (folder / MANIFEST).read_text().splitlines()
    assert [line.split("  ")[1] for line in lines] == ["tiny.json", "tiny.safetensors"]
    assert all(len(line.split("  ")[0]) == 64 for line in lines)
    assert [name for name, _ in verify_folder(folder)] == ["tiny.json", "tiny.safetensors"]


@pytest.mark.parametrize("name", ["tiny.safetensors", "tiny.json"])
@pytest.mark.parametrize("how", ["cut short", "one bit"])
def test_a_changed_file_is_named(folder: Path, name: str, how: str) -> None:
    data = (folder / name).read_bytes()
    data = data[:-1] if how == "cut short" else bytes([data[0] ^ 1]) + data[1:]
    (folder / name).write_bytes(data)
    with pytest.raises(WeightsError, match=rf"{name}: was changed or cut short"):
        verify_folder(folder)


def test_a_file_that_is_missing_or_not_listed_is_named(folder: Path) -> None:
    (folder / "more.json").write_text("{}")
    with pytest.raises(WeightsError, match=r"more\.json: is not in SHA256SUMS"):
        verify_folder(folder)
    (folder / "more.json").unlink()
    (folder / "tiny.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"tiny\.safetensors: missing; install"):
        verify_folder(folder)


def test_weights_that_are_listed_but_not_their_cards_are_named(folder: Path) -> None:
    card = json.loads((folder / "tiny.json").read_text())
    (folder / "tiny.json").write_text(json.dumps(card | {"sha256": 64 * "0"}))
    write_manifest(folder)
    with pytest.raises(WeightsError, match=r"tiny\.json has 000000000000\.\.\."):
        verify_folder(folder)


@pytest.mark.parametrize("line", ["small.safetensors", f"{64 * 'a'}  ../x", "1234  x"])
def test_a_list_that_is_none_is_an_error(folder: Path, line: str) -> None:
    (folder / MANIFEST).write_text(f"{line}\n")
    with pytest.raises(WeightsError, match=rf"{MANIFEST}:1: found "):
        verify_folder(folder)


def test_weights_of_ones_own_are_held_to_their_card(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "tiny.safetensors"
    assert main(["weights", "verify", str(path)]) == 0
    assert verify_file(path) in capsys.readouterr().out
    path.write_bytes(path.read_bytes()[:100])
    assert main(["weights", "verify", str(path)]) == 2
    error = capsys.readouterr().err
    assert "was changed or cut short" in error
    assert error.count("\n") == 1
    assert main(["weights", "verify", str(folder / "tiny.json")]) == 2
    assert main(["weights", "verify", str(folder / "none.safetensors")]) == 2
