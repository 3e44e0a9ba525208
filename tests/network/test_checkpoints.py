import collections
import io
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from motionlift.errors import WeightsError
from motionlift.network.checkpoints import read_stored, stored_tensors
from motionlift.network.dstformer import DSTformer
from motionlift.network.weights import load_model
from tests.network.golden import NUM_HEADS, TINY


@pytest.fixture
def model() -> DSTformer:
    torch.manual_seed(0)
    return DSTformer(TINY).eval()


def _saved(path: Path, content: object) -> Path:
    torch.save(content, path)
    return path


def _state(model: DSTformer, prefix: str = "module.") -> collections.OrderedDict[str, Any]:
    return collections.OrderedDict(
        (prefix + name, value) for name, value in model.state_dict().items()
    )


def _same(first: DSTformer, second: DSTformer) -> bool:
    pairs = zip(first.state_dict().items(), second.state_dict().items(), strict=True)
    return all(a == b and torch.equal(x, y) for (a, x), (b, y) in pairs)


@pytest.mark.parametrize("name", NUM_HEADS)
def test_published_files_are_read_as_pytorch_reads_them(shared: Path, name: str) -> None:
    path = shared / "reference" / f"{name}.bin"
    # A file of our own making, so that executing its pickle is safe.
    expected = torch.load(path, weights_only=False)["model_pos"]
    found = read_stored(path, stored_tensors(path))
    assert [f"module.{key}" for key in found] == list(expected)
    assert all(torch.equal(found[key], expected[f"module.{key}"]) for key in found)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"model_pos": state, "epoch": 3, "min_loss": np.float64(1), "lr": 1e-4},
        lambda state: {"model": state, "lr": [1e-4, 1e-3], "best_acc": np.float32(0.5)},
        lambda state: {"model_pos": state},
        lambda state: state,
        lambda state: dict(state),
    ],
)
@pytest.mark.parametrize("prefix", ["module.", ""])
def test_every_published_form_is_read(
    tmp_path: Path, model: DSTformer, wrap: Any, prefix: str
) -> None:
    path = _saved(tmp_path / "a.bin", wrap(_state(model, prefix)))
    assert _same(load_model(path, num_heads=2), model)


def test_optimiser_state_and_parameters_beside_the_weights_do_not_matter(
    tmp_path: Path, model: DSTformer
) -> None:
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.zeros(1, 2, 4, 3)).sum().backward()
    optimizer.step()
    state = {name: torch.nn.Parameter(value) for name, value in model.named_parameters()}
    content = {"model_pos": state, "optimizer": optimizer.state_dict()}
    assert _same(load_model(_saved(tmp_path / "a.pth", content), num_heads=2), model)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_other_precisions_become_single(
    tmp_path: Path, model: DSTformer, dtype: torch.dtype
) -> None:
    path = _saved(tmp_path / "a.bin", {"model": _state(model.to(dtype))})
    loaded = load_model(path, num_heads=2)
    assert loaded.head.weight.dtype == torch.float32
    assert _same(loaded, model.float())


def test_views_of_one_storage_are_read_in_their_own_order(tmp_path: Path, model: DSTformer) -> None:
    state = _state(model)
    name = "module.blocks_st.0.attn_s.qkv.weight"
    state[name] = state[name].T.contiguous().T
    whole = torch.randn(3, *state["module.pos_embed"].shape)
    state["module.pos_embed"] = whole[1]
    loaded = load_model(_saved(tmp_path / "a.bin", state), num_heads=2)
    torch.testing.assert_close(loaded.blocks_st[0].attn_s.qkv.weight, state[name])
    torch.testing.assert_close(loaded.pos_embed, whole[1])


class _Evil:
    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.trace}",)


