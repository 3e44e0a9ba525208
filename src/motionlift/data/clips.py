"""Clips of a store: which there are, in which order an epoch sees them, and their joints.

Every frame of the chosen split belongs to at least one clip: clips start every `stride` frames,
and one more ends at the last frame. A sequence shorter than a clip is played back and forth (its
time is reflected at its ends), so that short recordings teach too and no frame stands still. Of
motion that is 2D only, clips that show nobody for most of their time are left out.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Shaped

from motionlift.data.draws import Draws
from motionlift.data.store import Sequence, Store
from motionlift.errors import RecipeError, StoreError
from motionlift.windows import window_starts


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipSettings:
    """How clips are taken from sequences.

    Attributes:
        fps: frames a second of a clip, which may be fewer than those of the store; 0 for as many.
            What a network sees of time, `timing.frames_apart` gives it again when it lifts.
        slowest, fastest: each sample plays at a speed drawn log-uniformly between them; 1 is as
            recorded. A fast sample looks like one of few frames a second.
        shift: whether a sample starts at a random frame within its stride.
        repeats: how often an epoch sees each clip of a dataset, by dataset; 1 if not named.
    """

    fps: float = 0.0
    slowest: float = 1.0
    fastest: float = 1.0
    shift: bool = False
    repeats: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.fps < float("inf"):
            raise RecipeError(f"clips.fps is {self.fps}, but a rate, or 0 for that of the store")
        if not 0 < self.slowest <= self.fastest < float("inf"):
            raise RecipeError(
                f"clips.slowest and fastest are {self.slowest} and {self.fastest}, but above 0, "
                "and the first not above the second"
            )
        for name, times in self.repeats.items():
            if not (isinstance(times, int | float) and 0 <= times < float("inf")):
                raise RecipeError(f"clips.repeats.{name} is {times!r}, but a number of 0 or more")


class Cut(NamedTuple):
    """Clips as they stand in the store: world space and metres, or x, y and confidence."""

    positions: Float[np.ndarray, "B F J 3"]
    visibility: Bool[np.ndarray, "B F J"]


class Clips:
    """The clips of one split of a store, of one length.

    Args:
        store: read through its memory maps; nothing else is held.
        split: "train", "val" or "test".
        frames: length of a clip.
        stride: frames from one clip's start to the next.
        settings: see `ClipSettings`.
        units: "m" for motion with 3D truth, "px" for motion that is 2D only.

    Raises:
        StoreError: if the split has no such sequence.
    """

    def __init__(
        self,
        store: Store,
        *,
        split: str,
        frames: int,
        stride: int,
        settings: ClipSettings,
        units: Literal["m", "px"] = "m",
    ) -> None:
        self.store = store
        self.frames = frames
        self.stride = stride
        self.settings = settings
        # Frames of the store from one frame of a clip to the next, and from its first to its last.
        self._step = store.fps / (settings.fps or store.fps)
        self._span = 1 + math.floor((frames - 1) * self._step)
        self.sequences: tuple[Sequence, ...] = store.select(split=split, units=units)
        if not self.sequences:
            what = "3D" if units == "m" else "2D-only"
            raise StoreError(f"{store.path}: the split '{split}' has no {what} sequence")
        rows = [
            (number, start)
            for number, sequence in enumerate(self.sequences)
            for start in window_starts(sequence.frames, length=self._span, stride=stride)
            if units == "m" or self._shows_somebody(sequence, start)
        ]
        self._index: Int[np.ndarray, "clip 2"] = np.array(rows, dtype=np.int64).reshape(-1, 2)

    def __len__(self) -> int:
        return len(self._index)

    @property
    def num_samples(self) -> int:
        """How many sample numbers there are: of each clip one for each time an epoch may see it.

        Sample n is clip n modulo the number of clips. A clip that is seen again is another sample,
        with draws of its own.
        """
        return len(self) * math.ceil(max([1.0, *self.settings.repeats.values()]))

    def order(self, *, seed: int, epoch: int) -> Int[np.ndarray, " sample"]:
        """The samples of an epoch, shuffled; each clip as often as `settings.repeats` says.

        A share of a repeat is a chance of one: 1.5 is once, and half of the time twice.
        """
        generator = np.random.default_rng([seed, epoch])
        wanted = self._repeats()
        times = np.floor(wanted + generator.random(len(wanted))).astype(np.int64)
        clips = np.repeat(np.arange(len(times)), times)
        which_time = np.arange(len(clips)) - np.repeat(np.cumsum(times) - times, times)
        return generator.permutation(clips + which_time * len(times))

    @property
    def seen(self) -> tuple[Sequence, ...]:
        """The sequences of which an epoch may see a clip."""
        numbers = np.unique(self._index[self._repeats() > 0, 0])
        return tuple(self.sequences[number] for number in numbers)

    @property
    def datasets(self) -> Shaped[np.ndarray, " clip"]:
        """The name of each clip's data set."""
        return np.array([each.dataset for each in self.sequences])[self._index[:, 0]]

    def spread(self, count: int) -> Int[np.ndarray, " clip"]:
        """About `count` clips: of each data set the same number, as far as it has them, evenly."""
        names = np.unique(self.datasets)
        parts = [np.flatnonzero(self.datasets == name) for name in names]
        each = max(1, count // len(names))
        return np.concatenate(
            [
                part[np.linspace(0, len(part) - 1, min(each, len(part))).astype(np.int64)]
                for part in parts
            ]
        )

    def others(self, draws: Draws) -> Int[np.ndarray, " B"]:
        """A clip for each sample, drawn from all, each as likely as `settings.repeats` says."""
        shares = np.cumsum(self._repeats())
        drawn = draws.uniform("other clip").double().numpy() * shares[-1]
        return np.minimum(np.searchsorted(shares, drawn, side="right"), len(shares) - 1)

    def _repeats(self) -> Float[np.ndarray, " clip"]:
        repeats = self.settings.repeats
        wanted = np.array([repeats.get(each.dataset, 1.0) for each in self.sequences])
        return wanted[self._index[:, 0]]

    def name(self, sample: int) -> str:
        """The sequence and frames of a sample, for messages."""
        number, start = self._index[sample % len(self)]
        return f"{self.sequences[number].name}[{start}:{start + self._span}]"

    def cut(self, samples: Int[np.ndarray, " B"], draws: Draws | None = None) -> Cut:
        """The joints of these samples; with `draws`, at each sample's own speed and shift."""
        shifts, speeds = self._time_of(len(samples), draws)
        pairs = [
            self._one(*self._index[clip], shift=shift, speed=speed)
            for clip, shift, speed in zip(samples % len(self), shifts, speeds, strict=True)
        ]
        return Cut(np.stack([pair[0] for pair in pairs]), np.stack([pair[1] for pair in pairs]))

    def _shows_somebody(self, sequence: Sequence, start: int) -> bool:
        """Whether half of the joints are seen in half of the frames."""
        visibility = self.store.visibility(sequence)[start : start + self._span]
        return bool((visibility.mean(axis=1) > 0.5).mean() >= 0.5)

    def _time_of(
        self, count: int, draws: Draws | None
    ) -> tuple[Float[np.ndarray, " B"], Float[np.ndarray, " B"]]:
        if draws is None:
            return np.zeros(count), np.full(count, self._step)
        low, high = np.log(self.settings.slowest), np.log(self.settings.fastest)
        speeds = self._step * torch.exp(draws.uniform("speed", low=low, high=high))
        # Whole frames: a shift between frames would smooth every recording a little.
        shifts = torch.floor(draws.uniform("shift", high=float(self.stride)))
        return shifts.numpy() * self.settings.shift, speeds.double().numpy()

    def _one(
        self, number: int, start: int, *, shift: float, speed: float
    ) -> tuple[Float[np.ndarray, "F J 3"], Bool[np.ndarray, "F J"]]:
        sequence = self.sequences[number]
        time = start + shift + speed * np.arange(self.frames)
        last = sequence.frames - 1
        if last > 0:
            # A clip that would run over the end begins earlier, as far as there is room.
            time = time - min(max(time[-1] - last, 0.0), time[0])
            time = last - np.abs(last - np.mod(time, 2 * last))
        else:
            time = np.zeros(self.frames)
        low = min(int(time.min()), max(last - 1, 0))
        high = min(int(time.max()) + 2, sequence.frames)
        return at_moments(
            self.store.positions(sequence)[low:high],
            self.store.visibility(sequence)[low:high],
            time - low,
        )


def at_moments(
    points: Float[np.ndarray, "frame joint axis"],
    is_seen: Bool[np.ndarray, "frame joint"],
    time: Float[np.ndarray, " moment"],
) -> tuple[Float[np.ndarray, "moment joint axis"], Bool[np.ndarray, "moment joint"]]:
    """Points at moments counted in frames, linearly between the two frames around each.

    A point between two frames is seen if it is in both; on a frame only that frame counts,
    whatever its neighbour shows.
    """
    last = len(points) - 1
    before = np.minimum(time.astype(np.int64), max(last - 1, 0))
    after = np.minimum(before + 1, last)
    share = (time - before).astype(np.float32)[:, None]
    is_known = (is_seen[before] | (share == 1)) & (is_seen[after] | (share == 0))
    share = share[..., None]
    return points[before] * (1 - share) + points[after] * share, is_known
