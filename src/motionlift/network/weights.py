"""Weights on disk: NAME.safetensors holds the numbers, NAME.json beside it says what they are.

Published checkpoints (`.bin`) are read too, without executing the pickle inside. Whatever the
file, names and sizes are checked before a number is read.
"""

import dataclasses
import hashlib
import importlib.metadata
import importlib.resources
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from motionlift.errors import WeightsError
from motionlift.files import read_json, written_beside
from motionlift.network.checkpoints import CHECKPOINT_SUFFIXES, read_stored, stored_tensors
from motionlift.network.dstformer import DSTformer, DSTformerConfig, Norm
from motionlift.network.expected_error import split_error_head
from motionlift.network.shapes import config_from_shapes, empty_network

MODELS = Path(str(importlib.resources.files("motionlift.models")))
DEFAULT = "small"
_SUFFIX = ".safetensors"
_USUAL_HEADS = 8


def model_names() -> list[str]:
    """The names of the weights that ship in the package, sorted."""
    return sorted(path.stem for path in MODELS.glob(f"*{_SUFFIX}"))


def load_model(
    path_or_name: str | Path = "default", num_heads: int | None = None, norm: Norm | None = None
) -> DSTformer:
    """A network with these weights, in evaluation mode, on the CPU, in single precision.

    Args:
        path_or_name: a name of `model_names()`, "default" (which is "small"), a `.safetensors`
            file with its `.json` beside it, or a published checkpoint (`.bin`).
        num_heads: attention heads of a published checkpoint, whose tensors do not tell; 8 if it
            is not given. Weights with a card say it themselves, and refuse another.
        norm: place of its LayerNorms, likewise; "pre" if it is not given.

    Raises:
        WeightsError: if there are no such weights, or they are damaged, unsafe, of another
            architecture, or not finite.
    """
    path, name = _find(path_or_name)
    if path.suffix == _SUFFIX:
        card = _read_card(path)
        heads, place = _heads_and_norm(path, card, num_heads=num_heads, norm=norm)
        tensors, error_head = split_error_head(_read_safetensors(path, card), where=str(path))
        shapes = {key: tuple(tensor.shape) for key, tensor in tensors.items()}
        config = config_from_shapes(shapes, num_heads=heads, norm=place, where=str(path))
        config = _check_network(path, card, config)
    else:
        card, error_head = None, None
        stored = stored_tensors(path)
        shapes = {key: tensor.shape for key, tensor in stored.items()}
        config = config_from_shapes(
            shapes, num_heads=num_heads or _USUAL_HEADS, norm=norm or "pre", where=str(path)
        )
        tensors = read_stored(path, stored)
    model = empty_network(config)
    model.load_state_dict(_as_single_precision(path, tensors), assign=True)
    model.name, model.card, model.error_head = name, card, error_head
    return model.eval()


