"""Keypoints in, 3D joints out: windows, batches, the network, and the way back into pixels.

Each window is brought into clip space by its own box, as every clip was in training, and its
answer is brought back by that same window's scale before windows are joined. A box around the
whole sequence would make a person who crosses a wide picture small in every window, as no clip in
training was.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from motionlift.camera import image_to_clip
from motionlift.errors import MotionliftError, OptionError, WeightsError
from motionlift.network.device import autocast, choose_device, choose_precision
from motionlift.network.dstformer import DSTformer
from motionlift.poses import Pose2D, Pose3D, to_h36m17
from motionlift.skeletons import H36M17
from motionlift.windows import blend_weights, stitch, window_starts

# Frames times channels of a batch. More gains nothing: a CPU's caches overflow, a GPU is full.
_BATCH_SIZE = {"cpu": 2**16, "cuda": 2**22, "mps": 2**20}
# The network counts time in frames: it knows speeds near the 50 frames a second of its training.
_USUAL_FPS = (20.0, 65.0)

# Told how many windows are done, of how many.
OnProgress = Callable[[int, int], None]


class Lifter:
    """Lifts sequences of any length with one network, on one device, at one precision.

    Args:
        model: a network as `load_model` returns it; it is moved to the device.
        device: "cpu", "cuda", "cuda:1", "mps"; the fastest that is here if not given.
        precision: "fp32" or "bf16"; what the device is made for if not given.
        stride: frames from one window to the next; half a window if not given. Windows overlap by
            the rest, and fade into each other there.
        flip: also lift the mirror image, and average the two answers; takes twice the time.

    Attributes:
        device, precision: the choices made, with their reasons.
        model_name, num_parameters: of the network.
        window: frames in a window, the longest clip that the network was trained on.
    """

    def __init__(
        self,
        model: DSTformer,
        *,
        device: str | None = None,
        precision: str | None = None,
        stride: int | None = None,
        flip: bool = False,
    ) -> None:
        self.device = choose_device(device)
        self.precision = choose_precision(self.device.value, precision)
        self.model_name = model.name
        self.num_parameters = sum(parameter.numel() for parameter in model.parameters())
        self.window = clip_frames(model)
        self.stride = max(1, self.window // 2) if stride is None else stride
        if not 1 <= self.stride <= self.window:
            raise OptionError(
                f"stride is {self.stride}, but windows have {self.window} frames: "
                f"give 1 to {self.window}"
            )
        self.flip = flip
        self._model = model.to(self.device.value).eval()

    def lift_pose(self, pose: Pose2D, *, on_progress: OnProgress | None = None) -> Pose3D:
        """One frame of joints for each frame of keypoints, whatever their skeleton.

        Positions are root-relative, in the camera's axes, in the unit of the keypoints. Confidence
        is 1 where the network answered: in every joint, seen or not, of every frame but those
        that no window with two distinct visible keypoints reaches, which are missing.

        Raises:
            MotionliftError: if no two distinct keypoints are visible in the whole sequence.
        """
        seen = to_h36m17(pose)
        windows = _cut_pose(seen, length=self.window, stride=self.stride)
        answers = self._answers(windows, self._lift, on_progress)
        scaled = (answer * scale for answer, scale in zip(answers, windows.scale, strict=True))
        positions = windows.stitch(scaled)
        # The root's target is 0 in every frame; what the network says of it is noise.
        positions[~np.isnan(positions[:, H36M17.root, 0]), H36M17.root] = 0.0
        is_answered = ~np.isnan(positions).any(axis=-1)
        return Pose3D(
            skeleton=H36M17,
            positions=positions,
            confidence=is_answered.astype(np.float32),
            frame_index=seen.frame_index,
            fps=seen.fps,
            units="px",
            space="camera",
            source=seen.source,
            person=seen.person,
            lifted_from=seen,
            root_xy=root_in_image(seen, positions),
            model=self.model_name,
            notes=(*seen.notes, *_notes(seen, is_answered)),
        )

    def encode_pose(
        self, pose: Pose2D, *, on_progress: OnProgress | None = None
    ) -> Float[np.ndarray, "frame 17 channel"]:
        """The representation of each joint and frame, joined over windows as positions are.

        NaN in frames that no window with two distinct visible keypoints reaches.

        Raises:
            MotionliftError: if no two distinct keypoints are visible in the whole sequence.
        """
        windows = _cut_pose(to_h36m17(pose), length=self.window, stride=self.stride)
        return windows.stitch(self._answers(windows, self._model.encode, on_progress))

    def _lift(self, clips: Float[Tensor, "B F 17 3"]) -> Float[Tensor, "B F 17 3"]:
        if not self.flip:
            return self._model(clips)
        return (self._model(clips) + mirrored(self._model(mirrored(clips)))) / 2

    def _answers(
        self,
        windows: "_Windows",
        ask: Callable[[Tensor], Tensor],
        on_progress: OnProgress | None,
    ) -> Iterator[Float[np.ndarray, "frame 17 channel"]]:
        """What the network says to each window, in batches that fill the device; 0 if unused."""
        device = torch.device(self.device.value)
        a_window = windows.clips.shape[1] * self._model.config.dim_feat
        size = max(1, _BATCH_SIZE[device.type] // a_window)
        for first in range(0, len(windows.clips), size):
            batch = torch.from_numpy(windows.clips[first : first + size]).to(device)
            with torch.inference_mode(), autocast(self.device.value, self.precision.value):
                answer = ask(batch)
            yield from answer.float().cpu().numpy()
            if on_progress is not None:
                on_progress(min(first + size, len(windows.clips)), len(windows.clips))


def clip_frames(model: DSTformer) -> int:
    """The longest clip that the network was trained on, as its card says, else that it takes.

    Embeddings of frames beyond it hold the random numbers they began with.

    Raises:
        WeightsError: if the card names a length that the network cannot take.
    """
    longest = model.config.max_frames
    said = (model.card or {}).get("clip_frames", longest)
    if type(said) is not int or not 1 <= said <= longest:
        raise WeightsError(
            f"{model.name}: the card says clip_frames={said!r}, but the network takes 1 to "
            f"{longest} frames"
        )
    return said


def mirrored(clips: Float[Tensor, "*batch 17 3"]) -> Float[Tensor, "*batch 17 3"]:
    """Clips or joints in the mirror: x turns around, left and right joints change places.

    A missing joint, all zeros, stays so.
    """
    flipped = clips[..., list(H36M17.mirror), :]
    return torch.cat([-flipped[..., :1], flipped[..., 1:]], dim=-1)


def root_in_image(
    seen: Pose2D, positions: Float[np.ndarray, "frame 17 3"]
) -> Float[np.ndarray, "frame 2"]:
    """Where the root is in the image, in pixels, in every frame.

    It is the shift that brings the joints closest to the keypoints, in least squares over the
    visible ones weighted by confidence; where nobody is seen, a straight line in time between
    the frames beside, or the nearest frame at the ends.
    """
    gap = seen.keypoints - positions[..., :2]
    is_known = ~np.isnan(gap).any(axis=-1)
    weight = np.where(is_known, seen.confidence, 0.0)
    total = weight.sum(axis=1)
    frames = np.flatnonzero(total > 0)
    shift = np.where(is_known[..., None], gap, 0.0)[frames]
    root = (weight[frames][..., None] * shift).sum(axis=1) / total[frames, None]
    every = np.arange(len(gap))
    return np.stack([np.interp(every, frames, root[:, axis]) for axis in (0, 1)], axis=1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Windows:
    """A sequence as the network sees it, window by window, and how to join its answers.

    Attributes:
        clips: each window in its own clip space; zeros in a window that is not used.
        scale: pixels a unit of each window's clip space.
        starts: first frame of each window.
        weights: see `blend_weights`.
    """

    clips: Float[np.ndarray, "window frame 17 3"]
    scale: Float[np.ndarray, " window"]
    starts: Int[np.ndarray, " window"]
    weights: Float[np.ndarray, "window frame"]
    num_frames: int

    def stitch(
        self, answers: Iterator[Float[np.ndarray, "frame 17 channel"]]
    ) -> Float[np.ndarray, "sequence_frame 17 channel"]:
        return stitch(answers, self.starts, weights=self.weights, num_frames=self.num_frames)


def _cut_pose(seen: Pose2D, *, length: int, stride: int) -> _Windows:
    starts = window_starts(seen.num_frames, length=length, stride=stride)
    length = min(length, seen.num_frames)
    clips = np.zeros((len(starts), length, H36M17.num_joints, 3), dtype=np.float32)
    scale = np.zeros(len(starts), dtype=np.float32)
    for number, start in enumerate(starts):
        frames = slice(start, start + length)
        part = replace(
            seen,
            keypoints=seen.keypoints[frames],
            confidence=seen.confidence[frames],
            frame_index=seen.frame_index[frames],
        )
        try:
            clips[number], placement = image_to_clip(part)
        except MotionliftError:
            continue  # nobody in this window: it is not used
        scale[number] = placement.scale
    if not scale.any():
        raise MotionliftError(
            f"{seen.source}: no two distinct keypoints are visible within {length} frames; "
            "there is nothing to lift"
        )
    weights = blend_weights(starts, length=length, num_frames=seen.num_frames, is_used=scale > 0)
    return _Windows(
        clips=clips, scale=scale, starts=starts, weights=weights, num_frames=seen.num_frames
    )


def _notes(seen: Pose2D, is_answered: Bool[np.ndarray, "frame 17"]) -> list[str]:
    """What a user should know of this lift, beside what the reader said."""
    notes = []
    is_ever_seen = seen.is_visible.any(axis=0)
    never = [H36M17.joints[joint] for joint in np.flatnonzero(~is_ever_seen)]
    if never:
        notes.append(f"{', '.join(never)}: never among the keypoints; the network infers them")
    num_blind = int((~seen.is_visible.any(axis=1) & is_answered.all(axis=1)).sum())
    if num_blind:
        notes.append(f"{num_blind} frames without any keypoint are filled in by the network")
    num_missing = int((~is_answered.all(axis=1)).sum())
    if num_missing:
        notes.append(
            f"{num_missing} frames are too far from any keypoint to be lifted; they are missing"
        )
    if seen.fps is not None and not _USUAL_FPS[0] <= seen.fps <= _USUAL_FPS[1]:
        notes.append(
            f"{seen.fps:g} frames a second is far from the 50 of the training; "
            "frames are lifted as they are, so speeds may be off"
        )
    jumps = int((np.diff(seen.frame_index) > 1).sum())
    if jumps:
        notes.append(f"frame numbers jump {jumps} times; lifted as if frames were consecutive")
    return notes
