"""A whole protocol on a small store: what is counted where, and that nothing hangs on the order."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from rich.console import Console

from motionlift.data.store import Store
from motionlift.errors import OptionError
from motionlift.evaluation.baselines import zero_depth
from motionlift.evaluation.protocols import PROTOCOLS
from motionlift.evaluation.report import MODEL, as_json, print_table
from motionlift.evaluation.run import Scores, run_protocol
from motionlift.evaluation.samples import Sample, sequences_to_score
from tests.evaluation.stores import make_store

OPEN = PROTOCOLS.get("open")
ABOUT = {"model": {"name": "mine"}}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return make_store(tmp_path_factory.mktemp("store") / "s")


def off_by_1_cm(sample: Sample) -> np.ndarray:
    return np.nan_to_num(sample.target) + np.array([0.01, 0.0, 0.0])


def failing(sample: Sample) -> np.ndarray:
    return np.full(sample.target.shape, np.nan)


def run(store: Store, **options: object) -> dict[str, dict[str, Scores]]:
    return run_protocol(
        store,
        sequences_to_score(store, OPEN),
        {MODEL: off_by_1_cm, "zero_depth": zero_depth, "failing": failing},
        protocol=OPEN,
        **options,  # type: ignore[arg-type]
    )


def test_every_frame_of_the_split_counts_once_in_each_condition(store: Store) -> None:
    scores = run(store)
    assert list(scores) == ["clean", "noise", "noise+masks"]
    for lifters in scores.values():
        for each in lifters.values():
            for tallies in (each.datasets, each.actions):
                assert sum(tally.frames for tally in tallies.values()) == 2 * 106
                assert sum(tally.poses for tally in tallies.values()) == 4 * 2 * 106
            assert sum(tally.poses for tally in each.views.values()) == 4 * 2 * 106
            assert len(each.clips) == 4 * 8


def test_an_answer_1_cm_off_is_10_mm_off_everywhere(store: Store) -> None:
    values = as_json(run(store), protocol=OPEN, about={})
    for condition in ("clean", "noise", "noise+masks"):
        of_condition = values["conditions"][condition]
        assert list(of_condition) == ["pooled", "a", "b"]
        for scores in of_condition.values():
            assert_allclose(scores["mpjpe_mm"], 10)
            assert_allclose([scores["mpjve_mm"], scores["accel_mm"]], 0, atol=1e-9)
            assert scores["pck150"] == 1
            assert scores["failures"] == 0
        assert of_condition["pooled"]["frames"] == 2 * of_condition["a"]["frames"] == 212
        assert_allclose(list(values["by_joint_mm"][condition]["a"].values()), 10)
        assert_allclose([view["mpjpe_mm"] for view in values["by_view"][condition].values()], 10)
        assert set(values["by_action"][condition]) == {"a: run", "a: walk", "b: run", "b: walk"}


def test_baselines_have_the_shape_of_the_model_and_failures_are_counted(store: Store) -> None:
    values = as_json(run(store), protocol=OPEN, about={})
    assert list(values["baselines"]) == ["zero_depth", "failing"]
    for baseline in values["baselines"].values():
        assert baseline["conditions"].keys() == values["conditions"].keys()
        pooled = baseline["conditions"]["clean"]["pooled"]
        assert pooled.keys() == values["conditions"]["clean"]["pooled"].keys()
    failed = values["baselines"]["failing"]["conditions"]["noise"]
    assert failed["pooled"]["failures"] == failed["pooled"]["poses"] == 848
    assert failed["a"]["mpjpe_mm"] > 300


def test_the_same_run_gives_the_same_bits_and_a_condition_is_the_same_alone(store: Store) -> None:
    whole = json.dumps(as_json(run(store), protocol=OPEN, about={}), allow_nan=False)
    assert whole == json.dumps(as_json(run(store), protocol=OPEN, about={}))
    alone = as_json(run(store, conditions=("noise",)), protocol=OPEN, about={})
    assert alone["conditions"] == {"noise": json.loads(whole)["conditions"]["noise"]}


def test_the_documentation_names_every_number_and_baseline(store: Store) -> None:
    text = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text()
    values = as_json(run(store, conditions=("clean",)), protocol=OPEN, about=ABOUT)
    names = {*values["conditions"]["clean"]["pooled"], *(set(values) - {"notes"})}
    names |= {"zero_depth", "mean_pose", "linear", *OPEN.conditions, "deviation", "seeds"}
    assert {name for name in names if f"`{name}`" not in text} == set()


def test_progress_counts_every_frame_of_every_condition(store: Store) -> None:
    told: list[int] = []
    run(store, conditions=("clean", "noise"), on_progress=told.append)
    assert sum(told) == 2 * 212


def test_an_unknown_condition_is_named_with_those_there_are(store: Store) -> None:
    with pytest.raises(OptionError, match="named rain; there are: clean, noise, noise\\+masks"):
        run(store, conditions=("clean", "rain"))


def test_what_cannot_be_averaged_is_null_and_a_dash(tmp_path: Path) -> None:
    store = make_store(tmp_path / "s", lengths=(1,))
    values = as_json(run(store, conditions=("clean",)), protocol=OPEN, about=ABOUT)
    assert values["conditions"]["clean"]["a"]["mpjve_mm"] is None
    console = Console(width=120, file=io.StringIO())
    print_table(values, console, title="t")
    assert row_of(console, "mine")[4:6] == ["-", "-"]


def test_the_table_shows_millimetres(store: Store) -> None:
    console = Console(width=120, file=io.StringIO())
    values = as_json(run(store, conditions=("clean",)), protocol=OPEN, about=ABOUT)
    print_table(values, console, title="t")
    row = row_of(console, "mine")
    assert row[:2] == ["mine", "10.0"]
    assert row[4:7] == ["0.0", "0.0", "1.000"]
    assert row[8:] == ["10.0", "10.0", "0"]


def test_several_models_give_their_mean_and_deviation(store: Store) -> None:
    def off_by_3_cm(sample: Sample) -> np.ndarray:
        return np.nan_to_num(sample.target) + np.array([0.03, 0.0, 0.0])

    scores = run_protocol(
        store,
        sequences_to_score(store, OPEN),
        {MODEL: off_by_1_cm, "model 2": off_by_3_cm, "zero_depth": zero_depth},
        protocol=OPEN,
        conditions=("clean",),
    )
    values = as_json(scores, protocol=OPEN, about=ABOUT, models=(MODEL, "model 2"))
    pooled, deviation = (values[key]["clean"]["pooled"] for key in ("conditions", "deviation"))
    assert_allclose(pooled["mpjpe_mm"], 20)
    assert_allclose(deviation["mpjpe_mm"], 20 / np.sqrt(2))
    assert (pooled["frames"], deviation["frames"]) == (212, 0)
    assert list(values["baselines"]) == ["zero_depth"]
    assert_allclose(values["by_joint_mm"]["clean"]["a"]["nose"], 20)
    console = Console(width=160, file=io.StringIO())
    print_table(values, console, title="t")
    assert row_of(console, "mine")[1:3] == ["20.0", "±14.1"]


def row_of(console: Console, name: str) -> list[str]:
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    (row,) = [line.split() for line in lines if name in line]
    return row
