"""`motionlift evaluate` from the command line, with a tiny network and a tiny store."""

import json
from pathlib import Path

import pytest
import torch

from motionlift.cli import main
from motionlift.formats.npz import write
from motionlift.network.dstformer import DSTformer, DSTformerConfig
from motionlift.network.weights import save_weights
from motionlift.skeletons import H36M17
from tests.evaluation.stores import make_store, moving
from tests.evaluation.test_comparison import lifted, motion
from tests.evaluation.test_published import write_3dhp


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    config = DSTformerConfig(
        dim_feat=8, dim_rep=8, depth=1, num_heads=2, mlp_ratio=2, max_frames=27
    )
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_weights(path, DSTformer(config), card={})
    return path


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("store") / "s").path


def test_the_json_has_what_scripts_look_for(weights: Path, store: Path, tmp_path: Path) -> None:
    out = tmp_path / "scores.json"
    command = ["evaluate", "--model", str(weights), "--store", str(store), "--protocol", "open"]
    assert main([*command, "--json", str(out)]) == 0
    values = json.loads(out.read_text())
    names = {
        *("mpjpe_mm", "p_mpjpe_mm", "n_mpjpe_mm", "mpjve_mm", "accel_mm", "frames", "failures"),
        *("pck150", "auc", "poses", "without_truth"),
    }
    for lifter in (values, *values["baselines"].values()):
        assert set(lifter["conditions"]) == {"clean", "noise", "noise+masks"}
        for condition in lifter["conditions"].values():
            assert set(condition) == {"pooled", "a", "b"}
            assert all(set(scores) == names for scores in condition.values())
    assert list(values["baselines"]) == ["zero_depth", "mean_pose", "linear"]
    # A single frame can be lost whole; nothing else can fail.
    assert values["conditions"]["clean"]["pooled"]["failures"] == 0
    assert values["model"]["window"] == 27

    again = tmp_path / "again.json"
    assert main([*command, "--json", str(again)]) == 0
    assert again.read_bytes() == out.read_bytes()


