import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from motionlift.errors import WeightsError
from motionlift.network import weights
from motionlift.network.dstformer import DSTformer
from motionlift.network.weights import load_model, model_names, save_weights
from tests.network.golden import NUM_HEADS, TINY, load

EACH_CHECKPOINT = pytest.mark.parametrize("name", NUM_HEADS)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "tiny.safetensors"
    save_weights(path, DSTformer(TINY), card={"data": "made up"})
    return path


@EACH_CHECKPOINT
def test_sizes_are_read_from_the_shapes(shared: Path, name: str) -> None:
    channels = {"tiny_a": (32, 32, 2, 4, 2, 27), "tiny_b": (48, 64, 3, 4, 4, 81)}
    C, R, D, H, r, T = channels.get(name, (32, 48, 5, 8, 2, 50))
    config = load(shared, name).config
    expected = dataclasses.replace(
        config, dim_feat=C, dim_rep=R, depth=D, num_heads=H, mlp_ratio=r, max_frames=T
    )
    assert config == expected
    assert (config.num_joints, config.norm) == (17, "pre")


@EACH_CHECKPOINT
def test_weights_go_round_to_the_last_bit(shared: Path, tmp_path: Path, name: str) -> None:
    model = load(shared, name)
    save_weights(tmp_path / "copy.safetensors", model, card={"licence": "none"})
    copy = load_model(tmp_path / "copy.safetensors")
    x = torch.randn(2, 9, 17, 3)
    assert torch.equal(copy(x), model(x))
    assert copy.config == model.config
    assert copy.card is not None
    assert copy.card["licence"] == "none"
    assert (copy.name, model.name) == ("copy", name)


def test_the_configuration_survives_whatever_it_is(tmp_path: Path) -> None:
    path = tmp_path / "odd.safetensors"
    config = dataclasses.replace(
        TINY,
        norm="post",
        dropout=0.1,
        drop_path=0.2,
        mlp_ratio=1.4,
        num_heads=1,
        dim_out=5,
        residual=True,
    )
    save_weights(path, DSTformer(config), card={})
    model = load_model(path)
    assert model.config == config
    assert not model.training


def test_a_loaded_network_can_be_trained(saved: Path) -> None:
    model = load_model(saved)
    model(torch.zeros(1, 2, 4, 3)).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_writing_again_replaces_both_files(saved: Path) -> None:
    save_weights(saved, DSTformer(dataclasses.replace(TINY, depth=1)), card={})
    assert load_model(saved).config.depth == 1
    assert sorted(path.name for path in saved.parent.iterdir()) == ["tiny.json", "tiny.safetensors"]


def test_a_card_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        save_weights(tmp_path / "a.safetensors", DSTformer(TINY), card={"bad": object()})
    assert list(tmp_path.iterdir()) == []


def test_weights_are_written_as_safetensors_only(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="safetensors"):
        save_weights(tmp_path / "a.bin", DSTformer(TINY), card={})


def test_an_unknown_name_lists_the_models_there_are() -> None:
    with pytest.raises(WeightsError, match="no model is named 'no-such-model'; there are: ") as e:
        load_model("no-such-model")
    assert all(name in str(e.value) for name in model_names())


def test_default_is_the_small_model(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "MODELS", saved.parent)
    monkeypatch.setattr(weights, "DEFAULT", "tiny")
    assert model_names() == ["tiny"]
    assert load_model().name == load_model("default").name == load_model("tiny").name == "tiny"


def test_paths_that_are_no_weights_say_so(tmp_path: Path, saved: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.bin").touch()
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    (tmp_path / "picture.bin").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    for name, message in {
        "folder": "is a folder; give the weights file itself",
        ".": r"is a folder; .* tiny\.safetensors",
        "empty.bin": "is empty",
        "picture.png": "weights end in",
        "picture.bin": "not a PyTorch checkpoint",
        "none.bin": "no such file",
        "none/none": "no such file",
    }.items():
        with pytest.raises(WeightsError, match=message):
            load_model(tmp_path / name)


def test_weights_without_their_json_ask_for_it(saved: Path) -> None:
    saved.with_suffix(".json").unlink()
    with pytest.raises(WeightsError, match=r"tiny\.json: missing"):
        load_model(saved)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"network": None}, "expected an object with 'network'"),
        ({"network": {}}, r"expected network\.num_heads"),
        ({"dim_feat": 9}, r"says network\.dim_feat=9, but the tensors .* have 8"),
        ({"depth": 10**9}, r"says network\.depth"),
        ({"num_heads": 3}, "does not divide"),
        ({"num_heads": "2"}, r"expected network\.num_heads"),
        ({"norm": "both"}, r"expected network\.num_heads"),
        ({"dropout": "much"}, "are finite numbers"),
        ({"mlp_ratio": float("nan")}, r"tiny\.json: .*are finite numbers"),
        ({"mlp_ratio": float("inf")}, "are finite numbers"),
        ({"mlp_ratio": 3}, r"says network\.mlp_ratio=3, but the tensors .* have 2"),
        ({"dropout": 7}, r"tiny\.json: .*lie in"),
        ({"shape": 1}, r"says network\.shape=1"),
    ],
)
def test_a_json_of_another_network_is_refused(
    saved: Path, change: dict[str, Any], message: str
) -> None:
    beside = saved.with_suffix(".json")
    card = json.loads(beside.read_text())
    if "network" in change:
        card["network"] = change["network"]
    else:
        card["network"].update(change)
    beside.write_text(json.dumps(card))
    with pytest.raises(WeightsError, match=message):
        load_model(saved)


