"""Joint centres from the markers on a body: Plug-in Gait's set, and those that are like it.

Points are in metres, in any axes: nothing here asks which way is up. Markers are called as in
`_marker_names`; a joint whose markers are not there is not in what comes back.

- Pelvis and hips: ASIS and PSIS (or sacrum); Harrington et al., J. Biomech. 40 (2007) 595-602.
- Knee and ankle: half way between the lateral and the medial marker, or else, as Plug-in Gait does
  (Davis et al., Hum. Mov. Sci. 10 (1991) 575-587), at half the joint's width from the lateral
  marker, square to the line to the joint above, in the plane of the wand; without a wand, in that
  of the pelvis.
- Shoulder, elbow, wrist: Plug-in Gait's offsets from acromion, lateral epicondyle and the two
  markers at the wrist (Vicon, Plug-in Gait Reference Guide).
- Head: the frame of its four markers.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from motionlift.formats._marker_names import CENTRES, Points
from motionlift.formats._rigid import fill_marker_gaps

MARKER_RADIUS = 0.007

# Where nobody measured: rounded values of an adult whose leg is 0.86 m, scaled with the leg. The
# breadth of knee and elbow between the epicondyles, of the ankle between the malleoli; thickness of
# the wrist and depth of the shoulder's centre below the acromion as in Vicon's templates.
ADULT_LEG = 0.86
ADULT_WIDTHS = {
    "KneeWidth": 0.105,
    "AnkleWidth": 0.072,
    "ElbowWidth": 0.068,
    "WristWidth": 0.040,
    "ShoulderOffset": 0.050,
}
# From the middle of the four head markers, at the level of the temples, to where the skull meets
# the neck: along left, up, forward, in lengths of the leg (see names/plug_in_gait_centres.toml).
SKULL_BASE_FROM_MIDDLE = (0.0, -0.053, -0.012)
# The body of a thoracic vertebra lies this far on the way from the skin of the back to the sternum.
_VERTEBRA = 0.25

_PELVIS = ("left_asis", "right_asis", "left_psis", "right_psis")
_HEAD = ("left_head_front", "right_head_front", "left_head_back", "right_head_back")
_SIDES = ("left", "right")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Body:
    """Landmarks (see `motionlift.kinematics`), the head's axes as columns, and what was done."""

    landmarks: Points
    head_rotation: Float[np.ndarray, "frame 3 3"] | None
    notes: tuple[str, ...]


def body_of_markers(markers: Points, *, widths: Mapping[str, float]) -> Body:
    """The landmarks that can be had of these markers; centres that are given win.

    Args:
        widths: measured on the person: "LKneeWidth", "RShoulderOffset" and so on, in metres.
    """
    markers = dict(markers)
    notes = []
    for name, cluster in (("pelvis", _PELVIS), ("head", _HEAD)):
        count = fill_marker_gaps(markers, cluster)
        if count:
            notes.append(f"{name} markers filled in from the others in {count} frames")
    found: Points = {name: path for name, path in markers.items() if name in CENTRES}
    if found:
        notes.append(f"joint centres as the file gives them: {', '.join(sorted(found))}")
    given = set(found)
    left_axis = _hips(markers, found)
    sizes = _Sizes({**markers, **found}, measured=widths)
    if not {"left_hip", "right_hip"} <= given and "left_hip" in found:
        notes.append("hips by Harrington's regression (2007)")
    _legs(markers, found, sizes=sizes, left_axis=left_axis)
    _arms(markers, found, sizes=sizes)
    notes += sizes.said()
    if {"t10", "sternum"} <= set(markers):
        found["spine_1"] = (1 - _VERTEBRA) * markers["t10"] + _VERTEBRA * markers["sternum"]
    if "head_top" in markers:
        found["head_top"] = markers["head_top"]
    rotation = None
    if set(_HEAD) <= set(markers):
        rotation, middle = _head(markers)
        found["head"] = middle + rotation @ (sizes.leg * np.asarray(SKULL_BASE_FROM_MIDDLE))
    return Body(landmarks=found, head_rotation=rotation, notes=tuple(notes))


