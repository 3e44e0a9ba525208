"""Bodies in 3D on a floor, seen by a camera that may circle them: one side of a film.

Space is display space (see `packing`): x right, y up, z towards the viewer. Camera, floor and
bodies look as they do on the page, whose `scene.js` says the same for a browser.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from motionlift.skeletons import H36M17
from motionlift.viewer.canvas import Canvas, Colour, faded

COLOURS: dict[str, Colour] = {"left": (31, 111, 214), "right": (217, 72, 15)}
MIDDLE: Colour = (71, 84, 103)
REFERENCE: Colour = (18, 128, 92)
_GRID: Colour = (198, 204, 214)
_SHADOW: Colour = (236, 237, 239)
_YAW, _PITCH = 0.55, 0.18
_FIELD = 0.26  # half of the picture's height over its distance
_GRID_REACH = 4
# Thickness and size, in heights of the body.
_BONE, _REFERENCE_BONE, _HEAD, _SHADOW_WIDTH = 0.021, 0.012, 0.058, 0.04


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stage:
    """Everybody of a film, and the room that they need.

    Attributes:
        bodies: joints of each person in every frame, in display space; NaN where missing.
        num_people: how many of the bodies are people; one behind them is a reference.
        height: of a body.
        floor: the height that the lowest joints stand on.
        target: what the camera looks at.
        distance: of the camera from it.
    """

    bodies: tuple[Float[np.ndarray, "frame 17 3"], ...]
    num_people: int
    height: float
    floor: float
    target: Float[np.ndarray, " 3"]
    distance: float

    @classmethod
    def around(
        cls, bodies: Sequence[Float[np.ndarray, "frame 17 3"]], *, num_people: int
    ) -> "Stage":
        """The stage that these bodies need, of each of which the root is seen in a frame at least.

        A joint that nobody saw, as motion of other programs may lack the head, needs no room.
        """
        everything = np.concatenate(bodies)
        seen = everything[~np.isnan(everything[:, H36M17.root]).any(axis=-1)]
        low, high = np.nanmin(seen[..., 1], axis=1), np.nanmax(seen[..., 1], axis=1)
        height = max(float(np.percentile(high - low, 90)), 1e-9)
        floor = float(np.percentile(low, 10))
        span = max(float(np.percentile(high, 95)) - floor, height)
        on_floor = seen[:, H36M17.root, ::2]
        middle = (on_floor.min(axis=0) + on_floor.max(axis=0)) / 2
        spread = float(np.hypot(*(on_floor - middle).T).max())
        return cls(
            bodies=tuple(bodies),
            num_people=num_people,
            height=height,
            floor=floor,
            target=np.array([middle[0], floor + 0.5 * span, middle[1]]),
            distance=1.3 * (span + 1.2 * spread) / (2 * _FIELD),
        )

    def draw_floor(self, canvas: Canvas, *, turned: float) -> None:
        """The floor's grid, which fades away from the middle; the camera is turned by an angle."""
        step = self.height / 4
        k, m = np.meshgrid(
            np.arange(-_GRID_REACH, _GRID_REACH + 1),
            np.arange(-_GRID_REACH, _GRID_REACH),
            indexing="ij",
        )
        alpha = (0.9 * (1 - np.hypot(k, m + 0.5) / _GRID_REACH)).ravel()
        begin, end = (np.stack([k.ravel(), other.ravel()], axis=-1) for other in (m, m + 1))
        cell = np.round(self.target[::2] / step)
        for order in ([0, 1], [1, 0]):
            points = np.full((2, k.size, 3), self.floor)
            points[..., ::2] = (cell + np.stack([begin, end])[..., order]) * step
            (a, b), _, _ = self._project(points, canvas, turned=turned)
            for line in np.flatnonzero(alpha > 0):
                canvas.line(a[line], b[line], colour=faded(_GRID, alpha[line]), width=1)

    def draw_bodies(self, canvas: Canvas, frame: int, *, turned: float) -> None:
        """Everybody in this frame: shadows, then bones from far to near."""
        strokes = []
        for number, body in enumerate(self.bodies):
            joints = body[frame]
            if np.isnan(joints[H36M17.root]).any():
                continue
            self._draw_shadow(canvas, joints, turned=turned)
            is_reference = number >= self.num_people
            strokes += self._strokes(joints, canvas, turned=turned, is_reference=is_reference)
        for stroke in sorted(strokes, key=lambda each: each.depth):
            canvas.line(stroke.a, stroke.b, colour=(255, 255, 255), width=stroke.width + 3)
            canvas.line(stroke.a, stroke.b, colour=stroke.colour, width=stroke.width)
            if stroke.knob:
                canvas.dot(stroke.b, stroke.knob, colour=stroke.colour)

    def _strokes(
        self,
        joints: Float[np.ndarray, "17 3"],
        canvas: Canvas,
        *,
        turned: float,
        is_reference: bool,
    ) -> list["_Stroke"]:
        at, depth, scale = self._project(joints, canvas, turned=turned)
        thick = _REFERENCE_BONE if is_reference else _BONE
        strokes = []
        for parent, joint in H36M17.bones:
            ends = [parent, joint]
            if np.isnan(joints[ends]).any():
                continue
            closeness = float(np.clip(depth[ends].mean() / (0.35 * self.height), -1, 1))
            own = REFERENCE if is_reference else colour_of(joint)
            width = max(1.5, thick * self.height * float(scale[ends].mean()))
            strokes.append(
                _Stroke(
                    depth=float(depth[ends].mean()),
                    a=at[parent],
                    b=at[joint],
                    width=width,
                    colour=faded(own, 0.78 + 0.22 * closeness),
                    knob=0.72 * width,
                )
            )
        head = [H36M17.index("nose"), H36M17.index("head_top")]
        if not is_reference and not np.isnan(joints[head]).any():
            strokes.append(self._head(at, depth, scale, ends=head))
        return strokes

    def _head(
        self, at: np.ndarray, depth: np.ndarray, scale: np.ndarray, *, ends: list[int]
    ) -> "_Stroke":
        middle = at[ends].mean(axis=0)
        width = 2 * _HEAD * self.height * float(scale[ends].mean())
        far = float(depth[ends].mean()) - 0.01 * self.height
        return _Stroke(
            depth=far, a=middle, b=middle, width=width, colour=faded(MIDDLE, 0.22), knob=0
        )

    def _draw_shadow(
        self, canvas: Canvas, joints: Float[np.ndarray, "17 3"], *, turned: float
    ) -> None:
        flat = joints.copy()
        flat[:, 1] = self.floor
        at, _, scale = self._project(flat, canvas, turned=turned)
        width = _SHADOW_WIDTH * self.height * float(scale[H36M17.root])
        for parent, joint in H36M17.bones:
            if np.isnan(joints[[parent, joint]]).any():
                continue
            canvas.line(at[parent], at[joint], colour=_SHADOW, width=width)

    def _project(
        self, points: Float[np.ndarray, "*batch 3"], canvas: Canvas, *, turned: float
    ) -> tuple[
        Float[np.ndarray, "*batch 2"], Float[np.ndarray, "*batch"], Float[np.ndarray, "*batch"]
    ]:
        """Points on the canvas, their closeness to the viewer, and pixels a unit there."""
        width, height = canvas.size
        x, y, z = np.moveaxis(points - self.target, -1, 0)
        yaw = _YAW + turned
        right, towards = np.cos(yaw) * x - np.sin(yaw) * z, np.sin(yaw) * x + np.cos(yaw) * z
        up = np.cos(_PITCH) * y - np.sin(_PITCH) * towards
        close = np.sin(_PITCH) * y + np.cos(_PITCH) * towards
        distance = self.distance * max(1.0, height / (1.25 * width))
        scale = height / (2 * _FIELD) / np.maximum(distance - close, 0.05 * distance)
        return np.stack([width / 2 + right * scale, height / 2 - up * scale], -1), close, scale


def colour_of(joint: int) -> Colour:
    """Blue on the left, orange on the right, grey in the middle."""
    return COLOURS.get(H36M17.joints[joint].split("_")[0], MIDDLE)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Stroke:
    """A bone, or a head (whose ends are one point), on the canvas."""

    depth: float
    a: Float[np.ndarray, " 2"]
    b: Float[np.ndarray, " 2"]
    width: float
    colour: Colour
    knob: float
