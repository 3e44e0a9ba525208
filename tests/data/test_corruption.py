"""Corruption: mask rates and moments as the theory has them, and the published code as it was."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from motionlift.confidence import FOUND, believed
from motionlift.data.corruption import (
    CorruptionSettings,
    corrupt,
    detector_offsets,
    is_detected,
    masks,
)
from motionlift.data.draws import Draws
from motionlift.data.noise import METRES_PER_UNIT, noise_model, stretch
from motionlift.data.published import published_masks, published_noise
from motionlift.data.views import ViewSettings, see
from motionlift.errors import RecipeError
from motionlift.skeletons import H36M17
from tests.data.bodies import moving

MODEL = noise_model(torch.device("cpu"))


def _seen(count: int, frames: int) -> tuple[torch.Tensor, torch.Tensor]:
    people = torch.from_numpy(moving(frames)).expand(count, -1, -1, -1)
    return see(people, _draws(count), ViewSettings())


def _draws(count: int) -> Draws:
    return Draws.of(torch.arange(count), seed=0, epoch=0)


@pytest.mark.parametrize("frames", [9, 27, 30, 81, 243])
def test_the_published_noise_and_masks_agree_with_recorded_runs(shared: Path, frames: int) -> None:
    with np.load(shared / "reference" / "noise_golden.npz") as stored:
        golden = {
            key.partition("/")[2]: torch.from_numpy(stored[key])
            for key in stored.files
            if key.startswith(f"T{frames}/")
        }
    noisy = published_noise(
        golden["in"][..., :2],
        select=golden["draw_select"][..., 0],
        gaussian=golden["draw_gaussian"],
        uniform=golden["draw_uniform"],
        jitter=golden["draw_frame_jitter"],
        shift=golden["draw_conf_shift"],
        model=MODEL,
    )
    torch.testing.assert_close(noisy, golden["noisy"], atol=1e-6, rtol=0)
    masked = published_masks(
        noisy,
        joint=golden["draw_mask_joint"],
        frame=golden["draw_mask_frame"],
        joint_mask=0.05,
        frame_mask=0.1,
    )
    torch.testing.assert_close(masked, golden["masked"], atol=1e-6, rtol=0)


def test_mask_rates_are_as_set() -> None:
    settings = CorruptionSettings(joint_mask=0.05, frame_mask=0.1)
    hidden = masks(_draws(400), settings, frames=50)
    lost = hidden.all(dim=2)
    assert abs(lost.float().mean() - 0.1) < 0.006
    assert abs(hidden[~lost].float().mean() - 0.05) < 0.003
    # Drawn for each sample by itself, not for the batch.
    assert lost.float().mean(dim=0).max() < 0.2


def test_at_least_one_frame_of_a_sample_is_shown() -> None:
    hidden = masks(_draws(500), CorruptionSettings(frame_mask=0.9), frames=2)
    assert (~hidden).sum(dim=2).max(dim=1).values.min() > H36M17.num_joints // 2


def test_noise_has_the_size_of_the_published_noise() -> None:
    camera, image = _seen(300, 243)
    settings = CorruptionSettings(joint_mask=0.0, frame_mask=0.0)
    noisy, confidence = corrupt(image, _draws(300), settings, camera=camera)
    offset = (noisy - image) / METRES_PER_UNIT
    # Measured on the published code: 512 clips of 243 frames.
    assert abs(offset.std() - 0.00719) < 0.0004
    assert abs(confidence.mean() - 0.781) < 0.01
    assert abs(confidence.std() - 0.159) < 0.01


def test_noise_drifts_as_slowly_in_short_clips_as_in_long_ones() -> None:
    settings = CorruptionSettings(joint_mask=0.0, frame_mask=0.0)
    sizes = []
    for frames in (9, 81):
        camera, image = _seen(200, frames)
        noisy, _ = corrupt(image, _draws(200), settings, camera=camera)
        sizes.append((noisy - image).diff(dim=1).std())
    assert abs(sizes[0] / sizes[1] - 1) < 0.1


def test_noise_drifts_as_fast_where_a_second_has_fewer_frames() -> None:
    settings = CorruptionSettings(joint_mask=0.0, frame_mask=0.0)
    camera, image = _seen(400, 41)
    dense, _ = corrupt(image, _draws(400), settings, camera=camera)
    sparse, _ = corrupt(image[:, ::5], _draws(400), settings, camera=camera[:, ::5], fps=10.0)
    steps = [(dense - image)[:, ::5].diff(dim=1).std(), (sparse - image[:, ::5]).diff(dim=1).std()]
    assert abs(steps[0] / steps[1] - 1) < 0.1


def test_held_noise_errs_in_the_same_direction_in_the_whole_clip() -> None:
    camera, image = _seen(400, 81)
    drifting = CorruptionSettings(joint_mask=0.0, frame_mask=0.0, detectors=1.0)
    usual, _ = corrupt(image, _draws(400), drifting, camera=camera)
    noisy, _ = corrupt(image, _draws(400), replace(drifting, held=0.3), camera=camera)
    is_held = (noisy != usual).flatten(1).any(dim=1)
    assert abs(is_held.float().mean() - 0.3) < 0.07
    # What differs between frames is jitter alone.
    jitter = (noisy[is_held] - image[is_held]).std(dim=1).mean() / METRES_PER_UNIT
    assert abs(jitter / MODEL.jitter - 1) < 0.05


def test_key_frames_are_interpolated_linearly_at_their_spacing() -> None:
    values = torch.tensor([0.0, 10.0, 0.0])[None, :, None]
    drawn_out = stretch(values, frames=5, spacing=2.0)[0, :, 0]
    torch.testing.assert_close(drawn_out, torch.tensor([0.0, 5.0, 10.0, 5.0, 0.0]))
    ends = stretch(values, frames=9)[0, :, 0]
    assert ends[0] == ends[-1] == 0
    assert ends[4] == 10


def test_masked_joints_have_confidence_zero_and_seen_ones_never() -> None:
    camera, image = _seen(50, 27)
    settings = CorruptionSettings(
        noise_spread=0.8, detectors=0.5, offsets=1.0, absent=0.3, occlusion=0.3
    )
    _, confidence = corrupt(image, _draws(50), settings, camera=camera)
    hidden = masks(_draws(50), settings, frames=27)
    assert torch.equal(confidence == 0, hidden)


def test_a_detector_without_a_spine_never_sees_one_in_a_clip() -> None:
    settings = CorruptionSettings(joint_mask=0.0, frame_mask=0.0, absent=0.4)
    hidden = masks(_draws(2000), settings, frames=3)[:, :, H36M17.index("spine")]
    assert torch.equal(hidden.all(dim=1), hidden.any(dim=1))
    assert abs(hidden[:, 0].float().mean() - 0.4) < 0.04


def test_an_occluded_limb_is_hidden_in_one_piece() -> None:
    settings = CorruptionSettings(joint_mask=0.0, frame_mask=0.0, occlusion=1.0)
    hidden = masks(_draws(500), settings, frames=40)
    wrist = hidden[:, :, H36M17.index("left_wrist")]
    assert torch.equal(wrist, hidden[:, :, H36M17.index("left_elbow")])
    edges = wrist.int().diff(dim=1).abs().sum(dim=1)
    assert edges.max() <= 2
    assert 0.02 < wrist.float().mean() < 0.2


def test_long_occlusions_hide_a_limb_in_the_whole_clip() -> None:
    settings = CorruptionSettings(
        joint_mask=0.0, frame_mask=0.0, occlusion=1.0, occlusion_length=3.0
    )
    wrist = masks(_draws(500), settings, frames=40)[:, :, H36M17.index("left_wrist")]
    # One limb of five; from the middle of a clip m, time max(m, 1 - m) <= length / 2 hides all.
    assert abs(wrist.all(dim=1).float().mean() - 0.2 * 0.5) < 0.03


def test_a_detectors_own_hips_stand_still_in_the_body() -> None:
    camera, _ = _seen(20, 4)
    offset = detector_offsets(camera, _draws(20))
    middle = (offset[:, :, H36M17.index("left_hip")] + offset[:, :, H36M17.index("right_hip")]) / 2
    torch.testing.assert_close(offset[:, :, H36M17.index("pelvis")], middle, atol=1e-6, rtol=1e-5)
    assert 0.005 < offset.std() < 0.06


def test_a_detector_may_guess_one_hip_centimetres_beside_the_other() -> None:
    camera, _ = _seen(300, 2)
    offset = detector_offsets(camera, _draws(300))
    sides = [offset[:, :, H36M17.index(f"{side}_hip")] for side in ("left", "right")]
    assert 0.02 < (sides[0] - sides[1]).abs().mean() < 0.06


def test_detectors_samples_have_offsets_and_a_confidence_that_says_little() -> None:
    camera, image = _seen(400, 9)
    plain = CorruptionSettings(joint_mask=0.0, frame_mask=0.0)
    usual, usual_confidence = corrupt(image, _draws(400), plain, camera=camera)
    settings = replace(plain, detectors=0.4, offsets=0.5)
    found, confidence = corrupt(image, _draws(400), settings, camera=camera)
    detected = is_detected(_draws(400), settings)
    assert abs(detected.float().mean() - 0.4) < 0.07
    offset = 0.5 * detector_offsets(camera, _draws(400))[detected]
    torch.testing.assert_close(found[detected], usual[detected] + offset, atol=1e-6, rtol=1e-5)
    assert torch.equal(confidence[detected], believed(usual_confidence[detected]))
    assert (confidence[detected] == FOUND).float().mean() > 0.95
    assert torch.equal(found[~detected], usual[~detected])
    assert torch.equal(confidence[~detected], usual_confidence[~detected])


def test_exact_samples_are_no_detectors() -> None:
    settings = CorruptionSettings(detectors=0.5, share=0.6)
    camera, image = _seen(400, 3)
    _, confidence = corrupt(image, _draws(400), settings, camera=camera)
    detected = is_detected(_draws(400), settings)
    assert abs(detected.float().mean() - 0.3) < 0.07
    assert (confidence[detected] <= FOUND).all()


def test_a_share_of_the_samples_is_corrupted_as_ever_and_the_others_are_exact() -> None:
    camera, image = _seen(400, 9)
    whole = CorruptionSettings(
        noise_spread=0.8, detectors=0.5, offsets=1.0, absent=0.3, occlusion=0.3
    )
    usual, usual_confidence = corrupt(image, _draws(400), whole, camera=camera)
    part = replace(whole, share=0.7)
    found, confidence = corrupt(image, _draws(400), part, camera=camera)
    is_exact = (confidence == 1).all(dim=(1, 2))
    assert abs(is_exact.float().mean() - 0.3) < 0.07
    assert torch.equal(found[is_exact], image[is_exact])
    assert torch.equal(found[~is_exact], usual[~is_exact])
    assert torch.equal(confidence[~is_exact], usual_confidence[~is_exact])
    # Motion that is 2D only takes its masks alone.
    assert not masks(_draws(400), part, frames=9)[is_exact].any()


def test_occlusions_take_some_time() -> None:
    with pytest.raises(RecipeError, match=r"occlusion-length is 0\.0, but above 0"):
        CorruptionSettings(occlusion_length=0.0)


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_is_between_0_and_1(share: float) -> None:
    with pytest.raises(RecipeError, match=r"share is -?\d\.1, but in \[0, 1\]"):
        CorruptionSettings(share=share)


def test_published_corruption_shares_lost_frames_over_the_batch() -> None:
    camera, image = _seen(30, 243)
    _, confidence = corrupt(
        image, _draws(30), CorruptionSettings(compat="published"), camera=camera
    )
    lost = (confidence == 0).all(dim=2)
    assert lost.any()
    assert torch.equal(lost.all(dim=0), lost.any(dim=0))


def test_published_corruption_refuses_settings_that_it_does_not_know() -> None:
    with pytest.raises(RecipeError, match="knows no noise strength"):
        CorruptionSettings(compat="published", offsets=1.0)
