"""The expected error: learned above an encoder that stays, calibrated on held-out people."""

from pathlib import Path

import numpy as np
import pytest
import torch

from motionlift.data.batch import Batch, DataSettings
from motionlift.data.corruption import corrupt
from motionlift.data.draws import Draws
from motionlift.network.compute import Compute
from motionlift.network.dstformer import DSTformer, DSTformerConfig
from motionlift.network.weights import load_model
from motionlift.recipes.finetuning import FINETUNING
from motionlift.skeletons import H36M17
from motionlift.tasks.expected_error import (
    ErrorPredictor,
    ExpectedError,
    _calibration,
    _conditions,
    _deciles,
    _gaps,
)
from tests.data.bodies import moving, write_store

CONFIG = DSTformerConfig(dim_feat=16, dim_rep=16, depth=1, num_heads=2, mlp_ratio=2, max_frames=9)
CPU = Compute.choose(device="cpu", precision="fp32")
TASK = ExpectedError(hidden=16)


def _predictor() -> ErrorPredictor:
    torch.manual_seed(0)
    model = TASK.build(DSTformer(CONFIG), None)  # type: ignore[arg-type]
    assert isinstance(model, ErrorPredictor)
    return model


def _batch(count: int, seed: int = 0) -> Batch:
    """Joints that the encoder misses by what the sign of one keypoint tells: far, or near."""
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(count, 9, 17, 3, generator=generator)
    is_hard = (inputs[:, :, :, :1] > 0).float()
    with torch.no_grad():
        target = _predictor().backbone(inputs) + 0.3 * is_hard + 0.01
    ones = torch.ones(count, 9, 17)
    return Batch(inputs=inputs, target=target, weight=ones, scale=ones[:, 0, 0])


def test_the_head_learns_where_the_encoder_errs_and_the_encoder_stays() -> None:
    model = _predictor()
    before = {name: each.clone() for name, each in model.backbone.state_dict().items()}
    optimizer = torch.optim.AdamW([each for each in model.parameters() if each.requires_grad], 0.01)
    batch = _batch(64)
    for _ in range(150):
        optimizer.zero_grad()
        loss, _ = TASK.loss(model.train()(batch.inputs), batch)
        torch.autograd.backward(loss)
        optimizer.step()
    unseen = _batch(32, seed=1)
    expected = model(unseen.inputs)[..., 3].exp()
    joints = [joint for joint in range(17) if joint != H36M17.root]
    is_hard = (unseen.inputs[..., 0] > 0)[:, :, joints]
    said = expected[:, :, joints]
    assert said[is_hard].mean() > 2 * said[~is_hard].mean()
    assert all(
        torch.equal(each, before[name]) for name, each in model.backbone.state_dict().items()
    )


def test_the_root_and_joints_that_the_capture_lacks_are_no_errors() -> None:
    batch = _batch(2)
    model = _predictor()
    answer = model(batch.inputs)
    reference, _ = TASK.loss(answer, batch)
    spoiled = batch.target.clone()
    spoiled[:, :, H36M17.root] = 100.0
    weight = batch.weight.clone()
    weight[:, :, 5] = 0.0
    part = Batch(inputs=batch.inputs, target=spoiled, weight=batch.weight, scale=batch.scale)
    assert torch.equal(TASK.loss(answer, part)[0], reference)
    spoiled[:, :, 5] = 100.0
    missing = Batch(inputs=batch.inputs, target=spoiled, weight=weight, scale=batch.scale)
    assert TASK.loss(answer, missing)[0] < 10


def test_calibration_finds_what_was_said_too_small() -> None:
    generator = np.random.default_rng(0)
    said = generator.normal(-2.5, 0.8, 200_000)
    true = np.exp(0.2 + 1.1 * said) * generator.exponential(size=said.shape)
    deciles = _deciles(said, true)[None]
    fit = _calibration(deciles)
    assert fit["shift"] == pytest.approx(0.2, abs=0.1)
    assert fit["power"] == pytest.approx(1.1, abs=0.05)
    found = _gaps(deciles, **fit)
    assert found["gap"] < 0.03
    assert found["largest_gap"] < 0.06
    assert found["spread"] > 8


