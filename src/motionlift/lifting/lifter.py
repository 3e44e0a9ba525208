"""The object that lifts: one network, on one device, at one precision."""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from motionlift.confidence import CONFIDENCE_CONVENTION, believed
from motionlift.errors import MotionliftError, OptionError, WeightsError
from motionlift.lifting.batches import Ask, Passage, average, run
from motionlift.lifting.motion import as_motion, root_at_zero, root_in_image
from motionlift.lifting.notes import notes_on
from motionlift.lifting.stream import StreamLifter
from motionlift.network.device import autocast, choose_device, choose_precision
from motionlift.network.dstformer import DSTformer
from motionlift.poses import Pose2D, Pose3D, rows_a_second, to_h36m17
from motionlift.progress import OnProgress, part_of
from motionlift.skeletons import H36M17, Skeleton
from motionlift.timing import USUAL_FPS, frames_apart

# Frames times channels of a batch. More gains nothing: a CPU's caches overflow, a GPU is full.
_BATCH_SIZE = {"cpu": 2**16, "cuda": 2**22, "mps": 2**20}
# Evidence: docs/decisions/0013-smaller-offsets.md.
_PARTS_OF_SHORT = 5


class Lifter:
    """Lifts sequences of any length with one network, on one device, at one precision.

    Args:
        model: a network as `load_model` returns it; it is moved to the device.
        device: "cpu", "cuda", "cuda:1", "mps"; the fastest that is here if not given.
        precision: "fp32" or "bf16"; what the device is made for if not given.
        window: frames in a window, at most those of the longest clip that the network was trained
            on, which it is if not given. Of a file of more frames a second than the network was
            trained at, a window has every k-th (`timing.frames_apart`).
        stride: frames of a window from its start to the next one's; half a window if not given.
            Windows overlap by the rest, and fade into each other there.
        flip: also lift the mirror image, and average the two answers; takes twice the time.
        short_windows: also lift in windows of a fifth of the frames, and average the two answers;
            takes twice the time. Detectors err in the same direction for seconds, which long
            windows believe and short ones do not see. Only of networks that learned with the noise
            model, whose errors pass sooner; not in `stream` and `encode_pose`.
        confidences: "detector", or "simulated" if they are of the noise model that the network
            learned with, as the open benchmark's are. Those of detectors are taken as
            `confidence.believed` has it, by networks whose card says so.

    Attributes:
        device, precision: the choices made, with their reasons.
        model_name, num_parameters: of the network.
        channels: of a joint of an answer: x, y, z, and its expected error if the network knows it.
        window, stride: see above.
        short_window: frames of the short windows; 0 if there are none.
        trained_fps: frames a second of the motion that the network learned from.
    """

    def __init__(
        self,
        model: DSTformer,
        *,
        device: str | None = None,
        precision: str | None = None,
        window: int | None = None,
        stride: int | None = None,
        flip: bool = False,
        short_windows: bool = False,
        confidences: Literal["detector", "simulated"] = "detector",
    ) -> None:
        self.device = choose_device(device)
        self.precision = choose_precision(self.device.value, precision)
        self.model_name = model.name
        self.num_parameters = sum(parameter.numel() for parameter in model.parameters())
        self.channels = 3 if model.error_head is None else 4
        self.trained_fps = trained_fps(model)
        longest = clip_frames(model)
        self.window = longest if window is None else window
        if not 1 <= self.window <= longest:
            raise OptionError(
                f"window is {window}, but {model.name or 'the network'} was trained on clips of up "
                f"to {longest} frames: give 1 to {longest}"
            )
        self.stride = max(1, self.window // 2) if stride is None else stride
        if not 1 <= self.stride <= self.window:
            raise OptionError(
                f"stride is {self.stride}, but windows have {self.window} frames: "
                f"give 1 to {self.window}"
            )
        self.flip = flip
        learned_with_noise_model = takes_noise_model(model)
        has_short = short_windows and learned_with_noise_model
        self.short_window = self.window // _PARTS_OF_SHORT if has_short else 0
        self._is_believed = confidences == "detector" and learned_with_noise_model
        self._model = model.to(self.device.value).eval()

    def lift_pose(self, pose: Pose2D, *, on_progress: OnProgress | None = None) -> Pose3D:
        """One frame of joints for each frame of keypoints, whatever their skeleton.

        Positions are root-relative, in the camera's axes, in the unit of the keypoints. Confidence
        is 1 where the network answered: in every joint, seen or not, of every frame but those
        that no window with two distinct visible keypoints reaches, which are missing.

        Raises:
            MotionliftError: if no two distinct keypoints are visible in the whole sequence.
        """
        return self.lift_poses([pose], on_progress=on_progress)[0]

    def lift_poses(
        self, poses: Sequence[Pose2D], *, on_progress: OnProgress | None = None
    ) -> list[Pose3D]:
        """`lift_pose` of each, with windows of several in a batch: for many short sequences.

        Raises:
            MotionliftError: if in one of them no two distinct keypoints are visible.
        """
        seen = [to_h36m17(pose) for pose in poses]
        if any(pose.num_frames == 0 for pose in poses):
            raise MotionliftError("keypoints of no frame at all: there is nothing to lift")
        parts = 2 if self.short_window else 1
        joined = self._run(
            seen,
            self.answer,
            channels=self.channels,
            in_pixels=True,
            on_progress=part_of(on_progress, 0, parts),
        )
        if self.short_window:
            self._average_with_short(seen, joined, on_progress=part_of(on_progress, 1, parts))
        return [self._motion(*each) for each in zip(seen, joined, strict=True)]

    def encode_pose(
        self, pose: Pose2D, *, on_progress: OnProgress | None = None
    ) -> Float[np.ndarray, "frame 17 channel"]:
        """The representation of each joint and frame, joined over windows as positions are.

        NaN in frames that no window with two distinct visible keypoints reaches.

        Raises:
            MotionliftError: if no two distinct keypoints are visible in the whole sequence.
        """
        channels = self._model.config.dim_rep
        ask = self._asking(self._model.encode)
        (features,) = self._run(
            [to_h36m17(pose)], ask, channels=channels, in_pixels=False, on_progress=on_progress
        )
        return features

    def apart(self, pose: Pose2D) -> int:
        """How many of its rows one frame of a window stands from the next."""
        return frames_apart(rows_a_second(pose), trained=self.trained_fps)

    def stream(
        self, *, skeleton: Skeleton, fps: float | None = None, source: str = "stream"
    ) -> StreamLifter:
        """Lifts frames as they come; `skeleton` is that of their keypoints."""
        return StreamLifter(self, skeleton=skeleton, fps=fps, source=source)

    def answer(
        self, clips: Float32[np.ndarray, "window frame 17 3"]
    ) -> Float32[np.ndarray, "window frame 17 channel"]:
        """What the network says to clips of one length, in clip space; see `channels`."""
        return self._asking(self._lift)(clips)

    def _lift(self, clips: Float[Tensor, "B F 17 3"]) -> Float[Tensor, "B F 17 channel"]:
        if not self.flip:
            return self._model.lift(clips)
        return (self._model.lift(clips) + mirrored(self._model.lift(mirrored(clips)))) / 2

    def _asking(self, network: Callable[[Tensor], Tensor]) -> Ask:
        """The network on this device at this precision, with arrays at both ends."""

        def ask(clips: np.ndarray) -> np.ndarray:
            batch = torch.from_numpy(clips).to(self.device.value)
            if self._is_believed:
                batch = torch.cat([batch[..., :2], believed(batch[..., 2:])], dim=-1)
            with torch.inference_mode(), autocast(self.device.value, self.precision.value):
                answer = network(batch)
            return answer.float().cpu().numpy()

        return ask

    def _run(
        self,
        seen: Sequence[Pose2D],
        ask: Ask,
        *,
        channels: int,
        in_pixels: bool,
        on_progress: OnProgress | None,
        short_window: int = 0,
    ) -> list[Float32[np.ndarray, "frame 17 channel"]]:
        passages = [
            Passage(
                each,
                length=short_window or self.window,
                stride=max(1, short_window // 2) if short_window else self.stride,
                apart=self.apart(each),
                channels=channels,
                in_pixels=in_pixels,
                may_be_empty=short_window > 0,
            )
            for each in seen
        ]
        size = _BATCH_SIZE[torch.device(self.device.value).type] // self._model.config.dim_feat
        run(passages, ask, frames_a_batch=size, on_progress=on_progress)
        return [each.joined for each in passages]

    def _average_with_short(
        self,
        seen: Sequence[Pose2D],
        joined: list[Float32[np.ndarray, "frame 17 channel"]],
        *,
        on_progress: OnProgress | None,
    ) -> None:
        # Apart from its caller, so that these answers are let go before motion is made of the mean.
        brief = self._run(
            seen,
            self.answer,
            channels=self.channels,
            in_pixels=True,
            on_progress=on_progress,
            short_window=self.short_window,
        )
        for pose, long, short in zip(seen, joined, brief, strict=True):
            average(long, short, fade=self.apart(pose) * self.short_window)

    def _motion(self, seen: Pose2D, answers: Float32[np.ndarray, "frame 17 channel"]) -> Pose3D:
        root_at_zero(answers)
        return as_motion(
            seen,
            answers,
            model=self.model_name,
            root_xy=root_in_image(seen, answers),
            notes=notes_on(seen, ~np.isnan(answers).any(axis=-1), trained_fps=self.trained_fps),
        )


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


def trained_fps(model: DSTformer) -> float:
    """Frames a second of the motion that the network learned from, as its card says; else 50.

    Raises:
        WeightsError: if what the card says is no rate.
    """
    conventions = (model.card or {}).get("conventions")
    said = conventions.get("fps", USUAL_FPS) if isinstance(conventions, dict) else USUAL_FPS
    if type(said) not in (int, float) or not 0 < said < float("inf"):
        raise WeightsError(f"{model.name}: the card says fps={said!r}, but a rate is above 0")
    return float(said)


def takes_noise_model(model: DSTformer) -> bool:
    """Whether the network learned with the noise model's confidences, as its card says."""
    conventions = (model.card or {}).get("conventions")
    return isinstance(conventions, dict) and conventions.get("confidence") == CONFIDENCE_CONVENTION


def mirrored(clips: Float[Tensor, "*batch 17 3"]) -> Float[Tensor, "*batch 17 3"]:
    """Clips or joints in the mirror: x turns around, left and right joints change places.

    A missing joint, all zeros, stays so.
    """
    flipped = clips[..., list(H36M17.mirror), :]
    return torch.cat([-flipped[..., :1], flipped[..., 1:]], dim=-1)