def save_weights(path: Path, model: DSTformer, *, card: Mapping[str, Any]) -> None:
    """Writes `path`, which ends in .safetensors, and the JSON beside it.

    An error leaves both as they were. A kill between the two leaves a pair that does not belong
    together, which `load_model` refuses by the checksum.

    The JSON holds `card` (conventions, data, metrics, licence notices: what the caller knows)
    and what this function knows: network configuration, library version, checksum.
    """
    if path.suffix != _SUFFIX:
        raise WeightsError(f"{path}: weights are written as {_SUFFIX}; give such a name")
    tensors = {name: value.detach().cpu() for name, value in model.state_dict().items()}
    data = safetensors.torch.save({name: value.contiguous() for name, value in tensors.items()})
    full_card = {
        **card,
        "network": dataclasses.asdict(model.config),
        "motionlift": importlib.metadata.version("motionlift"),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    text = json.dumps(full_card, indent=2, ensure_ascii=False) + "\n"
    with written_beside(path.with_suffix(".json")) as beside_json, written_beside(path) as beside:
        beside.write_bytes(data)
        beside_json.write_text(text, encoding="utf-8")


def _find(path_or_name: str | Path) -> tuple[Path, str]:
    """The file, and the name that outputs will say they were made with."""
    path, name = Path(path_or_name), str(path_or_name)
    if isinstance(path_or_name, str) and (DEFAULT if name == "default" else name) in model_names():
        name = DEFAULT if name == "default" else name
        return MODELS / f"{name}{_SUFFIX}", name
    if path.is_dir():
        inside = ", ".join(sorted(file.name for file in path.rglob(f"*{_SUFFIX}"))[:4])
        raise WeightsError(
            f"{path}: is a folder; give the weights file itself"
            + (
                f", such as: {inside}"
                if inside
                else f" ({_SUFFIX} or .bin), which it does not have"
            )
        )
    known = (_SUFFIX, *CHECKPOINT_SUFFIXES)
    if not path.exists() and path.suffix not in known and path.parent == Path():
        shipped = ", ".join(model_names()) or "none"
        raise WeightsError(
            f"no model is named '{name}'; there are: {shipped} ('default' is {DEFAULT}); "
            f"or give the path of a {_SUFFIX} or .bin file"
        )
    if not path.is_file():
        raise WeightsError(f"{path}: no such file")
    if path.suffix not in known:
        raise WeightsError(f"{path}: weights end in {', '.join(known)}")
    if path.stat().st_size == 0:
        raise WeightsError(f"{path}: is empty; fetch the file again")
    return path, path.stem


def _read_card(path: Path) -> dict[str, Any]:
    beside = path.with_suffix(".json")
    if not beside.is_file():
        raise WeightsError(
            f"{beside}: missing; it describes the network in {path.name} and belongs beside it"
        )
    card = read_json(beside)
    if not isinstance(card, dict) or not isinstance(card.get("network"), dict):
        raise WeightsError(f"{beside}: expected an object with 'network', the configuration")
    return card


def _heads_and_norm(
    path: Path, card: Mapping[str, Any], *, num_heads: int | None, norm: Norm | None
) -> tuple[int, Norm]:
    """What the JSON says of the two; an argument that says otherwise is an error."""
    beside, network = path.with_suffix(".json"), card["network"]
    heads, place = network.get("num_heads"), network.get("norm")
    if type(heads) is not int or place not in ("pre", "post"):
        raise WeightsError(f"{beside}: expected network.num_heads (a number), network.norm")
    for name, given, said in (("num_heads", num_heads, heads), ("norm", norm, place)):
        if given not in (None, said):
            raise WeightsError(f"{beside}: says {name}={said}, but {name}={given} was asked for")
    return heads, place


def _check_network(path: Path, card: Mapping[str, Any], config: DSTformerConfig) -> DSTformerConfig:
    """The configuration, with what shapes cannot tell from the JSON, once the two agree."""
    network, beside = card["network"], path.with_suffix(".json")
    rates = {key: network.get(key) for key in ("mlp_ratio", "dropout", "drop_path")}
    if not all(type(rate) in (int, float) and math.isfinite(rate) for rate in rates.values()):
        raise WeightsError(f"{beside}: network's {', '.join(rates)} are finite numbers")
    if int(config.dim_feat * rates["mlp_ratio"]) != config.hidden:
        del rates["mlp_ratio"]
    residual = network.get("residual")
    if type(residual) is not bool:
        raise WeightsError(f"{beside}: network.residual is {residual!r}, expected true or false")
    try:
        config = dataclasses.replace(config, **rates, residual=residual)
    except WeightsError as error:  # a configuration's own, of a value out of range, knows no file
        raise WeightsError(f"{beside}: {error}") from error
    expected = dataclasses.asdict(config)
    wrong = sorted(key for key in expected | network if network.get(key) != expected.get(key))
    if wrong:
        raise WeightsError(
            f"{beside}: says network.{wrong[0]}={network.get(wrong[0])!r}, but the tensors of "
            f"{path.name} have {expected.get(wrong[0])!r}; the two files do not belong together"
        )
    return config


def _read_safetensors(path: Path, card: Mapping[str, Any]) -> dict[str, Tensor]:
    try:
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != card.get("sha256"):
            raise WeightsError(
                f"{path}: not the weights that {path.with_suffix('.json').name} describes (its "
                "sha256 differs); the file is damaged, or the two do not belong together"
            )
        return safetensors.torch.load(data)
    except (OSError, safetensors.SafetensorError) as error:
        raise WeightsError(f"{path}: not readable as safetensors ({error})") from error


def _as_single_precision(path: Path, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    for name, tensor in tensors.items():
        if not tensor.is_floating_point() or not tensor.isfinite().all():
            raise WeightsError(
                f"{path}: {name} holds values that are no finite numbers; the training that "
                "wrote it may have diverged"
            )
    return {name: tensor.to(torch.float32) for name, tensor in tensors.items()}
