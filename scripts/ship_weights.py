"""Put a run's best weights into the package, with their card.

    python scripts/ship_weights.py RUN --errors RUN2 --evaluation FILE.json --name small \\
        [--history HISTORY]

HISTORY tells what the recipe does not, such as a run in two parts. RUN2 is what
`motionlift finetune --task expected-error --model RUN/best/model.safetensors` made: the same
weights with an error head. FILE.json is what `motionlift evaluate --store STORE --json` wrote of
RUN2/best/model.safetensors.
"""

import argparse
import json
import tomllib
from pathlib import Path

import torch

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
    "Seen from the front, legs are not always told apart in depth: of a filmed person who lifts "
    "one, the knees were in the wrong order of depth in 0 to 6 of 47 frames, by detector "
    "(scripts/real_person.py), and in 3 to 6 where the camera was known.",
    "A detector that errs in the same direction for seconds is believed: of that person each lift "
    "is off by 56 to 69 mm, and lifts of one window by 51 to 63 where the offsets that last are "
    "taken off, by 58 to 70 where they are not (scripts/real_person_parts.py).",
    "Keypoints of a detector are expected to have a detector's faults: by its bones a body comes "
    "out 1 to 3 % short (scripts/measure_path.py), and a path in metres that much too far away; "
    "exact keypoints are lifted best as such, with Lifter(confidences='simulated').",
    "Expected errors are calibrated on simulated keypoints. Of the filmed person 46 to 52 mm were "
    "expected, and 66 to 93 measured: what a detector does wrong for seconds is not expected.",
    "Adults only; bodies of children are outside what it saw.",
    "One person at a time: limbs that a detector borrows from a neighbour are believed.",
    "Metres, and the distance to the camera, are not in its answer.",
]


def main() -> None:
    """Copy the weights; the card gains the benchmark, the notices and the limits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--errors", type=Path, required=True)
    parser.add_argument("--evaluation", type=Path, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--history", default="", help="what the recipe does not say of the run")
    asked = parser.parse_args()
    learned = load_model(asked.run / "best" / "model.safetensors")
    model = load_model(asked.errors / "best" / "model.safetensors")
    about = tomllib.loads((asked.run / "config.toml").read_text("utf-8"))["about"]
    evaluation = json.loads(asked.evaluation.read_text("utf-8"))
    if model.card is None or evaluation["model"]["sha256"] != model.card["sha256"]:
        raise SystemExit(f"{asked.evaluation}: scores other weights than those of {asked.errors}")
    theirs = model.state_dict()
    if any(not torch.equal(each, theirs[name]) for name, each in learned.state_dict().items()):
        raise SystemExit(f"{asked.errors}: an error head of other weights than {asked.run}")
    card = model.card | {
        "summary": RECIPES.get(model.card["recipe"]).summary,
        "benchmark": {
            "protocol": "open",
            "conditions": evaluation["conditions"],
            "expected_error": evaluation["expected_error"],
        },
        "retrain": f"motionlift pretrain --recipe {model.card['recipe']} --store STORE --out RUN",
        "retrain_error_head": "motionlift finetune --task expected-error "
        "--model RUN/best/model.safetensors --store STORE --out RUN2",
        "history": asked.history or "one run of the recipe",
        "compute": f"{about['machine']}; torch {about['torch']}; started {about['started']}",
        "limits": LIMITS,
        "notices": NOTICES,
    }
    path = MODELS / f"{asked.name}.safetensors"
    save_weights(path, model, card=card)
    write_manifest(MODELS)
    print(f"{path}: step {card['steps']}, clips of {card['clip_frames']} frames")


main()
