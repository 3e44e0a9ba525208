import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from motionlift.errors import MotionliftError, WeightsError
from motionlift.network.dstformer import (
    FULL,
    LITE,
    Attention,
    Axis,
    DropPath,
    DSTformer,
    DSTformerConfig,
)
from motionlift.network.shapes import empty_network
from motionlift.skeletons import H36M17
from tests.network.golden import NUM_HEADS, TINY, arrays, clip_lengths, load

CHECKPOINTS = pytest.mark.parametrize("name", NUM_HEADS)


@CHECKPOINTS
def test_outputs_and_representations_are_the_published_ones(shared: Path, name: str) -> None:
    golden, model = arrays(shared, name), load(shared, name)
    lengths = clip_lengths(golden)
    assert len(lengths) == 5
    for T in lengths:
        x = torch.from_numpy(golden[f"x_T{T}"])
        with torch.inference_mode():
            assert np.abs(model(x).numpy() - golden[f"out_T{T}"]).max() < 1e-5
            assert np.abs(model.encode(x).numpy() - golden[f"rep_T{T}"]).max() < 1e-5


@CHECKPOINTS
def test_double_precision_leaves_no_room_for_another_epsilon(shared: Path, name: str) -> None:
    golden, model = arrays(shared, name), load(shared, name).double()
    with torch.inference_mode():
        for T in (int(key.removeprefix("out64_T")) for key in golden if "out64" in key):
            out = model(torch.from_numpy(golden[f"x_T{T}"]).double()).numpy()
            assert np.abs(out - golden[f"out64_T{T}"]).max() < 1e-11
        rep = model.encode(torch.from_numpy(golden["x_T9"]).double()).numpy()
    assert np.abs(rep - golden["rep64_T9"]).max() < 1e-11


@CHECKPOINTS
def test_gradients_are_the_published_ones(shared: Path, name: str) -> None:
    golden, model = arrays(shared, name), load(shared, name)
    x = torch.from_numpy(golden["x_T9"]).requires_grad_()
    loss = (model(x) * torch.from_numpy(golden["g_T9"])).mean()
    loss.backward()
    assert loss.item() == pytest.approx(float(golden["loss_T9"]), rel=1e-5)
    assert x.grad is not None
    assert _difference(x.grad.numpy(), golden["gradx_T9"]) < 1e-4
    for key, parameter in model.named_parameters():
        assert parameter.grad is not None
        assert _difference(parameter.grad.numpy(), golden[f"grad/{key}"]) < 1e-4, key


def test_double_precision_gradients_are_exact(shared: Path) -> None:
    golden, model = arrays(shared, "tiny_a"), load(shared, "tiny_a").double()
    out = model(torch.from_numpy(golden["x_T9"]).double())
    (out * torch.from_numpy(golden["g_T9"])).mean().backward()
    for key, parameter in model.named_parameters():
        assert parameter.grad is not None
        assert _difference(parameter.grad.numpy(), golden[f"grad64/{key}"]) < 1e-9, key


@CHECKPOINTS
def test_flip_averaging_is_the_published_one(shared: Path, name: str) -> None:
    golden, model = arrays(shared, name), load(shared, name)
    mirror = list(H36M17.mirror)

    def flipped(points: torch.Tensor) -> torch.Tensor:
        return points[:, :, mirror] * torch.tensor([-1.0, 1.0, 1.0])

    with torch.inference_mode():
        for T in clip_lengths(golden):
            x = torch.from_numpy(golden[f"x_T{T}"])
            mean = (model(x) + flipped(model(flipped(x)))) / 2
            assert np.abs(mean.numpy() - golden[f"out_flip_tta_T{T}"]).max() < 1e-5


@pytest.mark.parametrize(("size", "config"), [("full", FULL), ("lite", LITE)])
def test_names_shapes_and_counts_are_the_published_ones(
    shared: Path, size: str, config: DSTformerConfig
) -> None:
    published = json.loads((shared / "reference" / f"names_{size}.json").read_text())
    state = empty_network(config).state_dict()
    assert list(state) == list(published["names"])
    assert [list(value.shape) for value in state.values()] == list(published["names"].values())
    assert sum(value.numel() for value in state.values()) == published["parameters"]


def test_a_new_network_weighs_both_streams_alike() -> None:
    for fusion in DSTformer(TINY).ts_attn:
        assert (fusion.weight == 0).all()
        assert (fusion.bias == 0.5).all()


def test_a_new_network_has_small_normal_weights_and_no_biases() -> None:
    torch.manual_seed(0)
    model = DSTformer(dataclasses.replace(TINY, dim_feat=128))
    large = {name: value for name, value in model.named_parameters() if value.numel() >= 2048}
    assert "temp_embed" not in large  # 5 frames of 128 channels
    assert "blocks_st.1.attn_t.qkv.weight" in large
    for name, parameter in model.named_parameters():
        if name in large:
            assert parameter.std().item() == pytest.approx(0.02, rel=0.05), name
        elif name.endswith("bias") and "ts_attn" not in name:
            assert (parameter == 0).all(), name
    assert model.temp_embed.std().item() == pytest.approx(0.02, rel=0.1)
    assert model.pos_embed.std().item() == pytest.approx(0.02, rel=0.1)