def test_heads_that_contradict_the_json_are_refused(saved: Path) -> None:
    assert load_model(saved, num_heads=2).config.num_heads == 2
    with pytest.raises(WeightsError, match="says num_heads=2, but num_heads=4"):
        load_model(saved, num_heads=4)
    with pytest.raises(WeightsError, match="says num_heads=2, but num_heads=8"):
        load_model(saved, num_heads=8)
    with pytest.raises(WeightsError, match="says norm=pre, but norm=post"):
        load_model(saved, norm="post")


def test_any_cut_or_changed_byte_of_safetensors_is_noticed(saved: Path) -> None:
    data = saved.read_bytes()
    for place in np.linspace(0, len(data) - 1, 100).astype(int):
        for damaged in (data[:place], data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]):
            saved.write_bytes(damaged)
            with pytest.raises(WeightsError, match=r"tiny\.safetensors: "):
                load_model(saved)


def test_a_head_count_that_does_not_fit_is_refused(shared: Path) -> None:
    with pytest.raises(WeightsError, match=r"tiny_a\.bin: .*num_heads=5 does not divide .* 32"):
        load_model(shared / "reference" / "tiny_a.bin", num_heads=5)


def _checkpoint(tmp_path: Path, **changes: torch.Tensor | None) -> Path:
    state = DSTformer(TINY).state_dict()
    for name, value in changes.items():
        key = name.replace("__", ".")
        if value is None:
            del state[key]
        else:
            state[key] = value
    torch.save({"model_pos": state}, tmp_path / "other.bin")
    return tmp_path / "other.bin"


def test_another_architecture_is_told_by_what_is_missing_and_extra(tmp_path: Path) -> None:
    path = _checkpoint(tmp_path, ts_attn__1__bias=None, cls_token=torch.zeros(1, 8))
    with pytest.raises(WeightsError, match=r"missing: ts_attn\.1\.bias; extra: cls_token"):
        load_model(path, num_heads=2)


def test_no_tensor_in_common_is_told_briefly(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(3, 4).state_dict(), tmp_path / "linear.pth")
    with pytest.raises(WeightsError, match=r"missing: .* and \d+ more; extra: bias, weight$"):
        load_model(tmp_path / "linear.pth")


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("head__bias", (4,), r"head\.bias: \(4,\), where \(3,\) was expected"),
        ("pos_embed", (4, 8), r"pos_embed has shape \(4, 8\)"),
        ("temp_embed", (1, 0, 1, 8), r"temp_embed has shape"),
        ("blocks_ts__1__attn_t__qkv__weight", (8, 24), r"\(8, 24\), where \(24, 8\)"),
        ("joints_embed__weight", (9, 3), r"joints_embed\.weight: \(9, 3\)"),
    ],
)
def test_wrong_sizes_are_named(
    tmp_path: Path, name: str, shape: tuple[int, ...], message: str
) -> None:
    with pytest.raises(WeightsError, match=message):
        load_model(_checkpoint(tmp_path, **{name: torch.zeros(shape)}), num_heads=2)


@pytest.mark.parametrize("value", [torch.full((3,), torch.nan), torch.zeros(3, dtype=torch.int64)])
def test_values_that_are_no_finite_numbers_are_refused(tmp_path: Path, value: torch.Tensor) -> None:
    with pytest.raises(WeightsError, match=r"head\.bias holds values that are no finite numbers"):
        load_model(_checkpoint(tmp_path, head__bias=value), num_heads=2)
