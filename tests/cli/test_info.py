"""`motionlift info RUN` explains a run; what is no run is one line."""

import json
import shlex
from pathlib import Path

import pytest

from motionlift.cli import main
from motionlift.cli._named_recipe import KINDS
from motionlift.data.store import Store
from motionlift.network.dstformer import DSTformer
from motionlift.network.weights import save_weights
from motionlift.recipes import RECIPES
from motionlift.training.run import Run
from tests.data.bodies import write_store
from tests.tasks.test_action import CONFIG, write_repetitions

SMALL = [
    *("--network.dim-feat", "16", "--network.dim-rep", "16", "--network.depth", "1"),
    *("--stages.0.batch", "4", "--device", "cpu"),
]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return write_store(tmp_path / "store", lengths={"train": [60, 60], "val": [30]}).path


@pytest.fixture
def run(tmp_path: Path, store: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    out = tmp_path / "a run"
    words = ["pretrain", "--recipe", "demo", "--store", str(store), "--out", str(out)]
    assert main([*words, *SMALL, "--max-steps", "2"]) == 0
    capsys.readouterr()
    return out


def _described(path: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    assert main(["info", str(path), "--json"]) == 0
    return json.loads(capsys.readouterr().out)  # type: ignore[no-any-return]


def test_it_tells_recipe_changes_state_weights_and_what_next(
    run: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = _described(run, capsys)
    assert told["recipe"] == "demo"
    assert told["settings that differ"] == {
        "network.dim_feat": "16 (recipe: 64)",
        "network.dim_rep": "16 (recipe: 64)",
        "network.depth": "1 (recipe: 2)",
        "stages.0.batch": "4 (recipe: 32)",
    }
    assert told["state"] == "step 2 of 4 (50%), epoch 1 of 1"
    assert told["store"] == str(store)
    assert told["weights"]["best"]["step"] == 2  # type: ignore[index]
    assert set(told["weights"]["best"]) == {"step", "mpjpe_mm", "mpjpe_corrupted_mm"}  # type: ignore[index]
    for place in told["to look at"].values():  # type: ignore[attr-defined]
        assert Path(place).exists()
    assert {"curves", "samples"} <= set(told["to look at"])  # type: ignore[call-overload]


def test_its_commands_resume_and_run_again_as_they_stand(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = _described(run, capsys)["to go on"]
    assert isinstance(commands, dict)
    again = commands["run again"].replace("NEW", str(tmp_path / "again"))
    for command in (again, commands["resume"]):
        assert main([*shlex.split(command)[1:], "--device", "cpu"]) == 0
    losses = [
        [row["loss"] for row in Run(path).metrics() if row["split"] == "train"]
        for path in (run, tmp_path / "again")
    ]
    assert losses[0] == losses[1] and len(losses[0]) == 4
    capsys.readouterr()
    assert _described(run, capsys)["state"] == "step 4 of 4 (the end), epoch 1 of 1"


@pytest.mark.parametrize(
    ("command", "name"), [(each, name) for each in KINDS for name in KINDS[each].names()]
)
def test_the_config_of_every_recipe_can_be_run_by_itself(
    tmp_path: Path, store: Path, command: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config, out = tmp_path / "config.toml", tmp_path / "run"
    Run(tmp_path / "made").create(KINDS[command].get(name), store=Store.open(store))
    (tmp_path / "made" / "config.toml").rename(config)
    # The store is wrong on purpose, and opened last: everything before it was understood.
    words = [command, "--config", str(config), "--store", "nowhere", "--out", str(out)]
    assert main(words) == 2
    assert "nowhere: no store there" in capsys.readouterr().err


def test_weights_of_action_are_there_to_encode_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Their lifting head is the starting model's, and not adapted."""
    write_repetitions(tmp_path / "store", each=3)
    save_weights(tmp_path / "start.safetensors", DSTformer(CONFIG), card={})
    words = ["finetune", "--task", "action", "--model", str(tmp_path / "start.safetensors")]
    words += ["--store", str(tmp_path / "store"), "--out", str(tmp_path / "run"), "--device", "cpu"]
    sizes = ["--stages.0.frames", "9", "--stages.0.batch", "8", "--hidden", "8"]
    assert main([*words, *sizes, "--max-steps", "2"]) == 0
    capsys.readouterr()
    commands = _described(tmp_path / "run", capsys)["to go on"]
    assert isinstance(commands, dict)
    assert not {"lift", "evaluate"} & set(commands)
    model = tmp_path / "run" / "best" / "model.safetensors"
    assert commands["encode"] == f"motionlift encode KEYPOINTS -o FEATURES.npz --model {model}"


def test_text_is_for_people_and_a_moved_store_is_no_obstacle(
    run: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store.rename(store.with_name("elsewhere"))
    assert main(["info", str(run)]) == 0
    printed = capsys.readouterr().out
    assert "state: step 2, epoch 1 of 1" in printed
    assert f"--config '{run}'/config.toml" in printed


def test_a_run_that_was_only_begun_says_so(
    tmp_path: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Run(tmp_path / "begun").create(RECIPES.get("demo"), store=Store.open(store))
    told = _described(tmp_path / "begun", capsys)
    assert told["state"] == "no step is done yet"
    assert told["weights"] == {"none": "no checkpoint was written yet"}


def test_a_run_takes_no_number_of_heads(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(run), "--num-heads", "4"]) == 2
    assert "says its network itself; leave --num-heads out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: None, "is no run (config.toml is missing)"),
        (lambda folder: write_store(folder / "s", lengths={"train": [9]}), "is a store, not a run"),
        (lambda folder: (folder / "config.toml").write_text("= 1"), "not valid TOML"),
        (lambda folder: (folder / "config.toml").write_text('name = "demo"\nspeed = 9'), "speed"),
    ],
)
def test_a_wrong_folder_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], make, message: str
) -> None:
    make(tmp_path)
    folder = tmp_path / "s" if (tmp_path / "s").exists() else tmp_path
    assert main(["info", str(folder)]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
