"""Lifting: one frame for one frame, in the keypoints' own pixels, whatever the length and gaps."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from motionlift.confidence import CONFIDENCE_CONVENTION, believed
from motionlift.errors import MotionliftError, OptionError, WeightsError
from motionlift.lifting import Lifter, mirrored, root_in_image
from motionlift.lifting import lifter as lifter_module
from motionlift.lifting.weave import Weave
from motionlift.network.dstformer import DSTformer
from motionlift.skeletons import COCO17, H36M17
from tests.lifting.makers import WINDOW, Echo, hidden, lifter, pose, tiny, with_error_head


@pytest.mark.parametrize("num_frames", [1, 2, WINDOW - 1, WINDOW, WINDOW + 1, 3 * WINDOW + 5, 700])
def test_each_frame_of_keypoints_gives_one_frame_of_joints(num_frames: int) -> None:
    seen = replace(pose(num_frames), frame_index=np.arange(num_frames) + 7)
    lifted = lifter().lift_pose(seen)
    assert lifted.positions.shape == (num_frames, 17, 3)
    assert lifted.positions.dtype == np.float32
    assert np.isfinite(lifted.positions).all()
    assert_array_equal(lifted.frame_index, seen.frame_index)
    assert (lifted.units, lifted.space, lifted.fps) == ("px", "camera", 50.0)
    assert_array_equal(lifted.positions[:, H36M17.root], 0)


def test_answers_come_back_in_the_pixels_of_the_keypoints() -> None:
    # A network that repeats what it sees gives each joint's offset from the box's middle, so the
    # root lies at that middle.
    seen = pose(1)
    seen.keypoints[0, H36M17.root] = 200
    lifted = lifter(Echo).lift_pose(seen)
    low, high = seen.keypoints.min(axis=(0, 1)), seen.keypoints.max(axis=(0, 1))
    middle = (low + high) / 2
    assert_allclose(lifted.positions[0, 1:, :2], seen.keypoints[0, 1:] - middle, rtol=1e-5)
    assert_allclose(lifted.positions[0, 1:, 2], 0.9 * (high - low).max() / 2, rtol=1e-5)
    assert lifted.root_xy is not None


def test_larger_pictures_give_larger_bodies_and_nothing_else() -> None:
    small = pose(40)
    large = replace(small, keypoints=small.keypoints * 4 + [1000, -50])
    first, second = lifter().lift_pose(small), lifter().lift_pose(large)
    assert_allclose(second.positions, first.positions * 4, rtol=1e-3, atol=1e-2)
    assert first.root_xy is not None and second.root_xy is not None
    assert_allclose(second.root_xy, first.root_xy * 4 + [1000, -50], rtol=1e-4)


def test_a_window_is_placed_by_its_own_box() -> None:
    # The person comes four times closer; each window alone must not notice.
    near = pose(WINDOW)
    far = replace(near, keypoints=near.keypoints / 4)
    both = replace(pose(2 * WINDOW), keypoints=np.concatenate([near.keypoints, far.keypoints]))
    options = {"stride": WINDOW}
    lifted = lifter(**options).lift_pose(both)
    alone = lifter(**options).lift_pose(near)
    assert_allclose(lifted.positions[:WINDOW], alone.positions, rtol=1e-4, atol=1e-3)
    assert_allclose(lifted.positions[WINDOW:], alone.positions / 4, rtol=1e-4, atol=1e-3)


def test_joints_that_no_keypoint_shows_are_lifted_and_named() -> None:
    lifted = lifter().lift_pose(pose(20, skeleton=COCO17))
    assert np.isfinite(lifted.positions).all()
    assert lifted.lifted_from is not None
    assert np.isnan(lifted.lifted_from.keypoints[:, H36M17.index("head_top")]).all()
    assert any("spine, head_top: never among the keypoints" in note for note in lifted.notes)


def test_a_short_gap_is_filled_and_said() -> None:
    lifted = lifter().lift_pose(hidden(pose(40), slice(10, 14)))
    assert np.isfinite(lifted.positions).all()
    assert "4 frames without any keypoint are filled in by the network" in lifted.notes


def test_frames_that_no_window_with_a_person_reaches_are_missing() -> None:
    lifted = lifter().lift_pose(hidden(pose(100), slice(30, 70)))
    is_missing = np.isnan(lifted.positions).any(axis=(1, 2))
    assert_array_equal(is_missing, (lifted.confidence == 0).all(axis=1))
    assert is_missing[45:55].all()
    assert not is_missing[:30].any()
    assert not is_missing[70:].any()
    assert lifted.num_frames == 100
    assert lifted.root_xy is not None
    assert np.isfinite(lifted.root_xy).all()
    assert any(f"{is_missing.sum()} frames are too far" in note for note in lifted.notes)


def test_nobody_at_all_is_an_error_that_names_the_source() -> None:
    with pytest.raises(MotionliftError, match=r"made\.json: no two distinct keypoints"):
        lifter().lift_pose(hidden(pose(30), slice(None)))


def test_one_visible_point_is_an_error_too() -> None:
    with pytest.raises(MotionliftError, match="nothing to lift"):
        lifter().lift_pose(hidden(pose(1), slice(None), slice(1, None)))


def test_batches_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = pose(100)
    lifted = lifter().lift_pose(seen).positions
    monkeypatch.setattr(lifter_module, "_BATCH_SIZE", {"cpu": 1})
    assert_allclose(lifter().lift_pose(seen).positions, lifted, rtol=1e-4, atol=1e-3)


def test_progress_runs_to_the_last_window() -> None:
    told: list[tuple[int, int]] = []
    lifter().lift_pose(pose(5000), on_progress=lambda done, total: told.append((done, total)))
    assert len(told) > 1
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1] == 833


def test_root_is_where_the_joints_fit_the_keypoints_best() -> None:
    seen = pose(5)
    positions = np.zeros((5, 17, 3), dtype=np.float32)
    positions[..., :2] = seen.keypoints - [220.0, 130.0]
    assert_allclose(root_in_image(seen, positions), np.tile([220.0, 130.0], (5, 1)), rtol=1e-4)


def test_root_of_frames_without_keypoints_lies_on_a_line_between_the_others() -> None:
    root = np.array([[0.0, 0.0], [10.0, 20.0], [20.0, 40.0], [30.0, 60.0], [30.0, 60.0]])
    offsets = np.random.default_rng(0).normal(size=(17, 2))
    seen = hidden(replace(pose(5), keypoints=root[:, None] + offsets), [1, 2, 4])
    positions = np.zeros((5, 17, 3))
    positions[..., :2] = offsets
    assert_allclose(root_in_image(seen, positions), root, atol=1e-9)


def test_a_doubtful_keypoint_moves_the_root_less() -> None:
    seen = pose(1)
    seen.confidence[:] = 0.01
    seen.confidence[0, H36M17.index("nose")] = 1.0
    positions = np.zeros((1, 17, 3))
    nose = seen.keypoints[0, H36M17.index("nose")]
    others = np.delete(seen.keypoints[0], H36M17.index("nose"), axis=0)
    expected = (nose + 0.01 * others.sum(axis=0)) / 1.16
    assert_allclose(root_in_image(seen, positions)[0], expected)


def test_the_mirror_of_the_mirror_is_the_clip() -> None:
    clip = torch.randn(2, 4, 17, 3)
    assert_array_equal(mirrored(mirrored(clip)).numpy(), clip.numpy())
    left, right = H36M17.index("left_wrist"), H36M17.index("right_wrist")
    assert_allclose(mirrored(clip)[:, :, left, 0], -clip[:, :, right, 0])
    assert_allclose(mirrored(clip)[:, :, left, 1:], clip[:, :, right, 1:])


def test_with_flip_a_mirrored_person_is_lifted_to_the_mirror_image() -> None:
    seen = pose(25)
    mirror = list(H36M17.mirror)
    reflected = replace(
        seen,
        keypoints=(seen.keypoints * [-1, 1])[:, mirror],
        confidence=seen.confidence[:, mirror],
    )
    lifted = lifter(flip=True).lift_pose(seen).positions
    expected = (lifted * [-1, 1, 1])[:, mirror]
    assert_allclose(lifter(flip=True).lift_pose(reflected).positions, expected, atol=1e-3)
    plain = lifter().lift_pose(reflected).positions
    assert np.abs(plain - (lifter().lift_pose(seen).positions * [-1, 1, 1])[:, mirror]).max() > 0.1


def test_bf16_agrees_with_fp32_to_a_few_thousandths_of_the_body() -> None:
    seen = pose(30)
    precise = lifter().lift_pose(seen).positions
    coarse = Lifter(tiny(), device="cpu", precision="bf16").lift_pose(seen).positions
    assert coarse.dtype == np.float32
    assert_allclose(coarse, precise, atol=0.02 * np.abs(precise).max())


def test_encoding_gives_the_representation_of_each_joint_and_frame() -> None:
    features = lifter().encode_pose(pose(40))
    assert features.shape == (40, 17, 8)
    assert np.abs(features).max() <= 1


def test_unusual_frame_rates_and_jumping_frame_numbers_are_said() -> None:
    numbers = np.arange(10) * 3 + 5 * (np.arange(10) > 6)
    notes = " / ".join(lifter().lift_pose(replace(pose(10), fps=15.0, frame_index=numbers)).notes)
    assert "5 frames a second" in notes
    assert "frame numbers jump 1 times" in notes


def test_where_every_other_frame_is_there_windows_are_of_half_the_rate() -> None:
    seen = replace(pose(60), fps=100.0, frame_index=np.arange(60) * 2)
    half = replace(seen, fps=50.0, frame_index=np.arange(60))
    assert_array_equal(lifter().lift_pose(seen).positions, lifter().lift_pose(half).positions)


@pytest.mark.parametrize("frames", [5 * WINDOW, 5 * WINDOW + 3, 12 * WINDOW + 1])
def test_of_a_faster_file_the_answers_to_every_kth_frame_are_woven(frames: int) -> None:
    seen = replace(pose(frames), fps=5 * 50.0)
    whole = lifter().lift_pose(seen)
    assert (whole.fps, whole.num_frames) == (250, frames)
    slower = np.full((frames, 17, 3), np.nan, dtype=np.float32)
    for first in range(5):
        own = replace(
            seen,
            keypoints=seen.keypoints[first::5],
            confidence=seen.confidence[first::5],
            frame_index=seen.frame_index[first::5] // 5,
            fps=50.0,
        )
        slower[first::5] = lifter().lift_pose(own).positions
    woven = Weave(apart=5, shape=(17, 3)).add(slower, is_end=True)
    assert_allclose(whole.positions, woven, rtol=1e-4, atol=1e-2)


def test_a_rate_that_nobody_knows_is_assumed_and_said_where_it_matters() -> None:
    model = tiny()
    model.card = {"conventions": {"fps": 10.0}}
    slow = Lifter(model, device="cpu", precision="fp32")
    unknown, known = (replace(pose(60), fps=fps) for fps in (None, 40.0))
    lifted = slow.lift_pose(unknown)
    assert_array_equal(lifted.positions, slow.lift_pose(known).positions)
    assert lifted.notes[-1].startswith("the network counts time, and no frame rate is known")
    assert lifter().lift_pose(unknown).notes == lifter().lift_pose(known).notes


def test_windows_have_the_length_of_the_clips_in_training() -> None:
    model = tiny()
    model.card = {"clip_frames": 5}
    assert Lifter(model, device="cpu").window == 5
    model.card = {}
    assert Lifter(model, device="cpu").window == WINDOW


@pytest.mark.parametrize("said", [0, WINDOW + 1, "9", 4.5])
def test_a_card_with_an_impossible_clip_length_is_refused(said: object) -> None:
    model = tiny()
    model.card = {"clip_frames": said}
    with pytest.raises(WeightsError, match="clip_frames"):
        Lifter(model, device="cpu")


def test_the_rate_of_the_training_is_what_the_card_says() -> None:
    model = tiny()
    assert Lifter(model, device="cpu").trained_fps == 50
    model.card = {"conventions": {"fps": 100.0}}
    knowing = Lifter(model, device="cpu")
    assert knowing.trained_fps == 100
    notes = " / ".join(knowing.lift_pose(replace(pose(10), fps=30.0)).notes)
    assert "30 frames a second is far less than the network was trained for" in notes
    notes = knowing.lift_pose(replace(pose(10), fps=None)).notes
    assert not any("frame rate" in note for note in notes)
    model.card = {"conventions": {"fps": "fast"}}
    with pytest.raises(WeightsError, match="fps='fast', but a rate is above 0"):
        Lifter(model, device="cpu")


def test_a_detectors_confidences_are_taken_as_the_cards_convention_says() -> None:
    seen = pose(20)
    sure = replace(seen, confidence=np.where(seen.is_visible, 0.6, 0.0))
    surer = replace(seen, confidence=np.where(seen.is_visible, 0.9, 0.0))
    as_trained = replace(seen, confidence=believed(sure.confidence))
    model = tiny()
    for card, is_believed in (({}, False), ({"confidence": CONFIDENCE_CONVENTION}, True)):
        model.card = {"conventions": card}
        detected = Lifter(model, device="cpu", precision="fp32")
        simulated = Lifter(model, device="cpu", precision="fp32", confidences="simulated")
        found = detected.lift_pose(sure)
        assert found.lifted_from is not None
        assert_array_equal(found.lifted_from.confidence, sure.confidence)
        same = np.array_equal(found.positions, detected.lift_pose(surer).positions)
        assert same is is_believed
        wanted = as_trained if is_believed else sure
        assert_allclose(found.positions, simulated.lift_pose(wanted).positions, atol=1e-3)


def knowing() -> DSTformer:
    """A network that learned with the noise model."""
    model = tiny()
    model.card = {"conventions": {"confidence": CONFIDENCE_CONVENTION}}
    return model


def test_short_windows_are_averaged_with_long_ones() -> None:
    seen = pose(60)
    told: list[tuple[int, int]] = []
    both = Lifter(knowing(), device="cpu", precision="fp32", short_windows=True)
    assert both.short_window == WINDOW // 5
    found = both.lift_pose(seen, on_progress=lambda done, total: told.append((done, total)))
    parts = [
        Lifter(knowing(), device="cpu", precision="fp32", window=window).lift_pose(seen).positions
        for window in (WINDOW, WINDOW // 5)
    ]
    assert_allclose(found.positions, (parts[0] + parts[1]) / 2, rtol=1e-4, atol=1e-2)
    assert not np.allclose(parts[0], parts[1], atol=1e-2)
    shares = [done / total for done, total in told]
    assert shares == sorted(shares) and shares[-1] == 1


def test_where_a_short_window_sees_nobody_the_long_one_answers() -> None:
    seen = pose(WINDOW)
    keypoints, confidence = seen.keypoints.copy(), seen.confidence.copy()
    keypoints[:-1], confidence[:-1] = np.nan, 0.0
    keypoints[-1, 2:], confidence[-1, 2:] = np.nan, 0.0
    last = replace(seen, keypoints=keypoints, confidence=confidence)
    long = Lifter(knowing(), device="cpu", precision="fp32")
    both = Lifter(knowing(), device="cpu", precision="fp32", short_windows=True)
    assert_allclose(both.lift_pose(last).positions[0], long.lift_pose(last).positions[0], atol=1e-3)
    # One keypoint in the first frame, another in the last: only the long window can place them.
    keypoints[-1, 1], confidence[-1, 1] = np.nan, 0.0
    keypoints[0, 1], confidence[0, 1] = seen.keypoints[0, 1], 0.9
    apart = replace(seen, keypoints=keypoints, confidence=confidence)
    assert_allclose(both.lift_pose(apart).positions, long.lift_pose(apart).positions, atol=1e-3)


def test_networks_of_other_noise_have_no_short_windows() -> None:
    assert Lifter(tiny(), device="cpu", short_windows=True).short_window == 0


@pytest.mark.parametrize("stride", [0, WINDOW + 1])
def test_a_stride_that_would_skip_frames_is_refused(stride: int) -> None:
    with pytest.raises(OptionError, match=f"stride is {stride}"):
        lifter(stride=stride)


def test_a_shorter_window_is_what_shorter_clips_are_lifted_with() -> None:
    seen = pose(40)
    lifted = lifter(window=5, stride=5).lift_pose(seen).positions
    first = replace(
        seen,
        **{name: getattr(seen, name)[:5] for name in ("keypoints", "confidence")},
        frame_index=np.arange(5),
    )
    assert_allclose(lifted[:5], lifter().lift_pose(first).positions, rtol=1e-4, atol=1e-3)
    assert lifter(window=5).stride == 2


@pytest.mark.parametrize("window", [0, WINDOW + 1])
def test_a_window_that_no_training_clip_had_is_refused(window: int) -> None:
    with pytest.raises(OptionError, match=f"window is {window}.* 1 to {WINDOW}"):
        lifter(window=window)


def test_poses_lifted_together_are_as_lifted_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    # Batches that hold parts of several sequences, of several lengths, one without anybody inside.
    monkeypatch.setattr(lifter_module, "_BATCH_SIZE", {"cpu": 16 * WINDOW * 5})
    poses = [pose(count, seed=count) for count in (3, 100, 3, 12, 13, 1, 40)]
    poses[1] = hidden(poses[1], slice(30, 70))
    told: list[tuple[int, int]] = []
    together = lifter().lift_poses(
        poses, on_progress=lambda done, total: told.append((done, total))
    )
    assert told[-1][0] == told[-1][1]
    for seen, lifted in zip(poses, together, strict=True):
        alone = lifter().lift_pose(seen)
        assert_allclose(lifted.positions, alone.positions, rtol=1e-4, atol=1e-3)
        assert_array_equal(lifted.confidence, alone.confidence)
        assert lifted.notes == alone.notes


def test_the_windows_of_a_long_sequence_are_not_in_memory_at_once() -> None:
    seen = pose(60_000)
    lifting = lifter(Echo)
    lifting.lift_pose(pose(100))
    tracemalloc.start()
    lifted = lifting.lift_pose(seen)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # What stays is positions, confidences and root; all windows would be 2.25 times the positions.
    kept = lifted.positions.nbytes + lifted.confidence.nbytes
    assert peak < 2 * kept


def test_an_error_head_tells_the_expected_error_and_moves_no_joint() -> None:
    seen = pose(30)
    told, plain = with_error_head().lift_pose(seen), lifter().lift_pose(seen)
    np.testing.assert_allclose(told.positions, plain.positions, rtol=1e-6, atol=1e-4)
    assert plain.expected_error is None
    assert told.expected_error is not None
    assert (told.expected_error[:, H36M17.root] == 0).all()
    others = np.delete(told.expected_error, H36M17.root, axis=1)
    assert (others > 0).all()


def test_the_expected_error_is_in_pixels() -> None:
    small = pose(30)
    large = replace(small, keypoints=3 * small.keypoints)
    expected = [with_error_head().lift_pose(each).expected_error for each in (small, large)]
    assert expected[0] is not None and expected[1] is not None
    np.testing.assert_allclose(expected[1], 3 * expected[0], rtol=1e-4)


def test_the_mirror_image_has_the_same_expected_errors_with_flip() -> None:
    seen = pose(12)
    mirror = replace(seen, keypoints=seen.keypoints[:, list(H36M17.mirror)] * [-1, 1])
    expected = [
        with_error_head(flip=True).lift_pose(each).expected_error for each in (seen, mirror)
    ]
    assert expected[0] is not None and expected[1] is not None
    np.testing.assert_allclose(expected[1][:, list(H36M17.mirror)], expected[0], rtol=1e-4)


def test_frames_without_an_answer_have_no_expected_error() -> None:
    lifted = with_error_head().lift_pose(hidden(pose(60), slice(20, 50)))
    assert lifted.expected_error is not None
    assert (np.isnan(lifted.expected_error) == np.isnan(lifted.positions[..., 0])).all()
    assert np.isnan(lifted.expected_error).any()
