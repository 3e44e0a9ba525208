"""A stick figure in BVH: upright with zero rotations, arms sideways, facing +z; metres."""

from collections.abc import Mapping, Sequence
from pathlib import Path

Offset = tuple[float, float, float]

# Joint -> (parent, offset), in MotionBuilder's names. The leg is 0.85 m.
STICK: dict[str, tuple[str, Offset]] = {
    "Hips": ("", (0, 0, 0)),
    "LeftUpLeg": ("Hips", (0.1, 0, 0)),
    "LeftLeg": ("LeftUpLeg", (0, -0.45, 0)),
    "LeftFoot": ("LeftLeg", (0, -0.4, 0)),
    "RightUpLeg": ("Hips", (-0.1, 0, 0)),
    "RightLeg": ("RightUpLeg", (0, -0.45, 0)),
    "RightFoot": ("RightLeg", (0, -0.4, 0)),
    "Spine": ("Hips", (0, 0.1, 0)),
    "Spine1": ("Spine", (0, 0.2, 0)),
    "LeftArm": ("Spine1", (0.2, 0.2, 0)),
    "LeftForeArm": ("LeftArm", (0.3, 0, 0)),
    "LeftHand": ("LeftForeArm", (0.25, 0, 0)),
    "RightArm": ("Spine1", (-0.2, 0.2, 0)),
    "RightForeArm": ("RightArm", (-0.3, 0, 0)),
    "RightHand": ("RightForeArm", (-0.25, 0, 0)),
    "Neck": ("Spine1", (0, 0.22, 0)),
    "Head": ("Neck", (0, 0.12, 0)),
}
ROTATIONS = ("Zrotation", "Yrotation", "Xrotation")
POSITIONS = ("Xposition", "Yposition", "Zposition")


def write_stick(
    path: Path,
    *poses: Mapping[str, float],
    frame_time: float | str = 0.01,
    unit: float = 1.0,
    orders: Mapping[str, Sequence[str]] | None = None,
    rename: Mapping[str, str] | None = None,
    prefix: str = "",
    skeleton: Mapping[str, tuple[str, Offset]] = STICK,
) -> Path:
    """A file with a frame for each pose: {"LeftLeg Xrotation": degrees}, zero where not given.

    Args:
        unit: metres per unit of length.
        orders: channels of joints that have others than the usual ones.
    """
    orders, rename = dict(orders or {}), dict(rename or {})
    channels = {
        name: tuple(orders.get(name, ROTATIONS if parent else POSITIONS + ROTATIONS))
        for name, (parent, _) in skeleton.items()
    }
    lines: list[str] = []

    def add(name: str) -> None:
        parent, offset = skeleton[name]
        lines.append(f"{'JOINT' if parent else 'ROOT'} {prefix}{rename.get(name, name)}")
        lines.append("{")
        lines.append("OFFSET " + " ".join(f"{value / unit:.9g}" for value in offset))
        lines.append(f"CHANNELS {len(channels[name])} {' '.join(channels[name])}")
        children = [child for child, (above, _) in skeleton.items() if above == name]
        for child in children:
            add(child)
        if not children:
            lines.extend(("End Site", "{", f"OFFSET 0 {0.05 / unit:.9g} 0", "}"))
        lines.append("}")

    add("Hips")
    ordered = [line.split()[1].removeprefix(prefix) for line in lines if line[:2] in ("RO", "JO")]
    back = {new: old for old, new in rename.items()}
    frames = []
    for pose in poses or ({},):
        values = []
        for name in (back.get(name, name) for name in ordered):
            for channel in channels[name]:
                value = pose.get(f"{name} {channel}", 0.0)
                if channel in POSITIONS:
                    value = (
                        value if not skeleton[name][0] else _placed(name, channel, pose)
                    ) / unit
                values.append(f"{value:.9g}")
        frames.append(" ".join(values))
    head = ["MOTION", f"Frames: {len(frames)}", f"Frame Time: {frame_time}"]
    path.write_text("\n".join(["HIERARCHY", *lines, *head, *frames]) + "\n")
    return path


def _placed(name: str, channel: str, pose: Mapping[str, float]) -> float:
    """A joint's position channel: its offset where the pose does not say."""
    return pose.get(f"{name} {channel}", STICK[name][1][POSITIONS.index(channel)])
