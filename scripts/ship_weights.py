"""Put a run's best weights into the package, with their card.

usage: python scripts/ship_weights.py RUN --store STORE --evaluation FILE.json --name small

FILE.json is what `motionlift evaluate --model RUN/best/model.safetensors --store STORE --json` wrote.
"""

import argparse
import json
import sys
import tomllib
from pathlib import Path

from motionlift.data.store import Store
from motionlift.network.weights import MODELS, load_model, save_weights
from motionlift.recipes import RECIPES
from motionlift.training.card import make_card
from motionlift.training.config import read_toml
from motionlift.training.run import Run

NOTICES = [
    "CMU: The data used in this project was obtained from mocap.cs.cmu.edu. The database was "
    "created with funding from NSF EIA-0196217. BVH conversions by B. Hahne (cgspeed).",
    "UI-PRMD: A. Vakanski, H. Jun, D. Paul, R. Baker, Data 2018, 3(1), 2; Open Data Commons PDDL.",
    "ReActIdle: MIT License, Copyright (c) 2025 [RSAIT]; arXiv 2509.05023.",
    "mesh2motion: CC0 1.0.",
]
LIMITS = [
    "Little floor work, sitting, climbing or tumbling was in the training; expect large errors.",
    "Adults only; bodies of children are outside what it saw.",
    "One person at a time: limbs that a detector borrows from a neighbour are believed.",
    "Metres, and the distance to the camera, are not in its answer.",
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--evaluation", type=Path, required=True)
    parser.add_argument("--name", required=True)
    asked = parser.parse_args()
    run = Run(asked.run)
    about = tomllib.loads(run.config_path.read_text("utf-8"))["about"]
    name = tomllib.loads(run.config_path.read_text("utf-8"))["name"]
    recipe = read_toml(run.config_path, like=RECIPES.get(name))
    model = load_model(asked.run / "best" / "model.safetensors")
    validations = [row for row in run.metrics() if row["split"] == "val"]
    longest = max(row["frames"] for row in validations)
    best = min(
        (row for row in validations if row["frames"] == longest), key=lambda row: row["loss"]
    )
    if (model.card or {}).get("step", (model.card or {}).get("steps")) != best["step"]:
        sys.exit(f"{asked.run}: best/ is not of step {best['step']}; finish the run first")
    card = make_card(
        recipe,
        Store.open(asked.store),
        step=best["step"],
        clip_frames=longest,
        validation={key: best[key] for key in best if key.endswith("_mm")},
    )
    evaluation = json.loads(asked.evaluation.read_text("utf-8"))
    card["benchmark"] = {
        "protocol": evaluation.get("protocol", "open"),
        "conditions": evaluation["conditions"],
    }
    card["retrain"] = f"motionlift pretrain --recipe {recipe.name} --store STORE --out RUN"
    card["compute"] = f"{about['machine']}; torch {about['torch']}; {about['started']}"
    card["limits"] = LIMITS
    card["notices"] = NOTICES
    save_weights(MODELS / f"{asked.name}.safetensors", model, card=card)
    print(f"{MODELS / asked.name}.safetensors, step {best['step']}, {longest} frames")


main()
