"""A batch is what the network sees, and its target what the network must answer."""

import inspect
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from motionlift.confidence import believed
from motionlift.data.batch import Batch, DataSettings, make_batch, make_batch_2d, place
from motionlift.data.clips import Clips, ClipSettings, Cut
from motionlift.data.corruption import CorruptionSettings
from motionlift.data.draws import Draws
from motionlift.data.views import BodySettings, ViewSettings
from motionlift.skeletons import H36M17
from tests.data.bodies import moving, seen_flat, write_store

CPU = torch.device("cpu")
CLEAN = CorruptionSettings(noise=0.0, joint_mask=0.0, frame_mask=0.0)


def _batch(count: int, frames: int, settings: DataSettings) -> Batch:
    positions = np.stack([moving(frames, seed=seed) for seed in range(count)])
    cut = Cut(positions, np.ones(positions.shape[:3], dtype=bool))
    return make_batch(cut, Draws.of(torch.arange(count), seed=0, epoch=0), settings, device=CPU)


def test_clean_inputs_fill_the_box_and_agree_with_the_target() -> None:
    settings = DataSettings(body=BodySettings(flip=0.0), corruption=CLEAN)
    batch = _batch(4, 7, settings)
    xy = batch.inputs[..., :2]
    assert torch.allclose(xy.abs().amax(dim=(1, 2, 3)), torch.ones(4))
    # Orthographic: the target's x and y are the input's, seen from the root.
    relative = xy - xy[:, :, [H36M17.root]]
    torch.testing.assert_close(batch.target[..., :2], relative, atol=1e-5, rtol=1e-4)
    assert (batch.target[:, :, H36M17.root] == 0).all()


def test_the_target_times_scale_is_in_metres() -> None:
    batch = _batch(3, 5, DataSettings(body=BodySettings(flip=0.0), corruption=CLEAN))
    metres = batch.target * batch.scale[:, None, None, None]
    thigh = metres[:, :, H36M17.index("left_knee")] - metres[:, :, H36M17.index("left_hip")]
    original = np.stack([moving(5, seed=seed) for seed in range(3)])
    expected = np.linalg.norm(
        original[:, :, H36M17.index("left_knee")] - original[:, :, H36M17.index("left_hip")],
        axis=-1,
    )
    np.testing.assert_allclose(thigh.norm(dim=-1).numpy(), expected, atol=1e-4)


def test_missing_keypoints_are_zeros_and_still_targets() -> None:
    batch = _batch(20, 9, DataSettings())
    is_missing = batch.inputs[..., 2] == 0
    assert is_missing.any()
    assert (batch.inputs[is_missing] == 0).all()
    assert (batch.weight == 1).all()
    assert (batch.target[is_missing].abs().sum(dim=-1) > 0).float().mean() > 0.9


def test_joints_that_the_capture_lacks_are_neither_input_nor_target() -> None:
    positions = moving(5)[None]
    visibility = np.ones((1, 5, 17), dtype=bool)
    wrist = H36M17.index("left_wrist")
    visibility[:, 2, wrist] = False
    draws = Draws.of(torch.arange(1), seed=0, epoch=0)
    settings = DataSettings(body=BodySettings(flip=0.0), corruption=CLEAN)
    batch = make_batch(Cut(positions, visibility), draws, settings, device=CPU)
    assert (batch.inputs[0, 2, wrist] == 0).all()
    assert batch.weight[0, 2, wrist] == 0


def test_a_clip_with_nothing_to_see_stays_finite() -> None:
    image = torch.zeros(1, 3, 17, 2)
    batch = place(
        image, torch.zeros(1, 3, 17), torch.zeros(1, 3, 17, 3), weight=torch.ones(1, 3, 17)
    )
    assert batch.inputs.isfinite().all()
    assert batch.target.isfinite().all()


