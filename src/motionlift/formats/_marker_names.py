"""What the points of a marker recording are called, and which belong to one person.

A label such as "Anna:LKNE" is a subject and a name. Names are compared without case, dots, dashes,
underscores and spaces, so that "R.Knee", "RKNE" and "r_knee" meet in one table.
"""

import re
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from motionlift.kinematics import LIMB_LANDMARKS

Points = dict[str, Float[np.ndarray, "frame 3"]]

# What we call it -> spellings, the side's letter at {}. Joint centres are called as landmarks are:
# ..JC as markerless and biomechanics tools write them, the others as Vicon's Plug-in Gait does.
_SIDED = {
    "hip": ("{}HJC", "{}FEP"),
    "knee": ("{}KJC", "{}FEO"),
    "ankle": ("{}AJC", "{}TIO"),
    "shoulder": ("{}SJC", "{}CLO"),
    "elbow": ("{}EJC", "{}HUO"),
    "wrist": ("{}WJC", "{}RAO"),
    "asis": ("{}ASI", "{}ASIS"),
    "psis": ("{}PSI", "{}PSIS"),
    "thigh_wand": ("{}THI",),
    "knee_lateral": ("{}KNE", "{}KNEE", "{}LFC", "{}KNEELAT", "{}LKNE", "{}LEK", "{}LFE"),
    "knee_medial": ("{}KNM", "{}MFC", "{}KNEEMED", "{}MKNE", "{}MEK", "{}MFE"),
    "shank_wand": ("{}TIB",),
    "ankle_lateral": ("{}ANK", "{}ANKLE", "{}LMAL", "{}ANKLELAT", "{}LM"),
    "ankle_medial": ("{}MED", "{}MMAL", "{}ANKLEMED", "{}MMA", "{}MM"),
    "acromion": ("{}SHO", "{}SHOULDER", "{}ACR", "{}ACROMIUM", "{}ACROMION", "{}AC"),
    "elbow_lateral": ("{}ELB", "{}ELBOW", "{}ELBOWLAT", "{}LEL", "{}LHE"),
    "elbow_medial": ("{}ELM", "{}ELBOWMED", "{}MEL", "{}MELB", "{}MHE"),
    # Palms forward, the thumb's side is the lateral one.
    "wrist_radial": ("{}WRA", "{}WRISTLAT", "{}WRISTRAD", "{}RSP"),
    "wrist_ulnar": ("{}WRB", "{}WRISTMED", "{}WRISTULN", "{}USP"),
    "wrist_middle": ("{}WRI", "{}WRIST"),
    "head_front": ("{}FHD",),
    "head_back": ("{}BHD",),
}
_CENTRAL = {
    "sacrum": ("SACR", "SACRUM", "VSACRAL", "S2"),
    "c7": ("C7",),
    "t10": ("T10",),
    "clavicle": ("CLAV",),
    "sternum": ("STRN", "STERNUM"),
    "head_top": ("TOPHEAD", "HEADTOP"),
}
_IGNORED = re.compile(r"[\s._-]+")


def _known_names() -> dict[str, str]:
    names = {
        spelling.format(letter): f"{side}_{point}"
        for point, spellings in _SIDED.items()
        for spelling in spellings
        for side, letter in (("left", "L"), ("right", "R"))
    }
    for point, spellings in _CENTRAL.items():
        names |= dict.fromkeys(spellings, point)
    return names


KNOWN_NAMES: Mapping[str, str] = _known_names()
CENTRES = frozenset(LIMB_LANDMARKS)


def by_subject(
    labels: Sequence[str],
    points: Float[np.ndarray, "frame point 3"],
    *,
    prefixes: Sequence[str] = (),
) -> dict[str, Points]:
    """Subject -> label without the subject -> path; "" is the subject of labels without one.

    The first of two points with the same label counts; unlabelled ones ("", "*12") do not.

    Args:
        prefixes: what the file itself says its subjects' labels begin with, such as "Anna:".
    """
    subjects: dict[str, Points] = {}
    for number, label in enumerate(labels):
        if not label or label.startswith("*"):
            continue
        prefix = next((each for each in prefixes if each and label.startswith(each)), "")
        if not prefix and ":" in label:
            prefix = label[: label.rindex(":") + 1]
        subject = subjects.setdefault(prefix.rstrip(":_ "), {})
        subject.setdefault(label.removeprefix(prefix), points[:, number])
    return subjects


def known_points(points: Points) -> tuple[Points, list[str]]:
    """Those points that the table knows, by our names, and the labels of the others."""
    known: Points = {}
    unknown = []
    for label, path in points.items():
        name = KNOWN_NAMES.get(_IGNORED.sub("", label).upper())
        if name is None:
            unknown.append(label)
        elif name not in known or np.isnan(known[name]).all():
            known[name] = path
    return known, unknown
