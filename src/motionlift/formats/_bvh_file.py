"""What stands in a BVH file: a tree of joints, their channels, and a line of numbers a frame.

A joint's `End Site` is a node without channels, named after its joint: "Head/End". The root's
position is its position channels alone. Another joint's position channels, where it has some,
replace its offset on their axes; so exporters for Blender write them.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float

from motionlift.errors import FormatError

_END = "/End"
_AXES = "XYZ"
_CHANNEL = re.compile(r"([XYZ])(position|rotation)", re.IGNORECASE)
# Rates are written with few digits: 0.0083333 is 120. 23.976 is no misspelt 24.
_RATE_TOLERANCE = 2e-4
# Hands are 10 to 15 joints from the root, fingers 20.
_DEEPEST = 64
# Beyond this a number is damage, and its square might overflow.
_LARGEST = 1e9


@dataclass(slots=True, kw_only=True)
class Node:
    """One joint, or the end of a chain.

    Attributes:
        parent: number of the parent node, -1 for the root.
        offset: from the parent, in the parent's axes and the file's unit.
        positions: axis ("X") -> column of the motion table.
        rotations: the same, in the order in which the rotations apply, outermost first.
    """

    name: str
    parent: int
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    positions: dict[str, int] = field(default_factory=dict)
    rotations: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Placed:
    """Where a node is in each frame, and its own x, y and z axes as columns."""

    position: Float[np.ndarray, "frame 3"]
    axes: Float[np.ndarray, "frame 3 3"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BvhFile:
    """A whole file.

    Attributes:
        nodes: parents before their children.
        motion: rotations in degrees, lengths in the file's unit.
        fps: 1 / the declared frame time; the whole number next to it where that was rounded. None
            if the declared one is 0.
    """

    nodes: Sequence[Node]
    motion: Float[np.ndarray, "frame channel"]
    fps: float | None

    def posed(self, names: Sequence[str]) -> dict[str, Placed]:
        """The nodes of those names in the file's space; only branches that carry them are posed."""
        numbers = {node.name: number for number, node in enumerate(self.nodes)}
        needed: set[int] = set()
        for name in names:
            number = numbers[name]
            while number >= 0 and number not in needed:
                needed.add(number)
                number = self.nodes[number].parent
        placed: dict[int, Placed] = {}
        for number in sorted(needed):
            node = self.nodes[number]
            position, axes = self._local(node)
            if node.parent >= 0:
                parent = placed[node.parent]
                position = parent.position + np.einsum("fij,fj->fi", parent.axes, position)
                axes = parent.axes @ axes
            placed[number] = Placed(position=position, axes=axes)
        return {name: placed[numbers[name]] for name in names}

    def _local(self, node: Node) -> tuple[np.ndarray, np.ndarray]:
        """A node's position and axes in its parent's axes."""
        # Here, because it takes long to import, and reading other formats does without.
        from pybvh.rotations import euler_to_rotmat

        start = (0.0, 0.0, 0.0) if node.parent < 0 and node.positions else node.offset
        position = np.tile(np.asarray(start), (len(self.motion), 1))
        for axis, column in node.positions.items():
            position[:, _AXES.index(axis)] = self.motion[:, column]
        # pybvh wants all three axes; one without a channel turns by nothing.
        order = [*node.rotations, *(axis for axis in _AXES if axis not in node.rotations)]
        angles = np.zeros((len(self.motion), 3))
        angles[:, : len(node.rotations)] = np.radians(self.motion[:, list(node.rotations.values())])
        return position, euler_to_rotmat(angles, "".join(order))