def test_a_sample_is_the_same_alone_and_in_a_batch(tmp_path: Path) -> None:
    store = write_store(tmp_path / "store", lengths={"train": [40, 40, 40]})
    settings = DataSettings(
        clips=ClipSettings(slowest=0.8, fastest=2.5, shift=True),
        body=BodySettings(bone_scale=0.05, limb_scale=0.05, exchange=0.9),
        views=ViewSettings(projection="perspective", share=0.5),
        corruption=CorruptionSettings(noise_spread=0.8, offsets=1.0, absent=0.3, occlusion=0.3),
    )
    clips = Clips(store, split="train", frames=9, stride=9, settings=settings.clips)

    def batch_of(numbers: list[int]) -> Batch:
        own = np.array(numbers)
        draws = Draws.of(torch.from_numpy(own), seed=5, epoch=2)
        others = clips.cut(clips.others(draws), draws)
        return make_batch(clips.cut(own, draws), draws, settings, device=CPU, others=others)

    together, alone = batch_of([3, 7, 1]), batch_of([7])
    torch.testing.assert_close(together.inputs[1], alone.inputs[0], atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(together.target[1], alone.target[0], atol=1e-6, rtol=1e-5)


def test_no_two_places_draw_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    places: dict[str, set[str]] = {}
    draw = Draws._hashes

    def noted(self: Draws, name: str, count: int) -> torch.Tensor:
        frame = inspect.currentframe()
        while frame is not None and frame.f_code.co_filename in (__file__, draws_module):
            frame = frame.f_back
        assert frame is not None
        places.setdefault(name, set()).add(frame.f_code.co_name)
        return draw(self, name, count)

    draws_module = inspect.getfile(Draws)
    monkeypatch.setattr(Draws, "_hashes", noted)
    settings = DataSettings(
        body=BodySettings(bone_scale=0.1, limb_scale=0.1, exchange=0.5, turn=0.3),
        views=ViewSettings(projection="perspective", share=0.5, tumbled=0.2),
        corruption=CorruptionSettings(
            noise_spread=1.0, offsets=1.0, held=0.5, absent=0.3, occlusion=0.3, share=0.8
        ),
    )
    positions = np.stack([moving(5, seed=seed) for seed in range(4)])
    cut = Cut(positions, np.ones(positions.shape[:3], dtype=bool))
    draws = Draws.of(torch.arange(4), seed=0, epoch=0)
    make_batch(cut, draws, settings, device=CPU, others=cut)
    assert len(places) > 20
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_a_limb_of_another_clip_is_unknown_where_that_clip_lacks_it() -> None:
    count = 400
    positions = np.broadcast_to(moving(3), (count, 3, 17, 3)).copy()
    own = Cut(positions, np.ones((count, 3, 17), bool))
    others = Cut(positions, np.zeros((count, 3, 17), bool))
    draws = Draws.of(torch.arange(count), seed=0, epoch=0)
    settings = DataSettings(body=BodySettings(flip=0.0, exchange=0.5), corruption=CLEAN)
    batch = make_batch(own, draws, settings, device=CPU, others=others)
    is_exchanged = (batch.weight == 0).flatten(1).any(dim=1)
    assert abs(is_exchanged.float().mean() - 0.5) < 0.08
    assert set(batch.weight[is_exchanged].sum(dim=(1, 2)).tolist()) == {3 * 13.0, 3 * 15.0}


def _flat(frames: int, settings: DataSettings, *, seed: int = 0) -> tuple[Cut, Batch]:
    points = np.nan_to_num(seen_flat(frames, seed=seed))[None]
    cut = Cut(points, points[..., 2] > 0)
    draws = Draws.of(torch.arange(1), seed=0, epoch=0)
    return cut, make_batch_2d(cut, draws, settings, device=CPU)


def test_keypoints_are_their_own_target_with_the_detectors_confidence() -> None:
    cut, batch = _flat(12, DataSettings(body=BodySettings(flip=0.0), corruption=CLEAN))
    confidence = torch.from_numpy(cut.positions[..., 2])
    assert torch.equal(batch.weight, confidence)
    torch.testing.assert_close(batch.inputs[..., 2], believed(confidence))
    assert torch.equal(batch.inputs[..., :2], batch.target[..., :2])
    assert (batch.target[..., 2] == 0).all()
    seen = batch.inputs[..., :2][confidence > 0]
    torch.testing.assert_close(seen.abs().max(), torch.tensor(1.0))
    pixels = seen * batch.scale
    expected = torch.from_numpy(cut.positions[..., :2])[confidence > 0]
    torch.testing.assert_close(pixels - pixels[0], expected - expected[0], atol=1e-2, rtol=1e-5)


def test_masked_keypoints_are_no_input_but_still_targets() -> None:
    cut, batch = _flat(40, DataSettings(body=BodySettings(flip=0.0)))
    confidence = torch.from_numpy(cut.positions[..., 2])
    is_masked = (batch.inputs[..., 2] == 0) & (confidence > 0)
    assert 0.05 < is_masked.float().mean() < 0.3
    assert (batch.inputs[is_masked] == 0).all()
    assert torch.equal(batch.weight, confidence)
    assert (batch.target[is_masked].abs().sum(dim=-1) > 0).all()


def test_a_flip_exchanges_sides_and_what_is_seen_of_them() -> None:
    _, plain = _flat(6, DataSettings(body=BodySettings(flip=0.0), corruption=CLEAN))
    _, flipped = _flat(6, DataSettings(body=BodySettings(flip=1.0), corruption=CLEAN))
    mirror = list(H36M17.mirror)
    expected = plain.inputs[:, :, mirror] * torch.tensor([-1.0, 1.0, 1.0])
    torch.testing.assert_close(flipped.inputs, expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(flipped.weight, plain.weight[:, :, mirror])


def test_a_flip_exchanges_what_is_seen_of_capture_too() -> None:
    """Of a joint that the capture lacks the mirror image is not known, and nothing else."""

    def batch(flip: float) -> Batch:
        body, views = BodySettings(flip=flip), ViewSettings(kind="front")
        settings = DataSettings(body=body, views=views, corruption=CLEAN)
        return _lacking("left_wrist", slice(None), settings)

    plain, flipped = batch(0.0), batch(1.0)
    torch.testing.assert_close(flipped.weight, plain.weight[:, :, list(H36M17.mirror)])
    assert (flipped.weight[:, :, H36M17.index("right_wrist")] == 0).all()
    assert (flipped.weight[:, :, H36M17.index("left_wrist")] == 1).all()
    assert (flipped.inputs[:, :, H36M17.index("right_wrist")] == 0).all()
    torch.testing.assert_close(flipped.scale, plain.scale, rtol=1e-4, atol=0)


def test_keypoints_of_which_masks_leave_nothing_teach_nothing() -> None:
    hidden = CorruptionSettings(noise=0.0, joint_mask=0.0, frame_mask=0.0, absent=1.0)
    points = np.zeros((1, 3, 17, 3), dtype=np.float32)
    points[:, :, H36M17.index("spine")] = [900.0, 400.0, 0.9]
    draws = Draws.of(torch.arange(1), seed=0, epoch=0)
    cut = Cut(points, points[..., 2] > 0)
    batch = make_batch_2d(cut, draws, DataSettings(corruption=hidden), device=CPU)
    assert (batch.weight == 0).all() and (batch.inputs == 0).all()
    assert batch.target.isfinite().all()


def _lacking(joint: str, frames: slice, settings: DataSettings, *, count: int = 40) -> Batch:
    """People five metres from the origin, of whom the capture lacks a joint: it stands at 0."""
    positions = np.stack([moving(9, seed=seed) for seed in range(count)]) + np.float32([0, 0, 5])
    visibility = np.ones(positions.shape[:3], dtype=bool)
    visibility[:, frames, H36M17.index(joint)] = False
    positions[~visibility] = 0
    draws = Draws.of(torch.arange(count), seed=0, epoch=0)
    return make_batch(Cut(positions, visibility), draws, settings, device=CPU)


def test_a_joint_behind_one_that_was_not_seen_is_no_target_where_bones_are_rescaled() -> None:
    still = BodySettings(flip=0.0)
    varied = replace(still, bone_scale=0.04, limb_scale=0.06)
    plain = DataSettings(body=still, corruption=CLEAN)
    batch = _lacking("left_elbow", slice(None), replace(plain, body=varied))
    unknown = {H36M17.joints[joint] for joint in (batch.weight[0, 0] == 0).nonzero()[:, 0]}
    assert unknown == {"left_elbow", "left_wrist"}
    assert (batch.inputs[:, :, H36M17.index("left_wrist")] == 0).all()
    metres = (batch.target * batch.scale[:, None, None, None])[batch.weight > 0]
    assert metres.norm(dim=-1).max() < 1.5
    # As recorded, the wrist is where it was seen.
    assert _lacking("left_elbow", slice(None), plain).weight[0, 0].sum() == 16


def test_frames_without_a_root_do_not_move_the_camera() -> None:
    views = ViewSettings(projection="perspective", share=1.0, nearest=2.0)
    settings = DataSettings(body=BodySettings(flip=0.0), views=views, corruption=CLEAN)
    whole = _lacking("left_wrist", slice(0, 0), settings)
    part = _lacking("pelvis", slice(0, 5), settings)
    # Five of nine roots at the origin would have moved it by metres.
    assert (part.scale / whole.scale - 1).abs().max() < 0.1


def test_a_clip_with_a_single_point_to_see_teaches_nothing() -> None:
    image = torch.zeros(2, 1, 17, 2)
    image[..., 0] = torch.arange(17.0)
    confidence = torch.zeros(2, 1, 17)
    confidence[0, 0, 3] = 1
    confidence[1, 0, 3:5] = 1
    camera = torch.randn(2, 1, 17, 3)
    weight = place(image, confidence, camera, weight=torch.ones(2, 1, 17)).weight
    assert (weight[0] == 0).all() and (weight[1] == 1).all()
