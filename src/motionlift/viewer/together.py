"""Whether people can be shown together: they are of one recording."""

from collections.abc import Sequence

from motionlift.errors import OptionError
from motionlift.poses import Pose3D
from motionlift.skeletons import H36M17


def check_together(people: Sequence[Pose3D]) -> None:
    """Refuse people who have no place, size or time in common.

    Raises:
        OptionError: if there is nobody, or joints, unit, space or frame rate differ.
    """
    if not people:
        raise OptionError("there is nobody to show")
    for pose in people:
        if pose.skeleton is not H36M17:
            raise OptionError(f"{pose.source}: only {H36M17.name} joints can be shown")
        if pose.units != people[0].units or pose.space != people[0].space:
            raise OptionError(
                f"{pose.source}: is in {pose.units} and {pose.space} space, but "
                f"{people[0].source} in {people[0].units} and {people[0].space} space; "
                "show them apart, or give one with --compare"
            )
        if pose.fps != people[0].fps:
            raise OptionError(
                f"{pose.person or pose.source}: {said_rate(pose)}, but "
                f"{people[0].person or people[0].source} has "
                f"{said_rate(people[0])}; people shown together are of one recording: "
                "--fps is for both"
            )


def said_rate(pose: Pose3D) -> str:
    """Its frame rate in words."""
    return "no known frame rate" if pose.fps is None else f"{pose.fps:g} frames a second"
