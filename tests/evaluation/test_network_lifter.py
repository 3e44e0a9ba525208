"""A lifter under test: what it is shown, clip by clip, and what becomes of a failure."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motionlift.data.store import Store
from motionlift.errors import MotionliftError, OptionError
from motionlift.evaluation.network_lifter import NetworkLifter
from motionlift.evaluation.protocols import PROTOCOLS, StoreProtocol
from motionlift.evaluation.samples import Sample, make_sample
from motionlift.poses import Pose2D
from tests.evaluation.stores import make_store

OPEN = PROTOCOLS.get("open")


class Lifted:
    def __init__(self, positions: np.ndarray) -> None:
        self.positions = positions
        self.expected_error: np.ndarray | None = None


class Counting:
    """Answers with the clip's number of frames, and the place of each frame in its clip."""

    channels = 3

    def __init__(self) -> None:
        self.lengths: list[int] = []

    def lift_poses(self, poses: Sequence[Pose2D]) -> list[Lifted]:
        if not all(pose.is_visible.any() for pose in poses):
            raise MotionliftError("nothing is visible")
        self.lengths += [pose.num_frames for pose in poses]
        return [Lifted(self._answer(pose)) for pose in poses]

    def _answer(self, pose: Pose2D) -> np.ndarray:
        answer = np.zeros((pose.num_frames, 17, 3))
        answer[..., 0] = pose.num_frames
        answer[..., 1] = np.arange(pose.num_frames)[:, None]
        return answer


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    path: Path = tmp_path_factory.mktemp("store") / "s"
    store: Store = make_store(path, lengths=(40,))
    assert isinstance(OPEN, StoreProtocol)
    sequence = store.select(split="test")[0]
    return make_sample(store, sequence, protocol=OPEN, condition=OPEN.conditions["clean"])


def lifted(sample: Sample, clip_frames: int | None) -> tuple[np.ndarray, list[int]]:
    counting: Any = Counting()
    return NetworkLifter(counting, clip_frames=clip_frames)(sample), counting.lengths


def test_a_sequence_is_shown_whole_unless_asked_otherwise(sample: Sample) -> None:
    answer, lengths = lifted(sample, None)
    assert lengths == [40] * 4
    assert (answer[:, :, 0, 1] == np.arange(40)).all()


@pytest.mark.parametrize(
    ("clip_frames", "clips", "last"), [(1, 40, 0), (9, 5, 8), (27, 2, 26), (40, 1, 39)]
)
def test_each_clip_is_lifted_by_itself_and_every_frame_answered(
    sample: Sample, clip_frames: int, clips: int, last: int
) -> None:
    answer, lengths = lifted(sample, clip_frames)
    assert lengths == [clip_frames] * clips * 4
    assert (answer[..., 0] == clip_frames).all()
    assert (answer[:, -1, 0, 1] == last).all()  # the last clip ends with the sequence


def test_a_clip_longer_than_the_sequence_is_the_sequence(sample: Sample) -> None:
    answer, lengths = lifted(sample, 243)
    assert lengths == [40] * 4
    assert np.isfinite(answer).all()


def test_a_clip_without_keypoints_is_a_failure_and_no_other_is(sample: Sample) -> None:
    hidden = np.zeros((4, 40), dtype=bool)
    hidden[1, 9:18] = hidden[3, 2:8] = True
    blind = replace(
        sample,
        keypoints=np.where(hidden[..., None, None], np.nan, sample.keypoints),
        confidence=np.where(hidden[..., None], 0.0, sample.confidence),
    )
    answer, _ = lifted(blind, 9)
    failed = np.isnan(answer).any(axis=(-2, -1))
    assert np.argwhere(failed).tolist() == [[1, frame] for frame in range(9, 18)]


def test_a_clip_has_a_frame() -> None:
    with pytest.raises(OptionError, match="clip-frames is 0, but a clip has at least 1 frame"):
        lifted_by: Any = Counting()
        NetworkLifter(lifted_by, clip_frames=0)


def test_expected_errors_are_a_fourth_channel(sample: Sample) -> None:
    class Knowing(Counting):
        channels = 4

        def lift_poses(self, poses: Sequence[Pose2D]) -> list[Lifted]:
            motions = super().lift_poses(poses)
            for motion in motions:
                motion.expected_error = motion.positions[..., 0] + 5
            return motions

    knowing: Any = Knowing()
    answer = NetworkLifter(knowing)(sample)
    assert answer.shape == (*sample.target.shape[:3], 4)
    assert (answer[..., 3] == answer[..., 0] + 5).all()
