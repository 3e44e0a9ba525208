"""Motion as a still picture (PNG, PDF, SVG): keypoints above, joints below, a column a frame."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float

from motionlift.errors import MotionliftError, OptionError
from motionlift.files import check_writable, written_beside
from motionlift.poses import Pose2D, Pose3D
from motionlift.skeletons import H36M17
from motionlift.viewer.packing import to_display

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SUFFIXES = (".png", ".pdf", ".svg")
# How far the body is turned about its vertical, in degrees: 0 is as the camera sees it.
VIEWS = {"as the camera sees it": 0.0, "turned by 45°": 45.0, "turned by 90°": 90.0}
_COLUMNS = 6
_CELL_INCHES = (1.6, 2.3)
_WIDTH = 0.7  # of a cell, over its height
_COLOURS = {"left": "#1f6fd6", "right": "#d9480f"}
_MIDDLE = "#475467"
_DOUBTFUL = 0.5
_GUESSED = (0, (0.1, 1.6))  # of a line: round dots, by the round caps of its dashes


def write_picture(path: Path, pose: Pose3D, *, frames: Sequence[int] | None = None) -> None:
    """Write a picture of some frames: the keypoints, and the joints from three sides.

    Args:
        frames: places in the sequence; six spread over the frames with a person, seen by the
            detector as far as there are such, if not given.

    Raises:
        OptionError: if a place is not in the sequence, or the suffix is no picture's.
        MotionliftError: if matplotlib is missing, nobody is in the motion, or the picture cannot
            be written.
    """
    check_picture(path)
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MotionliftError(
            f"{path}: pictures need matplotlib; get it with: pip install 'motionlift[plot]'"
        ) from error
    shown = _spread(pose) if frames is None else _checked(frames, pose)
    num_rows = len(VIEWS) + (pose.lifted_from is not None)
    size = (_CELL_INCHES[0] * len(shown) + 0.4, _CELL_INCHES[1] * num_rows)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(num_rows, len(shown), squeeze=False)
    for column, frame in zip(axes.T, shown, strict=True):
        column[0].set_title(f"frame {pose.frame_index[frame]}", fontsize=9)
    if pose.lifted_from is not None:
        _draw_keypoints(list(axes[0]), pose, pose.lifted_from, shown)
    for row, (label, degrees) in zip(axes[num_rows - len(VIEWS) :], VIEWS.items(), strict=True):
        _draw_joints(list(row), pose, shown, turn=np.radians(degrees))
        row[0].set_ylabel(label, fontsize=9)
    figure.supxlabel(_legend(pose), fontsize=9)
    with written_beside(path) as beside:
        figure.savefig(beside, dpi=130)


def check_picture(path: Path) -> None:
    """Refuse a path that no picture can be written to.

    Raises:
        OptionError: if the suffix is no picture's.
        MotionliftError: if it is a folder, or cannot be written.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise OptionError(f"{path}: pictures end in one of: {', '.join(SUFFIXES)}")
    check_writable(path)


def _spread(pose: Pose3D) -> list[int]:
    # Motion of other programs may lack a joint throughout.
    num_known = (pose.confidence > 0).sum(axis=1)
    known = np.flatnonzero(num_known == num_known.max())
    if not num_known.any():
        raise MotionliftError(f"{pose.source}: nobody is in any frame; there is nothing to draw")
    if pose.lifted_from is not None:
        num_seen = pose.lifted_from.is_visible[known].sum(axis=1)
        known = known[num_seen >= num_seen.max() / 2]
    places = np.linspace(0, len(known) - 1, min(_COLUMNS, len(known)))
    return [int(frame) for frame in known[np.rint(places).astype(int)]]


def _legend(pose: Pose3D) -> str:
    legend = "left is blue, right is orange"
    if pose.lifted_from is None:
        return legend
    lift = "" if pose.root_xy is None or pose.units != "px" else ", behind them in grey the lift"
    return f"{legend}; keypoints in doubt are hollow{lift}; joints that were missed are dotted"


def _checked(frames: Sequence[int], pose: Pose3D) -> list[int]:
    for frame in frames:
        if not 0 <= frame < pose.num_frames:
            raise OptionError(
                f"{pose.source}: no frame {frame}; there are 0 to {pose.num_frames - 1}"
            )
    if not frames:
        raise OptionError("a picture needs at least one frame")
    return list(frames)