def test_each_condition_counts_the_same_for_the_calibration_however_its_errors_are_spread() -> None:
    said = np.log(np.linspace(0.02, 0.2, 10))
    cautious, bold = (np.stack([said, said + off], axis=-1) for off in (-0.3, 0.1))
    fit = _calibration(np.stack([cautious, bold]))
    assert fit["shift"] == pytest.approx(-0.1)
    assert fit["power"] == pytest.approx(1.0)
    found = _gaps(np.stack([cautious, bold]), **fit)
    assert found["gap"] == pytest.approx((1 - np.exp(-0.2) + np.exp(0.2) - 1) / 2)
    assert found["largest_gap"] == pytest.approx(np.exp(0.2) - 1)
    assert found["spread"] == pytest.approx(10.0)


def test_it_is_calibrated_on_exact_keypoints_on_noise_and_on_gaps() -> None:
    camera = torch.from_numpy(moving(9)).expand(300, -1, -1, -1)
    draws = Draws.of(torch.arange(300), seed=0, epoch=0)
    seen = {
        name: corrupt(camera[..., :2], draws, settings, camera=camera)
        for name, settings in _conditions(FINETUNING.get("expected-error").data.corruption).items()
    }
    assert list(seen) == ["clean", "noise", "gaps"]
    assert torch.equal(seen["clean"][0], camera[..., :2])
    assert (seen["clean"][1] == 1).all()
    assert (seen["noise"][1] > 0).all()
    assert torch.equal(seen["noise"][0], seen["gaps"][0])
    assert 0.1 < (seen["gaps"][1] == 0).float().mean() < 0.4


@pytest.mark.parametrize("calibration", [{}, {"shift": 0.5, "power": 2.0}])
def test_saved_weights_answer_as_calibrated(tmp_path: Path, calibration: dict[str, float]) -> None:
    model = _predictor()
    card = TASK.card(model) | {"steps": 7, "validation": calibration}
    TASK.save(tmp_path, model, card=card)
    loaded = load_model(tmp_path / "model.safetensors")
    seen = torch.randn(1, 2, 17, 16)
    said = model.head(seen)
    if calibration:
        said = 0.5 + 2.0 * said
    assert loaded.error_head is not None and loaded.card is not None
    torch.testing.assert_close(loaded.error_head(seen), said)
    assert loaded.card["expected_error"]["is_calibrated"] is bool(calibration)
    again = TASK.load(tmp_path, None)  # type: ignore[arg-type]
    assert isinstance(again, ErrorPredictor)
    x = torch.randn(1, 3, 17, 3)
    torch.testing.assert_close(again(x)[..., :3], loaded(x))


def test_what_is_kept_is_held_against_other_people_as_it_is(tmp_path: Path) -> None:
    """A head that says four times too much has that gap, and nothing is fitted again."""
    store = write_store(tmp_path / "store", lengths={"train": [60], "test": [60]})
    samples = TASK.samples(store, split="test", frames=9, stride=9, data=DataSettings(), seed=0)
    model = _predictor()
    found = TASK.validate(model, samples, CPU, most=None)
    assert {"shift", "power", "gap"} <= set(found)
    kept = {"shift": found["shift"] + np.log(4.0), "power": found["power"]}
    TASK.save(tmp_path, model, card=TASK.card(model) | {"steps": 1, "validation": kept})
    again = TASK.load(tmp_path, store)
    assert isinstance(again, ErrorPredictor) and again.is_calibrated
    scores = TASK.validate(again, samples, CPU, most=None)
    assert set(scores) == {"likelihood_loss", "gap", "largest_gap", "spread"}
    assert scores["gap"] == pytest.approx(0.75, abs=0.1) and found["gap"] < 0.5
