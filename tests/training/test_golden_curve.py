"""Twenty seeded steps give the losses that they gave before: a refactoring changes no number.

`golden_curve.json` was made by `python -m tests.training.test_golden_curve`, on one thread of an
x86-64 CPU in single precision. It is made anew only by a change that means to change training.
"""

import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from motionlift.data.batch import DataSettings
from motionlift.data.clips import ClipSettings
from motionlift.data.corruption import CorruptionSettings
from motionlift.data.views import BodySettings, ViewSettings
from motionlift.training.loop import Limits
from motionlift.training.recipe import OptimizerSettings, Recipe
from tests.data.bodies import write_store
from tests.training.small_runs import TINY, train_tiny

GOLDEN = Path(__file__).with_name("golden_curve.json")
STEPS = 20
# Every part of the data's way is on, so that a change in any of them shows.
EVERYTHING = DataSettings(
    clips=ClipSettings(slowest=0.8, fastest=2.0, shift=True, repeats={"odd": 1.5}),
    body=BodySettings(bone_scale=0.04, limb_scale=0.06, exchange=0.4, turn=0.4),
    views=ViewSettings(tumbled=0.2, projection="perspective", share=0.5, share_of_detectors=0.9),
    corruption=CorruptionSettings(
        noise_spread=0.5,
        detectors=0.5,
        offsets=1.0,
        held=0.3,
        absent=0.25,
        occlusion=0.3,
        share=0.8,
    ),
)
RECIPES = {
    "adam": replace(
        TINY,
        data=EVERYTHING,
        stages=tuple(replace(stage, epochs=2) for stage in TINY.stages),
        optimizer=OptimizerSettings(kind="adam", learning_rate=1e-3, warmup=5, clip=5.0),
    ),
    "muon": replace(TINY, stages=tuple(replace(stage, epochs=2) for stage in TINY.stages)),
}
# Muon orthogonalises in bfloat16, which processors round differently.
TOLERANCE = {"adam": 1e-6, "muon": 1e-3}


def _curve(recipe: Recipe, folder: Path) -> list[dict[str, float]]:
    """The lines of the metrics, each without what is no number."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        store = write_store(folder / "store", lengths={"train": [60, 45, 33], "val": [30]})
        limits = Limits(max_steps=STEPS)
        run, _ = train_tiny(folder / "run", store, recipe=recipe, limits=limits)
    finally:
        torch.set_num_threads(threads)
    return [{key: value for key, value in row.items() if key != "split"} for row in run.metrics()]


@pytest.mark.parametrize("name", RECIPES)
def test_twenty_steps_give_the_stored_losses(name: str, tmp_path: Path) -> None:
    rows = _curve(RECIPES[name], tmp_path)
    stored = json.loads(GOLDEN.read_text("utf-8"))[name]
    assert [row["step"] for row in rows] == [row["step"] for row in stored]
    assert rows[-1]["step"] == STEPS
    for row, expected in zip(rows, stored, strict=True):
        assert row.keys() == expected.keys()
        np.testing.assert_allclose(
            list(row.values()), list(expected.values()), rtol=TOLERANCE[name], err_msg=str(row)
        )


if __name__ == "__main__":
    curves = {}
    for each, recipe in RECIPES.items():
        with tempfile.TemporaryDirectory() as folder:
            curves[each] = _curve(recipe, Path(folder))
    GOLDEN.write_text(json.dumps(curves, indent=1) + "\n", "utf-8")
