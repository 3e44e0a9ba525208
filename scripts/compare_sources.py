"""Writes the tables of docs/sources.md: the bodies that each source of motion capture has.

    python scripts/compare_sources.py FOLDER [FILE ...]

FOLDER holds an `index.csv` with the columns file, source and fps, as the shared motion capture
does; each FILE more is a source of its own. Prose in the page stays; what is between the markers
is written anew.
"""

import csv
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from jaxtyping import Float

from motionlift.formats import ReadOptions, read_motion
from motionlift.kinematics import body_axes
from motionlift.plausibility import LIMB_BONES, inspect
from motionlift.skeletons import H36M17

PAGE = Path(__file__).parents[1] / "docs" / "sources.md"
BEGIN, END = "<!-- begin: compare_sources.py -->", "<!-- end: compare_sources.py -->"
MOST_FILES = 200
UPRIGHT = np.cos(np.radians(25))

# Drillis & Contini 1966 as in Winter 2009, in lengths of the leg (0.491 of the stature): thigh
# 0.245, hip to shoulder 0.288, upper arm 0.186, forearm 0.146, shoulder to vertex 0.182.
PEOPLE = {"thigh": 0.50, "trunk": 0.59, "upper arm": 0.38, "forearm": 0.30, "head top": 0.37}
BONES = {
    "hips": ("left_hip", "right_hip"),
    "thigh": ("left_hip", "left_knee"),
    "trunk": ("pelvis", "thorax"),
    "shoulders": ("left_shoulder", "right_shoulder"),
    "upper arm": ("left_shoulder", "left_elbow"),
    "forearm": ("left_elbow", "left_wrist"),
    "head top": ("thorax", "head_top"),
}


def main(folder: Path, more: list[Path]) -> None:
    files: dict[str, list[tuple[Path, float | None]]] = defaultdict(list)
    with (folder / "index.csv").open(encoding="utf-8") as table:
        for row in csv.DictReader(table):
            files[row["source"]].append((folder / row["file"], float(row["fps"])))
    for path in more:
        files[path.name].append((path, None))
    bodies, heads = [], []
    for source, all_files in sorted(files.items()):
        chosen = all_files[:: -(-len(all_files) // MOST_FILES)]
        measured = [measure(path, fps) for path, fps in chosen]
        middle = {
            key: known_median(np.array([each[key] for each in measured])) for key in measured[0]
        }
        warned = sum(each["warnings"] > 0 for each in measured)
        bodies.append(
            [source, f"{len(chosen)} of {len(all_files)}", f"{middle['leg']:.2f}"]
            + [f"{middle[name]:.2f}" for name in BONES]
            + [f"{100 * middle['spread']:.1f}", f"{100 * middle['asymmetry']:.1f}", str(warned)]
        )
        heads.append(
            [source]
            + [f"{middle[key]:.2f}" for key in ("nose up", "nose forward", "top up", "top forward")]
            + [f"{middle['level']:.0f}"]
        )
    people = ["*people*", "", "", *(f"{PEOPLE[x]:.2f}" if x in PEOPLE else "" for x in BONES)]
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    tables = (
        table_of(
            ["source", "files", "leg, m", *BONES, "spread, %", "sides, %", "warned"],
            [*bodies, [*people, "", "", ""]],
        ),
        table_of(["source", "nose up", "forward", "top up", "forward", "gaze, degrees"], heads),
    )
    written = "\n\n".join((before + BEGIN, *tables, END)) + rest.split(END)[1]
    PAGE.write_text(written, encoding="utf-8")


def measure(path: Path, fps: float | None) -> dict[str, float]:
    """Medians of one recording; lengths of bones and places of the head in lengths of the leg."""
    pose = read_motion(path, ReadOptions(fps=fps))[0]
    joint = {name: pose.positions[:, number] for number, name in enumerate(H36M17.joints)}

    def length(first: str, second: str) -> Float[np.ndarray, " frame"]:
        return np.linalg.norm(joint[first] - joint[second], axis=-1)

    legs = [
        known_median(length(f"{side}_hip", f"{side}_knee"))
        + known_median(length(f"{side}_knee", f"{side}_ankle"))
        for side in ("left", "right")
    ]
    leg = known_median(np.array(legs))
    found = {name: known_median(length(*ends)) / leg for name, ends in BONES.items()}
    found["leg"] = leg
    spreads, asymmetries = [], []
    for ends in LIMB_BONES:
        bone = length(*ends)
        bone = bone[np.isfinite(bone)]
        other = length(*(name.replace("left", "right") for name in ends))
        is_left = ends[0].startswith("left")
        if bone.size:
            low, middle, high = np.percentile(bone, [5, 50, 95])
            spreads.append((high - low) / middle)
            asymmetries += [abs(middle / known_median(other) - 1)] if is_left else []
    found["spread"] = max(spreads)
    found["asymmetry"] = float(np.mean(asymmetries))
    trunk = joint["thorax"] - joint["pelvis"]
    across = joint["left_shoulder"] - joint["right_shoulder"]
    axes = body_axes(up=np.broadcast_to([0.0, 1.0, 0.0], trunk.shape), left=across)
    is_upright = trunk[:, 1] > UPRIGHT * np.linalg.norm(trunk, axis=-1)
    for key, name in (("nose", "nose"), ("top", "head_top")):
        seen = np.einsum("fij,fi->fj", axes, joint[name] - joint["thorax"])[is_upright]
        found[f"{key} up"] = known_median(seen[:, 1]) / leg
        found[f"{key} forward"] = known_median(seen[:, 2]) / leg
    # The nose is before and below the head top by this much when the gaze is level.
    face = np.einsum("fij,fi->fj", axes, joint["nose"] - joint["head_top"])[is_upright]
    level = np.arctan2(-0.175, 0.138)
    found["level"] = known_median(np.degrees(np.arctan2(face[:, 1], face[:, 2]) - level))
    findings = inspect(pose.positions, fps=pose.fps or 60.0)
    found["warnings"] = len(findings.warnings) + bool(findings.disturbances.broken.any())
    return found


def known_median(values: Float[np.ndarray, " n"]) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else float("nan")


def table_of(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("nan", "") for cell in line) + " |" for line in lines
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(each) for each in sys.argv[2:]])