class _Sizes:
    """Widths of the joints: measured, or an adult's in proportion to the leg."""

    def __init__(self, markers: Points, *, measured: Mapping[str, float]) -> None:
        self._measured = measured
        self._from_file: set[str] = set()
        self._estimated: set[str] = set()
        self.leg = _leg_of(markers)

    def get(self, side: str, width: str) -> float:
        """In metres."""
        measured = self._measured.get(side[0].upper() + width, 0.0)
        if measured > 0:
            self._from_file.add(width)
            return measured
        self._estimated.add(width)
        return ADULT_WIDTHS[width] * self.leg / ADULT_LEG

    def said(self) -> list[str]:
        notes = []
        if self._from_file:
            notes.append(f"measured, from the file: {', '.join(sorted(self._from_file))}")
        if self._estimated:
            notes.append(
                f"taken in proportion to a leg of {self.leg:.2f} m, for the file does not say: "
                f"{', '.join(sorted(self._estimated))}"
            )
        return notes


def _leg_of(markers: Points) -> float:
    """The leg's length, roughly, from whatever of it can be seen."""
    lengths = []
    for side in _SIDES:
        chain = [
            next((markers[f"{side}_{name}"] for name in names if f"{side}_{name}" in markers), None)
            for names in (("hip", "asis"), ("knee", "knee_lateral"), ("ankle", "ankle_lateral"))
        ]
        hip, knee, ankle = chain
        if hip is not None and knee is not None and ankle is not None:
            steps = np.linalg.norm(knee - hip, axis=-1) + np.linalg.norm(ankle - knee, axis=-1)
            if np.isfinite(steps).any():
                lengths.append(float(np.nanmedian(steps)))
    return float(np.mean(lengths)) if lengths else ADULT_LEG


def _hips(markers: Points, found: Points) -> Float[np.ndarray, "frame 3"] | None:
    """Puts in the hips; gives the pelvis's left axis."""
    if not {"left_asis", "right_asis"} <= set(markers):
        if {"left_hip", "right_hip"} <= set(found):
            return _unit(found["left_hip"] - found["right_hip"])
        return None
    left_asis, right_asis = markers["left_asis"], markers["right_asis"]
    left = _unit(left_asis - right_asis)
    if {"left_psis", "right_psis"} <= set(markers):
        back = (markers["left_psis"] + markers["right_psis"]) / 2
    elif "sacrum" in markers:
        back = markers["sacrum"]
    else:
        return left
    front = (left_asis + right_asis) / 2
    forward = _unit(_square(front - back, left))
    up = np.cross(forward, left)
    width = _median_length(left_asis - right_asis)
    depth = _median_length(front - back)
    # The paper's equations, in metres: forward and up from the middle of the ASIS, and outward.
    place = front + (-0.24 * depth - 0.0099) * forward + (-0.30 * width - 0.0109) * up
    outward = 0.33 * width + 0.0073
    found.setdefault("left_hip", place + outward * left)
    found.setdefault("right_hip", place - outward * left)
    return left


def _legs(
    markers: Points,
    found: Points,
    *,
    sizes: _Sizes,
    left_axis: Float[np.ndarray, "frame 3"] | None,
) -> None:
    for side, sign in zip(_SIDES, (1.0, -1.0), strict=True):
        lateral = left_axis * sign if left_axis is not None else None
        for joint, above, wand in (("knee", "hip", "thigh"), ("ankle", "knee", "shank")):
            name, outer = f"{side}_{joint}", markers.get(f"{side}_{joint}_lateral")
            if name in found or outer is None:
                continue
            inner = markers.get(f"{side}_{joint}_medial")
            upper = found.get(f"{side}_{above}")
            stick = markers.get(f"{side}_{wand}_wand")
            if stick is None and lateral is not None:
                stick = outer + lateral
            if inner is not None:
                found[name] = (outer + inner) / 2
            elif upper is not None and stick is not None:
                offset = sizes.get(side, f"{joint.capitalize()}Width") / 2 + MARKER_RADIUS
                found[name] = _chord(outer, upper=upper, wand=stick, offset=offset)


