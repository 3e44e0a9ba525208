"""The checksums of the weights that ship: a list beside them, as `sha256sum` writes and checks it.

A card says what its tensors' checksum is; the list covers the cards too, so that no number in them
changes unseen. It says that files are as they were released, not who released them.
"""

from pathlib import Path
from typing import Final

from motionlift.errors import WeightsError
from motionlift.files import read_json, sha256_of, written_beside

MANIFEST: Final = "SHA256SUMS"
_WEIGHTS, _CARD = ".safetensors", ".json"


def write_manifest(folder: Path) -> None:
    """List the weights and cards that are in the folder now."""
    lines = [f"{sha256_of(path)}  {path.name}\n" for path in _listed(folder)]
    with written_beside(folder / MANIFEST) as beside:
        beside.write_text("".join(lines), "utf-8")


def verify_folder(folder: Path) -> list[tuple[str, str]]:
    """Name and checksum of every file, once all are as the list says.

    Raises:
        WeightsError: for the first that is missing, changed, not listed, or not its card's.
    """
    manifest = folder / MANIFEST
    said = _read_manifest(manifest)
    for path in _listed(folder):
        if path.name not in said:
            raise WeightsError(f"{path}: is not in {MANIFEST}, so it did not ship; move it away")
    for name, expected in said.items():
        if not (folder / name).is_file():
            raise WeightsError(f"{folder / name}: missing; install motionlift again")
        found = sha256_of(folder / name)
        if found != expected:
            raise WeightsError(
                f"{folder / name}: was changed or cut short: its sha256 is {found[:12]}..., "
                f"{MANIFEST} has {expected[:12]}...; install motionlift again"
            )
        if name.endswith(_WEIGHTS):
            verify_file(folder / name)
    return list(said.items())


def verify_file(path: Path) -> str:
    """The checksum of a weights file, which is the one that its card gives.

    Raises:
        WeightsError: if it is not, or one of the two is missing.
    """
    if path.suffix != _WEIGHTS:
        raise WeightsError(f"{path}: weights end in {_WEIGHTS}; other files have no card")
    card_path = path.with_suffix(_CARD)
    for each, other in ((path, card_path), (card_path, path)):
        if not each.is_file():
            raise WeightsError(f"{each}: missing; it belongs beside {other.name}")
    found = sha256_of(path)
    card = read_json(card_path)
    expected = card.get("sha256") if isinstance(card, dict) else None
    if not isinstance(expected, str):
        raise WeightsError(f"{card_path}: has no sha256 to hold {path.name} to")
    if found != expected:
        raise WeightsError(
            f"{path}: was changed or cut short: its sha256 is {found[:12]}..., {card_path.name} "
            f"has {expected[:12]}...; fetch both files again"
        )
    return found


def _listed(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in (_WEIGHTS, _CARD))


def _read_manifest(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise WeightsError(f"{path}: cannot be read; install motionlift again") from error
    said = {}
    for number, line in enumerate(lines, 1):
        checksum, _, name = line.partition("  ")
        if len(checksum) != 64 or not name or Path(name).name != name:
            raise WeightsError(
                f"{path}:{number}: found {line[:80]!r}, expected a sha256, two blanks and a name"
            )
        said[name] = checksum
    return said
