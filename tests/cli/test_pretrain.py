"""`motionlift pretrain`: recipes by name, every setting a flag, and errors of one line."""

from pathlib import Path

import pytest

from motionlift.cli import main
from motionlift.training.run import Run
from tests.data.bodies import write_store

SMALL = [
    *("--network.dim-feat", "16", "--network.dim-rep", "16", "--network.depth", "1"),
    *("--stages.0.batch", "4", "--device", "cpu", "--max-steps", "2"),
]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return write_store(tmp_path / "store", lengths={"train": [40, 40], "val": [20]}).path


def test_a_run_leaves_config_metrics_weights_and_curves(tmp_path: Path, store: Path) -> None:
    out = tmp_path / "run"
    flags = ["--recipe", "demo", "--store", str(store), "--out", str(out), "--seed", "7"]
    assert main(["pretrain", *flags, *SMALL]) == 0
    for name in (
        *("config.toml", "metrics.jsonl", "curves.png"),
        *("last/state.safetensors", "last/model.safetensors", "best/model.json"),
    ):
        assert (out / name).is_file(), name
    assert "seed = 7" in (out / "config.toml").read_text()


def test_a_runs_config_can_be_run_again_as_it_is(tmp_path: Path, store: Path) -> None:
    flags = ["pretrain", "--recipe", "demo", "--store", str(store)]
    assert main([*flags, "--out", str(tmp_path / "a"), *SMALL]) == 0
    config = str(tmp_path / "a" / "config.toml")
    again = [*flags, "--out", str(tmp_path / "b"), "--config", config, "--device", "cpu"]
    assert main([*again, "--max-steps", "2"]) == 0
    losses = [
        [row["loss"] for row in Run(tmp_path / name).metrics() if row["split"] == "train"]
        for name in ("a", "b")
    ]
    assert losses[0] == losses[1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--recipe", "demmo"], "no recipe is named 'demmo'; there are: demo"),
        (["--store", "nowhere"], "nowhere"),
        (["--data.corruption.noise-file", "typo.json"], "typo.json"),
        (["--stages.0.batch", "0"], "batch is 0"),
        (["--device", "cuda:9"], "cuda:9"),
        (["--stages.0.frames", "999"], "clips of 999 frames"),
        (["--validate-every", "0"], "validate-every is 0, but at least 1"),
        (["--seed", "-1"], "seed is -1, but at least 0"),
        (["--data.clips.slowest", "0"], "clips.slowest and fastest are 0.0 and"),
        (["--data.views.nearest", "0", "--data.views.projection", "perspective"], "nearest is 0"),
        (["--data.views.high", "0.9", "--data.views.low", "0.2"], "more than all"),
        (["--data.body.flip", "2"], "body.flip is 2.0, but in [0, 1]"),
        (["--data.corruption.joint-mask", "7"], "joint-mask is 7.0, but in [0, 1]"),
        (["--optimizer.learning-rate", "-1"], "learning-rate is -1.0, but at least 0"),
        (["--optimizer.warmup", "-5"], "warmup is -5, but at least 0"),
        (["--max-steps", "0"], "--max-steps is 0, but at least 1"),
        (["--data.clips.repeats", "even", "0", "odd", "0"], "no clip is left to learn from"),
        (["--data.clips.repeats", "even", "-1"], "repeats.even is -1.0"),
    ],
)
def test_a_wrong_setting_is_one_line_and_leaves_no_run(
    tmp_path: Path,
    store: Path,
    capsys: pytest.CaptureFixture[str],
    change: list[str],
    message: str,
) -> None:
    out = tmp_path / "run"
    code = main(
        ["pretrain", "--recipe", "demo", "--store", str(store), "--out", str(out), *SMALL, *change]
    )
    assert code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not out.exists()


def test_a_folder_in_use_is_left_alone(
    tmp_path: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    code = main(["pretrain", "--recipe", "demo", "--store", str(store), "--out", str(out), *SMALL])
    assert code == 2
    assert "not an empty folder" in capsys.readouterr().err
    assert [path.name for path in out.iterdir()] == ["notes.txt"]


def test_an_unknown_flag_is_refused(tmp_path: Path, store: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["pretrain", "--store", str(store), "--out", str(tmp_path / "run"), "--speed", "9"])
    assert caught.value.code == 2