def _draw_keypoints(row: list["Axes"], pose: Pose3D, seen: Pose2D, frames: list[int]) -> None:
    """Keypoints in the picture's own axes, each cell centred on the person at the same size.

    In grey behind them, where the lifted joints come to lie.
    """
    lifted = None
    if pose.root_xy is not None and pose.units == "px":
        lifted = pose.positions[frames, :, :2] + pose.root_xy[frames][:, None]
    points_shown = seen.keypoints[frames]
    if lifted is not None:
        points_shown = np.concatenate([points_shown, lifted], axis=1)
    boxes = [_box(points) for points in points_shown]
    reach = 0.55 * max(max((high - low) / [_WIDTH, 1.0]) for low, high in boxes)
    for column, (ax, frame, (low, high)) in enumerate(zip(row, frames, boxes, strict=True)):
        x, y = (low + high) / 2
        _empty(ax, x=(x - _WIDTH * reach, x + _WIDTH * reach), y=(y + reach, y - reach))
        points, confidence = seen.keypoints[frame], seen.confidence[frame]
        if lifted is not None:
            for bone in pose.skeleton.bones:
                ax.plot(*lifted[column, list(bone)].T, color=_MIDDLE, linewidth=3, alpha=0.2)
        for parent, joint in visible_bones(seen):
            ax.plot(*points[[parent, joint]].T, color=_colour(joint), linewidth=1.5)
        for joint, name in enumerate(seen.skeleton.joints):
            is_sure = confidence[joint] >= _DOUBTFUL
            face = _colour_of(name) if is_sure else "white"
            ax.plot(*points[joint], "o", markersize=3, color=_colour_of(name), markerfacecolor=face)
    row[0].set_ylabel("keypoints", fontsize=9)


def _draw_joints(row: list["Axes"], pose: Pose3D, frames: list[int], *, turn: float) -> None:
    """Joints about their root, turned about the vertical; what is farther away is paler.

    Bones to a joint that the detector missed in that frame are dotted: the network guessed it.
    """
    joints = to_display(pose.positions - pose.positions[:, [pose.skeleton.root]], pose.space)
    x, y, z = np.moveaxis(joints[frames], -1, 0)
    reach = 1.08 * max(np.nanmax(np.hypot(x, z)) / _WIDTH, np.nanmax(np.abs(y)))
    cos, sin = np.cos(turn), np.sin(turn)
    is_missed = _is_missed(pose)
    for ax, frame in zip(row, frames, strict=True):
        _empty(ax, x=(-_WIDTH * reach, _WIDTH * reach), y=(-reach, reach))
        x, y, z = joints[frame].T
        across, towards = cos * x - sin * z, sin * x + cos * z
        known = [bone for bone in pose.skeleton.bones if not np.isnan(towards[list(bone)]).any()]
        bones = sorted(known, key=lambda bone: towards[list(bone)].sum())
        for order, (parent, joint) in enumerate(bones):
            ends = [parent, joint]
            closeness = np.clip(towards[ends].mean() / reach, -0.5, 0.5) + 0.5
            ax.plot(across[ends], y[ends], color="white", linewidth=4.4, zorder=order + 2)
            ax.plot(
                across[ends],
                y[ends],
                color=_colour(joint),
                linewidth=3,
                linestyle=_GUESSED if is_missed[frame, ends].any() else "-",
                alpha=float(0.55 + 0.45 * closeness),
                solid_capstyle="round",
                dash_capstyle="round",
                zorder=order + 2.5,
            )


def _is_missed(pose: Pose3D) -> Bool[np.ndarray, "frame joint"]:
    """Which joints the detector missed, of those that it knows."""
    if pose.lifted_from is None:
        return np.zeros(pose.confidence.shape, dtype=bool)
    is_visible = pose.lifted_from.is_visible
    return ~is_visible & is_visible.any(axis=0)


def _empty(ax: "Axes", *, x: tuple[float, float], y: tuple[float, float]) -> None:
    ax.set(xlim=x, ylim=y, xticks=[], yticks=[], aspect="equal")
    for spine in ax.spines.values():
        spine.set_color("#d8dde5")


def _box(points: Float[np.ndarray, "joint 2"]) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest coordinates of the points that are not missing; a unit box of none."""
    known = points[~np.isnan(points).any(axis=-1)]
    if not len(known):
        return np.zeros(2), np.ones(2)
    return known.min(axis=0), known.max(axis=0)


def visible_bones(seen: Pose2D) -> list[tuple[int, int]]:
    """Bones between joints that the detector knows, stepping over those that it does not."""
    known = set(np.flatnonzero(seen.is_visible.any(axis=0)).tolist())
    bones = []
    for joint in sorted(known):
        parent = seen.skeleton.parents[joint]
        while parent >= 0 and parent not in known:
            parent = seen.skeleton.parents[parent]
        if parent >= 0:
            bones.append((parent, joint))
    return bones


def _colour(joint: int) -> str:
    return _colour_of(H36M17.joints[joint])


def _colour_of(name: str) -> str:
    return _COLOURS.get(name.split("_")[0], _MIDDLE)
