"""The card says what the weights know: which confidences they were shown, for one."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from motionlift.confidence import AS_THEY_ARE, CONFIDENCE_CONVENTION
from motionlift.data.noise import SHIPPED
from motionlift.training.loop import Limits
from tests.data.bodies import write_store
from tests.training.small_runs import TINY, train_tiny


@pytest.mark.parametrize(
    ("corruption", "convention"),
    [
        ({}, CONFIDENCE_CONVENTION),
        ({"noise": 0.0}, AS_THEY_ARE),
        ({"noise_file": str(SHIPPED)}, AS_THEY_ARE),
    ],
)
def test_confidences_are_the_noise_models_only_where_it_was_learned_with(
    corruption: dict[str, float | str], convention: str, tmp_path: Path
) -> None:
    store = write_store(tmp_path / "store", lengths={"train": [30], "val": [12]})
    settings = replace(TINY.data.corruption, **corruption)  # type: ignore[arg-type]
    recipe = replace(TINY, data=replace(TINY.data, corruption=settings))
    run, _ = train_tiny(tmp_path / "run", store, recipe=recipe, limits=Limits(max_steps=1))
    card = json.loads((run.path / "last" / "model.json").read_text("utf-8"))
    assert card["conventions"]["confidence"] == convention