@pytest.mark.parametrize("place", ["optimizer", "model_pos", "epoch"])
def test_a_malicious_checkpoint_is_refused_in_one_line(
    tmp_path: Path, model: DSTformer, place: str
) -> None:
    trace = tmp_path / "trace"
    content: dict[str, Any] = {"model_pos": _state(model), "epoch": 1, "optimizer": {"state": {}}}
    content[place] = {"x": _Evil(trace)} if place != "epoch" else _Evil(trace)
    path = _saved(tmp_path / "evil.bin", content)
    with pytest.raises(WeightsError, match=r"evil\.bin: refused: .*system.*not executed") as caught:
        load_model(path, num_heads=2)
    assert "\n" not in str(caught.value)
    assert not trace.exists()


def test_the_formats_before_zip_are_refused(tmp_path: Path, model: DSTformer) -> None:
    path = tmp_path / "old.bin"
    torch.save(_state(model), path, _use_new_zipfile_serialization=False)
    with pytest.raises(WeightsError, match="bare pickle"):
        load_model(path, num_heads=2)


def test_a_file_cut_anywhere_is_refused(tmp_path: Path, model: DSTformer) -> None:
    data = _saved(tmp_path / "whole.bin", {"model_pos": _state(model)}).read_bytes()
    path = tmp_path / "cut.bin"
    for length in [*range(1, 200, 13), *np.linspace(200, len(data) - 1, 150).astype(int)]:
        path.write_bytes(data[:length])
        with pytest.raises(WeightsError, match=r"cut\.bin: "):
            load_model(path, num_heads=2)


def test_a_changed_byte_is_refused_or_changes_nothing(tmp_path: Path, model: DSTformer) -> None:
    data = _saved(tmp_path / "whole.bin", {"model_pos": _state(model)}).read_bytes()
    path = tmp_path / "flipped.bin"
    refused = 0
    for place in np.linspace(0, len(data) - 1, 80).astype(int):
        changed = bytearray(data)
        changed[place] ^= 0xFF
        path.write_bytes(changed)
        try:
            assert _same(load_model(path, num_heads=2), model)
        except WeightsError:
            refused += 1
    assert refused > 40


def _rewritten(path: Path, changes: dict[str, bytes | None], **options: Any) -> Path:
    """The archive with some records replaced or left out."""
    copy = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(copy, "w", **options) as new:
        for name in old.namelist():
            record = changes.get(name.partition("/")[2], old.read(name))
            if record is not None:
                new.writestr(name, record)
    path.write_bytes(copy.getvalue())
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data/3": None}, "data/3' is missing"),
        ({"data/3": b"1234"}, "has 4 bytes"),
        ({"data/3": b""}, "has 0 bytes"),
        ({"data.pkl": None}, "no data.pkl"),
        ({"data.pkl": b"\x80\x02]."}, "expected a dict"),
        ({"data.pkl": b"\x80\x02}X\x01\x00\x00\x00aK\x01s."}, "'a' to be something else"),
        ({"byteorder": b"big"}, "big-endian"),
    ],
)
def test_archives_with_other_records_are_refused(
    tmp_path: Path, model: DSTformer, changes: dict[str, bytes | None], message: str
) -> None:
    path = _rewritten(_saved(tmp_path / "a.bin", _state(model)), changes)
    with pytest.raises(WeightsError, match=message):
        load_model(path, num_heads=2)


def test_a_compressed_archive_is_refused_before_it_is_unpacked(
    tmp_path: Path, model: DSTformer
) -> None:
    path = _saved(tmp_path / "a.bin", _state(model))
    bomb = {"data.pkl": bytes(50_000_000)}
    path = _rewritten(path, bomb, compression=zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 1_000_000
    with pytest.raises(WeightsError, match="not compressed"):
        load_model(path, num_heads=2)


def test_sizes_that_the_file_made_up_take_no_memory(tmp_path: Path, model: DSTformer) -> None:
    state = _state(model)
    # A stride of 0 claims a terabyte from one stored number.
    state["module.temp_embed"] = torch.zeros(1).expand(1, 2**37, 1, 8)
    path = _saved(tmp_path / "a.bin", state)
    with pytest.raises(WeightsError, match="more bytes than the file has"):
        load_model(path, num_heads=2)