def _arms(markers: Points, found: Points, *, sizes: _Sizes) -> None:
    for side, sign in zip(_SIDES, (1.0, -1.0), strict=True):
        shoulder = _shoulder(markers, side, sizes=sizes)
        if shoulder is not None:
            found.setdefault(f"{side}_shoulder", shoulder)
        shoulder = found.get(f"{side}_shoulder")
        outer, inner = (markers.get(f"{side}_elbow_{place}") for place in ("lateral", "medial"))
        radial, ulnar = (markers.get(f"{side}_wrist_{place}") for place in ("radial", "ulnar"))
        wrist = markers.get(f"{side}_wrist_middle")
        if radial is not None and ulnar is not None:
            wrist = (radial + ulnar) / 2
        if outer is not None and inner is not None:
            found.setdefault(f"{side}_elbow", (outer + inner) / 2)
        elif outer is not None and shoulder is not None and wrist is not None:
            # The elbow bends about this axis; the marker stands on its outer end.
            axis = _unit(np.cross(shoulder - outer, wrist - outer)) * sign
            offset = sizes.get(side, "ElbowWidth") / 2 + MARKER_RADIUS
            centre = _chord(outer, upper=shoulder, wand=outer + axis, offset=offset)
            found.setdefault(f"{side}_elbow", centre)
        if radial is not None and ulnar is not None and outer is not None and wrist is not None:
            # The markers stand on the back of the wrist.
            inward = _unit(np.cross(radial - ulnar, outer - wrist)) * sign
            wrist = wrist + (sizes.get(side, "WristWidth") / 2 + MARKER_RADIUS) * inward
        if wrist is not None:
            found.setdefault(f"{side}_wrist", wrist)


def _shoulder(markers: Points, side: str, *, sizes: _Sizes) -> Float[np.ndarray, "frame 3"] | None:
    """Below the acromion, square to the line from the front of the thorax."""
    acromion = markers.get(f"{side}_acromion")
    if acromion is None:
        return None
    offset = sizes.get(side, "ShoulderOffset") + MARKER_RADIUS
    if {"c7", "t10", "clavicle", "sternum"} <= set(markers):
        c7, t10, clavicle, sternum = (
            markers[name] for name in ("c7", "t10", "clavicle", "sternum")
        )
        up = _unit(c7 + clavicle - sternum - t10)
        forward = _unit(_square(clavicle + sternum - c7 - t10, up))
        origin = clavicle - MARKER_RADIUS * forward
        above = np.cross(acromion - origin, forward)
        above *= np.sign((above * up).sum(axis=-1, keepdims=True))
        return _chord(acromion, upper=origin, wand=acromion + above, offset=offset)
    hips = [markers.get(f"{each}_asis") for each in _SIDES]
    other = markers.get("right_acromion" if side == "left" else "left_acromion")
    if hips[0] is None or hips[1] is None or other is None:
        return None
    # Without the thorax's markers: straight down the trunk, square to the shoulders' line.
    across = _unit(acromion - other)
    down = _unit(_square((hips[0] + hips[1]) / 2 - (acromion + other) / 2, across))
    return acromion + offset * down


def _head(
    markers: Points,
) -> tuple[Float[np.ndarray, "frame 3 3"], Float[np.ndarray, "frame 3"]]:
    """The head's left, up and forward axes as columns, and the middle of its markers."""
    left_front, right_front, left_back, right_back = (markers[name] for name in _HEAD)
    left = _unit(left_front + left_back - right_front - right_back)
    forward = _unit(_square(left_front + right_front - left_back - right_back, left))
    axes = np.stack([left, np.cross(forward, left), forward], axis=-1)
    return axes, (left_front + right_front + left_back + right_back) / 4


def _chord(
    marker: Float[np.ndarray, "frame 3"],
    *,
    upper: Float[np.ndarray, "frame 3"],
    wand: Float[np.ndarray, "frame 3"],
    offset: float,
) -> Float[np.ndarray, "frame 3"]:
    """The centre at `offset` from the marker that sees marker and `upper` at a right angle.

    It lies in the plane of marker, `upper` and `wand`, on the side away from the wand.
    """
    line = upper - marker
    length = np.linalg.norm(line, axis=-1, keepdims=True)
    along = _unit(line)
    outward = _unit(_square(wand - marker, along))
    cosine = offset / np.where(length > offset, length, np.nan)
    return marker + offset * (cosine * along - np.sqrt(1 - cosine**2) * outward)


def _square(
    vector: Float[np.ndarray, "frame 3"], axis: Float[np.ndarray, "frame 3"]
) -> Float[np.ndarray, "frame 3"]:
    """The part of a vector square to a unit axis."""
    return vector - (vector * axis).sum(axis=-1, keepdims=True) * axis


def _unit(vector: Float[np.ndarray, "frame 3"]) -> Float[np.ndarray, "frame 3"]:
    length = np.linalg.norm(vector, axis=-1, keepdims=True)
    return vector / np.where(length > 1e-9, length, np.nan)


def _median_length(vector: Float[np.ndarray, "frame 3"]) -> float:
    length = np.linalg.norm(vector, axis=-1)
    known = length[np.isfinite(length)]
    return float(np.median(known)) if known.size else float("nan")
