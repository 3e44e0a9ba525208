"""How far off each joint is to be expected: a small head on weights that can lift."""

from dataclasses import replace

from motionlift.recipes import small
from motionlift.tasks.expected_error import ExpectedError
from motionlift.training.recipe import OptimizerSettings, Stage

RECIPE = replace(
    small.RECIPE,
    name="expected-error",
    summary=(
        "The expected error of each lifted joint, from a head of 8,000 weights on an encoder that "
        "stays as it is; a few minutes. Its deciles must be within 20 % of the true error."
    ),
    task=ExpectedError(),
    model="default",
    data=replace(
        small.RECIPE.data,
        # From no noise at all to twice the published noise: what is expected must hold for both.
        corruption=replace(small.RECIPE.data.corruption, noise_spread=1.0),
    ),
    stages=(Stage(frames=9, stride=18, batch=96, epochs=1),),
    optimizer=OptimizerSettings(
        kind="adamw", learning_rate=3e-3, schedule="linear", weight_decay=0.01, warmup=20
    ),
    validate_every=100,
)
