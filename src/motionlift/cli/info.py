"""`motionlift info`: what weights are, and how a run came to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from motionlift.cli import Command
from motionlift.errors import OptionError


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """Show what weights are (network, training, data, numbers, licence notices), or what a run is.

    Attributes:
        weights: name of weights that ship, path of a weights file, or a run folder.
        num_heads: attention heads of a published checkpoint, whose tensors do not tell; 8 if not
            given.
        json: print it as JSON.
    """

    weights: str
    num_heads: int | None = None
    json: bool = False


def run(arguments: Sequence[str]) -> None:
    """Parse, load and print."""
    import json

    import tyro

    parsed = tyro.cli(
        Arguments,
        args=arguments,
        prog="motionlift info",
        config=(tyro.conf.PositionalRequiredArgs, tyro.conf.DisallowNone),
    )

    about = _about(parsed)
    if parsed.json:
        print(json.dumps(about, indent=2, ensure_ascii=False))
    else:
        print("\n".join(_lines(about)))


def _about(parsed: Arguments) -> dict[str, Any]:
    folder = Path(parsed.weights)
    kept = [folder / name / "model.safetensors" for name in ("best", "last")]
    weights = next((str(path) for path in kept if path.is_file()), parsed.weights)
    if folder.is_dir() and ((folder / "config.toml").exists() or weights == parsed.weights):
        from motionlift.cli._run_info import describe_run

        if parsed.num_heads is not None:
            raise OptionError(
                f"{folder}: is a run, which says its network itself; leave --num-heads out"
            )
        return describe_run(folder)
    from motionlift.network.weights import load_model

    model = load_model(weights, num_heads=parsed.num_heads)
    card = model.card if model.card is not None else _made_up_card(model)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return {"name": model.name, "parameters": parameters, **card}


def _made_up_card(model: Any) -> dict[str, Any]:
    """What can be said of a checkpoint without a card."""
    import dataclasses

    return {"network": dataclasses.asdict(model.config), "card": "none: a published checkpoint"}


def _lines(values: Mapping[str, Any], *, indent: str = "") -> list[str]:
    lines = []
    for name, value in values.items():
        if isinstance(value, Mapping) and not value:
            lines.append(f"{indent}{name}: none")
        elif isinstance(value, Mapping):
            lines += [f"{indent}{name}:", *_lines(value, indent=indent + "  ")]
        elif isinstance(value, list) and value:
            lines.append(f"{indent}{name}:")
            for each in value:
                inside = _lines(each) if isinstance(each, Mapping) else [str(each)]
                lines.append(f"{indent}  - {inside[0]}")
                lines += [f"{indent}    {line}" for line in inside[1:]]
        else:
            lines.append(
                f"{indent}{name}: {value:.6g}"
                if isinstance(value, float)
                else f"{indent}{name}: {value}"
            )
    return lines


COMMAND = Command(name="info", summary="show what weights are, or what a run is", run=run)
