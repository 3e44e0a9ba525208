"""From labelled points, as C3D and TRC have them, to the people in a recording.

Points are joint centres under names that the registry knows (`_names.py`), such as those that
markerless systems write, or else markers (`_markers.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float, Int

from motionlift.errors import FormatError, SkeletonError
from motionlift.formats import ReadOptions
from motionlift.formats._marker_names import CENTRES, Points, by_subject, known_points
from motionlift.formats._markers import Body, body_of_markers
from motionlift.formats._names import find_naming
from motionlift.formats._world import (
    LONGEST_LEG,
    SHORTEST_LEG,
    Axis,
    checked_points,
    found_up,
    rotations_to_world,
    to_world,
    world_pose,
)
from motionlift.kinematics import leg_length
from motionlift.poses import Pose3D

# Half of the limbs' joints: with fewer there is no body to speak of.
FEWEST_JOINTS = 6
UNITS = {"m": 1.0, "cm": 0.01, "mm": 0.001}
_MOST_LISTED = 40


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recording:
    """What a file of labelled points says.

    Attributes:
        points: in the file's axes and unit, NaN where not seen.
        unit: as the file calls it; "" if it does not.
        up: the axis that points up; None if the file does not say.
        usual_up: the one that points up in most files of the format.
        frame_index: the file's own frame numbers, from 0.
        prefixes: what the subjects' labels begin with, where the file says so.
        widths: measures of the subject in metres, as `_markers` calls them.
    """

    source: str
    labels: Sequence[str]
    points: Float[np.ndarray, "frame point 3"]
    fps: float | None
    unit: str
    up: Axis | None
    usual_up: Axis
    frame_index: Int[np.ndarray, " frame"]
    prefixes: Sequence[str] = ()
    widths: Mapping[str, float] = field(default_factory=dict)
    notes: Sequence[str] = ()


def people_of(recording: Recording, options: ReadOptions) -> list[Pose3D]:
    """Everybody of whom enough is seen, in the order of the file.

    Raises:
        FormatError: if the unit is unknown, or the body has no size that a body has in it.
        SkeletonError: if of nobody enough joints can be had.
    """
    source = recording.source
    points = checked_points(recording.points, source=source)
    metres, said_unit = _metres(recording, options)
    subjects = by_subject(recording.labels, metres * points, prefixes=recording.prefixes)
    bodies = {
        subject: _body(points, widths=recording.widths, options=options, source=source)
        for subject, points in subjects.items()
    }
    joints = {subject: _seen_joints(body) for subject, body in bodies.items()}
    few = [subject for subject, found in joints.items() if len(found) < FEWEST_JOINTS]
    if len(few) == len(joints):
        raise SkeletonError(_too_few(recording, joints))
    skipped = [
        f"'{subject}' was skipped: {len(joints[subject])} of the {len(CENTRES)} limb joints"
        for subject in few
    ]
    return [
        _pose(
            body,
            recording,
            options,
            person=subject if len(bodies) > 1 else "",
            notes=[*recording.notes, said_unit, *body.notes, *skipped],
        )
        for subject, body in bodies.items()
        if subject not in few
    ]


def _metres(recording: Recording, options: ReadOptions) -> tuple[float, str]:
    if options.metres_per_unit is not None:
        return options.metres_per_unit, f"unit given: {options.metres_per_unit:g} m"
    unit = recording.unit.lower()
    if unit in UNITS:
        return UNITS[unit], f"unit as the file says: {unit}"
    if unit:
        raise FormatError(
            f"{recording.source}: declares its unit to be '{recording.unit[:20]}'; expected m, cm "
            "or mm; say its size in metres with --metres-per-unit"
        )
    return UNITS["mm"], "declares no unit: taken to be mm, as usual"


def _body(
    points: Points, *, widths: Mapping[str, float], options: ReadOptions, source: str
) -> Body:
    """The landmarks of one subject, from centres by their names, or from markers."""
    try:
        naming, joints = find_naming(list(points), source=source, own=options.names)
    except SkeletonError:
        if options.names is not None:
            raise
    else:
        landmarks = {mark: points[joint] for mark, joint in joints.items()}
        return Body(
            landmarks=landmarks, head_rotation=None, notes=(f"joints named as {naming.name}",)
        )
    known, unknown = known_points(points)
    body = body_of_markers(known, widths=widths)
    notes = [*body.notes]
    if unknown:
        more = f" and {len(unknown) - _MOST_LISTED} more" if len(unknown) > _MOST_LISTED else ""
        notes.append(f"points not used: {', '.join(unknown[:_MOST_LISTED])}{more}")
    return replace(body, notes=tuple(notes))


def _seen_joints(body: Body) -> list[str]:
    """The joints of the limbs that are seen in some frame."""
    return sorted(
        name
        for name, path in body.landmarks.items()
        if name in CENTRES and np.isfinite(path).all(axis=-1).any()
    )


def _pose(
    body: Body,
    recording: Recording,
    options: ReadOptions,
    *,
    person: str,
    notes: Sequence[str],
) -> Pose3D:
    source = recording.source
    leg = leg_length(body.landmarks)
    # Without legs, nothing tells a wrong unit.
    if np.isfinite(leg) and not SHORTEST_LEG <= leg <= LONGEST_LEG:
        raise FormatError(
            f"{source}: a leg of {leg:.4g} m, which no leg has; the unit is another than "
            "declared; say its size in metres with --metres-per-unit"
        )
    up, said_up = _up(body, recording, options)
    rotation = body.head_rotation
    pose = world_pose(
        {mark: to_world(path, up=up) for mark, path in body.landmarks.items()},
        source=source,
        fps=options.fps or recording.fps,
        person=person,
        notes=[said_up, *notes],
        head_rotation=rotations_to_world(rotation, up=up) if rotation is not None else None,
    )
    return replace(pose, frame_index=recording.frame_index)


def _up(body: Body, recording: Recording, options: ReadOptions) -> tuple[Axis, str]:
    if options.up is not None:
        return options.up, f"up axis given: {options.up}"
    found, said = found_up(body.landmarks)
    if recording.up is None:
        if found is None:
            return recording.usual_up, f"up axis taken to be {recording.usual_up}, as usual: {said}"
        return found, f"up axis found to be {found}: {said}"
    if found in (recording.up, None):
        return recording.up, f"up axis {recording.up}, as the file says"
    return recording.up, (
        f"{said}, though up is {recording.up}: it lies down, or the file needs --up {found}"
    )


def _too_few(recording: Recording, joints: Mapping[str, Sequence[str]]) -> str:
    found = "; ".join(
        f"{subject + ': ' if subject else ''}{', '.join(names)}"
        for subject, names in joints.items()
        if names
    )
    listed = [label for label in recording.labels if label and not label.startswith("*")]
    more = ", ..." if len(listed) > _MOST_LISTED else ""
    return (
        f"{recording.source}: {FEWEST_JOINTS} of the 12 joints of the limbs are needed, found "
        f"{found or 'none'}; the points are: {', '.join(listed[:_MOST_LISTED])}{more}"
    )
