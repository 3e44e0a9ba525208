"""What a lifter is shown, and what is true: a store's sequences under a protocol's cameras.

Everything that is drawn for a sequence hangs on the protocol's seed and the sequence's name, and
on nothing else: not on the other sequences, their order, the conditions asked for, or the model.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float

from motionlift.camera import look_rotation, orthographic
from motionlift.data.store import Sequence, Store
from motionlift.errors import StoreError
from motionlift.evaluation.protocols import Condition, Spells, StoreProtocol
from motionlift.skeletons import H36M17

if TYPE_CHECKING:
    from motionlift.data.draws import Draws

TRAINING_SPLIT = "train"
_LIMBS = {
    f"{side} {limb}": [H36M17.index(f"{side}_{joint}") for joint in joints]
    for side in ("left", "right")
    for limb, joints in (("arm", ("elbow", "wrist")), ("leg", ("knee", "ankle")))
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """One sequence as several cameras see it.

    Attributes:
        sequence: where it comes from.
        views: the cameras, as numbers in `StoreProtocol.views`.
        keypoints: x right, y down, in metres at the person; NaN where missing.
        confidence: in [0, 1]; 0 where missing.
        target: root-relative joints in metres, in the camera's axes; NaN where the truth has a
            gap, and in the whole of a frame whose root is in one.
    """

    sequence: Sequence
    views: tuple[int, ...]
    keypoints: Float[np.ndarray, "view frame 17 2"]
    confidence: Float[np.ndarray, "view frame 17"]
    target: Float[np.ndarray, "view frame 17 3"]

    @property
    def dataset(self) -> str:
        """The name that its scores stand under."""
        return self.sequence.dataset or "unnamed"


# What is scored: root-relative joints in metres and the camera's axes, from a sample's keypoints.
# A fourth channel is the error that the lifter expects of each joint, in metres.
SampleLifter = Callable[[Sample], Float[np.ndarray, "view frame 17 channel"]]


def sequences_to_score(
    store: Store, protocol: StoreProtocol, *, split: str | None = None, quick: bool = False
) -> tuple[Sequence, ...]:
    """The sequences that a protocol scores, those of equal length together.

    Args:
        split: instead of the protocol's; "all" for every sequence.
        quick: only the protocol's `quick_share` of each dataset's frames, chosen by its seed.

    Raises:
        StoreError: if the store has none.
    """
    chosen = protocol.split if split is None else split
    found = store.select(split=None if chosen == "all" else chosen)
    sequences = [each for each in found if each.units == "m"]
    if not sequences:
        there = ", ".join(sorted({each.split or "(none)" for each in store.sequences}))
        raise StoreError(
            f"{store.path}: no 3D sequence of the split '{chosen}' to score; its splits are: "
            f"{there}; give --split, or --split all"
        )
    if quick:
        sequences = _some_of(sequences, protocol)
    return tuple(sorted(sequences, key=lambda each: (each.frames, each.name)))


def notes_on(
    store: Store, sequences: Iterable[Sequence], *, protocol: StoreProtocol, split: str | None
) -> tuple[str, ...]:
    """What somebody who reads the scores should know of the sequences, a sentence each."""
    notes = []
    chosen = protocol.split if split is None else split
    flat = [
        each
        for each in store.select(split=None if chosen == "all" else chosen)
        if each.units != "m"
    ]
    if flat:
        notes.append(f"{len(flat)} sequences are 2D only: they have no truth and are not scored")
    if any(each.split == TRAINING_SPLIT for each in sequences):
        notes.append(
            f"sequences of the split '{TRAINING_SPLIT}' are scored: the baselines, and whatever "
            "was trained on this store, have seen them"
        )
    if store.fps != protocol.fps:
        notes.append(
            f"the store has {store.fps:g} frames a second: velocities and accelerations are "
            f"converted to {protocol.fps:g}"
        )
    return tuple(notes)


def make_sample(
    store: Store, sequence: Sequence, *, protocol: StoreProtocol, condition: Condition
) -> Sample:
    """The sequence under its views, with the condition's noise and masks."""
    views = views_of(sequence, protocol)
    positions = store.positions(sequence).astype(np.float64)
    visibility = store.visibility(sequence)
    root = positions[:, [H36M17.root]]
    is_rooted = visibility[:, [H36M17.root]]
    # Any fixed point would do: it only keeps the numbers small.
    middle = root[is_rooted].mean(axis=0) if is_rooted.any() else np.zeros(3)
    rotations = rotations_of(protocol)[list(views)]
    camera = np.einsum("vrc,fjc->vfjr", rotations, positions - middle)
    target = np.einsum("vrc,fjc->vfjr", rotations, positions - root)
    target[:, ~(visibility & is_rooted)] = np.nan

    draws = _draws(sequence, views, protocol)
    keypoints, confidence = _detected(camera, draws, condition, fps=sequence.fps)
    hidden = _hidden(draws, condition, frames=sequence.frames, fps=sequence.fps)
    is_seen = visibility & ~hidden
    return Sample(
        sequence=sequence,
        views=views,
        keypoints=np.where(is_seen[..., None], keypoints, np.nan),
        confidence=np.where(is_seen, confidence, 0.0),
        target=target,
    )


