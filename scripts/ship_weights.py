"""Put a run's best weights into the package, with their card.

    python scripts/ship_weights.py RUN --errors RUN2 --name small [--history HISTORY]
    motionlift evaluate --model small --store STORE --json FILE.json
    python scripts/ship_weights.py RUN --errors RUN2 --name small [--history HISTORY] \\
        --evaluation FILE.json

HISTORY tells what the recipe does not, such as a run in two parts. RUN2 is what
`motionlift finetune --task expected-error --model RUN/best/model.safetensors` made: the same
weights with an error head. Weights ship in half precision, so it is those that are scored: the
first call writes them, the second writes the same with their numbers in the card.
"""

import argparse
import json
import tomllib
from pathlib import Path
from typing import Any

import torch

from motionlift.network.dstformer import DSTformer
from motionlift.network.manifest import write_manifest
from motionlift.network.weights import MODELS, load_model, save_weights
from motionlift.recipes import RECIPES

NOTICES = [
    "CMU: The data used in this project was obtained from mocap.cs.cmu.edu. The database was "
    "created with funding from NSF EIA-0196217. BVH conversions by B. Hahne (cgspeed).",
    "UI-PRMD: A. Vakanski, H. Jun, D. Paul, R. Baker, Data 2018, 3(1), 2; Open Data Commons PDDL.",
    "ReActIdle: MIT License, Copyright (c) 2025 [RSAIT]; arXiv 2509.05023.",
    "mesh2motion: CC0 1.0.",
]
LIMITS = [
    "Little floor work, sitting, climbing or tumbling was in the training: expect large errors.",
    "Seen from the front, legs are told apart in depth poorly: of a filmed person who lifts one, "
    "the knees were in the wrong order of depth in half of the frames "
    "(scripts/real_person.py).",
    "Adults only; bodies of children are outside what it saw.",
    "One person at a time: limbs that a detector borrows from a neighbour are believed.",
    "Metres, and the distance to the camera, are not in its answer.",
]


def main() -> None:
    """Copy the weights; the card gains the benchmark, the notices and the limits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--errors", type=Path, required=True)
    parser.add_argument("--evaluation", type=Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--history", default="", help="what the recipe does not say of the run")
    asked = parser.parse_args()
    learned = load_model(asked.run / "best" / "model.safetensors")
    model = load_model(asked.errors / "best" / "model.safetensors")
    about_run = tomllib.loads((asked.run / "config.toml").read_text("utf-8"))
    about = about_run["about"]
    theirs = model.state_dict()
    if any(not torch.equal(each, theirs[name]) for name, each in learned.state_dict().items()):
        raise SystemExit(f"{asked.errors}: an error head of other weights than {asked.run}")
    recipe = about_run["name"]
    card = (model.card or {}) | {
        "summary": RECIPES.get(recipe).summary,
        "retrain": f"motionlift pretrain --recipe {recipe} --store STORE --out RUN",
        "retrain_error_head": "motionlift finetune --task expected-error "
        "--model RUN/best/model.safetensors --store STORE --out RUN2",
        "history": asked.history or "one run of the recipe",
        "compute": f"{about['machine']}; torch {about['torch']}; started {about['started']}",
        "limits": LIMITS,
        "notices": NOTICES,
    }
    path = MODELS / f"{asked.name}.safetensors"
    save_weights(path, model, card=card, stored_as=torch.float16)
    if asked.evaluation:
        benchmark = benchmark_of(asked.evaluation, load_model(path))
        save_weights(path, model, card=card | {"benchmark": benchmark}, stored_as=torch.float16)
    write_manifest(MODELS)
    print(f"{path}: step {card['steps']}, clips of {card['clip_frames']} frames")


def benchmark_of(path: Path, shipped: DSTformer) -> dict[str, Any]:
    """What an evaluation says, once it is sure that it scored these weights."""
    evaluation = json.loads(path.read_text("utf-8"))
    if shipped.card is None or evaluation["model"]["sha256"] != shipped.card["sha256"]:
        raise SystemExit(f"{path}: scores other weights than those that were written")
    conditions, expected_error = evaluation["conditions"], evaluation["expected_error"]
    return {"protocol": "open", "conditions": conditions, "expected_error": expected_error}


main()