def test_a_residual_network_starts_from_the_keypoints() -> None:
    model = DSTformer(dataclasses.replace(TINY, residual=True))
    torch.nn.init.zeros_(model.head.weight)
    x = torch.rand(2, 5, 4, 3) + 0.1
    x[0, 1, 2] = 0.0  # a missing joint
    joints = model(x)
    expected = x[..., :2] - x[..., :1, :2]
    expected[0, 1, 2] = 0.0
    torch.testing.assert_close(joints[..., :2], expected)
    assert (joints[..., 2] == 0).all()


def test_a_clip_that_is_too_long_says_how_long_it_may_be() -> None:
    model = DSTformer(TINY)
    assert model(torch.zeros(1, 5, 4, 3)).shape == (1, 5, 4, 3)
    with pytest.raises(MotionliftError, match=r"6 frames.*1 to 5.*windows"):
        model(torch.zeros(1, 6, 4, 3))


@pytest.mark.parametrize("shape", [(1, 5, 3, 3), (1, 5, 4, 2), (1, 0, 4, 3)])
def test_input_of_another_shape_is_an_error(shape: tuple[int, ...]) -> None:
    with pytest.raises(MotionliftError):
        DSTformer(TINY)(torch.zeros(shape))


@pytest.mark.parametrize("name", NUM_HEADS)
def test_bf16_stays_near_single_precision(shared: Path, name: str) -> None:
    golden, model = arrays(shared, name), load(shared, name)
    x = torch.from_numpy(golden["x_T9"])
    direction = torch.from_numpy(golden["g_T9"])

    def gradient() -> torch.Tensor:
        model.zero_grad()
        out = model(x)
        assert out.dtype == torch.float32
        (out * direction).mean().backward()
        gradients = [parameter.grad for parameter in model.parameters()]
        return torch.cat([each.flatten() for each in gradients if each is not None])

    exact, expected = gradient(), model(x)
    with torch.autocast("cpu", torch.bfloat16):
        rounded, out = gradient(), model(x)
    assert 1e-4 < (out - expected).norm() / expected.norm() < 0.03
    assert 1e-4 < (rounded - exact).norm() / exact.norm() < 0.15


@pytest.mark.parametrize("over", ["joints", "frames"])
def test_what_tokens_share_costs_bf16_no_digits(over: Axis) -> None:
    torch.manual_seed(0)
    attention = Attention(TINY, over=over)
    for each in attention.parameters():
        nn.init.normal_(each, std=0.3)
    shared = (2, 7, 1, 8) if over == "joints" else (2, 1, 17, 8)
    x = torch.randn(2, 7, 17, 8) + 10 * torch.randn(shared)
    exact = attention.double()(x.double())
    errors = {}
    for is_learning in (True, False):
        with torch.set_grad_enabled(is_learning), torch.autocast("cpu", torch.bfloat16):
            rounded = attention.float().eval()(x)
        error = (rounded.double() - exact).norm() / exact.norm()
        errors[is_learning] = error.item()
    assert errors[False] < 0.005
    assert errors[False] < 0.3 * errors[True]


def test_a_single_frame_has_nothing_to_share() -> None:
    attention = Attention(TINY, over="frames").eval()
    x = torch.randn(3, 1, 17, 8)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        alone = attention(x)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(alone, attention(x))


def test_the_last_layers_alone_are_not_rounded() -> None:
    torch.manual_seed(4)
    model = DSTformer(TINY).eval()
    products = []
    model.blocks_st[0].attn_s.qkv.register_forward_hook(lambda _, __, out: products.append(out))
    with torch.autocast("cpu", torch.bfloat16):
        representation = model.encode(torch.randn(1, 5, 4, 3))
        out = model(torch.randn(1, 5, 4, 3))
    assert [each.dtype for each in products] == [torch.bfloat16, torch.bfloat16]
    assert representation.dtype == out.dtype == torch.float32
    assert not torch.equal(out, out.bfloat16().float())


def test_clips_of_a_batch_do_not_see_each_other() -> None:
    torch.manual_seed(1)
    model = DSTformer(TINY).eval()
    x = torch.randn(3, 5, 4, 3)
    together = model(x)
    for clip, expected in zip(x, together, strict=True):
        torch.testing.assert_close(model(clip[None])[0], expected)


def test_dropout_acts_in_training_only() -> None:
    torch.manual_seed(2)
    model = DSTformer(dataclasses.replace(TINY, dropout=0.5, drop_path=0.5))
    x = torch.randn(2, 5, 4, 3)
    assert not torch.equal(model(x), model(x))
    model.eval()
    assert torch.equal(model(x), model(x))


def test_drop_path_keeps_whole_clips_and_the_mean() -> None:
    torch.manual_seed(3)
    dropped = DropPath(0.25)(torch.ones(4000, 2, 3, 4))
    assert dropped.unique().tolist() == pytest.approx([0, 1 / 0.75])
    assert (dropped.flatten(1).std(dim=1) == 0).all()
    assert dropped.mean().item() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_heads": 3}, "num_heads=3 does not divide"),
        ({"depth": 0}, "depth is 0"),
        ({"norm": "both"}, "there are: pre, post"),
        ({"dropout": 1.0}, "lie in"),
    ],
)
def test_impossible_configurations_say_what_is_wrong(
    change: dict[str, object], message: str
) -> None:
    with pytest.raises(WeightsError, match=message):
        dataclasses.replace(TINY, **change)


def _difference(found: np.ndarray, expected: np.ndarray) -> float:
    """Largest difference over largest magnitude."""
    return float(np.abs(found - expected).max() / np.abs(expected).max())
