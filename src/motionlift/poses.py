"""Keypoints and joints over time: what readers return, what the network is fed, what lifting gives.

A joint that nobody saw is NaN with confidence 0, in both records; `__post_init__` holds that.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float, Int

from motionlift.errors import MotionliftError
from motionlift.labelled import from_dataset, to_dataset
from motionlift.skeletons import H36M17, Skeleton, joint_weights, skeleton_of_joints

if TYPE_CHECKING:
    import xarray

UNITS = ("m", "px")
SPACES = ("world", "camera")
# What a Dataset of motion has beside its positions, and over which axes.
_BESIDE = {"root_xy": ("time", "image_axis"), "expected_error": ("time", "keypoints")}


# High-speed cameras reach it, for an instant.
MAX_FPS = 100_000
# Of files that do not say their rate; in the middle of 25 to 60.
ASSUMED_FPS = 40.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pose2D:
    """One person's keypoints in image space: x right, y down.

    Attributes:
        keypoints: in pixels (or whatever unit the file has); NaN where missing.
        confidence: in [0, 1]; 0 where missing.
        fps: frames a second; None if the source does not say.
        frame_index: the source's own frame numbers, strictly increasing.
        image_size: (width, height) in pixels; None if the source does not say.
        source: the file or folder it came from.
        person: the source's name or number of the person; "" where there is only one.
        notes: what the reader inferred, skipped or rescaled, a sentence each.
    """

    skeleton: Skeleton
    keypoints: Float[np.ndarray, "frame joint 2"]
    confidence: Float[np.ndarray, "frame joint"]
    frame_index: Int[np.ndarray, " frame"]
    fps: float | None = None
    image_size: tuple[int, int] | None = None
    source: str = ""
    person: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check(self.keypoints, self.confidence, self.skeleton, coordinates=2)
        if (
            self.frame_index.shape != self.keypoints.shape[:1]
            or (np.diff(self.frame_index) < 1).any()
        ):
            raise MotionliftError(f"{self.source}: frame numbers must increase, one for each frame")
        check_fps(self.fps, source=self.source)
        if self.image_size is not None and min(self.image_size) < 1:
            raise MotionliftError(f"{self.source}: a picture of {self.image_size} pixels is none")

    @property
    def num_frames(self) -> int:
        """How many frames there are."""
        return len(self.keypoints)

    @property
    def is_visible(self) -> Bool[np.ndarray, "frame joint"]:
        """Which keypoints were found."""
        return self.confidence > 0

    def to_xarray(self) -> "xarray.Dataset":
        """As a Dataset with the axes of the `movement` package; see `motionlift.labelled`."""
        width, height = self.image_size or (None, None)
        about = {"image_width": width, "image_height": height}
        return to_dataset(
            self.keypoints,
            self.confidence,
            joints=self.skeleton.joints,
            frame_index=self.frame_index,
            fps=self.fps,
            person=self.person,
            about={**about, "source_file": self.source, "notes": "\n".join(self.notes)},
        )

    @classmethod
    def from_xarray(cls, dataset: "xarray.Dataset") -> "Pose2D":
        """The keypoints of one individual, in pixels.

        Raises:
            MotionliftError: if it is not such a Dataset, or its keypoints are no skeleton's.
        """
        width, height = (dataset.attrs.get(f"image_{side}") for side in ("width", "height"))
        size = None if width is None or height is None else (int(width), int(height))
        return cls(image_size=size, **_fields_of(dataset, points="keypoints"))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pose3D:
    """One person's joints over time.

    Attributes:
        positions: in `units`, in `space`; NaN where missing.
        confidence: in [0, 1]; 0 where missing. Motion capture has 1.
        fps: frames a second; None if nobody knows.
        frame_index: the source's own frame numbers, strictly increasing.
        units: "m", or "px" for motion lifted without a known scale.
        space: "world" (y up, root trajectory kept) or "camera" (x right, y down, z away).
        source: the file it came from.
        person: the source's name of the person; "" where there is only one.
        lifted_from: for lifted motion, the keypoints it was lifted from, in `H36M17` order.
        root_xy: for lifted motion, where the root is in the image, in pixels.
        metres_per_pixel: for lifted motion in metres and camera space, the size of a pixel at the
            person's median distance; with `root_xy` it is the root's path across the picture.
        expected_error: for lifted motion, how far each joint is to be expected from where it truly
            is, both root-relative, in `units`; NaN where missing. None if the weights cannot tell.
        model: for lifted motion, the name of the weights.
        notes: what the reader inferred, skipped or rescaled, a sentence each.
    """

    skeleton: Skeleton
    positions: Float[np.ndarray, "frame joint 3"]
    confidence: Float[np.ndarray, "frame joint"]
    frame_index: Int[np.ndarray, " frame"]
    fps: float | None
    units: str = "m"
    space: str = "world"
    source: str = ""
    person: str = ""
    lifted_from: Pose2D | None = None
    root_xy: Float[np.ndarray, "frame 2"] | None = None
    metres_per_pixel: float | None = None
    expected_error: Float[np.ndarray, "frame joint"] | None = None
    model: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check(self.positions, self.confidence, self.skeleton, coordinates=3)
        if self.units not in UNITS or self.space not in SPACES:
            raise MotionliftError(f"{self.source}: units are {UNITS}, spaces are {SPACES}")
        if self.expected_error is not None and self.expected_error.shape != self.confidence.shape:
            raise MotionliftError(f"{self.source}: one expected error for each joint and frame")
        if self.metres_per_pixel is not None and not 0 < self.metres_per_pixel < float("inf"):
            raise MotionliftError(f"{self.source}: a pixel has a size above 0")
        if (
            self.frame_index.shape != self.positions.shape[:1]
            or (np.diff(self.frame_index) < 1).any()
        ):
            raise MotionliftError(f"{self.source}: frame numbers must increase, one for each frame")
        check_fps(self.fps, source=self.source)

    @property
    def num_frames(self) -> int:
        """How many frames there are."""
        return len(self.positions)

    def joint(self, name: str) -> Float[np.ndarray, "frame 3"]:
        """The path of one joint, by its name."""
        return self.positions[:, self.skeleton.index(name)]

    def to_xarray(self) -> "xarray.Dataset":
        """As a Dataset with the axes of the `movement` package; see `motionlift.labelled`.

        The root's way in the image is the variable `root_xy` (time, image_axis, individuals), the
        expected error `expected_error` (time, keypoints, individuals). The keypoints that it was
        lifted from are a Dataset of their own, `lifted_from.to_xarray()`.
        """
        about = ("units", "space", "metres_per_pixel", "model")
        dataset = to_dataset(
            self.positions,
            self.confidence,
            joints=self.skeleton.joints,
            frame_index=self.frame_index,
            fps=self.fps,
            person=self.person,
            about={
                **{name: getattr(self, name) for name in about},
                "source_file": self.source,
                "notes": "\n".join(self.notes),
            },
        )
        more = {
            name: ((*axes, "individuals"), values[..., None])
            for name, axes in _BESIDE.items()
            if (values := getattr(self, name)) is not None
        }
        return dataset.assign(more)

    @classmethod
    def from_xarray(cls, dataset: "xarray.Dataset") -> "Pose3D":
        """The motion of one individual; metres and world space if the Dataset does not say.

        Raises:
            MotionliftError: if it is not such a Dataset, or its keypoints are no skeleton's.
        """
        names = ("units", "space", "metres_per_pixel", "model")
        about = {name: dataset.attrs[name] for name in names if name in dataset.attrs}
        fields = _fields_of(dataset, points="positions")
        beside: dict[str, Any] = {
            name: dataset[name].transpose(*axes, "individuals").values[..., 0]
            for name, axes in _BESIDE.items()
            if name in dataset
        }
        return cls(**beside, **about, **fields)


def to_h36m17(pose: Pose2D) -> Pose2D:
    """The same keypoints as `H36M17` joints, as `docs/skeletons.md` says for each skeleton.

    A joint made of several keypoints is their mean, with the mean of their confidences; it is
    missing if one of them is. A joint that the skeleton does not have is missing.
    """
    if pose.skeleton is H36M17:
        return pose
    weights = joint_weights(pose.skeleton)
    visible = pose.is_visible
    # A joint is seen when no keypoint with weight in it is missing, and it has any at all.
    is_seen = ((~visible).astype(float) @ weights.T == 0) & (weights.sum(axis=1) > 0)
    filled = np.where(visible[..., None], pose.keypoints, 0.0)
    keypoints = np.einsum("ks,fsc->fkc", weights, filled)
    return replace(
        pose,
        skeleton=H36M17,
        keypoints=np.where(is_seen[..., None], keypoints, np.nan),
        confidence=np.where(is_seen, pose.confidence @ weights.T, 0.0),
    )


def check_fps(fps: float | None, *, source: str) -> None:
    """Refuse what is no frame rate; None says that it is not known.

    Raises:
        MotionliftError: if it is not above 0, or above `MAX_FPS`.
    """
    if fps is not None and not 0 < fps <= MAX_FPS:
        raise MotionliftError(
            f"{source or 'poses'}: {fps:g} frames a second; a rate is above 0 and at most {MAX_FPS}"
        )


def usual_step(frame_index: Int[np.ndarray, " frame"]) -> int:
    """From one frame number to the next, in the median: 2 where every other frame is there."""
    return int(np.median(np.diff(frame_index))) if len(frame_index) > 1 else 1


def rows_a_second(pose: Pose2D | Pose3D) -> float | None:
    """Of a file of 50 frames a second in which every other frame is there, 25; None if unknown."""
    return None if pose.fps is None else pose.fps / usual_step(pose.frame_index)


def rows_before_gaps(frame_index: Int[np.ndarray, " frame"]) -> Int[np.ndarray, " gap"]:
    """The rows after which the source leaves frames out: the next is farther than usual."""
    return np.flatnonzero(np.diff(frame_index) > usual_step(frame_index))


def _fields_of(dataset: "xarray.Dataset", *, points: str) -> dict[str, Any]:
    """What both records read from a Dataset, by their names; `points` is that of the points."""
    fields = from_dataset(dataset)
    notes = dataset.attrs.get("notes", "")
    return {
        points: fields.pop("points"),
        "skeleton": skeleton_of_joints(fields.pop("joints")),
        "source": dataset.attrs.get("source_file", ""),
        "notes": tuple(notes.split("\n")) if notes else (),
        **fields,
    }


def _check(
    points: Float[np.ndarray, "frame joint coordinate"],
    confidence: Float[np.ndarray, "frame joint"],
    skeleton: Skeleton,
    *,
    coordinates: int,
) -> None:
    expected = (len(points), skeleton.num_joints)
    if points.shape != (*expected, coordinates) or confidence.shape != expected:
        raise MotionliftError(
            f"{skeleton.name} has {skeleton.num_joints} joints, but the points have shape "
            f"{points.shape} and the confidences {confidence.shape}"
        )
    if not ((confidence >= 0) & (confidence <= 1)).all():
        raise MotionliftError("confidences must lie between 0 and 1")
    is_missing = np.isnan(points).any(axis=-1)
    if (is_missing != (confidence == 0)).any():
        raise MotionliftError("a joint is NaN exactly where its confidence is 0")
    if np.isinf(points).any():
        raise MotionliftError("coordinates must be finite, or NaN where a joint is missing")