def read_bvh_file(path: Path) -> BvhFile:
    """Parses a BVH file; nothing is allocated by what it declares, only by what it holds.

    Raises:
        FormatError: if it is cut short, damaged, or not BVH; the message names the line.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig", errors="replace")
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror})") from error
    lines = ((number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip())
    nodes = _read_hierarchy(lines, path)
    num_frames, fps = _read_motion_head(lines, path)
    num_channels = sum(len(node.positions) + len(node.rotations) for node in nodes)
    motion = _read_motion(list(lines), num_channels=num_channels, path=path)
    if len(motion) != num_frames:
        kept = "it is cut short" if len(motion) < num_frames else "the count or the motion is wrong"
        raise FormatError(
            f"{path}: declares {num_frames} frames and holds {len(motion)}; {kept}. "
            "If the motion is whole, mend the line 'Frames:'"
        )
    return BvhFile(nodes=nodes, motion=motion, fps=fps)


def _read_hierarchy(lines: Iterator[tuple[int, str]], path: Path) -> list[Node]:
    """The nodes, from the lines up to MOTION."""
    nodes: list[Node] = []
    open_nodes: list[int] = []
    num_channels = 0
    number = 0
    for number, line in lines:
        keyword, *rest = line.replace("{", " { ").split()
        where = f"{path}:{number}"
        match keyword.upper():
            case "HIERARCHY" | "{":
                pass
            case "ROOT" | "JOINT" | "END" as kind:
                nodes.append(_new_node(kind, rest, nodes=nodes, open_nodes=open_nodes, where=where))
                open_nodes.append(len(nodes) - 1)
            case "OFFSET" if open_nodes:
                x, y, z = _numbers(rest, count=3, where=where)
                nodes[open_nodes[-1]].offset = (x, y, z)
            case "CHANNELS" if open_nodes:
                num_channels = _add_channels(nodes[open_nodes[-1]], rest, num_channels, where)
            case "}" if open_nodes:
                open_nodes.pop()
            case "MOTION" if nodes and not open_nodes:
                return _without_twins(nodes, path)
            case _:
                raise FormatError(
                    f"{where}: found {line.strip()[:40]!r} in the tree of joints; "
                    "the file is damaged or not BVH"
                )
    raise FormatError(f"{path}:{number}: ends before its MOTION; the file is cut short or not BVH")


def _new_node(
    kind: str, rest: list[str], *, nodes: list[Node], open_nodes: list[int], where: str
) -> Node:
    parent = open_nodes[-1] if open_nodes else -1
    if (kind == "ROOT") != (parent < 0):
        raise FormatError(f"{where}: a ROOT stands inside a joint, or a joint outside of the ROOT")
    if kind == "ROOT" and nodes:
        raise FormatError(f"{where}: a second ROOT; only files of one person can be read, split it")
    if kind == "END":
        name = nodes[parent].name + _END
        twins = sum(node.parent == parent and node.name.startswith(name) for node in nodes)
        return Node(name=f"{name} {twins + 1}" if twins else name, parent=parent)
    if len(open_nodes) >= _DEEPEST:
        raise FormatError(f"{where}: joints nested deeper than {_DEEPEST} are no body")
    name = " ".join(word for word in rest if word != "{")
    if not name:
        raise FormatError(f"{where}: a joint without a name")
    return Node(name=name, parent=parent)


def _add_channels(node: Node, rest: list[str], num_channels: int, where: str) -> int:
    """Gives the node its columns of the motion table; the number of columns taken so far."""
    declared, *channels = rest or ["0"]
    if declared != str(len(channels)):
        raise FormatError(f"{where}: declares {declared} channels and names {len(channels)}")
    for channel in channels:
        match = _CHANNEL.fullmatch(channel)
        if match is None:
            raise FormatError(f"{where}: '{channel[:40]}' is no channel, such as Xrotation")
        axis, kind = match[1].upper(), match[2].lower()
        columns = node.positions if kind == "position" else node.rotations
        if axis in columns:
            raise FormatError(f"{where}: {node.name} has two channels {channel}")
        columns[axis] = num_channels
        num_channels += 1
    return num_channels


def _without_twins(nodes: list[Node], path: Path) -> list[Node]:
    seen: set[str] = set()
    for node in nodes:
        if node.name in seen:
            raise FormatError(f"{path}: two joints are named '{node.name}'; give one another name")
        seen.add(node.name)
    return nodes


def _read_motion_head(lines: Iterator[tuple[int, str]], path: Path) -> tuple[int, float | None]:
    """The declared number of frames, and frames a second; None for frames of 0 s."""
    number, line = next(lines, (0, ""))
    frames = re.fullmatch(r"\s*Frames:\s*(\d{1,12})\s*", line, re.IGNORECASE)
    if frames is None or int(frames[1]) == 0:
        raise FormatError(f"{path}:{number}: expected 'Frames: N' after MOTION, N at least 1")
    number, line = next(lines, (0, ""))
    time = re.fullmatch(r"\s*Frame\s+Time:\s*(\S+)\s*", line, re.IGNORECASE)
    if time is None:
        raise FormatError(f"{path}:{number}: expected 'Frame Time: SECONDS' after 'Frames:'")
    (seconds,) = _numbers([time[1]], count=1, where=f"{path}:{number}")
    if seconds == 0:
        return int(frames[1]), None
    if not 1e-5 < seconds < 1e3:
        raise FormatError(f"{path}:{number}: a frame of {seconds:g} s; mend the line 'Frame Time:'")
    fps = 1 / seconds
    return int(frames[1]), round(fps) if abs(
        fps / max(round(fps), 1) - 1
    ) < _RATE_TOLERANCE else fps


def _read_motion(
    lines: list[tuple[int, str]], *, num_channels: int, path: Path
) -> Float[np.ndarray, "frame channel"]:
    if not lines or not num_channels:
        raise FormatError(f"{path}: holds no motion; the file is cut short")
    try:
        motion = np.loadtxt([line for _, line in lines], comments=None, ndmin=2)
    except ValueError:
        motion = np.empty((0, 0))
    if motion.shape[1] != num_channels or not (np.abs(motion) < _LARGEST).all():
        for number, line in lines:
            _numbers(line.split(), count=num_channels, where=f"{path}:{number}")
        raise FormatError(f"{path}: the motion is not lines of {num_channels} numbers")
    return motion


def _numbers(words: list[str], *, count: int, where: str) -> list[float]:
    if len(words) != count:
        raise FormatError(
            f"{where}: found {len(words)} values, expected {count}; "
            "the file is damaged or cut short"
        )
    numbers = []
    for word in words:
        try:
            value = float(word)
        except ValueError as error:
            raise FormatError(f"{where}: '{word[:40]}' is not a number") from error
        if not abs(value) < _LARGEST:
            raise FormatError(f"{where}: {word[:40]} is no length or angle; the file is damaged")
        numbers.append(value)
    return numbers