def views_of(sequence: Sequence, protocol: StoreProtocol) -> tuple[int, ...]:
    """The views that a sequence is seen in: those whose keys with it come first."""
    views = range(len(protocol.views))
    by_key = sorted(views, key=lambda view: _key(protocol, sequence.name, view))
    return tuple(sorted(by_key[: protocol.views_each]))


def rotations_of(protocol: StoreProtocol) -> Float[np.ndarray, "view 3 3"]:
    """World axes to camera axes, for each of a protocol's views."""
    yaw = np.array([view.yaw for view in protocol.views])
    pitch = np.array([view.pitch for view in protocol.views])
    return look_rotation(yaw=yaw, pitch=pitch, roll=np.zeros_like(yaw))


def _key(protocol: StoreProtocol, *what: str | int) -> int:
    digest = hashlib.sha256("/".join(map(str, (protocol.seed, *what))).encode()).digest()
    return int.from_bytes(digest[:7], "big")


def _draws(sequence: Sequence, views: tuple[int, ...], protocol: StoreProtocol) -> "Draws":
    import torch

    from motionlift.data.draws import Draws

    keys = torch.tensor([_key(protocol, sequence.name, view) for view in views])
    return Draws.of(keys, seed=protocol.seed, epoch=0)


def _some_of(sequences: Iterable[Sequence], protocol: StoreProtocol) -> list[Sequence]:
    """Of each dataset, sequences in the order of their keys until the share is reached."""
    chosen: list[Sequence] = []
    by_key = sorted(sequences, key=lambda each: _key(protocol, each.name))
    for dataset in sorted({each.dataset for each in by_key}):
        members = [each for each in by_key if each.dataset == dataset]
        wanted = protocol.quick_share * sum(each.frames for each in members)
        for each in members:
            if wanted <= 0:
                break
            chosen.append(each)
            wanted -= each.frames
    return chosen


def _detected(
    camera: Float[np.ndarray, "view frame 17 3"],
    draws: "Draws",
    condition: Condition,
    *,
    fps: float,
) -> tuple[Float[np.ndarray, "view frame 17 2"], Float[np.ndarray, "view frame 17"]]:
    """The keypoints, with the published noise and its confidences if the condition has any."""
    if condition.noise == 0:
        return orthographic(camera), np.ones(camera.shape[:-1])
    import torch

    from motionlift.data.corruption import CorruptionSettings, corrupt

    # Masks are ours, below: those of training know nothing of time beyond a clip.
    settings = CorruptionSettings(
        noise=condition.noise, noise_spread=0.0, joint_mask=0.0, frame_mask=0.0
    )
    joints = torch.from_numpy(camera)
    noisy, confidence = corrupt(orthographic(joints), draws, settings, camera=joints, fps=fps)
    return noisy.numpy(), confidence.double().numpy()


def _hidden(
    draws: "Draws", condition: Condition, *, frames: int, fps: float
) -> Bool[np.ndarray, "view frame 17"]:
    """Which keypoints are masked."""
    joints = H36M17.num_joints
    hidden = draws.chance("joint mask", frames, joints, probability=condition.joint_mask).numpy()
    lost = draws.chance("frame mask", frames, probability=condition.frame_mask).numpy()
    lost |= _spells(draws, "lost", condition.lost, frames=frames, fps=fps)
    hidden |= lost[..., None]
    for limb, joint_numbers in _LIMBS.items():
        spells = _spells(draws, limb, condition.hidden_limbs, frames=frames, fps=fps)
        hidden[..., joint_numbers] |= spells[..., None]
    return hidden


def _spells(
    draws: "Draws", name: str, spells: Spells, *, frames: int, fps: float
) -> Bool[np.ndarray, "view frame"]:
    """In which frames a spell goes on; at most one begins in each second."""
    seconds = int(np.ceil(frames / fps))
    begins = draws.chance(f"{name} begins", seconds, probability=spells.per_second).numpy()
    start = np.arange(seconds) + draws.uniform(f"{name} start", seconds).numpy()
    length = draws.uniform(
        f"{name} length", seconds, low=spells.shortest, high=spells.longest
    ).numpy()
    goes_on = np.zeros((len(draws), frames), dtype=bool)
    for view, second in np.argwhere(begins):
        first, last = fps * start[view, second], fps * (start + length)[view, second]
        goes_on[view, round(first) : round(last)] = True
    return goes_on