def test_the_table_names_model_and_baselines(
    weights: Path, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["evaluate", "--model", str(weights), "--store", str(store)]
    page = tmp_path / "scores.html"
    options = ["--conditions", "clean", "--split", "all", "--html", str(page)]
    assert main([*command, *options]) == 0
    assert page.read_text().startswith("<!doctype html>")
    shown = capsys.readouterr().out
    for word in ("zero depth", "mean pose", "linear", "P-MPJPE", "N-MPJPE", "MPJVE", "accel."):
        assert word in shown
    assert "noise" not in shown
    assert "16 sequences, 424 frames" in shown


def test_several_models_are_one_recipe_under_several_seeds(
    weights: Path, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "scores.json"
    command = ["evaluate", "--store", str(store), "--conditions", "clean", "--json", str(out)]
    assert main([*command, "--model", str(weights), str(weights)]) == 0
    values = json.loads(out.read_text())
    assert len(values["seeds"]) == 2
    assert values["deviation"]["clean"]["pooled"]["mpjpe_mm"] == 0
    assert "±0.0" in capsys.readouterr().out


def test_of_models_of_which_one_has_no_error_head_there_are_no_expected_errors(
    weights: Path, store: Path, tmp_path: Path
) -> None:
    out = tmp_path / "scores.json"
    command = ["evaluate", "--store", str(store), "--conditions", "clean", "--json", str(out)]
    assert main([*command, "--model", "default", str(weights), "--no-baselines"]) == 0
    assert "expected_error" not in json.loads(out.read_text())


def test_short_clips_are_lifted_by_themselves(
    weights: Path, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    errors = {}
    for frames in ("1", "27", "243"):
        out = tmp_path / f"{frames}.json"
        command = ["evaluate", "--store", str(store), "--model", str(weights), "--no-baselines"]
        options = ["--conditions", "clean", "--clip-frames", frames, "--json", str(out)]
        assert main([*command, *options]) == 0
        values = json.loads(out.read_text())
        assert values["store"]["clip_frames"] == int(frames)
        assert values["conditions"]["clean"]["pooled"]["frames"] == 212
        errors[frames] = values["conditions"]["clean"]["pooled"]["mpjpe_mm"]
    # The network's windows have 27 frames, and no test sequence has more than 40.
    assert errors["1"] != errors["27"]
    assert "clips of 27 frames, each lifted by itself" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--clip-frames", "0"), "clip-frames is 0, but a clip has at least 1 frame"),
        (("--protocol", "closed"), "no protocol is named 'closed'; there are:"),
        (("--conditions", "rain"), "there are: clean, noise, noise+masks"),
        (("--split", "val"), "no 3D sequence of the split 'val'"),
        (("--model", "no-such-model"), "no-such-model"),
        (("--stride", "28"), "windows have 27 frames"),
        (("--store", "nowhere"), "nowhere: no store there"),
        (("--json", "/dev/null/scores.json"), "/dev/null/scores.json: cannot be written"),
        (("--json", "both", "--html", "both"), "both: is both --json and --html"),
        (("--conditions",), "--conditions: give one or more"),
        (("--model",), "--model: give one or more"),
    ],
)
def test_a_wrong_option_is_one_line_and_exit_code_2(
    weights: Path,
    store: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    message: str,
) -> None:
    out = tmp_path / "scores.json"
    command = ["evaluate", "--model", str(weights), "--store", str(store), "--json", str(out)]
    assert main([*command, *options]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not out.exists()


def test_a_lift_is_held_to_a_truth_of_the_same_frames(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {name: tmp_path / f"{name}.npz" for name in ("lift", "truth")}
    positions = moving(6)
    write(motion(positions), files["truth"])
    positions[:, H36M17.index("nose"), 0] += 0.1
    write(lifted(positions), files["lift"])
    out = tmp_path / "scores.json"
    command = ["evaluate", "--predictions", str(files["lift"]), "--truth", str(files["truth"])]
    assert main([*command, "--json", str(out)]) == 0
    values = json.loads(out.read_text())
    assert (values["frames"], values["failures"]) == (6, 0)
    by_joint = values["by_joint_mm"]
    assert max(by_joint, key=by_joint.__getitem__) == "nose"
    assert 5 < values["p_mpjpe_mm"] < 20
    assert "left knee" in capsys.readouterr().out
    assert main([*command[:2], str(files["truth"]), "--truth", str(files["lift"])]) == 2
    assert "lift.npz: is in 'px'; errors need a truth in metres" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "with --protocol open: --store is missing"),
        (("--predictions", "a.npz"), "--truth is missing"),
        (("--truth", "a.npz"), "--predictions is missing"),
        (("--truth", "a.npz", "--predictions", "b.npz", "--quick"), "--quick does nothing"),
        (("--truth", "a.npz", "--predictions", "b.npz"), "b.npz: no such file"),
        (("--protocol", "h36m"), "with --protocol h36m: --data is missing"),
        (("--protocol", "h36m", "--data", "x", "--split", "val"), "--split does nothing"),
        (("--protocol", "3dhp", "--data", "x"), "motionlift: x: "),
        (("--protocol", "h36m", "--data", "x", "--clip-frames", "9"), "--clip-frames does nothing"),
        (("--store", "s", "--data", "x"), "with --protocol open: --data does nothing"),
    ],
)
def test_the_ways_to_use_it_do_not_mix(
    capsys: pytest.CaptureFixture[str], options: tuple[str, ...], message: str
) -> None:
    assert main(["evaluate", *options]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_published_test_set_is_scored_as_published_and_plainly(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = tmp_path / "data_test_3dhp.npz", tmp_path / "scores.json"
    write_3dhp(data)
    command = ["evaluate", "--protocol", "3dhp", "--data", str(data), "--model", str(weights)]
    assert main([*command, "--json", str(out)]) == 0
    values = json.loads(out.read_text())
    assert values["published"] == values["plain"]
    assert (values["plain"]["frames"], values["plain"]["without_truth"]) == (1, 1)
    assert 0 <= values["plain"]["pck150"] <= 1
    assert "as published" in capsys.readouterr().out
